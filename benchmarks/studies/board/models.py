"""The models of the board and where each comes from: an architecture with seeded weights, a checkpoint, or a quantised file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conversion.checkpoint import find_checkpoints, packaged_images, seeded_detector
from core.cache import entry
from core.files import file_sha256
from harness.explore.exploration import Weights
from harness.explore.requests import ModelChoice

CLASSES = 80
"""Of COCO, which the public architectures are trained on."""
RECIPE = "fast"
"""The quickest one, since no accuracy is shown. What another recipe changes in cycles was not tried."""
SIZE = 320
ARCHITECTURES = {
    "yolov5nu": "v5/yolov5.yaml", "yolov8n": "v8/yolov8.yaml", "yolov10n": "v10/yolov10n.yaml", "yolo11n": "11/yolo11.yaml",
    "yolo12n": "12/yolo12.yaml", "yolo26n": "26/yolo26.yaml", "yolov8s": "v8/yolov8.yaml", "yolo11s": "11/yolo11.yaml",
}  # fmt: skip
"""Name -> ultralytics' description of it; the letter n or s in the name is the scale."""
SCALES = {name: "s" if name.endswith("s") else "n" for name in ARCHITECTURES}


@dataclass(frozen=True)
class BoardModel:
    """A model of the board; `architecture` or `checkpoint` at `size` pixels, or a quantised `file` that has its own size."""

    name: str
    weights: Weights
    size: int = 0
    architecture: str = ""
    checkpoint: Path | None = None
    file: Path | None = None

    def choice(self) -> ModelChoice:
        """The model as an exploration takes it; the checkpoint of an architecture is written on first use."""
        if self.file:
            return ModelChoice(name=self.name, identity=file_sha256(self.file), file=self.file)
        checkpoint = self.checkpoint or seeded_checkpoint(self.name, self.architecture)
        untrained = self.weights == "seeded"
        return ModelChoice(name=self.name, identity=file_sha256(checkpoint), checkpoint=checkpoint, untrained=untrained)


def board_models(data: Path | None, sizes: tuple[int, ...] = (SIZE,)) -> Iterator[BoardModel]:
    """Every model that is at hand, the cheapest first: small files of `data`, public architectures, the six."""
    for file in sorted((data / "models/tiny").glob("*.tflite")) if data else ():
        yield BoardModel(file.stem, "trained", file=file)
    for size in sizes:
        for name, architecture in ARCHITECTURES.items():
            yield BoardModel(name, "seeded", size, architecture=architecture)
        for name, checkpoint in find_checkpoints(data / "models/checkpoints").items() if data else ():
            yield BoardModel(name, "trained", size, checkpoint=checkpoint)


def seeded_checkpoint(name: str, architecture: str) -> Path:
    """A checkpoint in the cache, its weights drawn from a seed made of the name."""
    parts = {"name": name, "architecture": architecture, "image_size": SIZE, "classes": CLASSES}
    file = f"{name}.pt"
    return entry("seeded checkpoint", parts, lambda folder: _write_seeded(name, architecture, folder / file)) / file


def _write_seeded(name: str, architecture: str, path: Path) -> None:
    """A checkpoint as ultralytics writes it."""
    import torch
    import yaml

    description = packaged_images()[0].parents[1] / "cfg/models" / architecture
    content = yaml.safe_load(description.read_text("utf-8")) | {"scale": SCALES[name]}
    module = seeded_detector(content, name, CLASSES, "silu")
    torch.save({"model": module, "train_args": {"imgsz": SIZE}}, path)
