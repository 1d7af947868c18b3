"""The whole suite on models that have to be converted first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conversion.variants import BY_NAME
from tests.benchmarks import tiny
from tests.benchmarks.conftest import RunSuite
from tests.conftest import CONVERTED_SIZE, CONVERTED_VARIANT

pytestmark = [pytest.mark.convert, pytest.mark.slow]


def test_two_seeded_variants_go_all_the_way_and_the_second_run_converts_nothing(
    run_suite: RunSuite, conversion_cache: Path
) -> None:
    pytest.importorskip("litert_torch")
    names = ("--variant", "base_silu", "--variant", CONVERTED_VARIANT)
    options = (*names, "--imgsz", str(CONVERTED_SIZE), "--recipe", "fast")
    run = run_suite(*options, cache=conversion_cache)
    run.says("no accuracy: untrained weights have no accuracy")
    assert run.code == 0
    assert run.value("activation", variant="base_silu") == "silu"
    assert run.value("parameters", variant=CONVERTED_VARIANT) == 3_354_829
    assert run.value("npu_operator_share", variant=CONVERTED_VARIANT) == 1.0
    assert run.value("estimated_speedup_over_base", variant=CONVERTED_VARIANT) > 0
    assert run.record("map50_95", graph="int8")["unavailable"] == "untrained weights have no accuracy"
    assert run.record("npu_operator_share")["identity"]["options"]["recipe"] == "fast"
    again = run_suite(*options, "-n", "2", cache=conversion_cache, results="results/again")
    again.says()
    assert again.code == 0
    assert "exporting" not in again.output
    first, second = (
        {
            (r["variant"], r["metric"], r.get("stat")): r.get("value")
            for r in found.results["records"]
            if r["evidence"] == "compiled"
        }
        for found in (run, again)
    )
    assert first == second


def test_equal_checkpoints_are_reported_and_computed_once_and_broken_ones_fail_alone(
    run_suite: RunSuite, conversion_cache: Path, seeded_checkpoint: Path, tmp_path: Path
) -> None:
    """level4_leaky is level3_leaky here, both hold level2_leaky's graph, level3_relu is cut off, the others are missing."""
    folder = tmp_path / "training"
    for name in ("level3_leaky", "level4_leaky", "level3_relu"):
        path = folder / BY_NAME[name].folder / "weights" / "best.pt"
        path.parent.mkdir(parents=True)
        shutil.copyfile(seeded_checkpoint, path)
    path.write_bytes(path.read_bytes()[:1000])
    names = ("level3_leaky", "level4_leaky", "level3_relu", "level2_relu")
    chosen = [part for name in names for part in ("--variant", name)]
    data = tiny.write_data(tmp_path / "data", names="[" + ", ".join(f"c{number}" for number in range(15)) + "]")
    run = run_suite(
        "--checkpoints",
        folder,
        *chosen,
        "--recipe",
        "fast",
        "--calibration-images",
        "2",
        "--data",
        data,
        cache=conversion_cache,
    )
    run.says(
        "level4_leaky is level3_leaky: same graph, same weights",
        "best.pt` cannot be loaded",
        "no checkpoint for level2_relu below",
        BY_NAME["level2_relu"].folder,
    )
    assert run.code == 1
    assert {record["variant"] for record in run.results["records"]} == {"level3_leaky", "level4_leaky"}
    assert 0 <= run.value("map50_95", graph="float", variant="level3_leaky") <= 1
    assert run.value("map50_95", graph="int8", variant="level4_leaky") == run.value(
        "map50_95", graph="int8", variant="level3_leaky"
    )
    verdicts = {(v["claim"], v["outcome"]) for v in run.results["verdicts"]}
    assert ("level4-optimises-further", "refuted") in verdicts
    assert not any(claim == "level2-leaky-fails" and outcome == "confirmed" for claim, outcome in verdicts)


def test_a_checkpoint_for_other_classes_than_the_data_sets_is_refused_before_it_is_converted(
    run_suite: RunSuite, conversion_cache: Path, seeded_checkpoint: Path, tmp_path: Path
) -> None:
    data = tiny.write_data(tmp_path / "data")
    run = run_suite("--checkpoint", seeded_checkpoint, "--data", data, cache=conversion_cache)
    run.says("`mine` has 15 classes and the data set `data/test` 2", "expected: the data.yaml the model was trained with")
    assert run.code == 1


def test_an_activation_other_than_the_names_fails_before_anything_is_converted(
    run_suite: RunSuite, conversion_cache: Path, seeded_checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "level3_relu_mine.pt"
    shutil.copyfile(seeded_checkpoint, path)
    run = run_suite("--checkpoint", path, cache=conversion_cache)
    run.says("level3_relu_mine holds leaky where its name says relu")
    assert run.code == 1
    assert "exporting" not in run.output
