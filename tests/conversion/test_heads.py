"""Heads of ultralytics that are not the plain one: what is converted computes what ultralytics does, on the NPU too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conversion.checkpoint import load_checkpoint
from conversion.pipeline import Settings, Source, compile_source, int8_source
from conversion.profile_files import load_profile
from conversion.steps import Origin, facts_of
from conversion.vela_options import VelaOptions
from core.records.unavailable import Unavailable
from harness.tasks.detect.decode import decode
from harness.tasks.detect.evaluate import COCO_SELECTION
from harness.tasks.detect.graphs import open_graph
from harness.tasks.detect.layout import find_layout
from harness.tasks.runtimes import open_runtime
from harness.workbench.calibration import packaged_calibration
from tests.conftest import require_convert

pytestmark = [pytest.mark.convert, pytest.mark.slow]
DETECTORS = {
    "yolo26n": "26/yolo26.yaml", "yolov10n": "v10/yolov10n.yaml", "yolov8n": "v8/yolov8.yaml",
    "yolov8n-p2": "v8/yolov8-p2.yaml", "yolov3-tiny": "v3/yolov3-tiny.yaml",
}  # fmt: skip
CLASSIFIER = {"yolo11n-cls": "11/yolo11-cls.yaml"}
SIZE = 64
CLASSES = 3


def say(text: str) -> None:
    """Nothing."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Writes a checkpoint of an architecture with seeded weights, as ultralytics does."""
    require_convert()

    @functools.cache
    def write(name: str, architecture: str) -> Path:
        import torch
        import yaml

        from conversion.checkpoint import SEEDED_GAIN, _conv_blocks, _quiet, _ultralytics_tasks

        tasks = _ultralytics_tasks()
        package = Path(tasks.__file__).parents[1]
        content = yaml.safe_load((package / "cfg/models" / architecture).read_text("utf-8"))
        scale = next((letter for letter in "nl" if letter in content.get("scales", {}) and name.find(letter) > 0), "")
        kind = tasks.ClassificationModel if content["head"][-1][2] == "Classify" else tasks.DetectionModel
        with _quiet(), torch.random.fork_rng():
            torch.manual_seed(7)
            module = kind({**content, **({"scale": scale} if scale else {})}, nc=CLASSES, verbose=False)
            for block in _conv_blocks(module):
                block.conv.weight.data.mul_(SEEDED_GAIN["silu"])  # else no output depends on the image
        path = tmp_path_factory.mktemp("heads") / f"{name}.pt"
        torch.save({"model": module, "train_args": {"imgsz": SIZE}}, path)
        return path

    return write


def converted(path: Path, cut: Any = "raw") -> Source:
    origin = Origin(path.stem, checkpoint=path)
    return int8_source(origin, facts_of(origin, say), Settings("fast", cut, SIZE), packaged_calibration(), say)


def ultralytics_boxes(path: Path, image: np.ndarray) -> np.ndarray:
    """What ultralytics itself finds: (n, 6) x1 y1 x2 y2 score class, best first."""
    import torch

    module = load_checkpoint(path).module
    with torch.no_grad():
        found = module(torch.from_numpy(image))
    return np.asarray((found[0] if isinstance(found, tuple) else found)[0])


@pytest.mark.parametrize(("name", "cut"), [("yolo26n", "raw"), ("yolo26n", "decoded"), ("yolov10n", "raw")])
def test_an_end_to_end_head_finds_the_boxes_that_ultralytics_finds(
    checkpoint: Callable[[str, str], Path], tmp_path: Path, name: str, cut: str
) -> None:
    from conversion.checkpoint import fused
    from conversion.export import head_module, onnx, output_names

    path = checkpoint(name, DETECTORS[name])
    model = load_checkpoint(path)
    file = tmp_path / "float.onnx"
    file.write_bytes(onnx(head_module(fused(model), cut, SIZE), SIZE, output_names(cut)))  # type: ignore[arg-type]
    canvas = np.random.default_rng(3).integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
    graph = open_graph(file, 1)
    layout = find_layout([each.shape for each in graph.outputs], CLASSES, SIZE, end_to_end=True)
    assert not isinstance(layout, Unavailable)
    found = COCO_SELECTION.rank(decode(graph.run(canvas), layout, 1e-9))
    theirs = ultralytics_boxes(path, canvas.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    count = min(len(found.scores), 50)
    np.testing.assert_allclose(found.scores[:count], theirs[:count, 4], rtol=2e-3, atol=1e-7)
    ours = {(int(k), *np.round(box).astype(int)) for k, box in zip(found.classes, found.boxes, strict=True)}
    missed = [row for row in theirs[:count] if not any(
        k == int(row[5]) and np.abs(np.array(box) - row[:4]).max() <= 1 for k, *box in ours)]  # fmt: skip
    assert missed == []


def run_everywhere(source: Source, profile: str) -> None:
    """Fail unless the NPU runs all of a file, and its bytes are those of TFLite Micro."""
    import ethosu_simulator
    from targets.tflite_micro import cpu_operators, run_micro

    artefact = compile_source(source, load_profile(profile), VelaOptions(), say)
    assert artefact.compilation.placement.mac_share == 1
    (tensor,) = source.graph.inputs
    image = np.random.default_rng(5).integers(-128, 128, tensor.shape, np.int8)
    file = artefact.compilation.compiled.path
    with cpu_operators(file) as cpu:
        given = ethosu_simulator.load(file).run([image], cpu=cpu)
    content = source.int8.path.read_bytes()
    (expected,) = run_micro(content, [(image,)], len(source.graph.outputs), 1 << 24, source.int8.path.name)
    for ours, theirs in zip(given, expected, strict=True):
        np.testing.assert_array_equal(ours.reshape(-1), theirs.reshape(-1))
    assert len({int(value) for value in given[0].reshape(-1)}) > 1


def test_an_end_to_end_head_runs_with_the_references_bytes(checkpoint: Callable[[str, str], Path]) -> None:
    run_everywhere(converted(checkpoint("yolo26n", DETECTORS["yolo26n"])), "ethos-u65-256")


@pytest.mark.nightly
@pytest.mark.parametrize("profile", ["ethos-u55-256", "ethos-u65-256", "ethos-u85-256"])
@pytest.mark.parametrize("name", [*DETECTORS, *CLASSIFIER])
def test_every_family_runs_with_the_references_bytes(checkpoint: Callable[[str, str], Path], name: str, profile: str) -> None:
    run_everywhere(converted(checkpoint(name, {**DETECTORS, **CLASSIFIER}[name])), profile)


def test_a_classifiers_float_graph_orders_classes_as_ultralytics_does(
    checkpoint: Callable[[str, str], Path], tmp_path: Path
) -> None:
    from conversion.checkpoint import fused
    from conversion.export import ClassHead, onnx

    path = checkpoint("yolo11n-cls", CLASSIFIER["yolo11n-cls"])
    model = load_checkpoint(path)
    assert (model.facts.task, len(model.facts.classes)) == ("classify", CLASSES)
    file = tmp_path / "float.onnx"
    file.write_bytes(onnx(ClassHead(fused(model)).eval(), SIZE, ("logits",)))
    image = np.random.default_rng(3).random((1, 3, SIZE, SIZE), np.float32)
    (ours,) = open_runtime(file, 1).infer(image)
    theirs = ultralytics_boxes(path, image)
    np.testing.assert_allclose(np.exp(ours[0]) / np.exp(ours[0]).sum(), theirs, atol=1e-5)
