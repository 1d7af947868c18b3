"""What a user does wrong: each case a clear message with the file and the way out, the right exit code, no stack trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.benchmarks import tiny
from tests.benchmarks.conftest import MakeModel, RunSuite
from tests.checkout import CHECKOUT

USAGE = 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--target", "flying-saucer"],
            ["unknown target `flying-saucer`", "sim, host", "hint: ethos-bench run --target sim"],
        ),
        (["--npu", "ethos-u99"], ["unknown profile `ethos-u99`", "ethos-u65-256", "hint: --npu ethos-u"]),
        pytest.param(["--npu", "nowhere.toml"], ["nowhere.toml"], marks=pytest.mark.slow),
        pytest.param(
            ["--recipe", "grandmothers"], ["unknown recipe `grandmothers`", "fast", "hint: --recipe"], marks=pytest.mark.slow
        ),
        pytest.param(["--imgsz", "100"], ["--imgsz 100", "a multiple of 32", "hint: --imgsz 320"], marks=pytest.mark.slow),
        pytest.param(["--imgsz", "big"], ["--imgsz big", "a multiple of 32"], marks=pytest.mark.slow),
        pytest.param(["--repeats", "0"], ["--repeats 0", "1 or more"], marks=pytest.mark.slow),
        pytest.param(["--threads", "0"], ["--threads 0", "1 or more"], marks=pytest.mark.slow),
        pytest.param(
            ["--calibration-images", "0"], ["--calibration-images 0", "hint: --calibration-images 64"], marks=pytest.mark.slow
        ),
        pytest.param(["--calibration-images", "-3"], ["--calibration-images -3", "1 or more"], marks=pytest.mark.slow),
        pytest.param(
            ["--checkpoint", "best.pt"], ["--checkpoint and --model were both given", "one of them"], marks=pytest.mark.slow
        ),
        (["--data", "/nowhere/data.yaml"], ["`/nowhere/data.yaml` does not exist", "hint: --data path/to/data.yaml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value[0].startswith("--") else "",
)
def test_a_wrong_option_is_one_clear_message(
    run_suite: RunSuite, model: MakeModel, options: list[str], words: list[str]
) -> None:
    run = run_suite("--model", model("detector"), *options)
    run.says(*words, "expected:")
    assert run.code == USAGE
    assert run.output.count("expected:") == 1
    assert not run.folder.exists()


def test_an_unknown_variant_lists_the_known_ones(run_suite: RunSuite) -> None:
    run = run_suite("--variant", "level9_relu")
    run.says("unknown variant `level9_relu`", "base_silu, level2_relu")
    assert run.code == USAGE


@pytest.mark.slow
def test_a_variant_that_is_not_in_this_session_lists_those_that_are(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"), "--variant", "level2_relu")
    run.says("no model `level2_relu` in this session", "detector")
    assert run.code == USAGE


@pytest.mark.slow
def test_a_checkpoint_folder_without_checkpoints_says_what_it_looked_for(run_suite: RunSuite, tmp_path: Path) -> None:
    run = run_suite("--checkpoints", tmp_path)
    run.says(f"no checkpoint below `{tmp_path}`", "weights/best.pt", "hint: ethos-bench run --checkpoint")
    assert run.code == USAGE


@pytest.mark.slow
def test_a_checkpoint_folder_that_does_not_exist(run_suite: RunSuite) -> None:
    run = run_suite("--checkpoints", "/nowhere")
    run.says("`/nowhere` does not exist")
    assert run.code == USAGE


@pytest.mark.slow
def test_a_vela_that_is_no_program_is_a_missing_tool(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"), "--vela", "/nowhere/vela")
    run.says("`/nowhere/vela` is no program that can be run", "expected: the path of a Vela executable", "hint:")
    assert run.code == 3


@pytest.mark.slow
def test_a_profile_whose_vela_configuration_does_not_exist(run_suite: RunSuite, model: MakeModel, tmp_path: Path) -> None:
    shipped = CHECKOUT / "conversion" / "profiles" / "ethos-u55-256.toml"
    profile = tmp_path / "mine.toml"
    profile.write_text(shipped.read_text().replace("Arm/vela.ini", "Mine/vela.ini"))
    run = run_suite("--model", model("detector"), "--npu", profile)
    run.says("mine.toml", "`Mine/vela.ini`, which does not exist", "Arm/vela.ini")
    assert run.code == USAGE


@pytest.mark.slow
def test_a_model_that_does_not_exist(run_suite: RunSuite, tmp_path: Path) -> None:
    run = run_suite("--model", tmp_path / "nowhere.tflite")
    run.says("nowhere.tflite` does not exist", "expected: a quantised .tflite, .tosa, .pte or .npz file")
    assert run.code == USAGE


def test_a_model_that_computes_in_floats_is_refused_with_the_reason(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("floats"))
    run.says("floats.tflite", "has float32 input `picture`", "the NPU would run none of it", "hint:")
    assert run.code == 1
    assert all("float32 input" in failure["message"] for failure in run.results["failures"])


@pytest.mark.slow
def test_an_activation_other_than_the_one_that_is_expected_fails_and_a_name_expects_none(
    run_suite: RunSuite, model: MakeModel
) -> None:
    run = run_suite("--model", model("silu", "prelu_net"), "--expect-activation", "LeakyReLU")
    run.says("prelu_net holds silu where --expect-activation says leaky")
    assert run.code == 1
    assert run.results["records"] == []
    run = run_suite("--model", model("silu", "prelu_net"), "--expect-activation", "silu", results="results/silu")
    assert run.value("activation") == "silu"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--input", "image"], ["--input image", "NAME=FILE.npy", "hint: --input image=image.npy"]),
        pytest.param(["--input", "image=/nowhere.npy"], ["`/nowhere.npy` does not exist"], marks=pytest.mark.slow),
    ],
)
def test_a_wrong_input_is_a_usage_error(run_suite: RunSuite, model: MakeModel, options: list[str], words: list[str]) -> None:
    run = run_suite("--model", model("detector"), *options)
    run.says(*words, "expected:")
    assert run.code == USAGE


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"", marks=pytest.mark.slow), b"hello", b"\x18\x00\x00\x00TFL3" + b"\xff" * 64],
    ids=["empty", "text", "header"],
)
def test_garbage_is_no_tflite_file(run_suite: RunSuite, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage.tflite"
    path.write_bytes(content)
    run = run_suite("--model", path, "-x")
    run.says("garbage.tflite", "expected: an intact full-integer .tflite file")
    assert run.code == 1


@pytest.mark.slow
def test_an_activation_other_than_the_names_fails_before_anything_is_computed(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("silu", "level3_relu"))
    run.says("level3_relu holds silu where its name says relu", "a name is no evidence", "ethos-bench inspect")
    assert run.code == 1
    assert run.results["records"] == []
    assert not (run.folder / "placement").exists()


@pytest.mark.slow
def test_a_model_without_image_input_or_yolo_head_has_no_accuracy_and_says_why(
    run_suite: RunSuite, model: MakeModel, data: Path
) -> None:
    run = run_suite("--model", model("cpu_operator"), "--data", data)
    run.says("no accuracy:", "has input `image` 1x16x16x8 int8")
    assert run.code == 0


@pytest.mark.slow
def test_a_model_for_other_classes_has_no_accuracy_and_says_why(run_suite: RunSuite, model: MakeModel, tmp_path: Path) -> None:
    data = tiny.write_data(tmp_path / "data", names="[cat, dog, fish]")
    run = run_suite("--model", model("detector"), "--data", data)
    run.says("are no YOLO head for 3 classes")
    assert run.code == 0


def _bad_data(folder: Path, kind: str) -> Path:
    data = tiny.write_data(folder, label="" if kind == "unlabelled" else "1 0.5 0.5 0.4 0.4\n")
    if kind == "empty":
        for image in (folder / "test" / "images").iterdir():
            image.unlink()
    elif kind == "no image":
        (folder / "test" / "images" / "1.png").write_text("this is no image")
    elif kind == "no numbers":
        (folder / "test" / "labels" / "1.txt").write_text("cat in the middle\n")
    elif kind == "class 7":
        (folder / "test" / "labels" / "1.txt").write_text("7 0.5 0.5 0.4 0.4\n")
    elif kind == "no yaml":
        data.write_text("{{{")
    return data


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param("empty", ["split `test`", "is empty: no image in", "test/images"], marks=pytest.mark.slow),
        pytest.param("unlabelled", ["none of the 3 images", "has a label", "labels/0.txt"], marks=pytest.mark.slow),
        ("no image", ["1.png` is no readable image", "mend the file, or remove it"]),
        pytest.param("no numbers", ["1.txt"], marks=pytest.mark.slow),
        pytest.param("class 7", ["1.txt", "7"], marks=pytest.mark.slow),
        pytest.param("no yaml", ["data.yaml"], marks=pytest.mark.slow),
    ],
)
def test_a_data_set_that_cannot_be_used_ends_the_session_with_the_file(
    run_suite: RunSuite, model: MakeModel, tmp_path: Path, kind: str, words: list[str]
) -> None:
    run = run_suite("--model", model("detector"), "--data", _bad_data(tmp_path / "data", kind))
    run.says(*words, "expected:")
    assert run.code == USAGE


@pytest.mark.slow
def test_an_image_that_is_cut_off_fails_what_needs_it_and_nothing_else(
    run_suite: RunSuite, model: MakeModel, data: Path
) -> None:
    image = data.parent / "test" / "images" / "2.jpg"
    (image.with_suffix(".png")).unlink()
    Image.effect_noise((40, 24), 50).save(image)
    image.write_bytes(image.read_bytes()[:-200])
    run = run_suite("--model", model("detector"), "--data", data)
    run.says("2.jpg` is no readable image", "expected:")
    assert run.code == 1
    assert {failure["test"].partition("::")[2].partition("[")[0] for failure in run.results["failures"]} == {"test_accuracy"}
    assert run.value("npu_operator_share") == 1.0


@pytest.mark.slow
def test_zero_images_is_an_error_and_no_empty_accuracy(run_suite: RunSuite, model: MakeModel, data: Path) -> None:
    run = run_suite("--model", model("detector"), "--data", data, "--images", "0")
    run.says("0 images of", "hint: --images 32")
    assert run.code == USAGE
