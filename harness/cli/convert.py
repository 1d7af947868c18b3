"""`ethos-bench convert`: checkpoint -> int8 TFLite -> Vela, the files of one model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from conversion.compilation_findings import compilation_findings
from conversion.pipeline import Settings, compile_source, int8_source
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.steps import Origin, facts_of
from conversion.vela_options import VelaOptions
from core.outputs import require_free, write_output
from core.records.unavailable import Unavailable
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared, gathered, image_size_option
from harness.cli.saying import say
from harness.tasks.kinds import task_named
from harness.workbench.calibration import data_calibration
from harness.workbench.options import BenchOptions
from targets.memory_budget import budget_shortfalls


@click.command("convert")
@declared(BenchOptions, "checkpoint", required=True)
@click.option("--calibration", type=click.Path(path_type=Path), required=True, help="data.yaml whose train split calibrates.")
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("converted"), show_default=True, help="Folder to write."
)
@declared(BenchOptions, "profiles", default=[DEFAULT_PROFILE], help="NPU profile; a file is a user's own.")
@declared(BenchOptions, "recipe", type=click.Choice(list(RECIPES)), metavar=None, default=DEFAULT_RECIPE, show_default=True)
@click.option("--images", type=int, help="Calibration images (default: the recipe's).")
@image_size_option
@declared(BenchOptions, "cut")
@gathered(VelaOptions, "vela")
@exits_cleanly
def convert_command(
    checkpoint: Path,
    calibration: Path,
    output: Path,
    profiles: tuple[str, ...],
    recipe: str,
    images: int | None,
    image_size: int | None,
    cut: Literal["raw", "decoded"],
    vela: VelaOptions,
) -> None:
    """Convert a checkpoint to int8 TFLite and compile it; writes NAME_{int8,float,PROFILE_vela}.tflite."""
    loaded = [load_profile(name) for name in dict.fromkeys(profiles)]
    origin = Origin(checkpoint.stem, checkpoint=checkpoint)
    for end in ("int8", "float", *(f"{profile.name}_vela" for profile in loaded)):
        require_free(output / f"{origin.variant}_{end}.tflite")
    count = RECIPES[recipe].images if images is None else images
    settings = Settings(recipe=recipe, cut=cut, image_size=image_size)
    facts = facts_of(origin, say)
    task = task_named(facts.task, "", None, facts)
    source = int8_source(origin, facts, settings, data_calibration(task, calibration, count), say)
    _copy(source.int8.path, output / f"{origin.variant}_int8.tflite")
    if source.floating:
        _copy(source.floating.path.with_suffix(".tflite"), output / f"{origin.variant}_float.tflite")
    for profile in loaded:
        compilation = compile_source(source, profile, vela, say).compilation
        _copy(compilation.compiled.path, output / f"{origin.variant}_{profile.name}_vela.tflite")
        share = 100 * compilation.placement.operator_share
        whole = compilation.estimated_us
        told = f"no estimate: {whole.reason}" if isinstance(whole, Unavailable) else f"{whole / 1e3:.2f} ms estimated by Vela"
        say(f"{profile.name}: {share:.1f} % of operators on the NPU, {told}")
        for finding in compilation_findings(compilation):
            say(f"{profile.name}: {finding}")
        for problem in budget_shortfalls(compilation):
            say(f"{profile.name}: does not fit: {problem}")


def _copy(source: Path, output: Path) -> None:
    write_output(output, source.read_bytes())
    say(str(output))
