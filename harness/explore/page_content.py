"""What the page of an exploration shows: its columns, its cells with their figures as text, and what its script reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from core.metrics import BY_NAME
from core.records.unavailable import Unavailable
from harness.explore import front
from harness.explore.answer_words import row_names, told
from harness.explore.exploration import Cell, Exploration, Figure
from harness.report.html.exhibits import NO_VALUE

Name = tuple[str, str, str]
"""Metric, stat and graph."""
SHOWN: tuple[tuple[Name, str], ...] = (
    (("estimated_us", "open", ""), "estimate, ours"),
    (("estimated_us", "vela", ""), "estimate, Vela's"),
    (("npu_estimated_us", "open", ""), "NPU's part, ours"),
    (("npu_estimated_us", "vela", ""), "NPU's part, Vela's"),
    (("arena_bytes", "", ""), "arena"),
    (("memory_bytes", "sram", ""), "SRAM"),
    (("flash_bytes", "", ""), "flash"),
    (("npu_operator_share", "", ""), "operators on the NPU"),
    (("npu_mac_share", "", ""), "MACs on the NPU"),
    (("operators_cpu", "", ""), "operators on the CPU"),
    (("fits", "", ""), "fits"),
    (("bit_exact", "", ""), "bytes"),
    (("map50_95", "", "int8"), "mAP50-95, int8"),
    (("map50_95", "", "npu"), "mAP50-95, on the NPU"),
    (("map50_95_drop", "", "int8"), "int8 costs"),
    (("top1", "", "int8"), "top-1, int8"),
    (("top1", "", "npu"), "top-1, on the NPU"),
    (("macs", "", ""), "MACs"),
)
"""The columns, in their order; those that no cell has are left out."""
SMALL_FORM, SMALL = ".2f", 0.1


@dataclass(frozen=True, kw_only=True)
class Column:
    """A figure that can be chosen: `key` names it in links, `scale` and `unit` are those it is shown in."""

    key: str
    title: str
    unit: str
    scale: float
    better: str
    meaning: str


@dataclass(frozen=True)
class Shown:
    """A figure of a cell: as a number to sort by, as text, its evidence, and its note or the reason why it has no value."""

    number: float | None
    text: str
    evidence: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ShownCell:
    """A cell: `row` and `npu` are its place in the heat map, `cost` how dear its NPU is, `interval` that of our estimate.

    `figures` has one for each column, None where the cell has no such figure; `of` is where it comes from, in words.
    `told` is the cell in words; `goals` are latency, mAP, SRAM and flash, `fits` whether the platform has the memory.
    """

    key: str
    row: str
    npu: str
    weights: str
    failed: str
    cost: tuple[int, int]
    interval: tuple[float, float] | None
    figures: tuple[Shown | None, ...]
    of: dict[str, str]
    told: str
    goals: tuple[float | None, ...] = field(repr=False)
    fits: bool | None


@dataclass(frozen=True)
class ForScript:
    """What the page's script reads: JSON values. Figures are lists of number, text, evidence and the place of their note.

    `limits` stand in the order of a cell's goals.
    """

    columns: Sequence[Column]
    cells: Sequence[Mapping[str, object]]
    notes: Sequence[str]
    limits: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class ExplorationContent:
    """Everything that the template shows."""

    columns: Sequence[Column]
    cells: Sequence[ShownCell]
    rows: Sequence[str]
    npus: Sequence[str]
    evidence: Sequence[str]

    def for_script(self, limits: front.Limits) -> ForScript:
        """What the page's script reads, every text that repeats once."""
        notes: dict[str, int] = {}

        def short(shown: Shown | None) -> list[object] | None:
            if shown is None:
                return None
            return [shown.number, shown.text, shown.evidence, notes.setdefault(shown.note, len(notes))]

        cells = [{**asdict(cell), "figures": [short(shown) for shown in cell.figures]} for cell in self.cells]
        given = (limits.latency_us, limits.map50_95, limits.sram_bytes, limits.flash_bytes)
        return ForScript(self.columns, cells, list(notes), given)


def content_of(exploration: Exploration) -> ExplorationContent:
    """What a page shows of an exploration."""
    cells = exploration.cells
    names = [(name, title) for name, title in SHOWN if any(_figure(cell, name) for cell in cells)]
    rows = row_names(cells)
    shown = [_shown(cell, [name for name, _ in names], rows[cell.key]) for cell in cells]
    costs = {npu: min(cell.cost for cell in shown if cell.npu == npu) for npu in {cell.npu for cell in shown}}
    return ExplorationContent(
        columns=[_column(name, title) for name, title in names],
        cells=shown,
        rows=list(dict.fromkeys(cell.row for cell in shown)),
        npus=sorted(costs, key=lambda npu: (costs[npu], npu)),
        evidence=_evidence(figure for cell in cells for figure in cell.figures),
    )


def _shown(cell: Cell, names: Sequence[Name], row: str) -> ShownCell:
    key = cell.key
    of = {"weights": cell.weights, **({"Vela": key.vela} if key.vela else {}), **cell.identity}
    return ShownCell(
        key=key.digest,
        row=row,
        npu=key.npu,
        weights=cell.weights,
        failed=cell.failed,
        cost=front.cost(cell),
        interval=front.latency_interval(cell),
        figures=tuple(_text(_figure(cell, name)) for name in names),
        of=of,
        told=told(cell, row),
        goals=(front.latency_us(cell), front.map50_95(cell), front.sram_bytes(cell), front.flash_bytes(cell)),
        fits=fits if isinstance(fits := cell.value("fits"), bool) else None,
    )


def _figure(cell: Cell, name: Name) -> Figure | None:
    return next((one for one in cell.figures if (one.metric, one.stat, one.graph) == name), None)


def _text(figure: Figure | None) -> Shown | None:
    if figure is None:
        return None
    value = figure.value
    if isinstance(value, Unavailable):
        return Shown(None, NO_VALUE, str(figure.evidence), value.reason)
    if isinstance(value, str):
        return Shown(None, value, str(figure.evidence), figure.note)
    return Shown(float(value), _written(figure, float(value)), str(figure.evidence), figure.note)


def _written(figure: Figure, value: float) -> str:
    """A number as its metric is displayed; what would be rounded to nothing with two digits that count."""
    display = BY_NAME[figure.metric].display
    scaled = value * display.scale
    if display.form == SMALL_FORM and 0 < abs(scaled) < SMALL:
        return f"{scaled:.2g}"
    return display.text(figure.value)


def _column(name: Name, title: str) -> Column:
    row = BY_NAME[name[0]]
    return Column(
        key=".".join(part for part in name if part),
        title=title,
        unit=row.display.unit,
        scale=row.display.scale,
        better=row.better,
        meaning=row.meaning,
    )


def _evidence(figures: Iterable[Figure]) -> list[str]:
    return sorted({str(figure.evidence) for figure in figures})
