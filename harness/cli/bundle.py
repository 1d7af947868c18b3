"""`ethos-bench bundle` and `verify`: the evidence of a run in one place, and whether it is still what it was."""

from __future__ import annotations

from pathlib import Path

import click

from core.errors import BundleError
from harness.bundle.archive import verify_archive
from harness.bundle.contents import write_bundle
from harness.bundle.manifest import verify_folder
from harness.bundle.signature import signature_of, signer
from harness.cli.failing import exits_cleanly
from harness.cli.runs import named_run
from harness.cli.saying import say
from harness.report.html.page import write_page
from harness.results.stored_run import read_run


@click.command("bundle")
@click.argument("run", default="latest")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder (or .tar.gz) to write.")
@click.option("--archive", is_flag=True, help="One .tar.gz instead of a folder.")
@click.option("--results", type=click.Path(path_type=Path), help="Where runs lie (default: `results` here or above).")
@click.option("--unfinished", is_flag=True, help="Also a run that was killed: what it found until then.")
@click.option("--sign", "key", type=click.Path(path_type=Path), help="Key of ssh-keygen: writes OUTPUT.sig beside the bundle.")
@exits_cleanly
def bundle_command(run: str, output: Path, results: Path | None, key: Path | None, *, archive: bool, unfinished: bool) -> None:
    """Write everything about RUN (an id, `latest`, or a results folder) with a manifest of SHA-256."""
    found = named_run(run, results)
    if not found.finished and not unfinished:
        raise BundleError(
            f"run {found.id} has no end: it is going on, was killed, or an older version wrote it",
            "a run that finished",
            f"ethos-bench bundle --unfinished {run} --output {output}",
        )
    say(str(write_bundle(found, output, write_report, archive=archive, key=key)))


@click.command("verify")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--allowed-signers", "allowed", type=click.Path(path_type=Path), help="File of ssh-keygen: who may sign.")
@click.option("--signature", type=click.Path(path_type=Path), help="Default: PATH.sig.")
@click.pass_context
@exits_cleanly
def verify_command(context: click.Context, path: Path, allowed: Path | None, signature: Path | None) -> None:
    """Name every file of a bundle that was changed, lost or added since; exit code 1 when there is one, or nobody signed it."""
    manifest, content, findings = verify_folder(path) if path.is_dir() else verify_archive(path)
    for finding in findings:
        say(str(finding))
    if findings:
        context.exit(1)
    if allowed:
        say(f"{path}: whole, run {manifest.run}, signed by {signer(content, signature or signature_of(path), allowed)}")
    else:
        say(f"{path}: whole, run {manifest.run}; who made it is not checked (--allowed-signers)")


def write_report(folder: Path, output: Path) -> None:
    """Write the HTML report of a results folder."""
    write_page(read_run(folder, checked=False), output)
