"""`ethos-bench velas`: other versions of Vela, what each makes of a model, and which one changed a figure."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import shorten
from typing import Any

import click
from rich import box
from rich.table import Table

from conversion.compilation_findings import compilation_findings
from conversion.pipeline import tflite_source
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.velas.environments import executable_of, folder_of, is_at_hand
from conversion.velas.versions import executable_named, installed_version, known_versions, name_of, versions_named
from core.errors import ModelError
from core.metrics import BY_NAME
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared
from harness.cli.saying import cell, say, wide_console
from harness.explore.bisection import METRICS, Change, Watched, bisect
from harness.explore.sightings import INPUTS, Question, Sighting
from harness.workbench.options import BenchOptions
from harness.workbench.reference import Equality
from targets.tflite_micro import NAME

SHOWN = (
    ("operators_cpu", ""), ("operators_executed", ""), ("operators_fused", ""), ("operators_elided", ""),
    ("npu_estimated_us", "vela"), ("npu_estimated_us", "open"), ("arena_bytes", ""), ("flash_bytes", ""), ("fits", ""),
)  # fmt: skip
HEADINGS = ("cpu", "executed", "fused", "elided", "NPU ms, Vela", "NPU ms, ours", "arena MiB", "file MiB", "fits")
INDICES_SHOWN = 8
REASON_LETTERS = 120
NAME_LETTERS = 48

velas_option = click.option(
    "--velas", "words", metavar="RANGE", help="Versions: 4.2..5.2 (both ends included), or 4.5,5.0,/opt/bsp/bin/vela."
)
npu_option = click.option("--npu", default=DEFAULT_PROFILE, show_default=True, help="Profile name or TOML file.")
file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.group("velas")
def velas_command() -> None:
    """Other versions of Vela: list and install them, compare what each makes of a model, find the one that changed a figure."""


@velas_command.command("list")
@click.argument("executables", metavar="[EXECUTABLE]...", nargs=-1)
@exits_cleanly
def list_command(executables: tuple[str, ...]) -> None:
    """List the versions that can be had, and where those that are installed lie; of an EXECUTABLE what it is called."""
    for version in known_versions():
        state = "installed beside ethos-bench" if version == installed_version() else "at hand" if is_at_hand(version) else ""
        say(f"{version:<8} {state}{f': {folder_of(version)}' if state else 'not installed'}")
    for path in executables:
        version = executable_named(path)
        say(f"{name_of(version):<8} {executable_of(version)}")


@velas_command.command("install")
@click.argument("words", metavar="VERSIONS", nargs=-1, required=True)
@exits_cleanly
def install(words: tuple[str, ...]) -> None:
    """Install VERSIONS (4.2.0, 4.2..5.2), each in an environment of its own; those at hand stay."""
    for version in versions_named(",".join(words)):
        say(f"Vela {version}: {executable_of(version, _tell)}")


@velas_command.command("compare")
@file_argument
@npu_option
@velas_option
@declared(BenchOptions, "memory")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: one JSON object on stdout.")
@click.pass_context
@exits_cleanly
def compare_command(context: click.Context, file: Path, npu: str, words: str | None, memory: str, as_json: bool) -> None:
    """Hold what each Vela makes of FILE (integer TFLite) against the others: placement, estimates, memory, bytes.

    Without --velas those at hand. Exit code 1 when the bytes of one are not TFLite Micro's.
    """
    question = _question(file, npu, memory)
    versions = versions_named(words) if words else tuple(filter(is_at_hand, known_versions()))
    seen = [question.through(version) for version in versions]
    figures = [one.figures(with_bytes=True) for one in seen]
    wrong = [one for one in seen if _departs(one)]
    if as_json:
        say(json.dumps(_document(file, npu, seen, figures), indent=1))
    else:
        _print(file, npu, seen, figures)
    for one in wrong:
        say(f"Vela {one.name}: {_departure(one)}", err=as_json)
    if wrong:
        context.exit(1)


@velas_command.command("bisect")
@file_argument
@npu_option
@click.option("--metric", required=True, metavar="METRIC", help=f"What to watch: {', '.join(METRICS)}.")
@click.option("--stat", default="", help="Which statistic of the metric, such as open of npu_estimated_us.")
@click.option("--velas", "words", required=True, metavar="RANGE", help="Oldest..newest, both ends included: 4.2..5.2.")
@declared(BenchOptions, "memory")
@exits_cleanly
def bisect_command(file: Path, npu: str, metric: str, stat: str, words: str, memory: str) -> None:
    """Find the neighbouring Velas between which METRIC of FILE changes, and the operators that account for it.

    The last line is `changed: A -> B`, or `unchanged: A .. B` where both ends of the range agree.
    """
    watched, question = Watched(metric, stat), _question(file, npu, memory)
    versions = versions_named(words)

    def told(sighting: Sighting, value: str) -> None:
        say(f"{sighting.name:<8} {metric} {value}")

    change = bisect(versions, question.through, watched, told)
    if not change.found:
        say(f"unchanged: {name_of(versions[0])} .. {name_of(versions[-1])}")
        return
    _explain(change, watched)
    say(f"changed: {change.before.name} -> {change.after.name}")


def _question(file: Path, npu: str, memory: str) -> Question:
    source = tflite_source(file)
    if any(operator.kind == "ethos-u" for operator in source.graph.operators):
        raise ModelError(f"`{file.name}` has been compiled by Vela already", "the int8 file that Vela was given")
    return Question(source, load_profile(npu), memory, _tell)


def _tell(text: str) -> None:
    say(f"  {text}", err=True)


def _departs(one: Sighting) -> bool:
    return not isinstance(one.made, Unavailable) and isinstance(one.equality, Equality) and bool(one.equality.difference)


def _departure(one: Sighting) -> str:
    assert isinstance(one.equality, Equality)
    first = one.first_departure()
    where = first.reason if isinstance(first, Unavailable) else f"first departs #{first.index} {first.operator} {first.name}"
    return f"{one.equality.difference}; {where}"


def _print(file: Path, npu: str, seen: list[Sighting], figures: list[list[Measurement]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=cell(f"{file.name} on {npu}"), title_justify="left", pad_edge=False)
    table.caption = f"bytes: {INPUTS} inputs of noise in the simulator, right where they are {NAME}'s"
    table.caption_justify = "left"
    for heading in ("Vela", *HEADINGS):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("bytes")
    for one, found in zip(seen, figures, strict=True):
        by_key = {(figure.metric, figure.stat): figure for figure in found}
        shown = [BY_NAME[metric].text(by_key[metric, stat]) if found else "-" for metric, stat in SHOWN]
        table.add_row(one.name, *shown, cell(_bytes_said(one)))
    console = wide_console()
    console.print(table)
    for one in seen:
        for finding in _findings(one):
            say(f"Vela {one.name}: {finding}")


def _findings(one: Sighting) -> tuple[str, ...]:
    return () if isinstance(one.made, Unavailable) else compilation_findings(one.made)


def _bytes_said(one: Sighting) -> str:
    if isinstance(one.made, Unavailable):
        return f"none: {one.made.reason.splitlines()[0]}"
    if isinstance(one.equality, Unavailable):
        return f"not run: {one.equality.reason}"
    differing = one.equality.images - one.equality.equal
    return f"{differing} of {one.equality.images} inputs differ" if differing else "right"


def _document(file: Path, npu: str, seen: list[Sighting], figures: list[list[Measurement]]) -> dict[str, Any]:
    return {
        "schema": 1,
        "file": file.name,
        "npu": npu,
        "velas": [
            {
                "version": one.name,
                "unavailable": one.made.reason if isinstance(one.made, Unavailable) else None,
                "findings": list(_findings(one)),
                "records": [figure.to_json() for figure in found],
            }
            for one, found in zip(seen, figures, strict=True)
        ],
    }


def _explain(change: Change, watched: Watched) -> None:
    """The operators that the change is of."""
    if watched.of_bytes:
        for one in (change.before, change.after):
            if _departs(one):
                say(f"Vela {one.name}: {_departure(one)}")
        return
    for move in change.moved(watched):
        listed = ", ".join(f"#{index}" for index in move.indices[:INDICES_SHOWN])
        rest = f" and {len(move.indices) - INDICES_SHOWN} more" if len(move.indices) > INDICES_SHOWN else ""
        reason = f" ({shorten(move.reason, REASON_LETTERS, placeholder=' ...')})" if move.reason else ""
        say(f"{len(move.indices)} {move.operator} {move.before} -> {move.after}: {listed}{rest}{reason}")
    if watched.metric.endswith("_us"):
        for operator, was, now in change.slower():
            name = operator.name[-NAME_LETTERS:]
            say(f"#{operator.index} {operator.operator} {name}: {was:,.0f} -> {now:,.0f} cycles by our model")
