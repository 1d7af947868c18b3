"""The conversion steps as cached folders, each made by a worker process; knows what each step depends on."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conversion.variants import BY_NAME
from conversion.worker import STEPS
from core import errors
from core.cache import cache_errors, cache_root, entry
from core.files import FULL_OR_READ_ONLY, file_sha256
from core.processes import Finished, run_child
from core.progress import Progress
from core.records.checkpoint_facts import CheckpointFacts
from core.records.image_form import ImageForm

STEP_TIMEOUT_S = 3600.0
WORKER = "conversion.worker"


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: a checkpoint file, or a seeded build of our own architecture (`seeded` names it)."""

    variant: str
    checkpoint: Path | None = None
    seeded: str = ""


@dataclass(frozen=True)
class Calibration:
    """Images that the quantiser sees.

    `identity` is a fingerprint of their pixels and order, `count` their number; `letterboxed(form)` gives them as uint8
    (N, height, width, channels).
    """

    identity: str
    count: int
    letterboxed: Callable[[ImageForm], NDArray[np.uint8]]


def facts_of(origin: Origin, progress: Progress) -> CheckpointFacts:
    """What the checkpoint is; CheckpointError or ToolMissing when it cannot be loaded."""
    if origin.checkpoint and not origin.checkpoint.is_file():
        raise errors.CheckpointError(f"checkpoint `{origin.checkpoint}` does not exist", "an ultralytics .pt file")
    request = _origin_request(origin)
    parts = {"model": _origin_identity(origin)}
    folder = _step("describe", parts, request, progress)
    return CheckpointFacts.from_json(json.loads((folder / "facts.json").read_text("utf-8")))


def exported(origin: Origin, facts: CheckpointFacts, image_size: int, cut: str, progress: Progress) -> Path:
    """The folder with float.tflite and float.onnx."""
    parts = {"weights": facts.weights, "image_size": image_size, "cut": cut}
    request = {**_origin_request(origin), "image_size": image_size, "cut": cut}
    return _step("export", parts, request, progress)


def exported_program(origin: Origin, facts: CheckpointFacts, image_size: int, cut: str, progress: Progress) -> Path:
    """The folder with float.pt2, the graph as torch.export writes it."""
    parts = {"weights": facts.weights, "image_size": image_size, "cut": cut}
    return _step("program", parts, {**_origin_request(origin), "image_size": image_size, "cut": cut}, progress)


def quantised(float_tflite: Path, recipe: str, calibration: Calibration, form: ImageForm, progress: Progress) -> Path:
    """The folder with int8.tflite."""
    if calibration.count < 1:
        raise errors.UsageError(
            "0 calibration images: activation ranges cannot be found", "at least 1, better 64", "--calibration-images 64"
        )
    parts = {"float": file_sha256(float_tflite), "recipe": recipe, "calibration": calibration.identity}

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="images-") as images:
            path = Path(images) / "images.npy"
            progress(f"letterboxing {calibration.count} calibration images")
            save_array(path, calibration.letterboxed(form))
            request = {"float": str(float_tflite), "recipe": recipe, "images": str(path)}
            _work("quantise", request, folder, progress)

    return entry("quantise", parts, make, (*_code("quantise"), calibration.letterboxed.__module__), progress)


def _step(step: str, parts: dict[str, Any], request: dict[str, Any], progress: Progress) -> Path:
    return entry(step, parts, lambda folder: _work(step, request, folder, progress), _code(step), progress)


def _code(step: str) -> tuple[str, str]:
    """What runs in a worker's process for a step: no import leads there."""
    return WORKER, STEPS[step][0]


def _origin_identity(origin: Origin) -> str:
    """What decides a model's weights: the checkpoint's bytes, or the name that seeds them and the architecture."""
    if origin.checkpoint:
        with _readable(origin.checkpoint):
            return file_sha256(origin.checkpoint)
    return f"{origin.seeded}:{file_sha256(BY_NAME[origin.seeded].architecture)}"


@contextlib.contextmanager
def _readable(checkpoint: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.CheckpointError(
            f"checkpoint `{checkpoint}` cannot be read: {error.strerror}", "an ultralytics .pt file"
        ) from error


def _origin_request(origin: Origin) -> dict[str, Any]:
    checkpoint = str(origin.checkpoint.resolve()) if origin.checkpoint else ""
    return {"checkpoint": checkpoint, "seeded": origin.seeded}


def _work(step: str, request: dict[str, Any], folder: Path, progress: Progress) -> None:
    """Run a worker that fills `folder`; its typed error is raised again here."""
    outcome: dict[str, Any] = {}

    def listen(line: str) -> None:
        said = message(line)
        if "progress" in said:
            progress(said["progress"])
        outcome.update(said)

    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="request-") as place:
        path = Path(place) / "request.json"
        path.write_text(json.dumps({**request, "step": step, "folder": str(folder)}), "utf-8")
        command = [sys.executable, "-m", WORKER, str(path), str(os.getpid())]
        finished = run_child(
            command, timeout_s=STEP_TIMEOUT_S, on_line=listen, environment={"PYTHONPATH": str(Path(__file__).parents[1])}
        )
    _raise_failure(step, outcome, finished)
    (folder / "worker.json").write_text(json.dumps(outcome["done"]), "utf-8")


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an .npy file; numpy's own writer hides why the disk refused."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(np.ascontiguousarray(array).data)


def message(line: str) -> dict[str, Any]:
    """What a worker says in a line, empty for a line of anybody else's."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _raise_failure(step: str, outcome: dict[str, Any], finished: Finished) -> None:
    if "done" in outcome and finished.returncode == 0:
        return
    error = outcome.get("error")
    if error and error["kind"] == "OSError":
        number, reason, name = error["parts"]
        with cache_errors(cache_root()):
            if number in FULL_OR_READ_ONLY:
                raise OSError(number, reason, name)
        raise errors.ConversionError(f"the {step} step failed: {reason}" + (f": `{name}`" if name else ""))
    if error:
        raise getattr(errors, error["kind"])(*error["parts"])
    last = [line for line in finished.stderr.splitlines() if line.strip()][-3:]
    ending = "ran out of time" if finished.timed_out else f"ended with {finished.returncode}"
    raise errors.ConversionError(f"the {step} step {ending}: {' | '.join(last)[:500]}", "a step that finishes")
