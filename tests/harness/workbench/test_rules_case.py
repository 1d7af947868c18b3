"""A session's models judged by rules: which rule sets judge what, and the records and verdicts that come of it.

Covers benchmarks.test_rules, harness.workbench.rules_figures, harness.workbench.rules_case, conversion.published.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from conversion.published import published_files
from conversion.rules.devices import load_rules
from core.errors import UsageError
from core.records.case_key import CaseKey
from core.records.claim import Claim, Document, Statement
from core.records.evidence import Evidence
from harness.workbench.options import BenchOptions
from harness.workbench.rules_case import RulesCase, RulesSuite
from harness.workbench.workbench import Workbench
from tests.conversion.rules.test_lowering import chunked

DOCUMENT = Document(name="d", date="2025", hardware="Arm Ethos-N", url="")


def bench(tmp_path: Path, *rules: str, published: Path | None = None, name: str = "level3_relu") -> Workbench:
    """A session with one file of five operators, two of them slices, called like a documented model."""
    model = tmp_path / f"{name}.tflite"
    model.write_bytes(chunked("RELU"))
    return Workbench(BenchOptions(model=model, rules=rules, published=published), lambda text: None)


def claim(value: float, rules: str = "ethos-n78", metric: str = "rules_operator_share", provenance: str = "") -> Claim:
    return Claim(
        id="claim", variant="level3_relu", metric=metric, value=value, unit="ratio", tolerance=0.005, counts="operators",
        comparability="proxy", why="because", document=DOCUMENT, rules=rules, provenance=provenance,
    )  # fmt: skip


def case(session: Workbench, profile: str = "ethos-n78-4tops-4ple") -> RulesCase:
    return RulesCase(session.rulings, CaseKey("level3_relu", "", profile, "rules"))


def names(cases: Sequence[CaseKey]) -> list[str]:
    return [str(one) for one in cases]


def test_a_documented_model_is_always_judged_by_the_named_hardware_and_the_option_adds_others(tmp_path: Path) -> None:
    assert names(bench(tmp_path).rulings.cases()) == ["level3_relu-ethos-n78-4tops-4ple-rules"]
    assert names(bench(tmp_path, "ethos-n78-8tops-2ple", "ethos-n78").rulings.cases()) == [
        "level3_relu-ethos-n78-4tops-4ple-rules",
        "level3_relu-ethos-n78-8tops-2ple-rules",
    ]


def test_a_model_of_the_users_is_judged_where_rules_were_asked_for(tmp_path: Path) -> None:
    assert bench(tmp_path, name="mine").rulings.cases() == []
    assert names(bench(tmp_path, "ethos-n78", name="mine").rulings.cases()) == ["mine-ethos-n78-4tops-4ple-rules"]


def test_an_unknown_rules_profile_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown rules profile `ethos-n77`"):
        bench(tmp_path, "ethos-n77").rulings.cases()


def test_operators_macs_and_pieces_are_records_of_evidence_rules_that_no_target_has(tmp_path: Path) -> None:
    found = {figure.metric: figure for figure in case(bench(tmp_path)).rules()}
    assert {metric: figure.value for metric, figure in found.items()} == {
        "rules_operator_share": 0.6,
        "rules_mac_share": 1.0,
        "rules_pieces": 2,
    }
    assert {(figure.evidence, figure.profile, figure.target) for figure in found.values()} == {
        (Evidence.RULES, "ethos-n78-4tops-4ple", "rules")
    }
    assert found["rules_operator_share"].note == "3 of 5; refused: 2 SLICE; 5 of 7 layers"
    assert "5 of 5 operators, 1 piece" in found["rules_pieces"].note


def test_the_identity_of_a_record_is_the_file_and_the_rules_that_judged_it(tmp_path: Path) -> None:
    session = bench(tmp_path, "ethos-n78-1tops-2ple")
    first, second = (case(session, name).rules()[0].identity for name in ("ethos-n78-4tops-4ple", "ethos-n78-1tops-2ple"))
    assert first.tflite == second.tflite != ""
    assert first.profile != second.profile
    assert first.tools == {"rules": "Ethos-N78 driver stack 25.03"}


def test_a_claim_is_judged_by_the_hardware_that_it_names_and_by_no_other(tmp_path: Path) -> None:
    session = bench(tmp_path, "ethos-n78-1tops-2ple")
    claims = [claim(0.9), claim(0.7, "ethos-n78-1tops-2ple"), claim(0.5, "")]
    (verdict,) = case(session).judge(claims)
    assert (verdict.documented, verdict.outcome, verdict.evidence) == (0.9, "fell short", Evidence.RULES)
    assert [one.documented for one in case(session, "ethos-n78-1tops-2ple").judge(claims)] == [0.7]


def test_an_agreement_with_a_target_figure_says_that_it_proves_nothing(tmp_path: Path) -> None:
    (near,) = case(bench(tmp_path)).judge([claim(0.6, provenance="equal to a plan")])
    assert near.outcome == "confirmed"
    assert near.caveat == "near by coincidence, no proof: equal to a plan"
    (far,) = case(bench(tmp_path)).judge([claim(0.9, provenance="equal to a plan")])
    assert (far.provenance, far.caveat) == ("equal to a plan", "")


def test_a_statement_is_decided_on_the_shares_of_its_hardware(tmp_path: Path) -> None:
    statement = Statement(
        id="ranking", text="t", rule="documented_ranking", comparability="proxy", why="w", document=DOCUMENT, rules="ethos-n78"
    )
    session = bench(tmp_path)
    (verdict,) = RulesSuite(session.rulings, load_rules("ethos-n78")).judge([statement])
    assert (verdict.found, verdict.target, verdict.evidence) == ("level3_relu 60.0 %", "rules", Evidence.RULES)
    assert RulesSuite(session.rulings, load_rules("ethos-n78-1tops-2ple")).judge([statement]) == []


def test_a_published_file_is_counted_as_its_report_counted(tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    (published / "level3_relu_full_integer_quant.tflite").write_bytes(chunked("RELU"))
    session = bench(tmp_path, published=published)
    assert names(session.rulings.cases())[1:] == ["level3_relu-ethos-n78-1tops-2ple-rules"]
    found = {figure.metric: figure for figure in case(session, "ethos-n78-1tops-2ple").rules()}
    assert {metric: figure.value for metric, figure in found.items()} == {"rules_functions": 3, "rules_function_share": 0.75}
    assert "0 % of the MACs" in found["rules_functions"].note


def test_published_files_are_found_beside_the_checkpoints_and_a_folder_without_any_is_refused(tmp_path: Path) -> None:
    checkpoints, published = tmp_path / "models" / "checkpoints", tmp_path / "models" / "published"
    for folder in (checkpoints, published):
        folder.mkdir(parents=True)
    (published / "level2_relu_full_integer_quant.tflite").touch()
    assert set(published_files(None, checkpoints, ["level2_relu", "level3_relu"])) == {"level2_relu"}
    assert published_files(None, None, ["level2_relu"]) == {}
    with pytest.raises(UsageError, match="holds no published file"):
        published_files(checkpoints, None, ["level2_relu"])
