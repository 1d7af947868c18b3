"""Runs in the environment of the TOSA reference model: `child.py GRAPH INPUTS OUTPUTS`, arrays as npz.

INPUTS holds an array `RUN-NUMBER` for each run and input; OUTPUTS gets the same of its outputs.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np


def main(graph: str, inputs: str, outputs: str) -> int:
    """0 when every run is valid, else 1."""
    model: Any = importlib.import_module("tosa_reference_model")
    content, given = Path(graph).read_bytes(), np.load(inputs)
    made: dict[str, Any] = {}
    places = sorted(tuple(map(int, name.split("-"))) for name in given.files)
    for run in sorted({run for run, _ in places}):
        arrays = [given[f"{run}-{number}"] for one, number in places if one == run]
        found, status = model.run(content, arrays)
        if status != model.GraphStatus.TOSA_VALID:
            sys.stderr.write(f"run {run + 1}: {status}\n")
            return 1
        made.update({f"{run}-{number}": values for number, values in enumerate(found)})
    np.savez(outputs, **made)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
