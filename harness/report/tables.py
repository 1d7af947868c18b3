"""Figures as cells of tables: what the terminal, Markdown and the page all show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from core.metrics import ACCURACIES, BY_NAME, ESTIMATES, GRAPHS, INTERVAL, MISSING, Metric, metric_of
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.field_types import Number
from core.records.figure_key import FigureKey
from core.records.measurement import Measurement
from core.records.verdict import Verdict

VELA, OPEN, *BOUNDS = ESTIMATES
WHOLE, PART = "estimated_us", "npu_estimated_us"
HOST_TARGET = "host"
Runner = Literal["", "host", "board", "npu"]
"""What a latency is of: this computer's CPU, the CPU of a board, or an NPU (simulated or real)."""
NPU_EVIDENCE = (Evidence.MEASURED, Evidence.SIMULATED_FVP, Evidence.SIMULATED_OPEN)
STAT_WORDS = {
    "vela": "Vela's", "open": "our", "open_low": "the low end of our", "open_high": "the high end of our",
}  # fmt: skip
GRAPH_WORDS = {"float": "of the float graph", "int8": "of the int8 graph", "npu": "of the target's own outputs"}


@dataclass(frozen=True)
class Column:
    """One figure in a table or a chart: a metric with the stat and the graph that it shows; the metric's row has the words.

    `runner` narrows it to what ran there, `head` is the head of a narrow column where the metric's own would not tell enough.
    """

    metric: str
    stat: str = ""
    graph: str = ""
    runner: Runner = ""
    head: str = field(default="", compare=False)

    @property
    def row(self) -> Metric:
        """The row of the metric."""
        return BY_NAME[self.metric]

    @property
    def figure(self) -> tuple[str, str, str]:
        """(metric, stat, graph)."""
        return self.metric, self.stat, self.graph

    @property
    def short(self) -> str:
        """The head of a narrow column."""
        return self.head or self.row.short or self.graph

    @property
    def title(self) -> str:
        """What it is, in words and without the unit: "median latency", "mAP50-95 of the int8 graph"."""
        of = "" if self.graph == self.row.graph else f" {GRAPH_WORDS[self.graph]}"
        return f"{STAT_WORDS.get(self.stat, self.stat)} {self.row.title}{of}".strip()

    @property
    def headline(self) -> str:
        """The title as the beginning of a line; a name such as "mAP" keeps its own spelling."""
        return self.title if self.title[1:2].isupper() else self.title[:1].upper() + self.title[1:]

    @property
    def heading(self) -> str:
        """The title with the unit."""
        unit = self.row.display.unit
        return f"{self.title}, {unit}" if unit else self.title

    def key(self, case: CaseKey) -> FigureKey:
        """The figure of a case that it shows."""
        return FigureKey(case, *self.figure)


COLUMNS = (
    Column("npu_operator_share"),
    Column("npu_mac_share"),
    Column("operators_cpu"),
    Column("image_size"),
    Column("estimated_us", stat=OPEN, head="NPU ms, estimated"),
    Column("estimated_us", stat=VELA, head="Vela ms"),
    Column("npu_estimated_us", stat=OPEN, head="NPU part ms, estimated"),
    Column("npu_estimated_us", stat=VELA, head="Vela part ms"),
    Column("estimated_speedup_over_base", stat=OPEN, head="x base"),
    Column("estimated_speedup_over_base", stat=VELA, head="x base, Vela"),
    Column("arena_bytes"),
    Column("fits"),
    Column("npu_executed_share"),
    Column("bit_exact_images"),
    Column("latency_us", stat="median", runner="npu", head="NPU ms"),
    Column("latency_us", stat="median", runner="board", head="CPU ms, board"),
    Column("latency_us", stat="median", runner="host", head="CPU ms, this computer"),
    *(
        column
        for metric in ACCURACIES
        for column in (
            *(Column(metric, graph=graph, head="" if metric == ACCURACIES[0] else f"{metric} {graph}") for graph in GRAPHS),
            Column(BY_NAME[metric].drop, graph="int8"),
        )
    ),
)
"""The tables of models, from left to right."""
RULES_COLUMNS = (
    Column("rules_operator_share"),
    Column("rules_mac_share"),
    Column("rules_pieces"),
    Column("rules_functions"),
    Column("rules_function_share"),
)
"""The tables of rule sets."""


