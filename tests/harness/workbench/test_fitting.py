"""The largest size that fits is found by compiling few sizes, and its neighbour above is known not to fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records.memory_shortfall import MemoryShortfall
from harness.workbench.fitting import STEP, largest_confirmed, largest_fitting


class Platform:
    """Needs `factor` bytes for each pixel and `fixed` bytes besides, of `room`; counts how often it was asked."""

    def __init__(self, factor: float, fixed: int, room: int) -> None:
        self.factor, self.fixed, self.room = factor, fixed, room
        self.asked: list[int] = []

    def __call__(self, size: int) -> tuple[MemoryShortfall, ...]:
        self.asked.append(size)
        need = int(self.factor * size * size) + self.fixed
        return (MemoryShortfall("arena", need, self.room),) if need > self.room else ()


@given(st.floats(0.1, 100), st.integers(0, 100_000), st.integers(1, 4_000_000), st.integers(0, 1280))
def test_the_answer_fits_and_the_next_size_does_not(factor: float, fixed: int, room: int, limit: int) -> None:
    platform = Platform(factor, fixed, room)
    found = largest_fitting(limit, platform)
    assert found % STEP == 0
    assert found <= limit
    assert found == 0 or not platform(found)
    if found + STEP <= limit:
        assert platform(found + STEP)


def test_a_detector_at_640_px_takes_three_compilations() -> None:
    platform = Platform(4_934_304 / 640**2, 456, 2 << 20)
    assert largest_fitting(640, platform) == 416
    assert platform.asked == [640, 416, 448]


@pytest.mark.parametrize("limit", [0, 16, 31])
def test_without_any_size_there_is_none(limit: int) -> None:
    assert largest_fitting(limit, Platform(1, 0, 10)) == 0


def test_a_model_that_fits_keeps_its_size() -> None:
    platform = Platform(0.1, 0, 1 << 20)
    assert largest_fitting(640, platform) == 640
    assert platform.asked == [640]


def test_what_just_fits_with_another_recipe_is_held_against_the_one_asked_for() -> None:
    roughly, exactly = Platform(12, 0, 12 * 416**2), Platform(12, 400, 12 * 416**2)
    assert largest_confirmed(640, roughly, exactly) == 384
    assert exactly.asked == [416, 384]
    assert largest_confirmed(640, exactly, Platform(1, 0, 0)) == 0


def test_two_sizes_that_look_alike_in_mebibytes_are_given_in_bytes() -> None:
    shortfall = MemoryShortfall("the arena", 2_097_408, 2_097_152, "SRAM")
    assert str(shortfall) == "needs 2,097,408 bytes of SRAM, the arena has 2,097,152 bytes"
