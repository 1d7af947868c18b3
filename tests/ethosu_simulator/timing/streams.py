"""Compiled files to estimate: golden cases of this checkout, and the streams that the published counts are of."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.timing.published import Cell, cells
from tests.checkout import CHECKOUT

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = (
    "conv-INT8-u55-32-0-4",
    "depthwise-INT8-u55-128-0-4",
    "chain4-INT8-u55-128-0-4",
    "batch_matmul-INT8-u55-256-0-4",
    "conv-INT8-u65-256-0-4",
    "concatenation-INT8-u65-512-0-4",
    "chain4-INT16-u65-256-2-4",
    "conv-INT8-u85-128-0-4",
    "chain4-INT8-u85-128-0-4",
    "depthwise-INT16-u85-512-0-4",
    "add-INT8-u85-1024-0-4",
    "chain3-INT16-u85-1024-101327-1",
)


def golden(case: str, folder: Path) -> Path:
    """A golden case's compiled file in a folder."""
    path = folder / f"{case}_vela.tflite"
    with np.load(GOLDEN / f"{case}.npz") as kept:
        path.write_bytes(kept["compiled"].tobytes())
    return path


def truth_folder() -> Path:
    """The published counts and their streams; skips the test where they are not."""
    folder = Path(os.environ.get("ETHOS_BENCH_TEST_DATA") or CHECKOUT.parent / "shared") / "reference" / "timing"
    if not (folder / "truth.csv").is_file():
        pytest.skip("the published counts are not here")
    return folder


def truth() -> list[Cell]:
    """Every published figure, as the study reads them; skips the test where they are not."""
    truth_folder()
    return cells()
