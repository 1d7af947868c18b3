"""Target specifications to targets: a literal table, so that a name leads to its module by reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from harness.errors import UsageError
from targets.target import Target


@dataclass(frozen=True)
class TargetOptions:
    """What the command line says of all targets: threads of CPU targets. `progress` hears what a long run is doing.

    For `fvp`: the engine that was forced ("" for none), the user's own executable or folder, the user's own firmware, and the
    seconds that one start may take.
    """

    threads: int
    progress: Callable[[str], None] = lambda _: None
    fvp_engine: Literal["", "arm", "open"] = ""
    fvp: Path | None = None
    fvp_firmware: Path | None = None
    fvp_seconds: int = 900


Opener = Callable[[str, TargetOptions], Target]

TARGETS: Mapping[str, tuple[str, str]] = {
    # kind:  (module, function)       how it is written on the command line
    "sim": ("targets.simulator", "open_simulator"),  # sim
    "host": ("targets.host", "open_host"),  # host
    "fvp": ("targets.fvp.target", "open_fvp"),  # fvp, fvp:sse-310
}
"""Imported only when named, so that a target's library is needed by its users alone."""


def open_target(spec: str, options: TargetOptions) -> Target:
    """The target that `spec` names, such as "host"; UsageError when no such kind exists."""
    kind, _, rest = spec.partition(":")
    if kind not in TARGETS:
        raise UsageError(f"unknown target `{spec}`", f"one of {', '.join(TARGETS)}", "pytest benchmarks/ --target sim")
    module, function = TARGETS[kind]
    opener: Opener = getattr(import_module(module), function)
    return opener(rest, options)
