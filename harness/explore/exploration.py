"""An exploration: cells, each one model made one way for one NPU, with its figures or the reason why it has none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal

from core.cache import key_of
from core.metrics import BY_NAME
from core.records.evidence import Evidence
from core.records.field_types import FILE_RECORD, Graph, MetricName
from core.records.measurement import Measurement, Value
from core.records.unavailable import Unavailable

Weights = Literal["trained", "seeded", "unknown"]
"""`unknown` is a file of the user's: nothing in a file says how its weights came about."""
FrontEnd = Literal["tflite", "executorch"]


@dataclass(frozen=True, kw_only=True)
class CellKey:
    """What a cell is of.

    `image_size` is the side of the images in pixels, 0 for a quantised file, which has its own. `memory` is our cycle model's,
    "" for the profile's; `layout` is ExecuTorch's; `vela_options` is what was added to Vela's command line.
    """

    __pydantic_config__ = FILE_RECORD

    model: str
    npu: str
    memory: str = ""
    vela: str = ""
    image_size: int = 0
    recipe: str = ""
    frontend: FrontEnd = "tflite"
    layout: str = ""
    vela_options: str = ""

    @property
    def name(self) -> str:
        """The cell in one line: `level3_relu 320px full-range, ethos-u65-256, Vela 5.2.0`."""
        return ", ".join(part for part in (self.row, self.npu, f"Vela {self.vela}" if self.vela else "", self.memory) if part)

    @property
    def row(self) -> str:
        """What stands in front of a row of NPUs: the model with what was chosen for it."""
        size = f"{self.image_size}px" if self.image_size else ""
        chosen = (self.model, size, self.recipe, self.frontend.removeprefix("tflite"), self.layout, self.vela_options)
        return " ".join(part for part in chosen if part)

    @property
    def digest(self) -> str:
        """A short digest of all that was chosen: the cell's address in a page. A field that comes later leaves it as it is."""
        return key_of({one.name: value for one in fields(self) if (value := getattr(self, one.name)) != one.default})[:12]


@dataclass(frozen=True, kw_only=True)
class FigureKind:
    """What a figure is of: a row of core/metrics.py, its `stat` and `graph`, and its evidence."""

    __pydantic_config__ = FILE_RECORD

    metric: MetricName
    evidence: Evidence
    stat: str = ""
    graph: Graph | Literal[""] = ""
    note: str = ""

    def with_value(self, value: Value) -> Figure:
        """A figure of this kind."""
        return Figure(**vars(self), value=value)


@dataclass(frozen=True, kw_only=True)
class Figure(FigureKind):
    """One figure of a cell."""

    value: Value

    @property
    def kind(self) -> FigureKind:
        """What it is of, without its value."""
        return FigureKind(**{one.name: getattr(self, one.name) for one in fields(FigureKind)})

    @property
    def unit(self) -> str:
        """The unit of the metric's row."""
        return BY_NAME[self.metric].unit

    @classmethod
    def of(cls, record: Measurement) -> Figure:
        """A record without the case and the identity that all figures of a cell share."""
        return cls(
            metric=record.metric, value=record.value, evidence=record.evidence, stat=record.stat, graph=record.graph,
            note=record.note,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell with its figures; `failed` is why there are none, `seconds` what computing it took by itself.

    `identity` says what was computed: fingerprints of the int8 file, of the compiled one and of the profile.
    """

    __pydantic_config__ = FILE_RECORD

    key: CellKey
    weights: Weights
    figures: tuple[Figure, ...] = ()
    failed: str = ""
    seconds: float = 0.0
    identity: dict[str, str]

    def value(self, metric: str, stat: str = "", graph: str = "") -> Value:
        """A figure's value; Unavailable with the cell's own reason, or for a figure that it does not have."""
        for figure in self.figures:
            if (figure.metric, figure.stat, figure.graph) == (metric, stat, graph):
                return figure.value
        return Unavailable(self.failed or f"no {metric} was asked for")

    def number(self, metric: str, stat: str = "", graph: str = "") -> float | None:
        """A figure that is a number; None where there is none."""
        value = self.value(metric, stat, graph)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """Every cell that was asked for, in the order of the question; `made` is ISO 8601 UTC, `versions` package -> version."""

    __pydantic_config__ = FILE_RECORD

    made: str
    command: str
    versions: dict[str, str]
    cells: tuple[Cell, ...]

    def to_csv(self) -> str:
        """A table with a row per cell: the key's fields, why it failed, and a column per figure; empty where there is none."""
        columns = list(dict.fromkeys(_column(figure) for cell in self.cells for figure in cell.figures))
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow([*CellKey.__dataclass_fields__, "weights", "failed", "seconds", *columns])
        for cell in self.cells:
            has = {_column(figure): figure.value for figure in cell.figures}
            shown = ["" if isinstance(value := has.get(column, ""), Unavailable) else value for column in columns]
            table.writerow([*asdict(cell.key).values(), cell.weights, cell.failed, round(cell.seconds, 3), *shown])
        return text.getvalue()


def joined(parts: Iterable[Exploration]) -> Exploration:
    """Several explorations as one, made when the last one was; of a cell that several have, the newest counts."""
    ordered = sorted(parts, key=lambda one: one.made)
    cells = {cell.key: cell for one in ordered for cell in one.cells}
    last = ordered[-1]
    return Exploration(
        made=last.made,
        command=" ; ".join(dict.fromkeys(one.command for one in ordered)),
        versions=last.versions,
        cells=tuple(cells.values()),
    )


def _column(figure: Figure) -> str:
    return ".".join(part for part in (figure.metric, figure.stat, figure.graph) if part)
