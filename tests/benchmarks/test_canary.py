"""No secret of whoever runs the suite is in what a run leaves behind: results, spool, bundle, and its words on the terminal."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import main
from tests.benchmarks.conftest import MakeModel, RunSuite

PASSWORD, QUERY, TOKEN = "canary-password-1", "canary-query-2", "canary-token-3"
HOME = "canary-home-4"


def texts(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and the folder's names."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {**found, "names": "\n".join(found).encode()}


@pytest.mark.slow
def test_no_artefact_of_a_run_has_a_secret_in_it(run_suite: RunSuite, model: MakeModel, tmp_path: Path) -> None:
    home = tmp_path / HOME
    home.mkdir()
    own = home / "mine.tflite"
    own.write_bytes(model("detector").read_bytes())
    done = run_suite(
        "--model", own, "--history", f"postgresql://me:{PASSWORD}@127.0.0.1:1/db?sslpassword={QUERY}",
        "--targets", home / f"{TOKEN}.toml", HOME=str(home), FARM_API_TOKEN=TOKEN, report=True,
    )  # fmt: skip
    done.says("does not answer")
    bundle = tmp_path / "results" / "bundle"
    bundled = CliRunner().invoke(main, ["bundle", str(done.folder), "--unfinished", "--output", str(bundle)])
    assert bundled.exit_code == 0, bundled.output
    kept = {**texts(tmp_path / "results"), "the terminal": done.output.encode()}
    assert any(name.startswith("spool/") for name in kept)
    for secret in (PASSWORD, QUERY, TOKEN):
        assert [name for name, content in kept.items() if secret.encode() in content] == []
    artefacts = {name: content for name, content in kept.items() if name != "the terminal"}
    for word in (HOME, socket.gethostname()):
        assert [name for name, content in artefacts.items() if word.encode() in content] == []
