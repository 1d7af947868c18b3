"""The session's engine: options that no session could have, and work that is done once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conversion.checkpoint import packaged_images
from conversion.variants import BY_NAME
from core.errors import CheckpointError, CompileError, ConversionError, RunError, UsageError
from core.records.case_key import CaseKey
from core.records.claim import Statement
from core.records.image_form import square
from core.records.unavailable import Unavailable
from harness.tasks.detect.task import Detect
from harness.workbench.calibration import data_calibration, packaged_calibration
from harness.workbench.memo import Memo
from harness.workbench.models import resolve_models
from harness.workbench.options import BenchOptions
from harness.workbench.suite import AllModels
from harness.workbench.workbench import Workbench
from tests.benchmarks import tiny
from tests.conftest import require_convert
from tests.harness.builders import statement


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path_factory.mktemp("workbench-cache")))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "mine.tflite"
    path.write_bytes(tiny.detector())
    return path


def bench(**options: Any) -> Workbench:
    return Workbench(BenchOptions(**options), lambda _: None)


def on_sim(model: str) -> CaseKey:
    return CaseKey(model, "", "ethos-u65-256", "sim")


# --- options ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": Path("a.tflite"), "checkpoint": Path("b.pt")}, "were both given"),
        ({"checkpoints": Path("a"), "model": Path("b.tflite")}, "were both given"),
        ({"model": Path("nowhere.tflite")}, "--model `nowhere.tflite` does not exist"),
        ({"checkpoint": Path("nowhere.pt")}, "--checkpoint `nowhere.pt` does not exist"),
        ({"base_model": Path("nowhere.pt")}, "--base-model `nowhere.pt` does not exist"),
        ({"repeats": 0}, "--repeats 0"),
        ({"threads": -1}, "--threads -1"),
        ({"variants": ("level9_relu",)}, "unknown variant `level9_relu`"),
        ({"recipe": "mine"}, "unknown recipe `mine`"),
        ({"calibration_images": 0}, "--calibration-images 0: activation ranges cannot be found without images"),
    ],
)
def test_what_no_session_could_do_is_a_usage_error(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        BenchOptions(**options).check()
    assert caught.value.expected


def test_the_defaults_are_fine() -> None:
    BenchOptions().check()


# --- models ---


def test_without_a_checkpoint_the_seven_are_seeded_and_the_plain_one_comes_first() -> None:
    models = resolve_models(BenchOptions())
    assert [model.name for model in models] == list(BY_NAME)
    assert all(model.seeded for model in models)


def test_a_variant_without_a_checkpoint_in_the_folder_has_a_problem_and_the_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / BY_NAME["level2_relu"].folder / "weights" / "best.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    models = {model.name: model for model in resolve_models(BenchOptions(checkpoints=tmp_path))}
    assert models["level2_relu"].problem is None
    problem = models["level4_leaky"].problem
    assert problem
    assert BY_NAME["level4_leaky"].folder in problem.expected
    assert models["base_silu"].seeded


def test_a_users_own_file_stands_alone_unless_a_base_model_is_given(tmp_path: Path) -> None:
    assert [model.name for model in resolve_models(BenchOptions(checkpoint=tmp_path / "best.pt"))] == ["best"]
    both = resolve_models(BenchOptions(checkpoint=tmp_path / "best.pt", base_model=tmp_path / "plain.pt"))
    assert [model.name for model in both] == ["base_silu", "best"]


def test_an_unknown_profile_ends_before_anything_is_computed() -> None:
    with pytest.raises(UsageError, match="unknown profile"):
        bench(profiles=("ethos-u99",))


# --- work that is done once ---


def test_a_value_is_computed_once_and_an_error_is_raised_again_without_computing() -> None:
    memo, calls = Memo(), []

    def work() -> str:
        calls.append("work")
        return "value"

    def fail() -> str:
        calls.append("fail")
        raise RunError("no")

    assert [memo.get("a", work), memo.get("a", work)] == ["value", "value"]
    for _ in range(2):
        with pytest.raises(RunError):
            memo.get("b", fail)
    assert calls == ["work", "fail"]


def test_ctrl_c_is_not_remembered_as_a_failure() -> None:
    memo = Memo()

    def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memo.get("a", interrupted)
    assert memo.get("a", lambda: "value") == "value"


def test_profiles_share_the_run_of_the_same_file(model: Path) -> None:
    session = bench(model=model, profiles=("ethos-u65-256", "ethos-u55-256"), repeats=2)
    first, second = (session.executions.run(CaseKey("mine", "", profile, "host")) for profile in session.profiles)
    assert first is second
    session.close()


def test_without_data_or_training_there_is_no_accuracy_but_a_reason(model: Path) -> None:
    session = bench(model=model)
    assert session.accuracy.detections(on_sim("mine"), "int8") == Unavailable("no data set was given (--data data.yaml)")
    assert bench().accuracy.detections(on_sim("level2_relu"), "int8") == Unavailable("untrained weights have no accuracy")


# --- statements ---


LEVEL2_FAILS: Statement = statement("level2_leaky_does_not_compile")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConversionError("the graph cannot be exported"), "confirmed"),
        (CompileError("Vela failed"), "confirmed"),
        (CheckpointError("no checkpoint for level2_leaky"), "no figure"),
        (RunError("another thing"), "no figure"),
    ],
)
def test_only_a_conversion_that_failed_shows_that_a_model_does_not_compile(
    monkeypatch: pytest.MonkeyPatch, error: Exception, outcome: str
) -> None:
    session = bench(variants=("level2_leaky",))

    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(session.models, "facts", fail)
    (verdict,) = AllModels(session, "ethos-u65-256", "host").judge([LEVEL2_FAILS])
    assert verdict.outcome == outcome


# --- calibration images ---


def test_calibration_takes_the_training_split_letterboxed_to_the_size(tmp_path: Path) -> None:
    calibration = data_calibration(Detect(), tiny.write_data(tmp_path / "data"), 2)
    assert calibration.count == 2
    assert calibration.letterboxed(square(64)).shape == (2, 64, 64, 3)


def test_other_images_are_another_calibration(tmp_path: Path) -> None:
    data = tiny.write_data(tmp_path / "data")
    assert data_calibration(Detect(), data, 2).identity != data_calibration(Detect(), data, 3).identity
    assert data_calibration(Detect(), data, 2).identity == data_calibration(Detect(), data, 2).identity


@pytest.mark.convert
def test_packaged_photographs_are_different_windows_of_the_same_size() -> None:
    require_convert()
    calibration = packaged_calibration()
    images = calibration.letterboxed(square(64))
    assert images.shape == (calibration.count, 64, 64, 3)
    assert calibration.count == 8 * len(packaged_images())
    assert len({image.tobytes() for image in images}) == calibration.count
