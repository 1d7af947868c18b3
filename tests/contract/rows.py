"""The targets that the contract is held against: one row each. A new target joins by adding its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from core.records.artefact import Artefact
from core.records.evidence import Evidence
from targets.kinds import TargetOptions
from targets.target import Graph
from tests.boards.session import farm_row, replay_row, replay_spec, ssh_row
from tests.targets.fvp import lane
from tests.targets.gdb import session as gdb

BOARDS = (pytest.mark.boards, pytest.mark.slow)
EMULATED = (*BOARDS, pytest.mark.nightly)
PROFILE = "ethos-u65-256"


def plain() -> TargetOptions:
    """What a command line without options says."""
    return TargetOptions(threads=1)


def unprepared(artefact: Artefact) -> None:
    """Nothing has to be done before a target can run a model."""


def always() -> str:
    """No reason to skip."""
    return ""


@dataclass(frozen=True)
class Row:
    """A target as it is named on the command line.

    `skip` gives the reason why it cannot run here, "" when it can, after making it available if that takes anything.
    `evidence` are the kinds that its figures may have, `graph` the file it runs. `children` says whether its work happens in
    child processes of this machine, which a time-out or Ctrl-C has to end. `options` are those it is opened with, `prepare`
    is told of every model beforehand, `label` is the row's name in test ids where the specification is not unique, and
    `marks` are those of its tests. `instant` is a target that works at no job long enough to be interrupted.
    """

    spec: str
    evidence: frozenset[Evidence]
    graph: Graph
    children: bool
    skip: Callable[[], str] = always
    options: Callable[[], TargetOptions] = plain
    prepare: Callable[[Artefact], None] = unprepared
    label: str = ""
    marks: tuple[Any, ...] = ()
    instant: bool = False


ROWS = (
    Row("sim", frozenset({Evidence.SIMULATED_OPEN}), "npu", children=False),
    Row("host", frozenset({Evidence.HOST}), "int8", children=True),
    Row("ssh:native-test", frozenset({Evidence.HOST}), "npu", children=False, skip=partial(ssh_row, "native"), marks=BOARDS),
    Row("ssh:arm64-test", frozenset({Evidence.HOST}), "npu", children=False, skip=partial(ssh_row, "arm64"), marks=EMULATED),
    Row("farm:board=farm-test", frozenset({Evidence.HOST}), "npu", children=False, skip=farm_row, marks=BOARDS),
    Row(replay_spec(), frozenset({Evidence.HOST}), "npu", children=False, skip=replay_row, label="replay",
        marks=BOARDS, instant=True),
    Row("fvp", frozenset({Evidence.SIMULATED_OPEN}), "npu", children=False, label="fvp-open",
        options=lambda: TargetOptions(threads=1, fvp_engine="open")),
    Row("fvp", frozenset({Evidence.SIMULATED_OPEN}), "npu", children=True, label="fvp-qemu", skip=lane.unusable,
        options=lambda: TargetOptions(threads=1, fvp_engine="qemu"), marks=(pytest.mark.qemu, pytest.mark.slow)),
    Row(f"gdb:{gdb.NAME}", frozenset({Evidence.HOST}), "npu", children=False, skip=partial(gdb.contract_row, PROFILE),
        options=partial(gdb.options, PROFILE, load=False), marks=(pytest.mark.qemu, pytest.mark.slow)),
    # Arm's firmware under QEMU in the place of an FVP: everything but an NPU, and so never simulated-fvp.
    Row("fvp", frozenset({Evidence.HOST}), "npu", children=True, label="fvp-arm-stand-in", skip=lane.unusable,
        options=lambda: lane.contract_options(PROFILE), prepare=lane.keep_model, marks=(pytest.mark.qemu, pytest.mark.slow)),
)  # fmt: skip
