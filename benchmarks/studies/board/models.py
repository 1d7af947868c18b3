"""The models of the board and where each comes from: an architecture with seeded weights, a checkpoint, or a quantised file."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conversion.checkpoint import find_checkpoints
from conversion.pipeline import Settings, Source, int8_source, tflite_source
from conversion.steps import Origin, facts_of
from core.progress import Progress
from harness.explore.exploration import Weights
from harness.workbench.calibration import packaged_calibration

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

    def source(self, tell: Progress) -> Source:
        """Its int8 file; raises what a conversion raises."""
        if self.file:
            return tflite_source(self.file)
        if self.checkpoint:
            return _converted(self.name, self.checkpoint, self.size, tell)
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / f"{self.name}.pt"
            _write_seeded(self.name, self.architecture, written)
            return _converted(self.name, written, self.size, tell)


def board_models(data: Path | None, sizes: tuple[int, ...] = (SIZE,)) -> Iterator[BoardModel]:
    """Every model that is at hand, the cheapest first: small files of `data`, public architectures, the six."""
    for file in sorted((data / "models/tiny").glob("*.tflite")) if data else ():
        yield BoardModel(file.stem, "trained", file=file)
    for size in sizes:
        for name, architecture in ARCHITECTURES.items():
            yield BoardModel(name, "seeded", size, architecture=architecture)
        for name, checkpoint in find_checkpoints(data / "models/checkpoints").items() if data else ():
            yield BoardModel(name, "trained", size, checkpoint=checkpoint)


def _converted(name: str, checkpoint: Path, size: int, tell: Progress) -> Source:
    origin = Origin(name, checkpoint=checkpoint)
    return int8_source(origin, facts_of(origin, tell), Settings(RECIPE, "raw", size), packaged_calibration(), tell)


def _write_seeded(name: str, architecture: str, path: Path) -> None:
    """A checkpoint as ultralytics writes it, its weights drawn from a seed made of the name."""
    import torch
    import yaml

    from conversion.checkpoint import SEEDED_GAIN, _conv_blocks, _quiet, _ultralytics_tasks

    tasks = _ultralytics_tasks()
    content = yaml.safe_load((Path(tasks.__file__).parents[1] / "cfg/models" / architecture).read_text("utf-8"))
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    with _quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        module = tasks.DetectionModel({**content, "scale": SCALES[name]}, nc=CLASSES, verbose=False)
        for block in _conv_blocks(module):
            block.conv.weight.data.mul_(SEEDED_GAIN["silu"])
    torch.save({"model": module, "train_args": {"imgsz": SIZE}}, path)
