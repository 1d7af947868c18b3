"""A small good file of each kind that holds a model, and a recording of a board."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from core.records.unavailable import Unavailable
from targets.boards.preflight import BoardFacts
from targets.boards.recording import RecordedJob, Recording
from targets.boards.targets_file import Board
from targets.transcript import Transcript
from tests.ethosu_simulator.pte_files import blocks, golden
from tests.ethosu_simulator.test_pte import ABS, delegated

JOB = "job"


def compiled() -> bytes:
    """Vela's file of an ABS."""
    return bytes(golden(ABS)["compiled"].tobytes())


def program() -> bytes:
    """An ExecuTorch program with the same command stream."""
    return delegated(ABS).write()


def raw_npz() -> bytes:
    """Vela's raw output for the same."""
    content, shape = blocks(compiled()), golden(ABS)["input0"].shape
    entries: dict[str, Any] = {
        "cmd_data": np.bytes_(content["cmd_data"]),
        "weight_data": np.bytes_(content["weight_data"] or b"\0"),
        "scratch_size": int.from_bytes(content["scratch_size"], "little"),
        "scratch_fast_size": 0,
        "variable_region": np.zeros(0),
    }
    for side in ("input", "output"):
        entries[f"{side}_shape"] = np.array([[1, 1, *shape]])
        entries[f"{side}_elem_size"] = np.array([1])
        entries[f"{side}_offset"] = np.array([int.from_bytes(content[f"{side}s"][28:32], "little")])
    held = io.BytesIO()
    np.savez(held, **entries)
    return held.getvalue()


def write_checkpoint(path: Path) -> None:
    """A file as torch lays one out, with a dictionary and no model in it: what is in a real one, a worker process judges."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("best/data.pkl", pickle.dumps({"epoch": 1, "names": {0: "a"}}, protocol=2))
        archive.writestr("best/version", "3\n")
        archive.writestr("best/data/0", bytes(64))


def write_recording(top: Path) -> None:
    """What a board `b` said of one job."""
    board, said = Board(host="b", delegate="/usr/lib/d.so"), Transcript()
    for line in (
        '{"event": "loaded", "sha256": "' + 64 * "0" + '", "inputs": [], "outputs": [], "load_us": 10.0}',
        '{"event": "sample", "us": 1200.5}',
        '{"event": "output", "input": 0, "files": ["output-0-0.bin"]}',
        '{"event": "done", "peak_memory_bytes": 4096}',
    ):
        said.take(line)
    said.files["output-0-0.bin"] = bytes(16)
    kept = RecordedJob(
        board=board, facts=BoardFacts({"machine": ["aarch64"]}), threads=1, notes=("a note",), npu=said,
        cpu=Unavailable("not asked for"),
    )  # fmt: skip
    Recording.begin(top, "b", board).keep(JOB, kept)
