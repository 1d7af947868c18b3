"""Our errors on the command line: their message on stderr and their exit code, never a stack trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click

from core.errors import EthosBenchError
from harness.cli.saying import say

P = ParamSpec("P")


def exits_cleanly(command: Callable[P, None]) -> Callable[P, None]:
    """The command, with EthosBenchError turned into its message and exit code."""

    @wraps(command)
    def guarded(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            command(*arguments, **options)
        except EthosBenchError as error:
            say(f"error: {error}", err=True)
            raise click.exceptions.Exit(error.exit_code) from error

    return guarded
