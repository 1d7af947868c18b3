"""A classifier whose answers can be worked out by hand: the class of an image is its brightest colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from PIL import Image

from tests.conversion.tflite_builder import TinyModel

SIZE = 8
NAMES = ("red", "green", "blue")
WEIGHT_SCALE = 1 / 64 / 100


def classifier(classes: int = 3) -> bytes:
    """An int8 file: input 8x8 RGB in 0..1, output (1, classes), each the mean of one colour."""
    model = TinyModel()
    image = model.tensor((1, SIZE, SIZE, 3), "image", scale=1 / 255)
    model.tensors[image].quantization.zeroPoint = [-128]
    weights = np.zeros((classes, SIZE, SIZE, 3), np.int8)
    for k in range(classes):
        weights[k, :, :, k] = 100
    means = model.tensor((1, 1, 1, classes), "means", scale=1 / 255)
    model.tensors[means].quantization.zeroPoint = [-128]
    bias = model.constant(np.zeros(classes, np.int32), "bias", [WEIGHT_SCALE / 255] * classes)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    model.operator("CONV_2D", [image, model.constant(weights, "weights", [WEIGHT_SCALE] * classes), bias], [means], options)
    flat = model.tensor((1, classes), "scores", scale=1 / 255)
    model.tensors[flat].quantization.zeroPoint = [-128]
    shape = model.constant(np.array([1, classes], np.int32), "shape")
    reshape: Any = schema.ReshapeOptionsT()
    reshape.newShape = [1, classes]
    model.operator("RESHAPE", [means, shape], [flat], reshape)
    return model.finish([image], [flat])


def write_images(folder: Path, each: int = 4, wrong: int = 1) -> Path:
    """A folder for each colour; the first `wrong` images of red lie in the folder of green."""
    for k, name in enumerate(NAMES):
        for number in range(each):
            shown = NAMES[1] if name == "red" and number < wrong else name
            pixels = np.random.default_rng(100 * k + number).integers(0, 90, (12, 16, 3), dtype=np.uint8)
            pixels[..., k] += 120
            (folder / shown).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / shown / f"{name}-{number}.png")
    (folder / "labels.txt").write_text("\n".join(NAMES))
    return folder
