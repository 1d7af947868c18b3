"""A bundle has everything of a run, and verify names whatever was changed in it since.

Covers harness.cli.bundle.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from core.errors import BundleError, EthosBenchError, StorageError
from core.records.failure import Failure
from harness.bundle.archive import verify_archive
from harness.bundle.contents import write_bundle
from harness.bundle.manifest import Entry, Finding, Manifest, verify_folder
from harness.cli import main
from harness.results.findings import Findings
from harness.results.store import Results
from harness.results.stored_run import StoredRun, read_run
from tests.harness.builders import header, measurement, sample_group
from tests.harness.history.runs import IDENTITY, figures


@pytest.fixture
def run(tmp_path: Path) -> StoredRun:
    """A finished run on disk."""
    results = Results(tmp_path / "results" / "one", header())
    results.add(Findings(figures(), samples=[sample_group()]))
    results.fail(Failure(test="benchmarks/test_x.py::test_x[v-p-host]", message="broken <here> & \x07 there"))
    for line in (
        "passed benchmarks/test_y.py::test_y[v: a <= 1] 0.25 s",
        "failed benchmarks/test_x.py::test_x[v-p-host] 1.00 s",
    ):
        results.log(line)
    results.finish(1)
    (results.folder / "link").symlink_to("/etc/passwd")
    return read_run(results.folder)


def write(folder: Path, file: Path) -> None:
    """Stands in for the report, which takes seconds."""
    file.write_text("<html>")


@pytest.fixture
def bundle(run: StoredRun, tmp_path: Path) -> Path:
    return write_bundle(run, tmp_path / "bundle", write)


def verify(path: Path) -> tuple[str, list[Finding]]:
    """The run of a bundle, and what is wrong with it."""
    manifest, _, findings = verify_folder(path) if path.is_dir() else verify_archive(path)
    return manifest.run, findings


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_is_whole_and_has_everything(bundle: Path) -> None:
    assert verify(bundle) == (header().id, [])
    assert names(bundle) == {
        "results.json", "samples.jsonl", "run.log", "report.html", "artefacts.json", "environment.json",
        "versions.json", "verdicts.json", "junit.xml", "manifest.json",
    }  # fmt: skip
    (artefact,) = json.loads((bundle / "artefacts.json").read_text())
    assert (artefact["tflite"], artefact["compiled"]) == (IDENTITY.tflite, IDENTITY.compiled)
    assert json.loads((bundle / "versions.json").read_text())["tools"] == {"vela": ["5.2.0"]}
    assert json.loads((bundle / "environment.json").read_text())["commit"] == "c" * 40


def test_the_junit_file_says_which_combinations_must_not_ship(bundle: Path) -> None:
    suites = {suite.get("name"): suite for suite in ElementTree.parse(bundle / "junit.xml").getroot()}
    assert suites["combinations"].get("tests") == "1"


def change_byte(folder: Path) -> str:
    file = folder / "results.json"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return "results.json: changed: SHA-256"


def cut(folder: Path) -> str:
    os.truncate(folder / "samples.jsonl", 5)
    return "samples.jsonl: changed, "


def lose(folder: Path) -> str:
    (folder / "run.log").unlink()
    return "run.log: missing"


def add(folder: Path) -> str:
    (folder / "more.json").write_text("{}")
    return "more.json: not in the manifest"


def swap(folder: Path) -> str:
    (folder / "run.log").unlink()
    (folder / "run.log").symlink_to(folder / "junit.xml")
    return "run.log: changed"


@pytest.mark.parametrize("harm", [change_byte, cut, lose, add, swap])
def test_verify_names_the_one_file_that_is_not_what_it_was(bundle: Path, harm: Callable[[Path], str]) -> None:
    words = harm(bundle)
    _, findings = verify(bundle)
    assert [str(finding).startswith(words) for finding in findings] == [True]
    done = CliRunner().invoke(main, ["verify", str(bundle)])
    assert done.exit_code == 1
    assert words in done.output


def test_every_single_byte_counts(bundle: Path) -> None:
    file = bundle / "versions.json"
    content = file.read_bytes()
    for position in range(len(content)):
        file.write_bytes(content[:position] + bytes([content[position] ^ 0x20]) + content[position + 1 :])
        assert [finding.name for finding in verify(bundle)[1]] == ["versions.json"]


def test_a_manifest_that_was_changed_along_does_not_cover_itself(bundle: Path) -> None:
    file = bundle / "manifest.json"
    content = json.loads(file.read_text())
    content["files"]["run.log"]["sha256"] = "0" * 64
    file.write_text(json.dumps(content))
    with pytest.raises(BundleError, match=r"manifest\.json of .* was changed"):
        verify(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}'])
def test_a_broken_manifest_is_a_clear_error(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        verify(bundle)


def test_an_archive_is_one_file_with_the_same_content_and_the_same_bytes_each_time(run: StoredRun, tmp_path: Path) -> None:
    first = write_bundle(run, tmp_path / "one.tar.gz", write, archive=True)
    second = write_bundle(run, tmp_path / "folder", write, archive=True)
    assert second.name == f"ethos-bench-{run.id}.tar.gz"
    assert first.read_bytes() == second.read_bytes()
    assert verify(first) == (run.id, [])
    with tarfile.open(first) as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {f"ethos-bench-{run.id}"}
        archive.extractall(tmp_path / "out", filter="data")
    assert verify(tmp_path / "out" / f"ethos-bench-{run.id}") == (run.id, [])


def test_a_cut_or_flipped_archive_is_not_whole(run: StoredRun, tmp_path: Path) -> None:
    file = write_bundle(run, tmp_path / "one.tar.gz", write, archive=True)
    content = file.read_bytes()
    for broken in (content[: len(content) // 2], content[:-4], b"text", content + b"more", content + content, b""):
        file.write_bytes(broken)
        with pytest.raises(BundleError, match=r"not whole"):
            verify(file)


def test_a_manifest_of_another_run_does_not_cover_its_files(bundle: Path) -> None:
    file = bundle / "manifest.json"
    file.write_text(file.read_text().replace(header().id, "20990101T000000-forged"))
    with pytest.raises(BundleError, match="does not cover its run"):
        verify(bundle)


def test_names_that_run_together_have_digests_of_their_own() -> None:
    """Lines of the first form could be moved into a name: two files vanished in one whose name held theirs."""
    a, b = "a" * 64, "b" * 64
    two = {"x": Entry(a, 1), "y": Entry(b, 2)}
    one = {f"x\n{b} 2 y": Entry(a, 1)}
    assert Manifest("r", two).digest != Manifest("r", one).digest
    assert Manifest("r1", {"x": Entry(a, 1)}).digest != Manifest("r", {"1x": Entry(a, 1)}).digest


@pytest.mark.parametrize("respelled", [lambda text: text + " ", lambda text: text.replace(" ", ""), lambda text: text[:-1]])
def test_a_manifest_has_one_spelling(bundle: Path, respelled: Callable[[str], str]) -> None:
    file = bundle / "manifest.json"
    file.write_text(respelled(file.read_text()))
    with pytest.raises(BundleError, match="not spelled as we write it"):
        verify(bundle)


def test_a_bundle_of_the_first_form_is_refused_by_name(bundle: Path) -> None:
    file = bundle / "manifest.json"
    file.write_text(file.read_text().replace('"schema": 2', '"schema": 1'))
    with pytest.raises(BundleError, match="form 1 does not cover its run"):
        verify(bundle)


def test_a_pipe_a_link_and_an_empty_folder_are_named_and_not_read(bundle: Path) -> None:
    os.mkfifo(bundle / "pipe")
    (bundle / "empty").mkdir()
    (bundle / "link").symlink_to("/dev/zero")
    assert [finding.name for finding in verify(bundle)[1]] == ["empty", "link", "pipe"]


@pytest.mark.parametrize("file", ["manifest.json", ""])
def test_a_pipe_in_the_place_of_a_bundle_is_not_waited_for(bundle: Path, tmp_path: Path, file: str) -> None:
    pipe = bundle / file if file else tmp_path / "pipe"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    with pytest.raises(BundleError, match="not a regular file"):
        verify(bundle if file else pipe)


@pytest.mark.parametrize("run_id", ["../../victim", "/tmp/x", "a/b", "..", "", "a\nb"])
def test_a_run_whose_id_is_a_path_is_not_read_and_nothing_is_written(run: StoredRun, tmp_path: Path, run_id: str) -> None:
    file = run.folder / "results.json"
    content = json.loads(file.read_text())
    content["run"]["id"] = run_id
    file.write_text(json.dumps(content))
    before = sorted(tmp_path.rglob("*"))
    done = CliRunner().invoke(main, ["bundle", str(run.folder), "--output", str(tmp_path / "b"), "--archive"])
    assert (done.exit_code, "run.id" in done.output) == (2, True)
    assert sorted(tmp_path.rglob("*")) == before


def test_half_written_results_are_a_clear_error(run: StoredRun, tmp_path: Path) -> None:
    file = Path(run.folder) / "results.json"
    file.write_text(file.read_text()[:-20])
    done = CliRunner().invoke(main, ["bundle", str(run.folder), "--output", str(tmp_path / "b")])
    assert done.exit_code == 2
    assert "no whole JSON" in done.output
    assert not (tmp_path / "b").exists()


def test_a_run_without_an_end_is_bundled_only_when_that_is_wanted(tmp_path: Path) -> None:
    results = Results(tmp_path / "results" / "cut", header())
    results.add(Findings([measurement(identity=IDENTITY)]))
    arguments = ["bundle", str(results.folder), "--output", str(tmp_path / "b")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert "has no end" in done.output
    assert CliRunner().invoke(main, [*arguments, "--unfinished"]).exit_code == 0
    assert verify(tmp_path / "b")[1] == []


def test_latest_is_found_below_the_results(run: StoredRun, tmp_path: Path) -> None:
    arguments = ["bundle", "latest", "--results", str(tmp_path / "results"), "--output", str(tmp_path / "b")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    done = CliRunner().invoke(main, ["verify", str(tmp_path / "b")])
    assert (done.exit_code, f"whole, run {run.id}; who made it is not checked" in done.output) == (0, True)


def test_the_page_is_part_of_the_bundle_and_one_that_fails_leaves_nothing_behind(run: StoredRun, tmp_path: Path) -> None:
    made = write_bundle(run, tmp_path / "good", write)
    assert (made / "report.html").read_text() == "<html>"

    def fail(folder: Path, file: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        write_bundle(run, tmp_path / "bad", fail)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good", "results"]


def test_nothing_that_is_there_is_overwritten(run: StoredRun, bundle: Path) -> None:
    with pytest.raises(BundleError, match="there already"):
        write_bundle(run, bundle, write)


def test_a_run_whose_folder_is_gone_is_named(run: StoredRun, tmp_path: Path) -> None:
    with pytest.raises(EthosBenchError, match="is gone"):
        write_bundle(StoredRun(run.written, (), tmp_path / "gone"), tmp_path / "b", write)
