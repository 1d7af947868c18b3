"""Every golden case, compiled by Vela and answered by TFLite's kernels when it was kept, still gives those bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ethosu_simulator
from ethosu_simulator.container import parse
from ethosu_simulator.limits import Limits

GOLDEN = Path(__file__).parent / "golden"
FAMILIES = sorted({path.name.split("-")[0] for path in GOLDEN.glob("*.npz")})


@pytest.mark.parametrize("operator", FAMILIES)
def test_a_golden_case_gives_the_bytes_of_tflite_s_kernels(operator: str) -> None:
    for path in sorted(GOLDEN.glob(f"{operator}-*.npz")):
        with np.load(path) as kept:
            inputs = [kept[f"input{i}"] for i in range(sum(name.startswith("input") for name in kept.files))]
            (got,) = ethosu_simulator.Model(parse(kept["compiled"].tobytes()), Limits()).run(inputs)
            np.testing.assert_array_equal(got.reshape(-1), kept["output"].reshape(-1), err_msg=path.name)
