"""What the options say about targets, and what boards say about the session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from core.errors import UsageError
from harness.workbench.options import BenchOptions
from targets.kinds import TargetChoices, TargetOptions, preferred_vela


def target_options(
    options: BenchOptions, journal: Path | None = None, progress: Callable[[str], None] = lambda _: None
) -> TargetOptions:
    """The part of a session's options that its targets see."""
    choices = {one.name: getattr(options, one.name) for one in fields(TargetChoices)}
    return TargetOptions(**choices, progress=progress, journal=journal)


def session_vela(options: BenchOptions) -> str:
    """The Vela that compiles: --vela, else the one that the session's boards ask for; UsageError when they disagree."""
    if options.vela:
        return options.vela
    seen = target_options(options)
    wanted = {spec: preferred_vela(spec, seen) for spec in options.targets}
    if len(set(wanted.values())) > 1:
        said = ", ".join(f"{spec}: {vela or 'the installed one'}" for spec, vela in wanted.items())
        raise UsageError(f"the targets ask for different Velas ({said})", "one Vela in a session", "--vela EXECUTABLE")
    return next(iter(wanted.values()), "")
