"""Steps run in workers: their errors arrive whole, their crashes are errors, and nothing they leave is half an entry."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conversion import steps, worker
from conversion.steps import Calibration, Origin, facts_of, quantised, save_array
from core import errors
from core.code_identity import code_identity, import_closure
from core.errors import CheckpointError, ConversionError, EthosBenchError, StorageError, UsageError
from core.records.image_form import square
from harness.tasks.detect.task import Detect
from harness.workbench.calibration import data_calibration
from tests.checkout import CHECKOUT

FakeWorker = Callable[[str], None]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "best.pt"
    path.write_bytes(b"a checkpoint, to whom it may concern")
    return path


@pytest.fixture
def fake_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    """Makes a script stand in for Python, and so for every worker."""

    def install(lines: str) -> None:
        path = tmp_path / "fake-python"
        path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{lines}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return install


def entries(cache: Path, kind: str = "describe") -> list[Path]:
    return list((cache / kind).glob("*")) if (cache / kind).is_dir() else []


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in (cache / "tmp").iterdir() if path.suffix != ".lock"]


def say(**message: Any) -> str:
    return f"print(json.dumps({message!r}), flush=True)"


def facts(checkpoint: Path, said: list[str] | None = None) -> Any:
    return facts_of(Origin("mine", checkpoint=checkpoint), (said if said is not None else []).append)


@pytest.mark.parametrize(
    "kind", [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, EthosBenchError)]
)
def test_an_error_of_a_worker_arrives_with_its_type_and_all_its_parts(
    fake_worker: FakeWorker, checkpoint: Path, cache: Path, kind: str
) -> None:
    fake_worker(say(error={"kind": kind, "parts": ["what", "expected", "hint"]}) + "\nsys.exit(1)")
    with pytest.raises(getattr(errors, kind)) as caught:
        facts(checkpoint)
    assert (caught.value.found, caught.value.expected, caught.value.hint) == ("what", "expected", "hint")
    assert entries(cache) == []
    assert leftovers(cache) == []


def test_a_full_disk_in_a_worker_is_a_storage_error_with_the_way_out(fake_worker: FakeWorker, checkpoint: Path) -> None:
    fake_worker(say(error={"kind": "OSError", "parts": [28, "No space left on device", "x"]}) + "\nsys.exit(1)")
    with pytest.raises(StorageError, match="No space left") as caught:
        facts(checkpoint)
    assert "ETHOS_BENCH_CACHE=" in caught.value.hint


def test_another_failure_of_the_system_in_a_worker_is_a_conversion_error(fake_worker: FakeWorker, checkpoint: Path) -> None:
    fake_worker(say(error={"kind": "OSError", "parts": [2, "No such file or directory", "x.so"]}) + "\nsys.exit(1)")
    with pytest.raises(ConversionError, match=r"describe step failed: No such file or directory: `x\.so`"):
        facts(checkpoint)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("print('last words', file=sys.stderr); sys.exit(3)", r"describe step ended with 3: last words"),
        ("os.kill(os.getpid(), 11)", "describe step ended with -11"),
        ("os.kill(os.getpid(), 9)", "describe step ended with -9"),
        (say(done={}) + "\nsys.exit(5)", "ended with 5"),
        ("sys.exit(0)", "ended with 0"),
        ("print('no json'); print('[1, 2]'); sys.exit(1)", "ended with 1"),
    ],
)
def test_a_worker_that_crashes_is_a_conversion_error_with_its_last_words(
    fake_worker: FakeWorker, checkpoint: Path, cache: Path, lines: str, words: str
) -> None:
    fake_worker(lines)
    with pytest.raises(ConversionError, match=words):
        facts(checkpoint)
    assert entries(cache) == []


def test_a_worker_that_does_not_end_is_ended(
    fake_worker: FakeWorker, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STEP_TIMEOUT_S", 0.5)
    fake_worker("import time; time.sleep(600)")
    with pytest.raises(ConversionError, match="ran out of time"):
        facts(checkpoint)


def test_progress_of_a_worker_is_heard(fake_worker: FakeWorker, checkpoint: Path) -> None:
    fake_worker(say(progress="loading") + "\nprint('a banner')\n" + say(progress="exporting") + "\nsys.exit(1)")
    said: list[str] = []
    with pytest.raises(ConversionError):
        facts(checkpoint, said)
    assert said == ["loading", "exporting"]


def test_a_step_that_worked_is_not_done_again_and_another_file_is_another_step(
    fake_worker: FakeWorker, checkpoint: Path, cache: Path, tmp_path: Path
) -> None:
    content = {
        "weights": "w", "file": "f", "activation": "relu", "classes": ["a"], "parameters": 1, "image_size": 64,
        "strides": [8], "regression_bins": 16, "trained": True,
    }  # fmt: skip
    fake_worker(
        "request = json.load(open(sys.argv[-2]))\n"
        f"open({str(tmp_path / 'count')!r}, 'a').write('x')\n"
        f"open(request['folder'] + '/facts.json', 'w').write({json.dumps(content)!r})\n" + say(done={"peak_bytes": 1})
    )
    assert facts(checkpoint) == facts(checkpoint)
    assert (tmp_path / "count").read_text() == "x"
    checkpoint.write_bytes(b"another checkpoint")
    facts(checkpoint)
    assert (tmp_path / "count").read_text() == "xx"
    assert len(entries(cache)) == 2
    assert leftovers(cache) == []


def test_a_seeded_model_depends_on_its_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = Origin("level2_relu", seeded="level2_relu")
    before = steps._origin_identity(origin)
    (tmp_path / "level2_relu.yaml").write_text("nc: 15\n")
    monkeypatch.setattr("conversion.variants.ARCHITECTURES", tmp_path)
    assert steps._origin_identity(origin) != before


@pytest.mark.parametrize("step", worker.STEPS)
def test_the_code_of_a_step_is_what_its_worker_runs_with_everything_that_this_imports(step: str) -> None:
    closure = import_closure(steps._code(step))
    assert {"conversion.worker", worker.STEPS[step][0], "core.errors"} <= set(closure)
    expected = {"describe": "torch", "export": "litert-torch", "program": "torch", "quantise": "ai-edge-quantizer"}[step]
    assert expected in code_identity(steps._code(step)).tools
    source = (CHECKOUT / worker.STEPS[step][0].replace(".", "/")).with_suffix(".py").read_text()
    assert f"\ndef {worker.STEPS[step][1]}(" in source


def test_a_change_of_what_letterboxes_the_calibration_images_is_another_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quantiser sees pixels that code of the data set's side made: no import of ours leads there."""
    seen: list[tuple[str, ...]] = []

    def watched(kind: str, parts: Any, make: Any, code: tuple[str, ...], tell: Any) -> Path:
        seen.append(code)
        return tmp_path

    monkeypatch.setattr(steps, "entry", watched)
    (tmp_path / "float.tflite").write_bytes(b"")
    for image in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / image)
    (tmp_path / "data.yaml").write_text(f"path: {tmp_path}\ntrain: .\nval: .\nnames: [a]\n")
    calibration = data_calibration(Detect(), tmp_path / "data.yaml", 1)
    quantised(tmp_path / "float.tflite", "fast", calibration, square(64), lambda _: None)
    assert "harness.tasks.detect.letterbox" in import_closure(seen[0])


