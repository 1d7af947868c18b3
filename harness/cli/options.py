"""Options of commands that a session has too: made from the same declaration."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from core.option_fields import option_of, options_of
from harness.workbench.options import BenchOptions

F = TypeVar("F", bound=Callable[..., Any])


def declared(declaring: type, field: str, **changes: Any) -> Callable[[F], F]:
    """The click option of a dataclass's field, as a parameter of the field's name; `changes` are what differs here."""
    one = option_of(declaring, field)
    kinds: dict[type, Any] = {Path: click.Path(path_type=Path)}
    settings: dict[str, Any] = {"help": f"{one.plain_help[0].upper()}{one.plain_help[1:]}."}
    if one.kind is bool:
        settings["is_flag"] = True
    else:
        settings |= {
            "type": click.Choice(one.choices) if one.choices else kinds.get(one.kind, one.kind),
            "metavar": None if one.choices else one.metavar,
            "default": one.default,
            "multiple": one.repeatable,
            "show_default": one.default not in (None, "", ()),
        }
    return click.option(one.declared.flag, field, **settings | changes)


def gathered(group: type[Any], parameter: str) -> Callable[[F], F]:
    """All click options of a dataclass, which the command gets whole as one parameter."""
    members = options_of(group)

    def decorate(command: F) -> F:
        @wraps(command)
        def gathering(*arguments: Any, **given: Any) -> Any:
            made = group(**{one.field: given.pop(one.field) for one in members})
            return command(*arguments, **given, **{parameter: made})

        for one in reversed(members):
            declared(group, one.field)(gathering)
        return cast("F", gathering)

    return decorate


image_size_option = declared(
    BenchOptions, "image_size", type=int, metavar="N", help="Image size in pixels (default: the checkpoint's own)."
)
"""For commands that convert at one size: it can't be `auto`."""
