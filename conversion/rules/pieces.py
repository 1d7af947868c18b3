"""Which operators of the NPU can stay together as one network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.tflite.nodes import Operator

Edges = Sequence[tuple[int, int]]


def pieces(operators: Sequence[Operator], taken: frozenset[int]) -> tuple[tuple[int, ...], ...]:
    """The taken operators in as few connected groups as merging along the edges gives, each in file order.

    Two operators join when one reads what the other writes and no way through the rest of the graph leads from the one group
    to the other: a network that waits for the CPU in its middle would be two.
    """
    edges = _edges(operators)
    group = {operator.index: operator.index for operator in operators}
    for before, after in edges:
        if before in taken and after in taken and group[before] != group[after]:
            first, second = group[before], group[after]
            if not _way_round(edges, group, first, second):
                group = {index: first if found == second else found for index, found in group.items()}
    members: dict[int, list[int]] = {}
    for index in sorted(taken):
        members.setdefault(group[index], []).append(index)
    return tuple(tuple(found) for found in members.values())


def _edges(operators: Iterable[Operator]) -> list[tuple[int, int]]:
    """Producer and reader of every tensor that one operator hands to another, readers in file order."""
    producers: dict[int, int] = {}
    edges = []
    for operator in operators:
        edges += [(producers[position], operator.index) for position in dict.fromkeys(operator.inputs) if position in producers]
        producers.update(dict.fromkeys((position for position in operator.outputs if position >= 0), operator.index))
    return edges


def _way_round(edges: Edges, group: Mapping[int, int], first: int, second: int) -> bool:
    """Whether a path between two groups, either way, leaves both: joined, they would wait for themselves."""
    following: dict[int, set[int]] = {}
    for before, after in edges:
        if group[before] != group[after]:
            following.setdefault(group[before], set()).add(group[after])
    return _reaches(following, first, second) or _reaches(following, second, first)


def _reaches(following: Mapping[int, set[int]], start: int, end: int) -> bool:
    """Whether a path of at least two steps leads from one group to another."""
    waiting = [found for found in following.get(start, ()) if found != end]
    seen = set(waiting)
    while waiting:
        for found in following.get(waiting.pop(), ()):
            if found == end:
                return True
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return False
