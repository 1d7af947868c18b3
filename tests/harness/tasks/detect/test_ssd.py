"""A detector that ends in TFLite_Detection_PostProcess is judged by the boxes that it decodes itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conversion.pipeline import model_file
from harness.tasks.detect.coco import coco_accuracy
from harness.tasks.detect.detections import ImageDetections, join
from harness.tasks.detect.judged import Detected
from harness.tasks.detect.task import Detect
from harness.tasks.pixels import to_quantised
from harness.tasks.runtimes import open_runtime
from tests.ethosu_simulator.test_detection import CLASSES, HEIGHT, WIDTH, detector

IMAGES = 3


def test_map_is_that_of_the_boxes_that_the_file_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "ssd.tflite"
    path.write_bytes(detector())
    runtime, own = open_runtime(path, 1), []
    for folder in ("images", "labels"):
        (tmp_path / "test" / folder).mkdir(parents=True)
    for number in range(IMAGES):
        pixels = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"test/images/{number}.png")
        form = runtime.inputs[0]
        boxes, classes, scores, count = runtime.infer(to_quantised(pixels[None], form.scale, form.zero_point, np.int8))
        found = int(count[0])
        assert found > 3
        y1, x1, y2, x2 = np.clip(boxes[0, :found].T.astype(np.float64), 0, 1)
        corners = np.stack([x1 * WIDTH, y1 * HEIGHT, x2 * WIDTH, y2 * HEIGHT], 1)
        own.append(ImageDetections(corners, scores[0, :found].astype(np.float64), classes[0, :found].astype(np.int64)))
        rows = [
            f"{int(classes[0, i])} {(x1 + x2)[i] / 2:.6f} {(y1 + y2)[i] / 2:.6f} {(x2 - x1)[i]:.6f} {(y2 - y1)[i]:.6f}"
            for i in range(1, found, 2)
            if min(x2[i] - x1[i], y2[i] - y1[i]) > 0
        ]
        (tmp_path / f"test/labels/{number}.txt").write_text("\n".join(rows))
    (tmp_path / "data.yaml").write_text(f"test: test/images\nnames: [{', '.join(f'class {i}' for i in range(CLASSES))}]\n")
    task = Detect()
    dataset = task.load(tmp_path / "data.yaml", None)
    judged = task.judge(model_file(path), None, dataset, 1, lambda _: None)
    assert isinstance(judged, Detected)
    expected = coco_accuracy(join(own), dataset)
    assert judged.accuracy.map50_95 == pytest.approx(expected.map50_95, abs=1e-9)
    assert expected.map50_95 > 0.1
