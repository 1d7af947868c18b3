"""Feature maps come back as they were stored, and nothing outside a region can be touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethosu_simulator import MemoryFault
from ethosu_simulator.memory import FeatureMap, Memory

SIZE = 1 << 16


def _bricks(height0: int, width0: int, bases: tuple[int, int, int, int], width: int) -> FeatureMap:
    return FeatureMap(1, bases, height0, height0, width0, width * 16, 16, 4096, bricks=True, dtype="int8")


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 40), st.integers(1, 8), st.integers(1, 8))
def test_bricks_in_four_tiles_read_back(height: int, width: int, depth: int, height0: int, width0: int) -> None:
    memory = Memory({1: np.zeros(SIZE, np.uint8)})
    where = _bricks(height0, width0, (0, 16384, 32768, 49152), 8)
    values = np.random.default_rng(1).integers(-128, 128, (height, width, depth)).astype(np.int8)
    memory.write(where, values)
    np.testing.assert_array_equal(memory.read(where, values.shape), values)


def test_element_lies_where_the_formula_says() -> None:
    data = np.zeros(SIZE, np.uint8)
    memory = Memory({1: data})
    values = np.zeros((3, 5, 20), np.int8)
    values[2, 4, 17] = 99
    memory.write(_bricks(8, 8, (64, 0, 0, 0), 5), values)
    assert data[64 + 2 * 80 + 4 * 16 + 4096 + 1] == 99


@pytest.mark.parametrize(
    "where",
    [
        FeatureMap(1, (SIZE - 10, 0, 0, 0), 4, 4, 4, 4, 1, 1, bricks=False, dtype="int8"),
        FeatureMap(7, (0, 0, 0, 0), 4, 4, 4, 4, 1, 1, bricks=False, dtype="int8"),
        FeatureMap(1, (0, 0, 0, 0), 4, 4, 4, 1 << 39, 1, 1, bricks=False, dtype="int8"),
    ],
)
def test_a_read_outside_faults(where: FeatureMap) -> None:
    with pytest.raises(MemoryFault):
        Memory({1: np.zeros(SIZE, np.uint8)}).read(where, (4, 4, 1))


def test_a_write_to_constants_faults() -> None:
    constants = np.frombuffer(bytes(64), np.uint8)
    with pytest.raises(MemoryFault, match="read-only"):
        Memory({0: constants}).store(0, 0, np.zeros(4, np.uint8))


def test_a_feature_map_of_absurd_size_faults_at_once() -> None:
    where = FeatureMap(1, (0, 0, 0, 0), 65536, 65536, 65536, 0, 0, 0, bricks=False, dtype="int8")
    with pytest.raises(MemoryFault, match="elements"):
        Memory({1: np.zeros(SIZE, np.uint8)}).read(where, (65536, 65536, 65536))
