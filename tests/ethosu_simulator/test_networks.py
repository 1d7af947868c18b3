"""Whole networks that Vela compiled with its default options give TFLite Micro's bytes."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ethosu_simulator
from tests.conversion.real_data import real_model
from tests.ethosu_simulator.toolchain import ALL, TINY, random_inputs, tflite_micro, vela

PUBLISHED = (
    "level2_relu_full_integer_quant",
    "level3_leaky_full_integer_quant",
    "level3_relu_full_integer_quant",
    "level4_leaky_full_integer_quant",
    "level4_relu_full_integer_quant",
    "older_level3_relu_full_integer_quant",
)
FVP_CRC = 0xCEE9B7FE  # kws_micronet_m on Arm's FVP_Corstone_SSE-320, input bytes newlib rand() & 0xFF from seed 1


def _differing(model: Path, compiled: Path, seeds: range) -> int:
    loaded, count = ethosu_simulator.load(compiled), 0
    for seed in seeds:
        inputs = random_inputs(model, seed)
        trace: list[ethosu_simulator.Executed] = []
        got, expected = loaded.run(inputs, trace), tflite_micro(model, inputs, 200 << 20)
        assert trace, "the NPU executed nothing"
        count += sum(int(np.count_nonzero(a != b.reshape(a.shape))) for a, b in zip(got, expected, strict=True))
    return count


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("config", ALL)
@pytest.mark.parametrize("network", TINY)
def test_a_tiny_network_gives_tflite_micro_s_bytes(network: str, config: str, tmp_path: Path) -> None:
    model = real_model(f"tiny/{network}.tflite")
    assert _differing(model, vela(model, config, tmp_path)[0], range(4)) == 0


@pytest.mark.data
@pytest.mark.nightly
@pytest.mark.parametrize("config", ALL)
@pytest.mark.parametrize("network", PUBLISHED)
def test_a_published_detector_gives_tflite_micro_s_bytes(network: str, config: str, tmp_path: Path) -> None:
    model = real_model(f"published/{network}.tflite")
    assert _differing(model, vela(model, config, tmp_path)[0], range(1)) == 0


def newlib_image() -> NDArray[np.int8]:
    """The image that Arm's FVP was given: newlib's rand() & 0xFF from seed 1."""
    return np.frombuffer(_newlib_rand(490), np.int8).reshape(1, 49, 10, 1)


def _newlib_rand(count: int) -> bytes:
    state, values = 1, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1) % 2**64
        values.append(state >> 32 & 0xFF)
    return bytes(values)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("config", ALL)
def test_keyword_spotting_has_the_checksum_that_arm_s_fvp_printed(config: str, tmp_path: Path) -> None:
    model = real_model("tiny/kws_micronet_m.tflite")
    (output,) = ethosu_simulator.load(vela(model, config, tmp_path)[0]).run([newlib_image()])
    assert zlib.crc32(output.tobytes()) == FVP_CRC


@pytest.mark.data
def test_a_hybrid_file_is_refused() -> None:
    with pytest.raises(ethosu_simulator.ContainerError, match="no ethos-u operator"):
        ethosu_simulator.load(real_model("published/level2_leaky_int8.tflite"))
