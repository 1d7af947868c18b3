"""`pytest benchmarks/` from the outside, on models that take no conversion.

Covers benchmarks.test_accuracy, benchmarks.test_claims, benchmarks.test_execution, benchmarks.test_identity,
benchmarks.test_latency, benchmarks.test_memory, benchmarks.test_offload, harness.pytest_plugin.plugin,
harness.pytest_plugin.recorder, harness.pytest_plugin.scheduling, harness.results.run_header,
harness.workbench.accuracies, harness.workbench.accuracy_figures, harness.workbench.case, harness.workbench.conversions,
harness.workbench.execution_figures, harness.workbench.executions, harness.workbench.inputs, harness.workbench.open_targets.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.benchmarks.conftest import MakeModel, RunSuite
from tests.checkout import CHECKOUT

DETERMINISTIC = ("compiled", "estimated")


def key(record: dict[str, Any]) -> tuple[str, ...]:
    return tuple(record.get(part, "") for part in ("variant", "profile", "target", "metric", "stat", "graph"))


@pytest.mark.slow
def test_a_run_writes_its_page_and_gives_junit_the_figures_with_their_evidence(
    run_suite: RunSuite, model: MakeModel, data: Path, tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    run = run_suite("--model", model("detector"), "--data", data, "--junitxml", junit, report=True)
    assert run.code == 0
    run.says("report:", "report.html")
    page = (run.folder / "report.html").read_text()
    assert "Not proven" in page
    assert "data:image/webp;base64," in page
    properties = {item.get("name"): item.get("value") for item in ElementTree.parse(junit).iter("property")}
    assert properties["npu_operator_share @ compiled"] == "1.0"
    assert float(str(properties["latency_us median @ host"])) > 0


def test_a_run_exits_0_and_leaves_every_file_of_the_results_folder(run_suite: RunSuite, model: MakeModel, data: Path) -> None:
    run = run_suite("--model", model("detector"), "--data", data)
    run.says("detector", "results:")
    assert run.code == 0
    found = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    assert found == {
        "results.json",
        "samples.jsonl",
        "cycles/detector-ethos-u65-256.json",
        "placement/detector-ethos-u65-256.json",
        "detections/detector-int8.json",
        ".ethos-bench-files",
        ".ethos-bench-lock",
        "detector.md",
        "summary.md",
        "benchmark.json",
        "run.log",
    }
    assert str((run.folder.parent / "latest").readlink()) == run.folder.name
    assert len((run.folder / "samples.jsonl").read_text().splitlines()) == 3
    assert json.loads((run.folder / "placement/detector-ethos-u65-256.json").read_text())["operator_share"] == 1.0
    assert run.results["failures"] == []
    assert run.value("activation") == "relu"
    assert 0 <= run.value("map50_95", graph="int8") <= 1
    assert run.record("checkpoint_bytes")["unavailable"] == "no checkpoint file: a quantised file was given"
    assert run.record("map50_95", graph="float")["unavailable"] == "a quantised file comes without its float graph"
    assert run.record("npu_executed_share")["unavailable"]
    comparison = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest_benchmark",
            "compare",
            str(run.folder / "benchmark.json"),
            "--columns=min,median,rounds",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert comparison.returncode == 0, comparison.stderr
    assert "test_latency[detector-ethos-u65-256-host]" in comparison.stdout


@pytest.mark.slow
def test_two_profiles_and_two_targets_are_four_cases_and_a_shared_run_is_sampled_once(
    run_suite: RunSuite, model: MakeModel
) -> None:
    profiles = ("--npu", "ethos-u65-256", "--npu", "ethos-u55-256")
    run = run_suite("--model", model("detector"), *profiles, "--target", "host", "--target", "twin")
    run.says()
    assert run.code == 0
    cases = {key(record)[:3] for record in run.results["records"]}
    assert cases == {("detector", npu, where) for npu in ("ethos-u65-256", "ethos-u55-256") for where in ("host", "twin")}
    samples = [json.loads(line) for line in (run.folder / "samples.jsonl").read_text().splitlines()]
    assert sorted((sample["target"], sample["index"]) for sample in samples) == [
        (name, index) for name in ("host", "twin") for index in range(3)
    ]
    medians = {record["value"] for record in run.results["records"] if record.get("stat") == "median"}
    assert len(medians) == 2


@pytest.mark.slow
def test_the_same_option_twice_is_one_case(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"), "--npu", "ethos-u65-256", "--npu", "ethos-u65-256", "--co", "-q")
    assert run.output.count("test_offload[") == 1


@pytest.mark.slow
def test_two_processes_find_the_same_as_one_and_only_the_controller_writes(
    run_suite: RunSuite, model: MakeModel, data: Path
) -> None:
    models = ":".join(str(model("detector", name)) for name in ("first", "second", "third"))
    options = ("--data", data, "--npu", "ethos-u65-256", "--npu", "ethos-u55-256")
    alone = run_suite(*options, results="results/alone", ETHOS_BENCH_TEST_MODELS=models)
    spread = run_suite(*options, "-n", "2", results="results/spread", ETHOS_BENCH_TEST_MODELS=models)
    spread.says()
    assert alone.code == spread.code == 0
    table, _, _ = spread.output[spread.output.index("identity and offload; next:") :].partition("memory; next:")
    assert all(name in table for name in ("first", "second", "third"))
    kept = [{key(record): record for record in run.results["records"]} for run in (alone, spread)]
    assert set(kept[0]) == set(kept[1])
    for case, record in kept[0].items():
        if record["evidence"] in DETERMINISTIC or "map50" in case[3]:
            assert record == kept[1][case]
    assert [run.results["verdicts"] for run in (alone,)] == [
        sorted(spread.results["verdicts"], key=alone.results["verdicts"].index)
    ]
    files = [sorted(str(path.relative_to(run.folder)) for path in run.folder.rglob("*")) for run in (alone, spread)]
    assert files[0] == files[1]
    samples = [json.loads(line) for line in (spread.folder / "samples.jsonl").read_text().splitlines()]
    medians = {record["variant"]: record["value"] for record in spread.results["records"] if record.get("stat") == "median"}
    for name in {sample["variant"] for sample in samples}:
        own = sorted(sample["latency_us"] for sample in samples if sample["variant"] == name)
        assert medians[name] == pytest.approx(own[1]), "a figure has the samples that are kept, not those of another process"


@pytest.mark.parametrize("option", [[], pytest.param(["-n", "2"], marks=pytest.mark.slow)], ids=["alone", "spread"])
def test_one_of_several_models_fails_and_the_others_are_reported(
    run_suite: RunSuite, model: MakeModel, tmp_path: Path, option: list[str]
) -> None:
    garbage = tmp_path / "garbage.tflite"
    garbage.write_bytes(b"\x18\x00\x00\x00TFL3" + bytes(range(256)))
    models = f"{model('detector', 'first')}:{garbage}:{model('detector', 'last')}"
    run = run_suite(*option, ETHOS_BENCH_TEST_MODELS=models)
    run.says("garbage.tflite", "expected: an intact full-integer .tflite file")
    assert run.code == 1
    assert {record["variant"] for record in run.results["records"]} == {"first", "last"}
    assert all("garbage" in failure["test"] and "garbage" in failure["message"] for failure in run.results["failures"])
    assert not any("@" in failure["test"] for failure in run.results["failures"])


@pytest.mark.slow
def test_a_models_name_may_hold_what_markup_and_tables_use(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector", "my [red] model|1"))
    run.says("my [red] model|1")
    assert run.code == 0


def test_a_negative_verdict_is_a_result_and_with_strict_claims_a_failure(run_suite: RunSuite, model: MakeModel) -> None:
    path = model("cpu_operator", "level2_relu")
    lenient = run_suite("--model", path, results="results/lenient")
    lenient.says("fell short", "refuted")
    assert lenient.code == 0
    both = {v["evidence"]: v for v in lenient.results["verdicts"] if v["claim"] == "summary-compatibility-level2_relu"}
    assert set(both) == {"compiled", "rules"}
    short = both["compiled"]
    assert (short["outcome"], short["documented"]) == ("fell short", 0.85)
    assert short["found"] == pytest.approx(2 / 3)
    strict = run_suite("--model", path, "--strict-claims", results="results/strict")
    strict.says("summary-compatibility-level2_relu: fell short (0.85 documented, 0.666")
    assert strict.code == 1
    assert strict.results["verdicts"] == lenient.results["verdicts"]


@pytest.mark.slow
def test_a_model_that_does_not_fit_is_a_result(run_suite: RunSuite, model: MakeModel, tmp_path: Path) -> None:
    shipped = CHECKOUT / "conversion" / "profiles" / "ethos-u55-256.toml"
    text = shipped.read_text()
    budgets = [line for line in text.splitlines() if line.startswith("bytes")]
    assert budgets
    profile = tmp_path / "too-small.toml"
    profile.write_text("\n".join("bytes = 1000" if line in budgets else line for line in text.splitlines()))
    run = run_suite("--model", model("detector"), "--npu", profile)
    run.says("does not fit too-small: needs 11,664 bytes of sram", "has 1,000 bytes")
    assert run.code == 0
    assert run.value("fits") is False


def test_a_named_target_that_is_not_there_fails_the_run(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"), "--target", "host", "--target", "absent:board-7")
    run.says("no board `board-7` answers", "expected: a board that is switched on", "hint: ethos-bench doctor")
    assert run.code == 3
    assert not run.folder.exists()


@pytest.mark.slow
def test_with_allow_missing_target_it_is_skipped_and_the_others_run(run_suite: RunSuite, model: MakeModel) -> None:
    targets = ("--target", "host", "--target", "absent:board-7", "--allow-missing-target")
    run = run_suite("--model", model("detector"), *targets)
    run.says("SKIPPED", "--allow-missing-target: no board `board-7` answers")
    assert run.code == 0
    assert {record["target"] for record in run.results["records"]} == {"host"}


@pytest.mark.slow
def test_a_target_that_proves_no_npu_execution_fails_the_run(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"), "--target", "unproven")
    run.says("no proof that the NPU executed: the host CPU has no NPU")
    assert run.code == 1


def test_on_the_simulator_the_bytes_are_the_reference_s_and_a_missing_latency_is_explained(
    run_suite: RunSuite, model: MakeModel
) -> None:
    run = run_suite("--model", model("cpu_operator"), "--target", "sim", "--images", "3")
    run.says("3 of 3", "sim: no latency: the simulator", "REVERSE_V2 on the CPU")
    assert run.code == 0
    assert run.value("bit_exact") is True
    assert run.value("bit_exact_images") == 3
    assert run.value("npu_executed_share") == pytest.approx(2 / 3)
    assert run.record("bit_exact")["evidence"] == "simulated-open"
    assert "CPU (TFLite Micro" in run.record("npu_executed_share")["note"]
    assert run.record("latency_us", stat="median")["unavailable"]


@pytest.mark.slow
def test_with_images_the_simulator_s_outputs_have_an_accuracy_of_their_own(
    run_suite: RunSuite, model: MakeModel, data: Path
) -> None:
    run = run_suite("--model", model("detector"), "--target", "sim", "--data", data, "--images", "2")
    run.says("2 of 2", "npu")
    assert run.code == 0
    record = run.record("map50_95", graph="npu")
    assert record["evidence"] == "simulated-open"
    assert record["identity"]["options"]["images"] == "2 of 3"
    assert record["value"] == pytest.approx(run.value("map50_95", graph="int8"), abs=0.05)
    assert (run.folder / "detections" / "detector-npu-ethos-u65-256-sim.json").exists()


@pytest.mark.slow
def test_the_simulator_is_the_default_target(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"), "--co", "-q", default_target=True)
    run.says("test_execution[detector-ethos-u65-256-sim]")


@pytest.mark.slow
def test_one_wrong_byte_fails_the_run_and_is_named(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"), "--target", "wrong")
    run.says("detector on wrong: 1 of 4 images have other bytes than TFLite Micro", "image 1, output 5", "1 of 2 bytes differ")
    run.says("first at [0, 0, 0, 1]", "hint: ethos-bench diff")
    assert run.code == 1
    assert run.value("bit_exact") is False
    assert run.record("bit_exact_images")["note"] == "3 of 4"


@pytest.mark.slow
def test_a_session_that_did_not_name_the_suite_leaves_it_out(tmp_path: Path) -> None:
    checkout = CHECKOUT
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "--co", ".", "--ignore", "tests", "-c", "pyproject.toml"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert "benchmarks/test_" not in done.stdout
    assert done.returncode == 5, done.stdout


@pytest.mark.slow
def test_help_lists_the_options(run_suite: RunSuite) -> None:
    run = run_suite("--help")
    run.says("--target=SPEC", "--npu=NAME|FILE.toml", "--strict-claims", "--allow-missing-target", "--model=FILE")
    assert run.code == 0
