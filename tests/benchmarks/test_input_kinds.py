"""Every kind of TFLite file in the suite: judged as what it is, or refused with the true reason.

One session runs a model of each kind on the simulator; a test for each kind reads what it wrote. Covers
harness.workbench.arbitration, harness.workbench.inputs, harness.workbench.noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.benchmarks import kinds, tiny
from tests.benchmarks.conftest import SuiteRun, run_in

pytestmark = pytest.mark.slow
"""Three sessions of the suite, with one cache; the fast tests of each Python have the parts: tests/harness/workbench."""
REFUSED = {"nothing_on_the_npu"}
OTHER_BYTES = {"weights_with_zero_point"}
EXACT = sorted(set(kinds.KINDS) - REFUSED - OTHER_BYTES)


def session(folder: Path, cache: Path, models: Mapping[str, Callable[[], bytes]], *options: str | Path) -> SuiteRun:
    """One run of the suite over several models on the simulator."""
    paths = []
    for name, build in models.items():
        paths.append(folder / f"{name}.tflite")
        paths[-1].write_bytes(build())
    return run_in(folder, cache, "--target", "sim", *options, ETHOS_BENCH_TEST_MODELS=":".join(map(str, paths)))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> SuiteRun:
    return session(tmp_path_factory.mktemp("kinds"), shared_cache, kinds.KINDS)


def failed(run: SuiteRun, variant: str) -> dict[str, str]:
    """Test -> message of each failure of a model."""
    return {one["name"]: one["message"] for one in run.results["failures"] if one.get("variant") == variant}


@pytest.mark.parametrize("kind", EXACT)
def test_a_file_of_this_kind_runs_and_every_byte_is_the_references(found: SuiteRun, kind: str) -> None:
    found.says()
    assert failed(found, kind) == {}
    assert found.value("bit_exact", variant=kind) is True
    assert found.value("npu_executed_share", variant=kind) > 0


def test_an_input_that_is_no_image_has_no_size(found: SuiteRun) -> None:
    assert found.record("image_size", variant="int16_activations")["unavailable"] == "the input is no image"


def test_floats_at_the_boundary_are_two_operators_on_the_cpu_and_a_finding(found: SuiteRun) -> None:
    kind = "float_input_and_output"
    assert found.value("operators_cpu", variant=kind) == 2
    assert "has float32 input `image`" in found.record("findings", variant=kind)["note"]
    found.says(f"{kind}: has float32 input `image`")


def test_where_tflite_micro_stands_alone_the_npu_does_not_fail_and_the_finding_says_so(found: SuiteRun) -> None:
    record = found.record("bit_exact", variant="tiny_scale")
    assert record["value"] is True
    assert "reference kernels and XNNPACK" in record["note"]
    assert "TFLite Micro" in record["note"]
    assert "`image` has scale 1e-10" in record["note"]


def test_a_quantize_that_vela_would_clip_is_compiled_round_and_a_finding(found: SuiteRun) -> None:
    kind = "uint8_output"
    assert found.value("operators_cpu", variant=kind) == 1
    assert "compiled with --ignore-ops QUANTIZE" in found.record("findings", variant=kind)["note"]
    assert "1 of 2 operators run on the CPU" in found.record("estimated_us", variant=kind)["unavailable"]


def test_bytes_that_differ_for_a_known_reason_name_it(found: SuiteRun) -> None:
    kind, cause = "weights_with_zero_point", "have a zero point (7): TFLite forbids it"
    assert found.value("bit_exact", variant=kind) is False
    assert cause in found.record("bit_exact", variant=kind)["note"]
    failures = failed(found, kind)
    assert set(failures) == {"test_execution"}
    assert cause in failures["test_execution"]


def test_a_file_of_which_the_npu_runs_nothing_fails_with_that_and_has_no_figures(found: SuiteRun) -> None:
    messages = failed(found, "nothing_on_the_npu")
    assert messages
    assert all("Edge TPU" in message for message in messages.values())
    assert not [one for one in found.results["records"] if one["variant"] == "nothing_on_the_npu"]


def test_noise_is_called_noise(found: SuiteRun) -> None:
    assert "4 inputs of seeded noise" in found.record("bit_exact", variant="several_inputs")["note"]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> SuiteRun:
    folder = tmp_path_factory.mktemp("judged")
    return session(folder, shared_cache, kinds.DETECTORS, "--data", tiny.write_data(folder / "data"), "--images", "3")


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("not_square", "32x64 px RGB, NHWC"),
        ("grey", "32x32 px grey, NHWC"),
        ("nchw", "32x32 px RGB, NCHW"),
        ("four_scales", "32x32 px RGB, NHWC"),
        ("two_scales", "32x32 px RGB, NHWC"),
    ],
)
def test_a_detector_of_this_form_is_judged_as_what_it_is_on_the_host_and_on_the_npu(
    judged: SuiteRun, kind: str, form: str
) -> None:
    judged.says()
    assert judged.record("image_height", variant=kind)["note"] == form
    assert judged.value("image_width", variant=kind) == int(form.split()[0].split("x")[1])
    assert failed(judged, kind) == {}
    assert judged.value("bit_exact", variant=kind) is True
    assert judged.value("map50_95", variant=kind, graph="npu") == judged.value("map50_95", variant=kind, graph="int8")
    assert "images of" in judged.record("bit_exact", variant=kind)["note"]


def test_one_scale_for_boxes_and_scores_is_the_cause_of_an_accuracy_of_nothing(judged: SuiteRun) -> None:
    assert judged.value("map50_95", variant="one_scale", graph="int8") == 0
    assert "one scale of 2.5" in judged.record("findings", variant="one_scale")["note"]


def test_a_data_set_that_cannot_be_fed_is_not_replaced_in_silence(judged: SuiteRun) -> None:
    note = judged.record("bit_exact", variant="no_picture")["note"]
    assert "none of --data: the model takes `image` int8 [1, 16, 16, 8]: no image of 1 or 3 channels" in note
    for graph in ("int8", "npu"):
        assert judged.record("map50_95", variant="no_picture", graph=graph)["unavailable"]


def test_a_batch_is_fed_with_images_and_its_time_is_for_all_of_them(judged: SuiteRun) -> None:
    kind = "several_images"
    assert "3 of 3 images of" in judged.record("bit_exact", variant=kind)["note"]
    assert judged.record("map50_95", variant=kind, graph="int8")["unavailable"]
    assert "for 3 images together" in judged.record("npu_estimated_us", variant=kind)["note"]
    assert "holds 3 images" in judged.record("findings", variant=kind)["note"]


def test_values_that_a_user_brings_are_run_in_their_own_type(tmp_path: Path, shared_cache: Path) -> None:
    path = tmp_path / "several.tflite"
    path.write_bytes(kinds.several_inputs())
    given: list[str | Path] = []
    brought: dict[str, NDArray[Any]] = {
        "image": np.full(kinds.PICTURE, 3, np.int8),
        "bytes": np.full((1, 8, 8, 4), 200, np.uint8),
        "words": np.full((1, 4, 4, 8), -3000, np.int16),
    }
    for name, values in brought.items():
        np.save(tmp_path / f"{name}.npy", values)
        given += ["--input", f"{name}={tmp_path / name}.npy"]
    run = run_in(tmp_path, shared_cache, "--model", path, "--target", "sim", "--target", "host", *given)
    run.says()
    assert run.code == 0
    record: dict[str, Any] = run.record("bit_exact", target="sim")
    assert record["value"] is True
    assert "`image` and `bytes` and `words` as given" in record["note"]
    assert run.value("bit_exact_images", target="sim") == 1
    assert {"input image", "input bytes", "input words"} <= set(record["identity"]["options"])
    assert run.value("latency_us", target="host", stat="median") > 0
