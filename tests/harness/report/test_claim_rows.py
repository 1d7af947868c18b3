"""Claims and rules on the page: both hardwares of a claim together, the named one first; no agreement reads like proof.

Covers harness.report.html.claim_rows.
"""

from __future__ import annotations

from pathlib import Path

from core.records.evidence import Evidence
from harness.claims.verdicts import judge
from harness.report.html.page import page
from harness.report.results_files import variant_page
from harness.results.findings import Findings
from harness.results.store import Results
from harness.results.stored_run import StoredRun, read_run
from tests.harness.builders import claim, header, measurement
from tests.harness.report.runs import records_of

OF_RULES = {"profile": "ethos-n78-4tops-4ple", "target": "rules", "evidence": Evidence.RULES}
ORIGIN = "equal to a table of plans"


def judged_twice(folder: Path, documented: float) -> StoredRun:
    """One model, whose documented share is judged by rules (0.833 found) and on what was compiled (0.8)."""
    shares = [
        measurement(metric="rules_operator_share", value=0.833, note="130 of 156; refused: 21 SLICE", **OF_RULES),
        measurement(metric="rules_mac_share", value=0.994, **OF_RULES),
        measurement(metric="rules_pieces", value=16, unit="count", note="one SPLIT for each chunk: 5 pieces", **OF_RULES),
    ]
    records = records_of("level2_relu")
    by_rules = claim(metric="rules_operator_share", rules="ethos-n78", value=documented, provenance=ORIGIN)
    verdicts = [judge(claim(value=documented, provenance=ORIGIN), records), judge(by_rules, shares)]
    results = Results(folder, header())
    results.add(Findings([*records, *shares], verdicts))
    results.run()
    return read_run(folder)


def test_both_hardwares_of_a_claim_stand_together_and_the_named_one_first(tmp_path: Path) -> None:
    text = page(judged_twice(tmp_path, 0.9))
    claims = text[text.index('<section id="claims">') :]
    assert 0 < claims.index("83.3 %") < claims.index("80.0 %")
    assert claims.count("where it comes from: equal to a table of plans") == 2


def test_an_agreement_with_a_target_figure_is_called_a_coincidence(tmp_path: Path) -> None:
    run = judged_twice(tmp_path, 0.835)
    assert "near by coincidence, no proof: equal to a table of plans" in page(run)
    assert "confirmed (near by coincidence, no proof: equal to a table of plans)" in variant_page(run, "level2_relu")


def test_the_rules_have_a_section_with_operators_macs_and_pieces_and_are_no_combination_to_ship(tmp_path: Path) -> None:
    text = page(judged_twice(tmp_path, 0.9))
    section = text[text.index('<section id="rules">') :].split("</section>")[0]
    for shown in ("83.3", "99.4", "16", "refused: 21 SLICE", "one SPLIT for each chunk: 5 pieces", "nothing ran"):
        assert shown in section
    assert "Of 1 combination of model" in text


def test_a_models_page_has_the_rules_beside_what_ran(tmp_path: Path) -> None:
    text = variant_page(judged_twice(tmp_path, 0.9), "level2_relu")
    assert "## ethos-n78-4tops-4ple by its rules: nothing ran" in text
    assert "| pieces by the rules | 16 (one SPLIT for each chunk: 5 pieces) | rules |" in text
