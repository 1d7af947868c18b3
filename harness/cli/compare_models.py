"""`ethos-bench compare-models`: the base model and the optimised ones side by side."""

from __future__ import annotations

from pathlib import Path

import click

from conversion.profile_files import DEFAULT_PROFILE
from core.errors import EthosBenchError
from core.outputs import require_free, write_output
from core.records.measurement import Measurement
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared, image_size_option
from harness.cli.saying import say, wide_console
from harness.report.models_compared import ModelsCompared, compare_models, comparison_markdown, comparison_table
from harness.report.tables import FigureTable
from harness.report.terminal import findings
from harness.workbench.case import Case
from harness.workbench.models import BASE
from harness.workbench.options import BenchOptions
from harness.workbench.workbench import Workbench


@click.command("compare-models")
@declared(BenchOptions, "base_model", help="Plain model's checkpoint (default: seeded, no accuracy).")
@click.option("--optimized-dir", type=click.Path(path_type=Path), required=True, help="Folder of the six training folders.")
@declared(BenchOptions, "data")
@declared(BenchOptions, "images")
@declared(BenchOptions, "profiles", default=[DEFAULT_PROFILE], help="NPU profile; a file is a user's own.")
@declared(BenchOptions, "memory")
@declared(BenchOptions, "targets")
@declared(BenchOptions, "variants")
@image_size_option
@declared(BenchOptions, "repeats")
@click.option("--output", type=click.Path(path_type=Path), help="Markdown file to write, too.")
@click.pass_context
@exits_cleanly
def compare_models_command(
    context: click.Context,
    base_model: Path | None,
    optimized_dir: Path,
    data: Path | None,
    images: int | None,
    profiles: tuple[str, ...],
    memory: str,
    targets: tuple[str, ...],
    variants: tuple[str, ...],
    image_size: int | None,
    repeats: int,
    output: Path | None,
) -> None:
    """Accuracy, offload, latency and memory of the base model and the optimised ones, with the difference from the base."""
    if output:
        require_free(output)
    options = BenchOptions(
        profiles=profiles, targets=targets, variants=variants, checkpoints=optimized_dir, base_model=base_model, data=data,
        images=images, image_size=image_size, repeats=repeats, memory=memory,
    )  # fmt: skip
    found = _compared(Workbench(options, lambda text: say(text, err=True)))
    console = wide_console()
    for comparison in found:
        console.print(comparison_table(comparison))
        for model, why in comparison.failures:
            say(f"{model} failed: {why}")
    if output:
        write_output(output, "\n".join(map(comparison_markdown, found)))
        say(str(output))
    if any(comparison.failures for comparison in found):
        context.exit(1)


def _compared(bench: Workbench) -> list[ModelsCompared]:
    """One comparison per NPU and target."""
    try:
        return [_on(bench, profile, target) for profile, target in bench.places()]
    finally:
        bench.close()


def _on(bench: Workbench, profile: str, target: str) -> ModelsCompared:
    records: list[Measurement] = []
    failures = []
    for name in bench.models:
        case = Case(bench, bench.case(name, profile, target))
        try:
            for step in (case.identity, case.offload, case.memory, case.execution, case.accuracy):
                step()
        except EthosBenchError as error:
            failures.append((name, error.found))
        records += case.findings.records
    table = FigureTable(records)
    for line in findings(table):
        say(line)
    return compare_models(table, BASE if BASE in bench.models else "", profile, target, failures)
