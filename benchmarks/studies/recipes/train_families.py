"""Other families trained a little on calibration images: `python -m benchmarks.studies.recipes.train_families`.

Not for their accuracy: int8 is to be judged on activations that were trained. Of checkpoints of other families, what has the
same name and shape starts as it is there (--start), the rest at random; the weights lie in OUTPUT and are nobody's release.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import yaml

from harness.tasks.detect.data_yaml import read_data_yaml
from harness.tasks.detect.labels import label_path

FAMILIES = ("yolo26n", "yolov8n")
"""With attention and without it; ultralytics' own architectures of these names."""
FIXED = ("val=False", "plots=False", "workers=0", "cache=ram", "amp=False", "device=cpu", "seed=0", "exist_ok=True")


def copied_data(data: Path, folder: Path) -> Path:
    """A data.yaml below `folder` with copies of the images and labels of `train`: ultralytics writes beside what it reads."""
    config = read_data_yaml(data)
    for kind in ("images", "labels"):
        (folder / "train" / kind).mkdir(parents=True, exist_ok=True)
    for image in config.images("train"):
        shutil.copy(image, folder / "train/images")
        if label_path(image).is_file():
            shutil.copy(label_path(image), folder / "train/labels")
    names = dict(enumerate(config.class_names))
    content = {"path": str(folder.resolve()), "train": "train/images", "val": "train/images", "names": names}
    (folder / "data.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return folder / "data.yaml"


def train(family: str, data: Path, output: Path, settings: tuple[str, ...]) -> Path:
    """The checkpoint of the last epoch, below `output`; ultralytics trains in a process of its own, without a network."""
    program = Path(sys.executable).with_name("yolo")
    where = (f"model={family}.yaml", f"data={data}", f"project={output.resolve()}", f"name={family}")
    offline = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": str(output.resolve())}
    command = [str(program), "detect", "train", *where, *settings, *FIXED]
    subprocess.run(command, check=True, env={**os.environ, **offline}, cwd=output)
    return Path(shutil.copy(output / family / "weights/last.pt", output / f"{family}.pt"))


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder of the checkpoints.")
@click.option("--start", type=click.Path(path_type=Path, exists=True), help="Checkpoint whose weights fit in part.")
@click.option("--family", "families", multiple=True, type=click.Choice(FAMILIES), default=FAMILIES, show_default=True)
@click.option("--imgsz", default=320, show_default=True)
@click.option("--epochs", default=30, show_default=True)
def main(data: Path, output: Path, start: Path | None, families: tuple[str, ...], imgsz: int, epochs: int) -> None:
    """Train each family on the images of `train` and print where its checkpoint lies."""
    output.mkdir(parents=True, exist_ok=True)
    begin = (f"pretrained={start.resolve()}",) if start else ("pretrained=False",)
    settings = (f"imgsz={imgsz}", f"epochs={epochs}", "batch=16", *begin)
    for family in families:
        copied = copied_data(data.resolve(), output.resolve() / f"{family}-data")
        click.echo(train(family, copied, output, settings))


if __name__ == "__main__":
    main()
