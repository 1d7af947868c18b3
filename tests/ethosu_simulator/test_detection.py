"""A detector with its post-process on the CPU: the whole file runs, in as much memory as TFLite Micro's kernel asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

import ethosu_simulator
from targets.tflite_micro import cpu_operators, run_micro
from tests.conversion.tflite_builder import TinyModel
from tests.ethosu_simulator.generator.compare import compiled
from tests.ethosu_simulator.toolchain import random_inputs

HEIGHT, WIDTH, CLASSES, FOUND = 64, 128, 20, 10
ANCHORS = HEIGHT * WIDTH
SETTINGS = {
    "max_detections": FOUND, "max_classes_per_detection": 1, "detections_per_class": 100, "use_regular_nms": True,
    "nms_score_threshold": 0.3, "nms_iou_threshold": 0.5, "num_classes": CLASSES,
    "x_scale": 10.0, "y_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0,
}  # fmt: skip


def detector() -> bytes:
    """Boxes and scores of every pixel, sorted out by TFLite_Detection_PostProcess, which scores everything in float32."""
    model = TinyModel()
    image = model.tensor((1, HEIGHT, WIDTH, 3), "image")
    boxes = _rows(model, model.conv(image, 4), 4)
    scores = _rows(model, model.conv(image, CLASSES + 1), CLASSES + 1)
    anchors = model.constant(np.random.default_rng(1).random((ANCHORS, 4), np.float32), "anchors")
    shapes = {"boxes": (1, FOUND, 4), "classes": (1, FOUND), "found scores": (1, FOUND), "count": (1,)}
    outputs = [model.tensor(shape, name, "FLOAT32", None) for name, shape in shapes.items()]
    model.operator("CUSTOM", [boxes, scores, anchors], outputs, custom="TFLite_Detection_PostProcess")
    model.operators[-1].customOptions = list(flexbuffers.Dumps(SETTINGS))
    return model.finish([image], outputs)


def _rows(model: TinyModel, values: int, depth: int) -> int:
    shape = model.constant(np.array([1, ANCHORS, depth], np.int32))
    scale = model.tensors[values].quantization.scale[0]
    rows = model.tensor((1, ANCHORS, depth), "", scale=scale)
    model.operator("RESHAPE", [values, shape], [rows], schema.ReshapeOptionsT())
    return model.operator("DEQUANTIZE", [rows], [model.tensor((1, ANCHORS, depth), "", "FLOAT32", None)])


@pytest.mark.parametrize("config", ["u55-128", "u85-256"])
def test_a_detector_with_its_post_process_gives_the_reference_s_bytes(config: str, tmp_path: Path) -> None:
    path, content = tmp_path / "detector.tflite", detector()
    path.write_bytes(content)
    images = [random_inputs(path, seed) for seed in (1, 2)]
    file = compiled(path, config, tmp_path / config)
    model = ethosu_simulator.load(file)
    assert [operator.name for operator in model.cpu_operators] == ["DEQUANTIZE", "DEQUANTIZE", "TFLite_Detection_PostProcess"]
    with cpu_operators(file) as cpu:
        found = [[values.tobytes() for values in model.run(image, cpu=cpu)] for image in images]
    assert found == [[values.tobytes() for values in outputs] for outputs in run_micro(content, images, 4, 1, "detector")]
