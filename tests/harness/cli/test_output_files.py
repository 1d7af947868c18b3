"""No command writes over a file that this program did not write; its own outputs it writes anew."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import main
from tests.harness.report.runs import write_run

MINE = "mine"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, a history, and a cache of its own."""
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    write_run(tmp_path / "run", variants=("level2_relu",))
    write_run(tmp_path / "other", run={"id": "other"}, variants=("level2_relu",))
    assert command(tmp_path, "history --history {}/h.db import --unfinished {}/run").exit_code == 0
    return tmp_path


def command(place: Path, line: str) -> Result:
    return CliRunner().invoke(main, line.replace("{}", str(place)).split())


WRITERS = [
    ("report {}/run --no-history --output {}/out.html", ("out.html",)),
    ("export {}/run --format junit --format markdown --output {}/out", ("out/junit.xml", "out/summary.md")),
    ("compare {}/run {}/other --json {}/out.json --history {}/none.db", ("out.json",)),
    ("history --history {}/h.db export --output {}/out", ("out/samples.jsonl",)),
]
SLOW_WRITERS = [
    ("compare-models --optimized-dir {} --output {}/out.md", ("out.md",)),
    ("export-onnx --input {}/best.pt --output {}/out.onnx", ("out.onnx",)),
    (
        "convert --checkpoint {}/best.pt --calibration {}/data.yaml --npu ethos-u55-128 --output {}/out",
        ("out/best_int8.tflite", "out/best_float.tflite", "out/best_ethos-u55-128_vela.tflite"),
    ),
]


@pytest.mark.parametrize(("line", "files"), [*WRITERS, *SLOW_WRITERS])
def test_a_file_of_others_is_refused_with_another_path_and_stays(place: Path, line: str, files: Sequence[str]) -> None:
    for name in files:
        path = place / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(MINE)
        refused = command(place, line)
        assert refused.exit_code == 2, refused.output
        assert "this program did not write it as it is" in refused.output
        assert f"{path.stem}-2{path.suffix}" in refused.output.split("hint:")[1]
        assert [one.read_text() for one in path.parent.iterdir() if one.is_file() and one.suffix == path.suffix] == [MINE]
        path.unlink()


@pytest.mark.parametrize(("line", "files"), WRITERS[:3])
def test_what_the_command_wrote_it_writes_anew(place: Path, line: str, files: Sequence[str]) -> None:
    first = command(place, line)
    assert first.exit_code in (0, 1), first.output
    written = [(place / name).stat().st_mtime_ns for name in files]
    again = command(place, line)
    assert again.exit_code == first.exit_code, again.output
    assert all((place / name).stat().st_mtime_ns > before for name, before in zip(files, written, strict=True))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")
def test_the_signature_of_a_bundle_is_not_put_over_a_file_of_others(place: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / "key")], check=True)
    (place / "b.sig").write_text(MINE)
    refused = command(place, "bundle {}/run --unfinished --output {}/b --sign {}/key")
    assert refused.exit_code == 2, refused.output
    assert (place / "b.sig").read_text() == MINE
    assert not (place / "b").exists()
