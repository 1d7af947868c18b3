"""What a page shows: the nouns of its template, and what its script reads out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.records.failure import Failure
from harness.report.decision import Decision, Summary
from harness.report.front_ends import FrontEndRow
from harness.report.html.claim_rows import RulesRow, VerdictRow
from harness.report.html.exhibits import FigureCell
from harness.report.html.history_events import Event
from harness.report.html.network import Network
from harness.report.html.pictures import Picture
from harness.report.html.vega import Chart
from harness.report.past import Past
from harness.report.run_view import Model
from harness.results.results_file import RunHeader


@dataclass(frozen=True)
class CaseSummary:
    """One model on one NPU and target in the table of the first screen.

    `estimate` with its `interval`, Vela's beside; `of_part`: of the NPU's part alone, since operators are on the CPU.
    """

    decision: Decision
    estimate: FigureCell
    interval: str
    vela: FigureCell
    of_part: bool


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One name in the table of the first screen, with the figures that do not depend on the NPU."""

    name: str
    twin: str
    cells: tuple[CaseSummary, ...]
    offload: FigureCell
    accuracy: FigureCell
    drop: FigureCell


@dataclass(frozen=True, kw_only=True)
class MemoryNeed:
    """What a model needs in one memory: `share` of the larger of need and budget, `limit` where the budget lies, in percent."""

    area: str
    need: FigureCell
    budget: FigureCell
    share: float
    limit: float
    fits: bool


@dataclass(frozen=True)
class ThresholdRow:
    """A threshold that decided, the cases that it was held against with the same outcome, and what was found."""

    text: str
    model: str
    profile: str
    target: str
    state: str
    found: str


StatsRow = tuple[str, str, list[FigureCell]]


@dataclass(frozen=True)
class TargetStats:
    """A target's latencies: a row per model (its name, what the samples' record notes, figures), or `why` there are none.

    `beside`: a CPU stands beside its NPU. A target that ran one file for all NPUs has one row per model.
    """

    target: str
    beside: bool
    why: str
    rows: list[StatsRow]


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """Everything that the template shows of a run and its past."""

    run: RunHeader
    summary: Summary
    places: Sequence[tuple[str, str]]
    rows: Sequence[ModelRow]
    reasons: Sequence[tuple[str, str, list[str]]]
    claims: Sequence[Chart]
    verdicts: Mapping[str, Sequence[VerdictRow]]
    rules: Sequence[RulesRow]
    front_ends: Sequence[FrontEndRow]
    front_end_head: Sequence[str]
    front_end_evidence: str
    models: Sequence[Model]
    networks: Mapping[str, Sequence[Network]]
    tabs: Sequence[str]
    memory: Mapping[str, Sequence[tuple[str, list[MemoryNeed]]]]
    latency: Sequence[Chart]
    stats: Sequence[TargetStats]
    trades: Sequence[Chart]
    accuracy: Sequence[Chart]
    classes: Sequence[Chart]
    confusions: Sequence[Chart]
    accuracy_title: str
    class_title: str
    pictures: Sequence[Picture]
    boxes: bool
    dataset: str
    failures: Sequence[Failure]
    thresholds: Sequence[ThresholdRow]
    own_thresholds: bool
    badges: Mapping[str, tuple[str, str]]
    history: Sequence[Chart]
    events: Sequence[Event]
    past: Past | None
    unchanged: Sequence[str]
    most_events: int


@dataclass(frozen=True, kw_only=True)
class ScriptData:
    """What the page's script reads out: where figures come from, and what each operator costs; JSON values."""

    run: Mapping[str, str | bool]
    figures: Sequence[Sequence[object]]
    identities: Sequence[object]
    evidence: Mapping[str, str]
    networks: Mapping[str, Mapping[str, Sequence[object]]]
