"""Target specifications to targets: a literal table, so that a name leads to its class by reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path

from core.errors import UsageError
from core.option_fields import option
from core.progress import Progress
from targets.boards.options import BoardOptions
from targets.fvp.options import FvpOptions
from targets.target import Target


@dataclass(frozen=True, kw_only=True)
class TargetChoices(FvpOptions, BoardOptions):
    """What the command line says of targets: the options of each kind, which lie beside it, and those of several."""

    threads: int = option("--threads", "threads of CPU targets", 2, metavar="N", least=1)


@dataclass(frozen=True, kw_only=True)
class TargetOptions(TargetChoices):
    """What a target is opened with: the choices, and what the session adds.

    `progress` hears what a long run is doing; samples of boards are kept in the folder `journal` as they come.
    """

    progress: Progress = lambda _: None
    journal: Path | None = None

    @classmethod
    def of(cls, choices: TargetChoices, progress: Progress = lambda _: None, journal: Path | None = None) -> TargetOptions:
        """The options that hold these choices; `choices` may hold more."""
        kept = {one.name: getattr(choices, one.name) for one in fields(TargetChoices)}
        return cls(**kept, progress=progress, journal=journal)


@dataclass(frozen=True)
class Kind:
    """Where a kind of target is: its module, imported only when named, and the class there; and how users write it."""

    module: str
    target: str
    written: str


TARGETS: Mapping[str, Kind] = {
    "sim": Kind("targets.simulator", "Simulator", "`sim` (built-in simulator, bit-exact)"),
    "host": Kind("targets.host", "Host", "`host` (this CPU, the reference for speed)"),
    "fvp": Kind("targets.fvp.target", "Fvp", "`fvp` or `fvp:sse-310` (a Corstone: [guide](../guides/fvp.md))"),
    "ssh": Kind("targets.ssh_board", "SshBoard", "`ssh:NAME`"),
    "farm": Kind("targets.farm", "Farm", "`farm:KEY=VALUE,...` ([guide](../guides/farm.md))"),
    "gdb": Kind(
        "targets.gdb.target", "GdbTarget", "`gdb:NAME` (bare metal behind a GDB server: [guide](../guides/bare-metal.md))"
    ),
    "replay": Kind("targets.replay", "Replay", "`replay:DIR`"),
}


def target_class(spec: str) -> type[Target]:
    """The class of the target that `spec` names, such as "host"; UsageError when no such kind exists."""
    kind = spec.partition(":")[0]
    if kind not in TARGETS:
        raise UsageError(f"unknown target `{spec}`", f"one of {', '.join(TARGETS)}", "ethos-bench run --target sim")
    found: type[Target] = getattr(import_module(TARGETS[kind].module), TARGETS[kind].target)
    return found


def open_target(spec: str, options: TargetOptions) -> Target:
    """The target that `spec` names, not entered yet; UsageError when there is none of this name."""
    return target_class(spec).from_spec(spec.partition(":")[2], options)


def preferred_vela(spec: str, options: TargetOptions) -> str:
    """The Vela that a target asks for, "" for any."""
    return target_class(spec).preferred_vela(spec.partition(":")[2], options)
