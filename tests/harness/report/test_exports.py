"""A run in other tools' formats, each checked against the reader or the schema it is meant for.

Covers harness.cli.export, harness.report.exports.action_benchmark, harness.report.exports.mlia,
harness.report.exports.summary.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from core.records.evidence import Evidence
from core.records.measurement import Measurement
from harness.cli import main
from harness.report.exports import FORMATS
from harness.report.exports.action_benchmark import action_benchmark
from harness.report.exports.junit import figure_properties, junit
from harness.report.exports.mlia import mlia
from harness.report.results_files import page_name
from harness.results.stored_run import StoredRun
from tests.harness.builders import measurement, revised
from tests.harness.report.runs import write_run

SCHEMAS = Path(__file__).parent / "mlia"
ODD = "a | b\n<b>`x` & \x07"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    folder = tmp_path_factory.mktemp("exports") / "run"
    return write_run(folder, failures=[("benchmarks/x.py::test_x[level3_relu-ethos-u65-256-host]", ODD)])


def mlia_problems(document: Any) -> list[str]:
    """What is wrong with a document by Arm's own schema (Apache-2.0, in tests/harness/report/mlia)."""
    schemas = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    registry: Registry[Any] = Registry().with_resources([(s["$id"], Resource.from_contents(s)) for s in schemas])
    output = next(schema for schema in schemas if "output" in schema["$id"])
    validator = Draft202012Validator(output, registry=registry, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_markdown_has_the_decision_every_model_and_no_cell_or_html_of_a_texts_own(run: StoredRun) -> None:
    (page,) = FORMATS["markdown"](run).values()
    assert page.startswith("## ❌ Do not ship")
    assert "- test_x failed: a \\| b &lt;b&gt;\\`x\\` &amp;" in page
    rows = [line for line in page.splitlines() if line.startswith("| level")]
    assert len(rows) == 2
    assert "Vela ms (estimated)" in page
    assert all("<b>" not in line for line in page.splitlines())
    assert {row.count("|") for row in page.splitlines() if row.startswith("| level")} == {rows[0].count("|")}


def test_junit_has_failures_for_what_must_not_ship_and_figures_with_evidence_as_properties(run: StoredRun) -> None:
    root = Xml.fromstring(junit(run)["junit.xml"])
    combinations, claims = root.findall("testsuite")
    assert combinations.attrib | {"failures": "1", "skipped": "1", "tests": "2"} == combinations.attrib
    failed = combinations.find("testcase[failure]")
    assert failed is not None
    assert failed.get("name") == "level3_relu-ethos-u65-256-host"
    properties = {item.get("name"): item.get("value") for item in failed.iter("property")}
    assert properties["estimated_us @ estimated"] == "45000.0"
    assert properties["npu_executed_share @ host"] == "unavailable: the host CPU has no NPU"
    assert not any(str(name).startswith("class_") for name in properties)
    assert claims.get("tests") == "2"
    assert claims.get("failures") == "2"


def test_junit_survives_characters_that_xml_cannot_hold(run: StoredRun) -> None:
    assert Xml.fromstring(junit(run)["junit.xml"]) is not None
    assert figure_properties([measurement(metric="m", evidence=Evidence.HOST, value="\x00\ud800")]) == [("m @ host", "??")]


def test_action_benchmark_names_carry_the_evidence_and_only_numbers_are_in_it(run: StoredRun) -> None:
    files = action_benchmark(run)
    for text in files.values():
        entries = json.loads(text)
        assert entries
        for entry in entries:
            assert set(entry) == {"name", "unit", "value", "extra"}
            assert isinstance(entry["value"], (int, float))
            assert entry["name"].rpartition(" @ ")[2] in entry["extra"]
        assert len({entry["name"] for entry in entries}) == len(entries)
    assert "npu_executed_share" not in files["bigger-is-better.json"], "it has no value in this run"


def test_mlia_documents_hold_by_arms_own_schema(run: StoredRun) -> None:
    files = mlia(run)
    assert list(files) == ["mlia-level2_relu-ethos-u65-256.json", "mlia-level3_relu-ethos-u65-256.json"]
    for text in files.values():
        document = json.loads(text)
        assert mlia_problems(document) == []
        compatibility, performance = document["results"]
        assert compatibility["status"] == "partial"
        assert compatibility["advice"][0]["message"] == "CONV_2D runs on the CPU: an odd stride"
        assert performance["mode"] == "predicted"
        known = {entity["id"] for entity in performance["entities"]}
        assert {row["entity_id"] for row in performance["breakdowns"]} == known
        names = {metric["name"] for metric in performance["metrics"]}
        assert "latency_us" not in names, "a host latency is no figure of the target"


def test_the_schema_check_can_fail(run: StoredRun) -> None:
    document = json.loads(next(iter(mlia(run).values())))
    document["results"][0]["status"] = "perfect"
    assert mlia_problems(document)


def test_what_a_target_simulated_is_not_predicted(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ("level2_relu",))

    def simulated(figure: Measurement) -> Measurement:
        return replace(figure, evidence=Evidence.SIMULATED_FVP) if figure.metric == "latency_us" else figure

    run = revised(run, simulated)
    (text,) = mlia(run).values()
    document = json.loads(text)
    assert mlia_problems(document) == []
    names = {result.get("mode"): {metric["name"] for metric in result["metrics"]} for result in document["results"]}
    assert names["simulated"] == {"latency_us"}
    assert "latency_us" not in names["predicted"]


def test_every_format_is_written_by_the_command(run: StoredRun, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["export", str(run.folder), "--format", "all", "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"summary.md", "junit.xml", "benchmark.json", "smaller-is-better.json", "bigger-is-better.json"} < names
    assert done.output.count("\n") == len(names)


def test_a_folder_that_cannot_be_written_is_an_error_in_words(run: StoredRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["export", str(run.folder), "--format", "junit", "--output", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert "cannot write" in done.output


def test_a_model_that_is_called_summary_keeps_its_own_page() -> None:
    assert page_name("summary") == "summary_model.md"
    assert page_name("level2_relu") == "level2_relu.md"