def _runner(figure: Measurement) -> Runner:
    """What ran: a latency of this computer's CPU says nothing of an NPU, nor of a board's CPU."""
    if figure.target == HOST_TARGET:
        return "host"
    return "npu" if figure.evidence in NPU_EVIDENCE else "board"


class FigureTable:
    """The figures of a run, looked up by case and metric."""

    def __init__(self, figures: Iterable[Measurement]) -> None:
        self._figures: Mapping[FigureKey, Measurement] = {figure.key: figure for figure in figures}

    def cases(self) -> list[CaseKey]:
        """Every case that could run, in the order of the run."""
        return list(dict.fromkeys(key.case for key in self._figures if not key.case.of_rules))

    def rules_cases(self) -> list[CaseKey]:
        """Every case that a rule set judged: nothing ran there, and it has tables of its own."""
        return list(dict.fromkeys(key.case for key in self._figures if key.case.of_rules))

    def target(self, case: CaseKey) -> str:
        """A case's target, with the engine that ran it where the target has several: "fvp (open)"."""
        own = (figure for key, figure in self._figures.items() if key.case == case)
        engine = next((found for figure in own if (found := figure.identity.options.get("engine"))), "")
        return f"{case.target} ({engine})" if engine else case.target

    def find(self, case: CaseKey, metric: str, stat: str = "", graph: str = "") -> Measurement | None:
        """One figure, or None when the run has none."""
        return self._figures.get(FigureKey(case, metric, stat, graph))

    def at(self, case: CaseKey, column: Column) -> Measurement | None:
        """The figure of a column, or None when the run has none."""
        figure = self._figures.get(column.key(case))
        if figure is None or column.runner not in ("", _runner(figure)):
            return None
        return None if column.metric == PART and self._is_whole(case) else figure

    def _is_whole(self, case: CaseKey) -> bool:
        """Whether the NPU's part of a case is all of it: then its estimate is the whole's, and is shown once."""
        whole = self._figures.get(FigureKey(case, WHOLE, VELA))
        return whole is not None and whole.unavailable is None

    def text(self, case: CaseKey, column: Column) -> str:
        """One cell: the value, or a dash when there is none."""
        figure = self.at(case, column)
        return MISSING if figure is None else column.row.text(figure) + self.interval(figure)

    def interval(self, figure: Measurement) -> str:
        """The interval of one of our estimates, in brackets; "" for any other figure."""
        if figure.stat != OPEN or figure.unavailable:
            return ""
        ends = [self._figures.get(replace(figure.key, stat=end)) for end in INTERVAL]
        texts = [metric_of(figure.metric).text(end) for end in ends if end]
        return f" ({' to '.join(texts)})" if len(texts) == len(INTERVAL) else ""

    def evidence(self, column: Column) -> str:
        """The evidence of a column's figures; several kinds are all named."""
        kinds = {
            str(figure.evidence)
            for key, figure in self._figures.items()
            if key.figure == column.figure and figure.unavailable is None and column.runner in ("", _runner(figure))
        }
        return " / ".join(sorted(kinds))


def outcome_counts(verdicts: Sequence[Verdict]) -> str:
    """How the verdicts fell: confirmed or exceeded, of those that have a figure; "-" without any."""
    judged = [verdict for verdict in verdicts if verdict.outcome not in ("no figure", "not comparable")]
    good = sum(verdict.outcome in ("confirmed", "exceeded") for verdict in judged)
    return f"{good} of {len(judged)}" if judged else MISSING


def amount_text(value: Number | str, unit: str) -> str:
    """A documented or found number in its unit."""
    if isinstance(value, str):
        return value
    if unit == "ratio":
        return f"{100 * value:.1f} %"
    if unit == "bytes":
        return f"{value / 1e6:.2f} MB"
    return f"{value:,.0f}"


def difference_text(verdict: Verdict) -> str:
    """Found minus documented."""
    if verdict.difference is None:
        return MISSING
    if verdict.unit == "ratio":
        return f"{100 * verdict.difference:+.1f} points"
    scaled = amount_text(abs(verdict.difference), verdict.unit)
    return f"{'-' if verdict.difference < 0 else '+'}{scaled}"
