"""`ethos-bench recommend`: which model to take, from what runs have found."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich import box
from rich.table import Table

from conversion.profile_files import DEFAULT_PROFILE
from core.metrics import metric_of
from core.records.measurement import Measurement
from harness.cli.failing import exits_cleanly
from harness.cli.runs import named_run
from harness.cli.saying import cell, wide_console
from harness.report.past_runs import runs_beside
from harness.report.recommendation import STRENGTH, Candidate, Limits, Recommendation, interval, recommend, told, whose


@click.command("recommend")
@click.argument("runs", nargs=-1)
@click.option("--npu", default=DEFAULT_PROFILE, show_default=True, help="NPU profile.")
@click.option("--max-latency", type=click.FloatRange(min=0, min_open=True), metavar="MS", help="Milliseconds per image.")
@click.option("--min-map", type=click.FloatRange(0, 1), metavar="MAP", help="mAP50-95 of the int8 model, 0 to 1.")
@click.option("--max-memory", type=click.FloatRange(min=0, min_open=True), metavar="MIB", help="Arena, MiB.")
@click.option("--evidence", type=click.Choice(STRENGTH), default=None, help="Default: the strongest that all models have.")
@click.pass_context
@exits_cleanly
def recommend_command(
    context: click.Context,
    runs: tuple[str, ...],
    npu: str,
    max_latency: float | None,
    min_map: float | None,
    max_memory: float | None,
    evidence: str | None,
) -> None:
    """Print the models that no other beats in latency, accuracy and memory together.

    RUNS are results folders, ids, or `latest`; without any, the latest run and those beside it count, newer before older.
    """
    found = [named_run(name) for name in runs or ("latest",)]
    stored = found if runs else [*runs_beside(found[0]), *found]
    limits = Limits(
        latency_us=None if max_latency is None else max_latency * 1e3,
        map50_95=min_map,
        arena_bytes=None if max_memory is None else max_memory * 2**20,
    )
    answer = recommend(stored, npu, limits, evidence or "")
    _print(answer, npu)
    if not answer.front:
        context.exit(1)


def _print(answer: Recommendation, npu: str) -> None:
    console = wide_console()
    if answer.front:
        console.print(_table(answer.front, f"Recommended for {npu}", whose(answer)))
    else:
        console.print(f"[bold]no model holds these limits on {cell(npu)}[/bold]")
    for candidate, rival in answer.beaten:
        console.print(f"beaten by {cell(rival)}: {cell(candidate.model)} ({_figures(candidate)})", soft_wrap=True)
    for model, reason in answer.excluded:
        console.print(f"excluded: {cell(model)}: {cell(reason)}", soft_wrap=True)


def _table(front: Sequence[Candidate], title: str, evidence: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for heading in ("model", "run"):
        table.add_column(heading)
    for heading in (f"ms ({evidence})", "mAP50-95", "arena, MiB (compiled)"):
        table.add_column(heading, justify="right")
    for one in front:
        assert one.latency
        graph = f"{one.accuracy.graph}, {one.accuracy.evidence}"
        figures = (f"{_text(one.latency)}{interval(one)}", f"{_text(one.accuracy)} ({graph})", _text(one.memory))
        table.add_row(cell(one.model), cell(one.run), *figures)
    return table


def _figures(candidate: Candidate) -> str:
    """What a candidate is judged by, with units."""
    assert candidate.latency
    latency = f"{told(candidate.latency)}{interval(candidate)}"
    return ", ".join([latency, *map(told, (candidate.accuracy, candidate.memory))])


def _text(figure: Measurement) -> str:
    return metric_of(figure.metric).text(figure)
