"""Pieces: what can stay together on the NPU."""

from __future__ import annotations

from conversion.rules.pieces import pieces
from core.tflite.nodes import Operator


def graph(*edges: tuple[tuple[int, ...], int]) -> list[Operator]:
    """Operators that read these tensors and write the one; the n-th operator has index n."""
    return [Operator(index, "X", inputs, (output,), "") for index, (inputs, output) in enumerate(edges)]


CHAIN = graph(((0,), 1), ((1,), 2), ((2,), 3))


def test_a_chain_on_the_npu_is_one_piece() -> None:
    assert pieces(CHAIN, frozenset({0, 1, 2})) == ((0, 1, 2),)


def test_an_operator_on_the_cpu_makes_two_pieces_of_a_chain() -> None:
    assert pieces(CHAIN, frozenset({0, 2})) == ((0,), (2,))


def test_operators_that_share_no_tensor_are_pieces_of_their_own() -> None:
    assert pieces(graph(((0,), 1), ((0,), 2)), frozenset({0, 1})) == ((0,), (1,))


def test_a_short_cut_past_the_cpu_does_not_join_what_waits_for_the_cpu() -> None:
    # 0 -> 1 (CPU) -> 2, and 0 -> 2 directly: one network of 0 and 2 would wait for 1, which waits for 0.
    assert pieces(graph(((0,), 1), ((1,), 2), ((1, 2), 3)), frozenset({0, 2})) == ((0,), (2,))


def test_a_branch_over_the_cpu_that_starts_elsewhere_does_not_part_a_piece() -> None:
    # 1 (CPU) reads the graph's input only.
    assert pieces(graph(((0,), 1), ((0,), 2), ((1, 2), 3)), frozenset({0, 2})) == ((0, 2),)


def test_a_way_round_over_several_operators_is_found() -> None:
    # 0 -> 1 -> 2 (CPU) -> 3 -> 4, and 1 -> 4: 4 joins 3, never 1.
    found = pieces(graph(((0,), 1), ((1,), 2), ((2,), 3), ((3,), 4), ((2, 4), 5)), frozenset({0, 1, 3, 4}))
    assert found == ((0, 1), (3, 4))


def test_without_operators_on_the_npu_there_are_no_pieces() -> None:
    assert pieces(CHAIN, frozenset()) == ()
