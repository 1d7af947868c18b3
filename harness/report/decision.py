"""Ship or not: what a run says about each model on each NPU and target, and about all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.report.run_view import Case, RunView

State = Literal["ship", "stop", "open"]
WORDS = {"ship": "Ship", "stop": "Do not ship", "open": "Not proven"}
ACCEPTANCE_TEST = "test_acceptance"
"""Its failures are said by the thresholds, with both numbers."""
SIMULATED = {"simulated-open": "the open simulator", "simulated-fvp": "Arm's FVP"}


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


def decisions(view: RunView) -> dict[Case, Decision]:
    """Every combination that is judged: a target without an NPU only where none with one is beside it, or it failed."""
    return {
        case: decide_case(view, case)
        for case in view.cases
        if not _has_no_npu(view, case)
        or _failures(view, case)
        or _thresholds(view, case)
        or all(_has_no_npu(view, other) for other in view.cases if other[:2] == case[:2])
    }


def _has_no_npu(view: RunView, case: Case) -> bool:
    """Whether the target of a case is a CPU for speed: what it cannot prove speaks against nobody."""
    executed = view.table.find(case, "npu_executed_share")
    return executed is not None and "value" not in executed and executed["evidence"] == "host"


def decide_case(view: RunView, case: Case) -> Decision:
    """The decision on one model, NPU and target."""
    stops = [*_failures(view, case), *_thresholds(view, case), *_does_not_fit(view, case)]
    if stops:
        return Decision("stop", tuple(stops))
    doubts = _doubts(view, case)
    return Decision("open", tuple(doubts)) if doubts else Decision("ship", (_proof(view, case),))


def _thresholds(view: RunView, case: Case) -> list[str]:
    """Thresholds of --acceptance that this case does not meet."""
    return [
        f"{row['text']} is not met: {row['found']}"
        for row in view.run.thresholds
        if not row["met"] and (row["variant"], row["profile"], row.get("target") or case[2]) == case
    ]


def _failures(view: RunView, case: Case) -> list[str]:
    """Tests of this case that failed; a test's id carries its case in brackets."""
    return [
        f"{name} failed: {failure['message']}"
        for failure in view.run.failures
        if "-".join(case) in failure["test"]
        and ((name := test_name(failure["test"])) != ACCEPTANCE_TEST or not view.run.thresholds)
    ]


def _does_not_fit(view: RunView, case: Case) -> list[str]:
    fits = view.table.find(case, "fits")
    return [f"does not fit: {fits.get('note', '')}"] if fits and fits.get("value") is False else []


def _doubts(view: RunView, case: Case) -> list[str]:
    doubts = []
    executed = view.table.find(case, "npu_executed_share")
    if executed is None or not executed.get("value"):
        why = executed.get("unavailable", "the run proves nothing of it") if executed else "the run has no figure for it"
        doubts.append(f"no proof that an NPU executed it: {why}")
    found = [view.table.find(case, "map50_95", graph=graph) for graph in ("npu", "int8")]
    if not any(record and "value" in record for record in found):
        reasons = [record["unavailable"] for record in found if record]
        doubts.append(f"no accuracy: {reasons[-1] if reasons else 'the run measured none'}")
    return doubts


def _proof(view: RunView, case: Case) -> str:
    executed = view.table.find(case, "npu_executed_share")
    assert executed
    return f"{executed['value']:.0%} of operators executed on {_prover(view, case)}, every test passed"


def _prover(view: RunView, case: Case) -> str:
    """What executed a case."""
    executed = view.table.find(case, "npu_executed_share")
    return SIMULATED.get(executed["evidence"], "an NPU") if executed else ""


def test_name(test: str) -> str:
    """A test's function, from its id."""
    return test.rpartition("::")[2].partition("[")[0]


@dataclass(frozen=True)
class Summary:
    """The headline of a run: its state, one sentence, and further sentences that a release manager has to know."""

    state: State
    word: str
    sentence: str
    notes: tuple[str, ...]


def decide_run(view: RunView, decisions: dict[Case, Decision], findings: Sequence[str]) -> Summary:
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
