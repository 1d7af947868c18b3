"""Target specifications to targets: a literal table, so that a name leads to its module by reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from core.errors import UsageError
from targets.target import Target


@dataclass(frozen=True)
class TargetOptions:
    """What the command line says of all targets: threads of CPU targets. `progress` hears what a long run is doing.

    For `fvp`: the engine that was forced ("" for none), the user's own executable or folder, the user's own firmware, and the
    seconds that one start may take. For boards: the `targets_file` that describes them, whether a board's first host key is
    trusted, the folder in which to `record` what they say, and the `journal` folder in which samples are kept as they come.
    """

    threads: int
    progress: Callable[[str], None] = lambda _: None
    fvp_engine: Literal["", "arm", "open"] = ""
    fvp: Path | None = None
    fvp_firmware: Path | None = None
    fvp_seconds: int = 900
    targets_file: Path | None = None
    trust_on_first_use: bool = False
    record: Path | None = None
    journal: Path | None = None


Opener = Callable[[str, TargetOptions], Target]

TARGETS: Mapping[str, tuple[str, str]] = {
    # kind:  (module, function)       how it is written on the command line
    "sim": ("targets.simulator", "open_simulator"),  # sim
    "host": ("targets.host", "open_host"),  # host
    "fvp": ("targets.fvp.target", "open_fvp"),  # fvp, fvp:sse-310
    "ssh": ("targets.ssh_board", "open_ssh"),  # ssh:NAME
    "farm": ("targets.farm", "open_farm"),  # farm:KEY=VALUE,...
    "replay": ("targets.replay", "open_replay"),  # replay:DIR
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


def preferred_vela(spec: str, options: TargetOptions) -> str:
    """The Vela that a board's table asks for, "" for any: a board support package may not take streams of a newer one."""
    kind, _, rest = spec.partition(":")
    if kind != "ssh":
        return ""
    from targets.boards.targets_file import find_board

    return find_board(rest, options.targets_file).vela
