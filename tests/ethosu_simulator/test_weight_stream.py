"""Weight streams decode as Arm's codec says, and damaged ones are refused."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ethosu_simulator import WeightStreamError
from ethosu_simulator.fast_weight_stream import decode_fast
from ethosu_simulator.weight_stream import decode_standard

# In a child: Arm's codec ends the process when a stream is damaged.
CODEC = """
import json, sys
from ethosu import mlw_codec
weights = json.load(sys.stdin)
streams = [bytes(mlw_codec.encode(w)) for w in weights]
print(json.dumps([[s.hex(), list(map(int, mlw_codec.decode(bytearray(s))))] for s in streams]))
"""


def _kinds(random: np.random.Generator) -> list[NDArray[Any]]:
    count = int(random.integers(1, 6000))
    return [
        random.integers(-255, 256, count),
        np.clip(np.rint(random.normal(0, 20, count)), -255, 255),
        random.integers(-3, 4, count),
        np.where(random.random(count) < 0.8, 0, random.integers(-120, 121, count)),
        np.zeros(count),
    ]


@pytest.fixture(scope="module")
def arm() -> list[tuple[NDArray[np.uint8], list[int]]]:
    """Streams and weights, both from Arm's codec."""
    random = np.random.default_rng(1)
    weights = [values.astype(int).tolist() for _ in range(8) for values in _kinds(random)]
    done = subprocess.run([sys.executable, "-c", CODEC], input=json.dumps(weights), capture_output=True, text=True, check=True)
    return [(np.frombuffer(bytes.fromhex(stream), np.uint8), values) for stream, values in json.loads(done.stdout)]


def test_standard_streams_decode_as_arm_s_codec_does(arm: list[tuple[NDArray[np.uint8], list[int]]]) -> None:
    for stream, weights in arm:
        assert decode_standard(stream, len(weights)).tolist() == weights


def test_a_stream_with_more_weights_than_asked_for_is_refused(arm: list[tuple[NDArray[np.uint8], list[int]]]) -> None:
    stream, weights = arm[0]
    with pytest.raises(WeightStreamError, match="more weights"):
        decode_standard(stream, len(weights) - 1)


def test_a_stream_that_runs_dry_is_refused(arm: list[tuple[NDArray[np.uint8], list[int]]]) -> None:
    stream, weights = arm[0]
    with pytest.raises(WeightStreamError, match="runs dry"):
        decode_standard(stream[: len(stream) // 2], len(weights))


@settings(deadline=None)  # the first call compiles
@given(st.binary(max_size=300))
def test_any_bytes_decode_or_are_refused(noise: bytes) -> None:
    data = np.frombuffer(noise, np.uint8)
    for decode in (decode_standard, decode_fast):
        with contextlib.suppress(WeightStreamError):
            assert len(decode(data, 1000)) <= 1000


def _fast(values: list[int], width: int, table: list[int], adjust: int = 0) -> NDArray[np.uint8]:
    """A fast stream, written as its format says: flags, adjustment at bit 104, table of 9-bit entries at bit 112."""
    bits = {8: 1, 2: 2, 4: 0}[width] | (adjust & 0xFF) << 104
    for i, value in enumerate(table):
        bits |= (abs(value) << 1 | (value < 0)) << (112 + 9 * i)
    for i, value in enumerate(values):
        code = (value + adjust) & 0xFF if width == 8 else table.index(value)
        bits |= code << (256 + width * i)
    return np.frombuffer(bits.to_bytes(32 + -(-len(values) * width // 8), "little"), np.uint8)


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(-100, 155), min_size=1, max_size=50))
def test_raw_fast_streams_decode(values: list[int]) -> None:
    assert decode_fast(_fast(values, 8, [], -28), len(values)).tolist() == values


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.sampled_from([0, -255, 7, 255]), min_size=1, max_size=50), st.sampled_from([2, 4]))
def test_table_fast_streams_decode(values: list[int], width: int) -> None:
    assert decode_fast(_fast(values, width, [0, -255, 7, 255]), len(values)).tolist() == values
