"""Tiny models and data sets for runs of the whole suite in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.conversion.tflite_builder import TinyModel

SIZE = 32
CLASSES = 2


def detector(activation: str = "RELU") -> bytes:
    """A YOLO head for two classes at 32 px: box and class maps on grids of 4, 2 and 1."""
    model = TinyModel()
    image = model.tensor((1, SIZE, SIZE, 3), "images")
    features = model.conv(image, 8, 3, activation=activation)
    maps = []
    for stride in (8, 16, 32):
        maps += [model.conv(features, channels, 1, stride=stride) for channels in (64, CLASSES)]
    return model.finish([image], maps)


def cpu_operator() -> bytes:
    """CONV_2D with RELU, REVERSE_V2 that only a CPU has, CONV_2D."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    inputs = [model.conv(image, 16, 3, activation="RELU"), model.constant(np.array([1], np.int32))]
    reversed_rows = model.operator("REVERSE_V2", inputs, [model.tensor((1, 16, 16, 16), "reversed")])
    return model.finish([image], [model.conv(reversed_rows, 8)])


def silu() -> bytes:
    """CONV_2D, LOGISTIC, MUL: what an exporter leaves of SiLU."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    convolved = model.conv(image, 16, 3)
    return model.finish([image], [model.binary("MUL", convolved, model.unary("LOGISTIC", convolved))])


def floats() -> bytes:
    """A file that computes in floats alone."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "picture", dtype="FLOAT32", scale=None)
    return model.finish([image], [model.unary("FLOOR", image, dtype="FLOAT32", scale=None)])


def slow() -> bytes:
    """About a second of host time for each inference."""
    model = TinyModel()
    image = value = model.tensor((1, 160, 160, 64), "image")
    for _ in range(12):
        value = model.conv(value, 64, 3)
    return model.finish([image], [value])


def write_data(folder: Path, images: int = 3, names: str = "[cat, dog]", label: str = "1 0.5 0.5 0.4 0.4\n") -> Path:
    """A data.yaml with as many images in its train and test split, all with the same label."""
    for split in ("train", "test"):
        for kind in ("images", "labels"):
            (folder / split / kind).mkdir(parents=True, exist_ok=True)
        for number in range(images):
            pixels = np.random.default_rng(number).integers(0, 256, (24, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / split / "images" / f"{number}.png")
            (folder / split / "labels" / f"{number}.txt").write_text(label)
    path = folder / "data.yaml"
    path.write_text(f"path: .\ntrain: train/images\ntest: test/images\nnames: {names}\n")
    return path
