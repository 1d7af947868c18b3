"""Markdown for a pull request: the decision, the models, and what documents say that was not borne out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.metrics import MISSING
from core.records.case_key import CaseKey
from harness.report.decision import decide_run, decisions
from harness.report.markdown import plain, row, text
from harness.report.run_view import RunView
from harness.report.tables import COLUMNS, Column
from harness.report.terminal import findings, merged, short_profile
from harness.results.stored_run import StoredRun

MARKS = {"ship": "✅", "stop": "❌", "open": "⚠️"}
SHOWN_REASONS = 8


def summary(run: StoredRun) -> dict[str, str]:
    """`summary.md`."""
    view = RunView(run)
    judged = decisions(view)
    decided = decide_run(view, judged, findings(view.table))
    parts = [
        f"## {MARKS[decided.state]} {decided.word}",
        text(decided.sentence),
        _reasons(reason for decision in judged.values() if decision.state != "ship" for reason in decision.reasons),
        _models(view, {case: f"{MARKS[decision.state]} {decision.word}" for case, decision in judged.items()}),
        _claims(run),
        _folded("Findings", [f"- {text(note)}" for note in decided.notes]),
        f"Run `{plain(run.id)}`, commit `{run.header.commit[:12]}`: `{plain(run.header.command)}`",
    ]
    return {"summary.md": "\n\n".join(part for part in parts if part) + "\n"}


def _reasons(reasons: Iterable[str]) -> str:
    unique = list(dict.fromkeys(reasons))
    lines = [f"- {text(reason)}" for reason in unique[:SHOWN_REASONS]]
    return "\n".join([*lines, *([f"- and {len(unique) - SHOWN_REASONS} more"] if len(unique) > SHOWN_REASONS else [])])


def _models(view: RunView, words: Mapping[CaseKey, str]) -> str:
    table = view.table
    used = [column for column in COLUMNS if any(table.at(case, column) for case in view.cases)]
    rows = [_row(["model", "NPU", "target", "", *(_heading(view, column) for column in used)])]
    rows.append(_row(["---"] * 4 + ["--:"] * len(used)))
    for case in view.cases:
        cells = (table.text(case, column) for column in used)
        rows.append(_row([case.model, short_profile(case.profile), case.target, words.get(case, MISSING), *cells]))
    return "\n".join(rows)


def _heading(view: RunView, column: Column) -> str:
    return f"{column.short} ({view.table.evidence(column) or 'no value'})"


def _claims(run: StoredRun) -> str:
    rows = []
    for cells, profiles in merged(run.verdicts).items():
        if cells[-1] not in ("confirmed", "exceeded"):
            rows.append(_row([cells[0], ", ".join(map(short_profile, profiles)), *cells[1:]]))
    if not rows:
        return ""
    head = [_row(["claim", "NPU", "documented", "found", "difference", "evidence", "comparable", "verdict"]), _row(["---"] * 8)]
    good = sum(verdict.outcome in ("confirmed", "exceeded") for verdict in run.verdicts)
    return _folded(f"Claims not borne out ({good} of {len(run.verdicts)} verdicts are confirmed or exceeded)", [*head, *rows])


def _folded(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]) if lines else ""


def _row(cells: Sequence[str]) -> str:
    return row(*cells)
