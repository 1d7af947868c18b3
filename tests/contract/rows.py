"""The targets that the contract is held against: one row each. A new target joins by adding its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from harness.records.evidence import Evidence
from targets.target import Graph
from tests.boards.session import farm_row, replay_row, replay_spec, ssh_row

BOARDS = ("boards", "slow")
EMULATED = (*BOARDS, "nightly")


def always() -> str:
    """No reason to skip."""
    return ""


@dataclass(frozen=True)
class Row:
    """A target as it is named on the command line.

    `skip` gives the reason why it cannot run here, "" when it can, after making it available if that takes anything.
    `evidence` are the kinds that its figures may have, `graph` the file it runs. `children` says whether its work happens in
    child processes of this machine, which a time-out or Ctrl-C has to end. `marks` are pytest's,
    `instant` is a target that works at no job long enough to be interrupted.
    """

    spec: str
    evidence: frozenset[Evidence]
    graph: Graph
    children: bool
    skip: Callable[[], str] = always
    marks: tuple[str, ...] = ()
    instant: bool = False


ROWS = (
    Row("host", frozenset({Evidence.HOST}), "int8", children=True),
    Row("ssh:native-test", frozenset({Evidence.HOST}), "npu", children=False, skip=partial(ssh_row, "native"), marks=BOARDS),
    Row("ssh:arm64-test", frozenset({Evidence.HOST}), "npu", children=False, skip=partial(ssh_row, "arm64"), marks=EMULATED),
    Row("farm:board=farm-test", frozenset({Evidence.HOST}), "npu", children=False, skip=farm_row, marks=BOARDS),
    Row(replay_spec(), frozenset({Evidence.HOST}), "npu", children=False, skip=replay_row, marks=BOARDS, instant=True),
)  # fmt: skip
