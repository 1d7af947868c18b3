"""What the main job costs on the six: `python -m benchmarks.studies.speed.suite --checkpoints DIR --data data.yaml`.

Printed, seconds and peak memory of the whole process tree: the six conversions with an empty cache (checkpoint to compiled
file), the first run of the whole suite on target `host`, which finds the conversions in the cache, and the same run once more.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from benchmarks.studies.speed.cost import measured
from conversion.quantise import DEFAULT_RECIPE
from conversion.variants import VARIANTS

ROOT = Path(__file__).resolve().parents[3]
SIX = tuple(variant.name for variant in VARIANTS if variant.name != "base_silu")


@click.command()
@click.option("--checkpoints", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--recipe", default=DEFAULT_RECIPE, show_default=True)
@click.option("--images", default=32, show_default=True, help="Images that the warm runs judge.")
@click.option("--conversions-only", is_flag=True)
def main(checkpoints: Path, data: Path, recipe: str, images: int, conversions_only: bool) -> None:
    """Print a line for each step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        common = ["--target", "host", "--recipe", recipe, "--checkpoints", str(checkpoints.resolve())]
        common += ["--data", str(data.resolve()), "--results", str(folder / "results")]
        common += [part for variant in SIX for part in ("--variant", variant)]
        steps = [(f"six conversions, cold ({recipe})", ["benchmarks/test_offload.py", *common])]
        if not conversions_only:
            whole = ["benchmarks/", *common, "--images", str(images)]
            steps += [(f"first run, --images {images}, conversions cached", whole), ("the same run again", whole)]
        for label, arguments in steps:
            cost = measured([sys.executable, "-m", "pytest", "-q", *arguments], folder, cwd=ROOT)
            click.echo(f"{label}: {cost.seconds:.1f} s, {cost.peak_bytes / 1e9:.2f} GB peak")


if __name__ == "__main__":
    main()
