"""The claims as rows of a table, with all hardware that judged a claim together; and what the rules say of each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.records.measurement import Measurement
from core.records.verdict import Verdict
from harness.report.html.exhibits import NOTHING, Exhibits, FigureCell
from harness.report.run_view import RunView
from harness.report.terminal import merged, short_profile

BAD = ("refuted", "fell short", "no figure")


@dataclass(frozen=True, kw_only=True)
class VerdictRow:
    """A verdict in words, with the NPUs that it holds for and the figure it was given on.

    `provenance` says where the documented figure comes from, `caveat` why an agreement is no proof.
    """

    claim: str
    text: str
    document: str
    why: str
    evidence: str
    comparability: str
    where: str
    documented: str
    found: str
    difference: str
    outcome: str
    figure: FigureCell
    provenance: str
    caveat: str


@dataclass(frozen=True, kw_only=True)
class RulesRow:
    """What one rule set takes of one model: operators, MACs and pieces, with what was refused and what SPLITs would change."""

    model: str
    profile: str
    operators: FigureCell
    macs: FigureCell
    pieces: FigureCell
    taken: str
    changed: str


def verdict_rows(view: RunView, exhibits: Exhibits) -> dict[str, list[VerdictRow]]:
    """Verdicts as table rows, those that a reader has to know first; equal ones of several NPUs share a row.

    A claim that more than one hardware judged has all of its rows together, the named hardware's first.
    """
    verdicts = view.run.verdicts
    known = {(verdict.name, str(verdict.evidence), verdict.profile): verdict for verdict in verdicts}
    every = len({verdict.profile for verdict in verdicts if not verdict.case.of_rules})
    claims: dict[str, list[VerdictRow]] = {}
    for row, profiles in merged(verdicts).items():
        verdict = known[row[0], row[4], profiles[0]]
        claims.setdefault(verdict.claim, []).append(_row(view, exhibits, verdict, row, profiles, every))
    rows: dict[str, list[VerdictRow]] = {"bad": [], "good": []}
    for own in claims.values():
        own.sort(key=lambda shown: shown.evidence != "rules")
        rows["bad" if any(shown.outcome in BAD for shown in own) else "good"] += own
    return rows


def _row(
    view: RunView, exhibits: Exhibits, verdict: Verdict, row: tuple[str, ...], profiles: Sequence[str], every: int
) -> VerdictRow:
    claim, documented, found, difference, *_, outcome = row
    return VerdictRow(
        claim=claim,
        text=verdict.text,
        document=verdict.document,
        why=verdict.why,
        evidence=str(verdict.evidence),
        comparability=verdict.comparability,
        where="every NPU" if len(profiles) == every > 1 else ", ".join(map(short_profile, profiles)),
        documented=documented,
        found=found,
        difference=difference,
        outcome=outcome,
        figure=exhibits.figure(_judged(view, verdict)) if verdict.difference is not None else NOTHING,
        provenance=verdict.provenance,
        caveat=verdict.caveat,
    )


def _judged(view: RunView, verdict: Verdict) -> Measurement | None:
    """The figure that a verdict was given on."""
    return view.run.figures.get(verdict.figure) if verdict.figure else None


def rules_rows(view: RunView, exhibits: Exhibits) -> list[RulesRow]:
    """A row per model and rule set; equal models under their first name."""
    table = view.table
    rows = []
    for case in table.rules_cases():
        operators, pieces = table.find(case, "rules_operator_share"), table.find(case, "rules_pieces")
        if operators is None or view.twin(case.model) != case.model:
            continue
        label = next((model.label for model in view.models if model.name == case.model), case.model)
        rows.append(
            RulesRow(
                model=label,
                profile=case.profile,
                operators=exhibits.figure(operators),
                macs=exhibits.figure(table.find(case, "rules_mac_share")),
                pieces=exhibits.figure(pieces),
                taken=operators.note,
                changed=pieces.note if pieces else "",
            )
        )
    return rows
