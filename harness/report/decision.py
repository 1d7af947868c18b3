"""Ship or not: what a run says about each model on each NPU and target, and about all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.metrics import ACCURACIES
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from harness.acceptance.standing import State as Standing
from harness.acceptance.standing import standings
from harness.report.run_view import RunView

State = Literal["ship", "stop", "open"]
WORDS = {"ship": "Ship", "stop": "Do not ship", "open": "Not proven"}
ACCEPTANCE_TEST = "test_acceptance"
"""Its failures are said by the thresholds, with both numbers."""
SIMULATED = {Evidence.SIMULATED_OPEN: "the open simulator", Evidence.SIMULATED_FVP: "Arm's FVP"}


@dataclass(frozen=True)
class Line:
    """A threshold of a case as the page lists it; `found` holds both numbers, or why there is none."""

    text: str
    state: Standing
    found: str


@dataclass(frozen=True)
class Decision:
    """`stop`: a test failed or a threshold is missed. `open`: none is missed, but a figure is missing. `ship`: all are met.

    `reasons` are sentences; the first is the one that decides. `lines` are the thresholds that decided, with what came of each.
    """

    state: State
    reasons: tuple[str, ...]
    lines: tuple[Line, ...] = ()

    @property
    def word(self) -> str:
        """The state in words."""
        return WORDS[self.state]


def decisions(view: RunView) -> dict[CaseKey, Decision]:
    """Every combination that is judged: a target without an NPU only where none with one is beside it, or it failed."""
    return {
        case: decide_case(view, case)
        for case in view.cases
        if not _has_no_npu(view, case)
        or _failures(view, case)
        or any(line.state == "missed" for line in (_lines(view, case) if view.run.thresholds else ()))
        or all(_has_no_npu(view, other) for other in view.cases if (other.model, other.profile) == (case.model, case.profile))
    }


def _has_no_npu(view: RunView, case: CaseKey) -> bool:
    """Whether the target of a case is a CPU for speed: what it cannot prove speaks against nobody."""
    executed = view.table.find(case, "npu_executed_share")
    return executed is not None and executed.unavailable is not None and executed.evidence is Evidence.HOST


def decide_case(view: RunView, case: CaseKey) -> Decision:
    """The decision on one model, NPU and target: by thresholds only, unless a test failed."""
    lines = tuple(_lines(view, case))
    stops = [*_failures(view, case), *_said(lines, "missed", "is missed")]
    if stops:
        return Decision("stop", tuple(stops), lines)
    doubts = [*_said(lines, "open", "is not proven"), *_doubts(view, case)]
    if not lines:
        doubts.insert(0, "the acceptance file asks nothing of it")
    return Decision("open", tuple(doubts), lines) if doubts else Decision("ship", (_proof(view, case, lines),), lines)


def _said(lines: Sequence[Line], state: str, words: str) -> list[str]:
    """The thresholds that a case stands to like that, in words."""
    return [f"threshold {line.text} {words}: {line.found}" for line in lines if line.state == state]


def _lines(view: RunView, case: CaseKey) -> list[Line]:
    """The thresholds that decide a case: those of --acceptance where the run had them, else the default ones."""
    if view.run.thresholds:
        return [
            Line(row.text, "met" if row.met else "missed", row.found)
            for row in view.run.thresholds
            if CaseKey(row.variant, row.build, row.profile, row.target or case.target) == case
        ]
    return [Line(one.threshold.text, one.state, one.found) for one in standings(case, view.run.figures)]


def _failures(view: RunView, case: CaseKey) -> list[str]:
    """Tests of this case that failed."""
    return [
        f"{failure.name} failed: {failure.message}"
        for failure in view.run.failures
        if failure.case == case and (failure.name != ACCEPTANCE_TEST or not view.run.thresholds)
    ]


def _doubts(view: RunView, case: CaseKey) -> list[str]:
    """What no threshold may have asked for and nothing ships without: an accuracy, which untrained weights have none of."""
    asked = [(metric, graph) for metric in ACCURACIES for graph in ("npu", "int8")]
    found = [figure for metric, graph in asked if (figure := view.table.find(case, metric, graph=graph))]
    if any(figure.unavailable is None for figure in found):
        return []
    reasons = [figure.unavailable.reason for figure in found if figure.unavailable]
    return [f"no accuracy: {reasons[-1] if reasons else 'the run measured none'}"]


def _proof(view: RunView, case: CaseKey, lines: Sequence[Line]) -> str:
    prover = _prover(view, case)
    return f"all {len(lines)} thresholds are met{f', executed on {prover}' if prover else ''}"


def _prover(view: RunView, case: CaseKey) -> str:
    """What executed a case; "" where the run does not prove that an NPU did."""
    executed = view.table.find(case, "npu_executed_share")
    return SIMULATED.get(executed.evidence, "an NPU") if executed and executed.number else ""


@dataclass(frozen=True)
class Summary:
    """The headline of a run: its state, one sentence, and further sentences that a release manager has to know."""

    state: State
    word: str
    sentence: str
    notes: tuple[str, ...]


def decide_run(view: RunView, decisions: dict[CaseKey, Decision], findings: Sequence[str]) -> Summary:
    """One decision over all cases; a run with a failed test is stopped, whatever else passed."""
    counts = Counter(decision.state for decision in decisions.values())
    failed = len(view.run.failures)
    state: State = "open"
    if failed or not (counts["open"] or counts["ship"]):
        state = "stop"
    elif counts["ship"]:
        state = "ship"
    word = "Ship some" if state == "ship" and counts["stop"] + counts["open"] else WORDS[state]
    shipped = [case for case, decision in decisions.items() if decision.state == "ship"]
    provers = {prover: None for case in shipped if (prover := _prover(view, case))}
    proof = f" Executed on {' and '.join(provers)}." if provers else ""
    return Summary(state, word, _sentence(counts, failed) + proof, tuple(findings))


def _sentence(counts: Counter[State], failed: int) -> str:
    total = sum(counts.values())
    words: tuple[tuple[State, str], ...] = (("ship", "can ship"), ("open", "without proof"), ("stop", "must not ship"))
    parts = [f"{counts[state]} {word}" for state, word in words if counts[state]]
    tests = "no test failed" if not failed else f"{failed} test{'s' if failed > 1 else ''} failed"
    cases = f"{total} combination{'s' * (total != 1)} of model, NPU and target"
    return f"Of {cases}: {', '.join(parts) or 'none was judged'}; {tests}."
