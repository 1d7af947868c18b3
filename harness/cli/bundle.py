"""`ethos-bench bundle` and `verify`: the evidence of a run in one place, and whether it is still what it was."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness.bundle.contents import WritePage, write_bundle
from harness.bundle.manifest import verify
from harness.cli.failing import exits_cleanly
from harness.cli.history import RESULTS
from harness.errors import BundleError
from harness.history.stored_run import StoredRun, read_run

PAGE = ("harness.report.html.page", "write_page")
READ = ("harness.report.stored_run", "read_run")


@click.command("bundle")
@click.argument("run", default="latest")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder (or .tar.gz) to write.")
@click.option("--archive", is_flag=True, help="One .tar.gz instead of a folder.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, help="Where runs lie.")
@click.option("--unfinished", is_flag=True, help="Also a run that was killed: what it found until then.")
@exits_cleanly
def bundle_command(run: str, output: Path, results: Path, *, archive: bool, unfinished: bool) -> None:
    """Write everything about RUN (an id, `latest`, or a results folder) with a manifest of SHA-256."""
    found = run_of(run, results)
    if not found.finished and not unfinished:
        raise BundleError(
            f"run {found.id} has no end: it is going on, was killed, or an older version wrote it",
            "a run that finished",
            f"ethos-bench bundle --unfinished {run} --output {output}",
        )
    page = page_writer()
    click.echo(str(write_bundle(found, output, page, archive=archive)))
    if page is None:
        click.echo("without report.html: this version writes no HTML report", err=True)


@click.command("verify")
@click.argument("path", type=click.Path(path_type=Path))
@click.pass_context
@exits_cleanly
def verify_command(context: click.Context, path: Path) -> None:
    """Name every file of a bundle that was changed, lost or added since; exit code 1 when there is one."""
    run, findings = verify(path)
    for finding in findings:
        click.echo(str(finding))
    if findings:
        context.exit(1)
    click.echo(f"{path}: whole, run {run}")


def run_of(name: str, results: Path) -> StoredRun:
    """The run of a results folder, given by its path or by its name below `results`."""
    path = Path(name)
    return read_run(path if path.exists() else results / name)


def page_writer() -> WritePage | None:
    """What writes the HTML report, None where the report is not part of the installation."""
    write, read = _found(*PAGE), _found(*READ)
    return (lambda folder, output: write(read(folder), output)) if write and read else None


def _found(module: str, name: str) -> Callable[..., Any] | None:
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None
    return found
