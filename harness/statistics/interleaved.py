"""Takes samples of two things in turn, so that whatever drifts meanwhile (heat, other load) meets both alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

ROUNDS = 10
"""Rounds of a comparison; with eight or more the signed-rank interval of 99 % exists."""

Take = Callable[[int], Sequence[float]]
"""Takes that many samples in one go (a process of its own, an upload of its own) and gives them back in order."""


def interleaved(first: Take, second: Take, repeats: int, rounds: int = ROUNDS) -> tuple[list[list[float]], list[list[float]]]:
    """Samples of both by round, at least `repeats` of each in all; who goes first changes with every round."""
    each = -(-repeats // rounds)
    taken: tuple[list[list[float]], list[list[float]]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            taken[which].append(list((first, second)[which](each)))
    return taken