def test_no_calibration_images_is_a_usage_error_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "float.tflite").write_bytes(b"")
    nothing = Calibration("identity", 0, lambda form: np.zeros((0, *form.sides, form.channels), np.uint8))
    with pytest.raises(UsageError, match="0 calibration images") as caught:
        quantised(tmp_path / "float.tflite", "fast", nothing, square(64), lambda _: None)
    assert caught.value.hint == "--calibration-images 64"


def test_calibration_images_survive_the_trip_to_the_worker(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    for array in (images, images[:, ::-1], images[:0]):
        save_array(tmp_path / "images.npy", array)
        np.testing.assert_array_equal(np.load(tmp_path / "images.npy", mmap_mode="r" if len(array) else None), array)


def test_a_checkpoint_that_cannot_be_read_is_refused_by_name(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(steps, "file_sha256", denied)
    with pytest.raises(CheckpointError, match=r"best\.pt` cannot be read: Permission denied"):
        facts(checkpoint)


# --- the worker's own side ---


def run_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException | None, capfd: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any]]:
    def step(request: dict[str, Any], folder: Path, progress: Any) -> None:
        if error:
            raise error

    monkeypatch.setattr(worker, "_step", lambda name: step)
    monkeypatch.setattr(sys, "__stdout__", sys.stdout)
    (tmp_path / "request.json").write_text(json.dumps({"step": "step", "folder": str(tmp_path)}))
    code = worker.main(str(tmp_path / "request.json"))
    return code, json.loads(capfd.readouterr().out.splitlines()[-1])


def test_a_worker_ends_with_done_and_its_peak_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, said = run_worker(tmp_path, monkeypatch, None, capfd)
    assert code == 0
    assert said["done"]["peak_bytes"] > 1_000_000


def test_a_worker_says_our_errors_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, said = run_worker(tmp_path, monkeypatch, CheckpointError("a", "b", "c"), capfd)
    assert (code, said) == (1, {"error": {"kind": "CheckpointError", "parts": ["a", "b", "c"]}})


def test_a_worker_says_why_the_system_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, said = run_worker(tmp_path, monkeypatch, OSError(28, "No space left on device", "/full"), capfd)
    assert (code, said["error"]["parts"]) == (1, [28, "No space left on device", "/full"])
