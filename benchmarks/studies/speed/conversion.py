"""Conversion against ultralytics' own: `python -m benchmarks.studies.speed.conversion --checkpoint best.pt --data data.yaml`.

Both convert the same checkpoint with the same calibration images, each in fresh processes with nothing cached, one after the
other and `--rounds` times in turn; printed are seconds and peak memory of the whole process tree, and the ratio of medians.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click
import yaml

from benchmarks.studies.speed.cost import measured, median_seconds
from harness.tasks.detect.data_yaml import read_data_yaml
from harness.tasks.detect.dataset import load_calibration

THEIRS = """
import sys, torch
from ultralytics import YOLO
torch.set_num_threads(2)
YOLO(sys.argv[1]).export(format="litert", quantize=8, data=sys.argv[2], imgsz=int(sys.argv[3]), batch=1, split="train")
"""


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--recipe", default="fast", show_default=True)
@click.option("--images", default=64, show_default=True)
@click.option("--imgsz", default=640, show_default=True)
@click.option("--rounds", default=1, show_default=True)
def main(checkpoint: Path, data: Path, recipe: str, images: int, imgsz: int, rounds: int) -> None:
    """Print both costs and their ratio."""
    ours, theirs = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            subset = subset_yaml(data, images, folder)
            copy = folder / "best.pt"
            copy.write_bytes(checkpoint.read_bytes())
            theirs.append(measured([sys.executable, "-c", THEIRS, str(copy), str(subset), str(imgsz)], folder))
            options = ["--recipe", recipe, "--images", str(images), "--imgsz", str(imgsz)]
            options += ["--output", str(folder / "converted")]
            command = [sys.executable, "-m", "harness.cli", "convert", "--checkpoint", str(copy), "--calibration", str(subset)]
            ours.append(measured([*command, *options], folder))
    for label, costs in (("ethos-bench convert", ours), ("ultralytics export", theirs)):
        click.echo(f"{label}: {median_seconds(costs):.1f} s, {max(cost.peak_bytes for cost in costs) / 1e9:.2f} GB peak")
    click.echo(
        f"ratio: {median_seconds(ours) / median_seconds(theirs):.2f} ({recipe}, {images} images, {imgsz} px, {rounds} rounds)"
    )


def subset_yaml(data: Path, count: int, folder: Path) -> Path:
    """A data.yaml whose every split is `count` evenly spaced images of the training split, named by a list file."""
    listing = folder / "images.txt"
    listing.write_text("\n".join(str(path.resolve()) for path in load_calibration(data, count).images), "utf-8")
    content = {"path": str(folder), "names": list(read_data_yaml(data).class_names)}
    path = folder / "data.yaml"
    path.write_text(yaml.safe_dump({**content, **dict.fromkeys(("train", "val", "test"), str(listing))}), "utf-8")
    return path


if __name__ == "__main__":
    main()
