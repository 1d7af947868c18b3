"""`ethos-bench export-onnx`: the float ONNX file of a checkpoint, which is also the float reference."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from conversion.pipeline import image_size as size_of
from conversion.steps import Origin, exported, facts_of
from core.outputs import require_free, write_output
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared, image_size_option
from harness.cli.saying import say
from harness.workbench.options import BenchOptions


@click.command("export-onnx")
@click.option("--input", "checkpoint", type=click.Path(path_type=Path), required=True, help="Checkpoint (.pt).")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="ONNX file to write.")
@image_size_option
@declared(BenchOptions, "cut")
@exits_cleanly
def export_onnx_command(checkpoint: Path, output: Path, image_size: int | None, cut: Literal["raw", "decoded"]) -> None:
    """Write the float graph of a checkpoint as ONNX: input `images`, NCHW, RGB in 0..1."""
    require_free(output)
    origin = Origin(checkpoint.stem, checkpoint=checkpoint)
    facts = facts_of(origin, say)
    size = size_of(origin, facts, image_size)
    folder = exported(origin, facts, size, cut, say)
    write_output(output, (folder / "float.onnx").read_bytes())
    say(f"{output}: {size} px, {len(facts.classes)} classes, {facts.activation}, {output.stat().st_size} bytes")
