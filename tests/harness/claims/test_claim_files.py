"""The documented figures are all there, and files of claims that are wrong say what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import UsageError
from harness.claims.claim_files import read_claims
from harness.claims.verdicts import RULES
from tests.checkout import CHECKOUT

FOLDER = CHECKOUT / "benchmarks" / "claims"
MB = 1_000_000

# metric and document -> level2_relu, level2_leaky, level3_relu, level3_leaky, level4_relu, level4_leaky (None: not given)
LEVELS = ("level2_relu", "level2_leaky", "level3_relu", "level3_leaky", "level4_relu", "level4_leaky")
DOCUMENTED: dict[tuple[str, str], tuple[float | None, ...]] = {
    ("npu_operator_share", "TRAINING_RESULTS_SUMMARY_V3"): (0.85,  0.87,  0.90,  0.92,  0.95,  0.97),
    ("npu_operator_share", "V3_NPU_analytics"):            (0.990, None,  0.962, 0.978, 0.962, 0.978),
    ("npu_operator_share", "V3_optimized_analytics"):      (0.990, None,  0.962, 0.433, 0.962, 0.433),
    ("npu_operator_share", "model_config"):                (0.65,  0.65,  0.75,  0.75,  0.85,  0.85),
    ("rules_operator_share", "TRAINING_RESULTS_SUMMARY_V3"): (0.85, 0.87,  0.90,  0.92,  0.95,  0.97),
    ("rules_operator_share", "model_config"):              (0.65,  0.65,  0.75,  0.75,  0.85,  0.85),
    ("rules_functions", "V3_NPU_analytics"):               (104,   None,  101,   45,    101,   45),
    ("rules_function_share", "V3_NPU_analytics"):          (0.990, None,  0.962, 0.978, 0.962, 0.978),
    ("checkpoint_bytes", "TRAINING_RESULTS_SUMMARY_V3"):   (7.0 * MB, 7.0 * MB, 7.4 * MB, 7.4 * MB, 7.4 * MB, 7.4 * MB),
    ("map50_ultralytics83", "results/accuracy/v3"):        (0.807, 0.873, 0.850, 0.874, 0.850, 0.874),
    ("map50_95_ultralytics83", "results/accuracy/v3"):     (0.701, 0.761, 0.735, 0.759, 0.735, 0.759),
    ("parameters", "results/accuracy/v3"):                 (3_354_829, 3_354_829, 3_565_389, 3_565_389, 3_565_389, 3_565_389),
}  # fmt: skip
STATEMENTS = {
    "leaky_two_points_above_relu": "TRAINING_RESULTS_SUMMARY_V3",
    "documented_ranking": "TRAINING_RESULTS_SUMMARY_V3",
    "level4_differs_from_level3": "TRAINING_RESULTS_SUMMARY_V3",
    "variants_above_base": "TRAINING_RESULTS_SUMMARY_V3",
    "needs_four_gigabytes": "TRAINING_RESULTS_SUMMARY_V3",
    "level2_leaky_does_not_compile": "V3_NPU_analytics",
}
CLAIM_FILE = """
[document]
name = "d"
date = "2025"
hardware = ""
url = ""
[[figures]]
id = "share"
metric = "npu_operator_share"
unit = "ratio"
tolerance = 0.005
counts = "operators"
comparability = "proxy"
why = "another NPU"
values = { level2_relu = 0.5 }
"""


def test_every_documented_figure_is_a_claim_and_every_claim_is_documented() -> None:
    found = {(claim.metric, claim.document.name, claim.variant): claim.value for claim in read_claims(FOLDER).claims}
    documented = {
        (*key, level): value
        for key, row in DOCUMENTED.items()
        for level, value in zip(LEVELS, row, strict=True)
        if value is not None
    }
    assert found == pytest.approx(documented)


def test_every_documented_statement_is_there_and_has_a_rule() -> None:
    statements = read_claims(FOLDER).statements
    assert {statement.rule: statement.document.name for statement in statements} == STATEMENTS
    assert set(STATEMENTS) == set(RULES)


def test_no_two_claims_share_a_name_unless_another_hardware_judges_them() -> None:
    content = read_claims(FOLDER)
    names = [(claim.id, claim.rules) for claim in content.claims]
    names += [(statement.id, statement.rules) for statement in content.statements]
    assert len(set(names)) == len(names)


def test_a_claim_that_several_hardwares_judge_is_the_same_claim_and_the_named_one_comes_first() -> None:
    content = read_claims(FOLDER)
    values: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for claim in content.claims:
        values.setdefault((claim.id, claim.document.name), []).append((claim.value, claim.rules))
    judged_twice = [found for found in values.values() if len(found) > 1]
    assert len(judged_twice) == 6 + 5 + 6
    for first, second in judged_twice:
        assert first[0] == second[0]
        assert (bool(first[1]), bool(second[1])) == (True, False)


def test_the_summarys_percentages_say_that_no_measurement_of_them_exists() -> None:
    told = {claim.provenance for claim in read_claims(FOLDER).claims if claim.id.startswith("summary-compatibility")}
    assert len(told) == 1
    assert "equal to the table of planned models" in told.pop()


def test_only_the_counts_that_are_repeated_on_the_published_files_are_the_same_quantity() -> None:
    of_rules = [claim for claim in read_claims(FOLDER).claims if claim.rules]
    same = {claim.metric for claim in of_rules if claim.comparability == "same"}
    assert same == {"rules_functions", "rules_function_share"}
    assert all("0 % of the MACs" in claim.why for claim in of_rules if claim.comparability == "same")


def test_claims_about_ethos_n_are_proxies_and_say_why() -> None:
    for claim in read_claims(FOLDER).claims:
        assert claim.why
        if "Ethos-N" in claim.document.hardware and claim.metric == "npu_operator_share":
            assert claim.comparability == "proxy"


def test_percentages_are_confirmed_within_half_a_point() -> None:
    assert {claim.tolerance for claim in read_claims(FOLDER).claims if claim.unit == "ratio"} == {0.005}


def test_the_published_accuracy_is_held_against_the_float_graph_under_its_own_metric() -> None:
    published = [claim for claim in read_claims(FOLDER).claims if claim.metric.startswith("map50")]
    assert {claim.graph for claim in published} == {"float"}
    assert {claim.comparability for claim in published} == {"same"}
    assert {claim.conditions["images"] for claim in published} == {"638 of 638"}


def test_a_folder_without_files_claims_nothing(tmp_path: Path) -> None:
    assert read_claims(tmp_path).claims == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[document]", "[document", "Expected ']'"),
        ('name = "d"\n', "", "name"),
        ("[document]", "[documents]", "document"),
        ("values = { level2_relu = 0.5 }", "", "values"),
        ("level2_relu = 0.5", 'level2_relu = "half"', "value"),
        ("level2_relu = 0.5", "level2_relu = nan", "finite"),
        ('comparability = "proxy"', 'comparability = "perhaps"', "comparability"),
        ('unit = "ratio"', 'unitt = "ratio"', "unit"),
        ("values = { level2_relu = 0.5 }", "values = [0.5]", "values"),
        ("tolerance = 0.005", "tolerance = -1", "tolerance"),
        ('id = "share"', "", "id"),
        ("[[figures]]", "[figures]", "figures"),
        ("[[figures]]", "[[figure]]", "figure"),
        ('why = "another NPU"', 'why = "another NPU"\ngrpah = "float"', "grpah"),
        ('why = "another NPU"', 'why = "another NPU"\nrules = "ethos-n77"', "there is no rules profile `ethos-n77`"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name_with_what_is_wrong(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in CLAIM_FILE
    (tmp_path / "wrong.toml").write_text(CLAIM_FILE.replace(old, new))
    with pytest.raises(UsageError) as caught:
        read_claims(tmp_path)
    assert "wrong.toml" in caught.value.found
    assert words in str(caught.value)


def test_a_statement_without_a_rule_of_that_name_is_refused(tmp_path: Path) -> None:
    text = '[[statements]]\nid = "s"\ntext = "t"\nrule = "no_such_rule"\ncomparability = "same"\nwhy = "w"\n'
    (tmp_path / "wrong.toml").write_text(CLAIM_FILE + text)
    with pytest.raises(UsageError, match=r"wrong\.toml.*no_such_rule"):
        read_claims(tmp_path)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"wrong\.toml"):
        read_claims(tmp_path)
