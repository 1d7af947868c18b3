"""`ethos-bench export`: a finished run in other tools' formats."""

from __future__ import annotations

from pathlib import Path

import click

from core.errors import UsageError
from core.outputs import write_outputs
from harness.cli.failing import exits_cleanly
from harness.cli.runs import named_run
from harness.cli.saying import say
from harness.report.exports import FORMATS


@click.command("export")
@click.argument("run", default="latest")
@click.option("--format", "formats", multiple=True, required=True, type=click.Choice([*FORMATS, "all"]), help="Repeatable.")
@click.option("--output", type=click.Path(path_type=Path), default=Path(), show_default=True, help="Folder to write.")
@exits_cleanly
def export_command(run: str, formats: tuple[str, ...], output: Path) -> None:
    """Write RUN (a results folder, a run's id, or `latest`) in other tools' formats."""
    found = named_run(run)
    written: dict[Path, bytes | str] = {}
    for name in FORMATS if "all" in formats else dict.fromkeys(formats):
        files = FORMATS[name](found)
        if not files:
            raise UsageError(f"run `{found.id}` has nothing that `{name}` could say", "a run with compiled models")
        written.update({output / Path(file).name: text for file, text in files.items()})
    write_outputs(written)
    for path in written:
        say(str(path))
