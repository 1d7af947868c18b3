"""What we and a runner say to each other: round trips, Python 3.8, and the archive that goes to boards.

Covers targets.runner.__main__, targets.runner.npu_signs, targets.runner.reporting, targets.runner.supervisor.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from targets.boards.targets_file import Board
from targets.runner import protocol
from targets.runner.protocol import Delegate, Event, Loaded, RunnerJob, Sample, Stay, TensorFacts, read, written
from targets.runner.tflite_runner import enclosed
from targets.runner_archive import FOLDER, runner_archive
from targets.transcript import Transcript
from tests.conversion.tflite_builder import all_on_the_npu

MODULES = sorted(path for path in FOLDER.glob("*.py") if path.name != "micro_runner.py")
BY_ANNOTATION: dict[str, Any] = {
    "str": "text", "int": 7, "float": 1.5, "bool": True, "List[int]": [1, 2], "List[str]": ["a"],
    "Dict[str, int]": {"a": 1}, "Dict[str, str]": {"a": "b"}, "Optional[int]": None, "Optional[float]": 2.5,
    "List[TensorFacts]": [TensorFacts("image", [1, 4], "int8")],
}  # fmt: skip


def example(kind: type[Event]) -> Event:
    fields = {field.name: BY_ANNOTATION[str(field.type)] for field in dataclasses.fields(kind)}
    return kind(**fields | ({"sha256": "a" * 64} if kind is Loaded else {}))


@pytest.mark.parametrize("kind", protocol.EVENTS.values(), ids=protocol.EVENTS)
def test_an_event_is_read_as_it_was_written(kind: type[Event]) -> None:
    event = example(kind)
    assert read(written(event)) == event


@pytest.mark.parametrize("delegate", [None, Delegate("lib.so", {"a": "b"}, "/dev/ethosu0")])
@pytest.mark.parametrize("stay", [None, Stay(work="w", job="j", silence_s=20.0, wait_s=600.0, keep_bytes=0)])
def test_a_job_arrives_as_it_was_sent(delegate: Delegate | None, stay: Stay | None) -> None:
    job = RunnerJob(
        model="m", inputs=[["a", "b"]], outputs="", repeats=3, warmup=1, threads=2, runtime="auto", delegate=delegate, stay=stay
    )
    assert "\n" not in job.to_json()
    assert RunnerJob.from_json(job.to_json()) == job


@pytest.mark.parametrize("line", ["INFO: Created delegate", "[1]", "{}", '{"event": "sample"}', '{"event": "unknown"}', "{"])
def test_what_a_library_prints_is_no_event(line: str) -> None:
    assert read(line) is None


def test_what_a_newer_runner_says_besides_is_passed_over() -> None:
    assert read('{"event": "sample", "us": 2.0, "core": 3}') == Sample(2.0)


def test_a_transcript_is_read_as_it_was_written() -> None:
    said = Transcript(files={"a.bin": b"1"}, lost=[1.0], notes=["note"], seconds=2.0)
    for kind in protocol.EVENTS.values():
        said.take(written(example(kind)))
    again = Transcript.from_json(json.loads(json.dumps(said.to_json())), {"a.bin": b"1"})
    assert again == said


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_what_goes_to_boards_is_python_3_8_and_needs_the_standard_library_only(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    top_level = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name for node in top_level for name in ([node.module] if isinstance(node, ast.ImportFrom) else _names(node))}
    assert all(str(name).startswith("targets.runner") or str(name).split(".")[0] in sys.stdlib_module_names for name in names)
    decorated = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert not [one.name for one in decorated for mark in one.decorator_list if "kw_only" in ast.dump(mark)]


def _names(node: ast.Import) -> list[str]:
    return [alias.name for alias in node.names]


def test_the_archive_holds_every_module_of_the_runner_and_is_the_same_each_time() -> None:
    names = {Path(name).name for name in zipfile.ZipFile(BytesIO(runner_archive())).namelist()}
    assert names == {path.name for path in MODULES}
    first = hashlib.sha256(runner_archive()).hexdigest()
    runner_archive.cache_clear()
    assert hashlib.sha256(runner_archive()).hexdigest() == first


def test_the_archive_runs_alone_under_a_name_without_an_ending(tmp_path: Path) -> None:
    model, image, runner = (tmp_path / name for name in ("model", "image", "a1b2c3"))
    model.write_bytes(all_on_the_npu())
    runner.write_bytes(runner_archive())
    graph = Loaded.of(_said(_run(tmp_path, runner, model, []), "loaded"))
    image.write_bytes(np.zeros(graph.inputs[0].shape, np.int8).tobytes())
    done = _run(tmp_path, runner, model, [image])
    said = Transcript()
    for line in done.stdout.splitlines():
        said.take(line)
    assert done.returncode == 0
    assert len(said.samples) == 2
    assert sorted(path.name for path in tmp_path.glob("output-*")) == said.all(protocol.Output)[0].files


def _run(folder: Path, runner: Path, model: Path, inputs: list[Path]) -> subprocess.CompletedProcess[str]:
    job = RunnerJob(
        model=str(model), inputs=[[str(path)] for path in inputs], outputs=str(folder), repeats=2 if inputs else 0, warmup=0,
        threads=1, runtime="auto",
    )  # fmt: skip
    (folder / "job.json").write_text(job.to_json())
    command = [sys.executable, "-I", str(runner), str(folder / "job.json")]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def _said(done: subprocess.CompletedProcess[str], kind: str) -> dict[str, Any]:
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return next(event for event in events if event["event"] == kind)


def test_a_board_may_name_each_runtime_of_the_table_and_no_other() -> None:
    known = ("auto", *protocol.RUNTIMES, "benchmark_model")
    assert get_args(protocol.Runtime) == known
    for runtime in known:
        assert Board.model_validate({"delegate": "lib.so", "runtime": runtime}).runtime == runtime
    with pytest.raises(ValueError, match="tflite_runtime"):
        Board.model_validate({"delegate": "lib.so", "runtime": "torch"})


def test_a_delegate_has_what_lies_between_its_kernels_inputs_and_outputs() -> None:
    def node(index: int, name: str, inputs: list[int], outputs: list[int]) -> dict[str, Any]:
        return {"index": index, "op_name": name, "inputs": inputs, "outputs": outputs}

    own = [node(0, "CONV", [0, 9], [1]), node(1, "ADD", [1, 1], [2]), node(2, "RELU", [2], [3]), node(3, "SOFTMAX", [3], [4])]
    assert enclosed(node(4, "DELEGATE", [1], [3]), own) == {1, 2}
    assert enclosed(node(4, "DELEGATE", [0], [2]), own) == {0, 1}
