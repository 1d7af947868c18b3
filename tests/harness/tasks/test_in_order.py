"""Work on many items at once gives what work on one after the other gives."""

from __future__ import annotations

import threading

import pytest

from harness.tasks.in_order import in_order


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_items_whoever_is_done_first(threads: int) -> None:
    held = threading.Event()

    def work(item: int) -> int:
        if item == 0 and threads > 1:
            assert held.wait(20)
        if item == 1:
            held.set()
        return item * item

    assert list(in_order(work, range(9), threads)) == [item * item for item in range(9)]


def test_no_more_items_are_taken_than_are_soon_needed() -> None:
    items = iter(range(100))
    assert next(in_order(lambda item: item, items, 2)) == 0
    assert next(items) <= 5


def test_an_error_is_raised_in_its_place() -> None:
    results = in_order(lambda item: 6 // (2 - item), range(9), 2)
    assert [next(results), next(results)] == [3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
