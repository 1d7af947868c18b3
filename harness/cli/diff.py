"""`ethos-bench diff`: float against int8 against NPU, layer by layer, so that a loss can be pinned to a layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from conversion.pipeline import tflite_source
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.vela_options import VelaOptions
from core.errors import ModelError
from harness.cli.diff_view import show_comparison
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared, gathered
from harness.cli.saying import say
from harness.report.safe_console import SafeConsole
from harness.workbench.layers.compare import Comparison, LayerRow, layers_of
from harness.workbench.options import BenchOptions

THREADS = 2


@click.command("diff")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--image", type=click.Path(path_type=Path), required=True, help="Image to run, letterboxed to the model's size.")
@click.option("--float", "floating", type=click.Path(path_type=Path), help="The float .tflite that FILE was quantised from.")
@declared(BenchOptions, "profiles", default=[DEFAULT_PROFILE], help="NPU profile; a file is a user's own.")
@click.option(
    "--tolerance", type=click.FloatRange(0, 2), default=0.01, show_default=True, help="Cosine error at which int8 departs."
)
@click.option("--all", "every", is_flag=True, help="List every operator instead of the telling ones.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@gathered(VelaOptions, "vela")
@click.pass_context
@exits_cleanly
def diff_command(
    context: click.Context,
    file: Path,
    image: Path,
    floating: Path | None,
    profiles: tuple[str, ...],
    tolerance: float,
    every: bool,
    form: str,
    vela: VelaOptions,
) -> None:
    """Compare FILE (a full-integer TFLite file) with its float graph and with the simulated NPU, layer by layer.

    Exit code 1 when the NPU's bytes are not those of TFLite Micro's reference kernels.
    """
    loaded = [load_profile(name) for name in dict.fromkeys(profiles)]
    source = tflite_source(file)
    if any(operator.kind == "ethos-u" for operator in source.graph.operators):
        raise ModelError(f"`{file.name}` has been compiled by Vela already", "the int8 file that Vela was given")
    layers = layers_of(source, image, floating, THREADS, _tell)
    found = [layers.on(profile, vela, _tell) for profile in loaded]
    if form == "json":
        say(json.dumps(document(file, image, floating, found, tolerance), indent=1))
    else:
        console = SafeConsole(highlight=False)
        for comparison in found:
            show_comparison(console, file.name, comparison, tolerance, every=every, floating=floating is not None)
    if any(comparison.outputs_differing or comparison.first_npu_departure() for comparison in found):
        context.exit(1)


def _tell(text: str) -> None:
    say(f"  {text}", err=True)


def document(file: Path, image: Path, floating: Path | None, found: Sequence[Comparison], tolerance: float) -> dict[str, Any]:
    """Everything as JSON can hold it; what was not there to compare is null, with the reason in `unseen`."""
    return {
        "file": file.name,
        "image": image.name,
        "float": floating.name if floating else None,
        "tolerance": tolerance,
        "npus": [
            {
                "profile": comparison.profile,
                "ran": comparison.ran,
                "outputs_differing": comparison.outputs_differing,
                "first_npu_departure": _index(comparison.first_npu_departure()),
                "first_int8_departure": _index(comparison.first_quantisation_departure(tolerance)),
                "largest_growth": _index(comparison.largest_growth()),
                "layers": [asdict(row) for row in comparison.rows],
            }
            for comparison in found
        ],
    }


def _index(row: LayerRow | None) -> int | None:
    return None if row is None else row.index
