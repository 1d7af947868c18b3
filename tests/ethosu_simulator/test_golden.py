"""Every golden case, compiled by Vela and answered by TFLite's kernels when it was kept, still gives those bytes.

Covers ethosu_simulator.decoder.dialects, ethosu_simulator.decoder.fields, ethosu_simulator.decoder.parts,
ethosu_simulator.decoder.pool_scales, ethosu_simulator.decoder.register_file, ethosu_simulator.decoder.registers_u55,
ethosu_simulator.decoder.registers_u85, ethosu_simulator.decoder.transfers, ethosu_simulator.operands,
ethosu_simulator.ops.accumulators, ethosu_simulator.ops.conv, ethosu_simulator.ops.depthwise, ethosu_simulator.ops.dma,
ethosu_simulator.ops.elementwise, ethosu_simulator.ops.matmul, ethosu_simulator.ops.pool, ethosu_simulator.ops.resize,
ethosu_simulator.ops.window, ethosu_simulator.products.
"""

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
