"""Streams that nobody's compiler wrote: an estimate, or an error of ours, in bounded work."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

import pytest

from ethosu_simulator import SimulatorError
from ethosu_simulator.timing import estimate
from tests.ethosu_simulator.timing.streams import golden

CASES = ("conv-INT8-u55-32-0-4", "chain4-INT8-u85-128-0-4", "concatenation-INT8-u65-512-0-4")
MOST_SECONDS = 30.0  # a bound on hanging, not a measurement: each takes milliseconds


@pytest.mark.parametrize("case", CASES)
def test_changed_words_give_an_estimate_or_one_of_our_errors(case: str, tmp_path: Path) -> None:
    path = golden(case, tmp_path)
    whole = path.read_bytes()
    at = whole.index(b"COP")
    ours, good = 0, 0
    for seed in range(60):
        chance, data = random.Random(seed), bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            word = at + 4 * chance.randrange(4, 150)
            value = chance.choice((0, 0xFFFF, 0xFFFFFFFF, 1 << chance.randrange(32), chance.randrange(1 << 32)))
            data[word : word + 4] = struct.pack("<I", value)
        path.write_bytes(bytes(data[: len(whole)]))
        started = time.monotonic()
        try:
            good += estimate(path).active_cycles >= 0
        except SimulatorError:
            ours += 1
        assert time.monotonic() - started < MOST_SECONDS
    assert good + ours == 60
    assert good
    assert ours
