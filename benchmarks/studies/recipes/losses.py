"""What int8 costs by size, recipe and family: `python -m benchmarks.studies.recipes.losses --checkpoint FILE --data data.yaml`.

For every checkpoint, size and recipe a JSON line: mAP50-95 of the float and of the int8 file on the test split, their
difference with the 95 % interval of a paired bootstrap over images, and both estimates of each NPU. Everything is kept in the
cache: a run that was broken off goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from conversion.estimates import estimated
from conversion.pipeline import Settings, Source, compile_source, int8_source
from conversion.profile_files import load_profile
from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.steps import Origin, facts_of
from conversion.vela_options import VelaOptions
from core.records.artefact import ModelFile
from core.records.unavailable import Unavailable
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.judged import Detected, detected
from harness.tasks.detect.task import Detect
from harness.workbench.calibration import data_calibration
from harness.workbench.estimate_figures import whole_times

THREADS = 2


@dataclass(frozen=True)
class Study:
    """What every conversion is judged on: a data.yaml, the images of its test split (or fewer), profiles by name."""

    data: Path
    test: Dataset
    npus: tuple[str, ...]

    def row(self, checkpoint: Path, size: int, recipe: str) -> dict[str, Any]:
        """The figures of one conversion, by name; accuracy 0..1, estimates in milliseconds."""
        source = converted(checkpoint, self.data, size, recipe)
        what = {"checkpoint": checkpoint_name(checkpoint), "size": size, "recipe": recipe, "images": self.test.count}
        return {**what, **self._loss(source), **dict(self._estimates(source))}

    def _loss(self, source: Source) -> dict[str, float]:
        assert source.floating
        floats, int8 = (self._detected(file, source) for file in (source.floating, source.int8))
        lost = Detect().difference(floats, int8)
        figures = {"float": floats.accuracy.map50_95, "int8": int8.accuracy.map50_95}
        figures |= {"loss": lost.difference, "low": lost.low, "high": lost.high}
        return {name: round(value, 4) for name, value in figures.items()}

    def _detected(self, file: ModelFile, source: Source) -> Detected:
        assert source.facts
        found = detected(file, None, self.test, THREADS, _say, end_to_end=source.facts.end_to_end)
        assert isinstance(found, Detected), found
        return found

    def _estimates(self, source: Source) -> Iterator[tuple[str, dict[str, float | str]]]:
        for name in self.npus:
            compilation = compile_source(source, load_profile(name), VelaOptions(), _say).compilation
            times = whole_times(compilation, estimated(compilation))
            yield (
                name,
                {stat: time.reason if isinstance(time, Unavailable) else round(time / 1e3, 2) for stat, time in times.items()},
            )


def converted(checkpoint: Path, data: Path, size: int, recipe: str) -> Source:
    """The int8 file of a checkpoint at a size, calibrated on images of `train`, with its float reference."""
    origin = Origin(checkpoint_name(checkpoint), checkpoint=checkpoint)
    calibration = data_calibration(Detect(), data, RECIPES[recipe].images)
    return int8_source(origin, facts_of(origin, _say), Settings(recipe, "raw", size), calibration, _say)


def checkpoint_name(checkpoint: Path) -> str:
    """The file's stem; of ultralytics' own best.pt and last.pt the name of the training's folder."""
    return checkpoint.parents[1].name if checkpoint.parent.name == "weights" else checkpoint.stem


def _say(text: str) -> None:
    click.echo(f"  {text}", err=True)


@click.command()
@click.option("--checkpoint", "checkpoints", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--imgsz", "sizes", multiple=True, type=int, default=(320,), show_default=True)
@click.option(
    "--recipe", "recipes", multiple=True, type=click.Choice(tuple(RECIPES)), default=(DEFAULT_RECIPE,), show_default=True
)
@click.option("--npu", "npus", multiple=True, help="Profiles whose estimates are printed too.")
@click.option("--images", type=int, help="Fewer images of the test split, evenly spaced.")
def main(
    checkpoints: tuple[Path, ...],
    data: Path,
    sizes: tuple[int, ...],
    recipes: tuple[str, ...],
    npus: tuple[str, ...],
    images: int | None,
) -> None:
    """Print a line for each checkpoint, size and recipe."""
    study = Study(data, Detect().load(data, images), npus)
    for checkpoint in checkpoints:
        for size in sizes:
            for recipe in recipes:
                click.echo(json.dumps(study.row(checkpoint, size, recipe)))


if __name__ == "__main__":
    main()
