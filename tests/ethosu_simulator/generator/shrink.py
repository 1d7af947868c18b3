"""A failing case -> a smaller one that fails the same way, and the golden file that keeps it."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.ethosu_simulator.generator.cases import Case, parse
from tests.ethosu_simulator.generator.compare import Result, compiled, inputs_of, reference
from tests.ethosu_simulator.generator.pool import compare_all

CAPS = (1, 2, 3, 4, 6, 8, 12, 16)
NEIGHBOURS = 4


def candidates(case: Case) -> Iterator[Case]:
    """Cases like it with smaller sizes, the smallest first; then neighbours of its seed, for sizes shift the draws."""
    for cap in CAPS:
        for seed in range(case.seed, case.seed + NEIGHBOURS):
            yield replace(case, seed=seed, cap=cap)


def shrunk(case: Case, status: str) -> Case:
    """The first candidate with the same status, else the case itself."""
    found = {result.case for result in compare_all(str(c) for c in candidates(case)) if result.status == status}
    return next((c for c in candidates(case) if str(c) in found), case)


def keep(case: Case, folder: Path) -> Path:
    """The golden file of a case: what Vela compiled, inputs, and what TFLite's kernels give."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "case.tflite"
        path.write_bytes(model := case.build())
        sets = inputs_of(model, case.seed)
        oracle, outputs = reference(model, path, sets)
        with contextlib.redirect_stdout(io.StringIO()):
            stream = np.frombuffer(compiled(path, case.config, Path(scratch)).read_bytes(), np.uint8)
    arrays = {f"input{i}": values for i, values in enumerate(sets[0])}
    target = folder / f"{case}.npz"
    np.savez_compressed(target, compiled=stream, oracle=np.array(oracle), output=outputs[0], **arrays)  # type: ignore[arg-type]
    return target


def shrink_all(failures: list[Result], folder: Path) -> list[Path]:
    """Golden files of all failures, shrunk."""
    return [keep(shrunk(parse(failure.case), failure.status), folder) for failure in failures]
