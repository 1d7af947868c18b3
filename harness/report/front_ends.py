"""The front ends of a run side by side: what each made of the same checkpoint for the same NPU (executorch #17157)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich import box
from rich.markup import escape
from rich.table import Table

from core.metrics import ACCURACIES, MISSING
from core.records.case_key import CaseKey
from core.records.placement import Placement
from core.records.unavailable import Unavailable
from harness.report.tables import OPEN, VELA, WHOLE, Column, FigureTable
from harness.results.stored_run import StoredRun

TURNED = "TRANSPOSE"
LAYOUT_WORDS = {"nchw": "contiguous", "nhwc": "channels_last"}
HEAD = (
    "model", "NPU", "front end", "Vela ms", "our ms", "executed", "operations", "transposes", "arena MiB", "flash MiB",
    "accuracy, NPU", "accuracy, int8", "bytes equal",
)  # fmt: skip
EVIDENCE = (
    "ms, transposes: estimated (transposes by Vela's cycles); executed (source operators), operations (of the NPU's stream), "
    "arena, flash: compiled; accuracy, NPU and bytes: the run's; accuracy, int8: host"
)


@dataclass(frozen=True)
class FrontEndRow:
    """One model by one front end on one NPU: a text for each column of HEAD."""

    case: CaseKey
    cells: tuple[str, ...]


def front_end_rows(run: StoredRun, table: FigureTable) -> list[FrontEndRow]:
    """A row for each build of the models that a run has by more than one front end; none where there is one only."""
    groups: dict[tuple[str, str, str], list[CaseKey]] = {}
    for case in table.cases():
        groups.setdefault((case.variant, case.profile, case.target), []).append(case)
    several = [cases for cases in groups.values() if len({front_end(case) for case in cases}) > 1]
    return [FrontEndRow(case, _cells(run, table, case)) for cases in several for case in cases]


def front_end(case: CaseKey) -> str:
    """The front end of a case in words, with the memory format where it has one."""
    layout = case.choices.get("layout")
    return f"ExecuTorch, {LAYOUT_WORDS.get(layout, layout)}" if layout else "TFLite"


def front_end_table(rows: Iterable[FrontEndRow]) -> Table:
    """The rows for a terminal."""
    shown = Table(
        box=box.SIMPLE_HEAD, title="Front ends side by side", caption=EVIDENCE,
        title_justify="left", caption_justify="left", pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for position, heading in enumerate(HEAD):
        shown.add_column(heading, justify="left" if position < 3 else "right", no_wrap=True)
    for row in rows:
        shown.add_row(*map(escape, row.cells))
    return shown


def _cells(run: StoredRun, table: FigureTable, case: CaseKey) -> tuple[str, ...]:
    placement = run.placement(case.model, case.profile)
    asked = next((name for name in ACCURACIES if table.find(case, name, graph="npu")), ACCURACIES[0])
    before = (Column(WHOLE, stat=VELA), Column(WHOLE, stat=OPEN), Column("operators_executed"), Column("npu_operations"))
    after = (
        Column("arena_bytes"), Column("flash_bytes"),
        Column(asked, graph="npu"), Column(asked, graph="int8"), Column("bit_exact_images"),
    )  # fmt: skip
    first, last = ([table.text(case, column) for column in columns] for columns in (before, after))
    return (case.variant, case.profile, front_end(case), *first, _turned(placement), *last)


def _turned(placement: Placement | None) -> str:
    """The transposes and their share of Vela's cycles: "7, 12.3 %"."""
    if placement is None:
        return MISSING
    own = [one for one in placement.operators if one.operator.upper() == TURNED]
    cycles = [0 if isinstance(one.npu_cycles, Unavailable) else one.npu_cycles for one in placement.operators]
    total = sum(cycles)
    of_own = sum(0 if isinstance(one.npu_cycles, Unavailable) else one.npu_cycles for one in own)
    return f"{len(own)}, {100 * of_own / total:.1f} %" if total else str(len(own))
