"""A process that compares cases: one per line in, stages and a JSON result out; what the tools print goes to a log.

It says `ready` once the simulator's loops are compiled, which no case is to be timed for.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Serves until the input ends; results go to what was standard output at the start."""
    results = os.fdopen(os.dup(1), "w")
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    from tests.ethosu_simulator.generator.cases import parse
    from tests.ethosu_simulator.generator.compare import compare

    _compile_loops()
    results.write("ready\n")
    results.flush()

    def stage(name: str) -> None:
        results.write(name + "\n")
        results.flush()

    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            results.write(json.dumps(compare(parse(line.strip()), Path(folder), stage).as_data()) + "\n")
            results.flush()


def _compile_loops() -> None:
    import numpy as np

    from ethosu_simulator import container, model
    from ethosu_simulator.limits import Limits

    kept = Path(__file__).parents[1] / "golden" / "conv-INT8-u55-32-0-4.npz"
    loaded = model.Model(container.parse(np.load(kept)["compiled"].tobytes()), Limits())
    loaded.run([np.zeros(tensor.shape, tensor.dtype) for tensor in loaded.inputs])


if __name__ == "__main__":
    main()
