"""Ship or not: what a run says about each model on each NPU and target, and about all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.measurement import Measurement
from harness.report.run_view import RunView

State = Literal["ship", "stop", "open"]
WORDS = {"ship": "Ship", "stop": "Do not ship", "open": "Not proven"}
ACCEPTANCE_TEST = "test_acceptance"
"""Its failures are said by the thresholds, with both numbers."""
SIMULATED = {Evidence.SIMULATED_OPEN: "the open simulator", Evidence.SIMULATED_FVP: "Arm's FVP"}


@dataclass(frozen=True)
class Decision:
    """`stop`: a test failed or the platform is too small. `open`: no objection, but no proof. `ship`: proved, no objection.

    `reasons` are sentences; the first is the one that decides.
    """

    state: State
    reasons: tuple[str, ...]

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
        or _thresholds(view, case)
        or all(_has_no_npu(view, other) for other in view.cases if (other.model, other.profile) == (case.model, case.profile))
    }


def _has_no_npu(view: RunView, case: CaseKey) -> bool:
    """Whether the target of a case is a CPU for speed: what it cannot prove speaks against nobody."""
    executed = view.table.find(case, "npu_executed_share")
    return executed is not None and executed.unavailable is not None and executed.evidence is Evidence.HOST


def decide_case(view: RunView, case: CaseKey) -> Decision:
    """The decision on one model, NPU and target."""
    stops = [*_failures(view, case), *_thresholds(view, case), *_does_not_fit(view, case)]
    if stops:
        return Decision("stop", tuple(stops))
    doubts = _doubts(view, case)
    return Decision("open", tuple(doubts)) if doubts else Decision("ship", (_proof(view, case),))


def _thresholds(view: RunView, case: CaseKey) -> list[str]:
    """Thresholds of --acceptance that this case does not meet."""
    return [
        f"{row.text} is not met: {row.found}"
        for row in view.run.thresholds
        if not row.met and CaseKey(row.variant, row.build, row.profile, row.target or case.target) == case
    ]


def _failures(view: RunView, case: CaseKey) -> list[str]:
    """Tests of this case that failed."""
    return [
        f"{failure.name} failed: {failure.message}"
        for failure in view.run.failures
        if failure.case == case and (failure.name != ACCEPTANCE_TEST or not view.run.thresholds)
    ]


def _does_not_fit(view: RunView, case: CaseKey) -> list[str]:
    fits = view.table.find(case, "fits")
    return [f"does not fit: {fits.note}"] if fits and fits.value is False else []


def _doubts(view: RunView, case: CaseKey) -> list[str]:
    doubts = []
    executed = view.table.find(case, "npu_executed_share")
    if executed is None or not executed.number:
        why = _reason(executed) or "the run proves nothing of it" if executed else "the run has no figure for it"
        doubts.append(f"no proof that an NPU executed it: {why}")
    found = [view.table.find(case, "map50_95", graph=graph) for graph in ("npu", "int8")]
    if not any(figure and figure.unavailable is None for figure in found):
        reasons = [_reason(figure) for figure in found if figure]
        doubts.append(f"no accuracy: {reasons[-1] if reasons else 'the run measured none'}")
    return doubts


def _reason(figure: Measurement) -> str:
    """Why a figure is missing, "" when it is not."""
    return figure.unavailable.reason if figure.unavailable else ""


def _proof(view: RunView, case: CaseKey) -> str:
    executed = view.table.find(case, "npu_executed_share")
    assert executed
    return f"{executed.value:.0%} of operators executed on {_prover(view, case)}, every test passed"


def _prover(view: RunView, case: CaseKey) -> str:
    """What executed a case."""
    executed = view.table.find(case, "npu_executed_share")
    return SIMULATED.get(executed.evidence, "an NPU") if executed else ""


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
    provers = {_prover(view, case): None for case, decision in decisions.items() if decision.state == "ship"}
    proof = f" Executed on {' and '.join(provers)}." if provers else ""
    return Summary(state, word, _sentence(counts, failed) + proof, tuple(findings))


def _sentence(counts: Counter[State], failed: int) -> str:
    total = sum(counts.values())
    words: tuple[tuple[State, str], ...] = (("ship", "can ship"), ("open", "without proof"), ("stop", "must not ship"))
    parts = [f"{counts[state]} {word}" for state, word in words if counts[state]]
    tests = "no test failed" if not failed else f"{failed} test{'s' if failed > 1 else ''} failed"
    return f"Of {total} combinations of model, NPU and target: {', '.join(parts) or 'none was judged'}; {tests}."
