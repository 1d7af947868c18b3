"""Random single operators give TFLite Micro's bytes on every product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import simulator
from tests.simulator.random_operators import OPERATORS, build
from tests.simulator.toolchain import random_inputs, tflite_micro, vela

SEED = 3  # with it Vela leaves none of them to the CPU
CONFIGS = ("u55-128", "u65-512", "u85-512")
# Vela lowers SUM to a convolution that rounds naturally where TFLite Micro rounds twice; EXP wants float in TFLite Micro.
LEFT_OUT = {"sum", "exp"}
INT16 = ("conv", "depthwise", "fully_connected", "add", "sub", "max_pool", "logistic", "tanh", "softmax", "transpose")
CASES = [(name, "INT8") for name in sorted(set(OPERATORS) - LEFT_OUT)] + [(name, "INT16") for name in INT16]


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_an_operator_gives_tflite_micro_s_bytes(name: str, dtype: str, config: str, tmp_path: Path) -> None:
    model = tmp_path / f"{name}.tflite"
    model.write_bytes(build(name, dtype, seed=SEED))
    loaded = simulator.load(vela(model, config, tmp_path)[0])
    for seed in range(2):
        inputs = random_inputs(model, seed)
        (got,), (expected,) = loaded.run(inputs), tflite_micro(model, inputs, 4 << 20)
        np.testing.assert_array_equal(got, expected.reshape(got.shape))
