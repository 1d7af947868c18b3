"""Command streams on a guest's memory: what they reach is read, they run, and what changed is written back."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator import Executed
from ethosu_simulator.regions import Stream

Bytes = NDArray[np.uint8]

KEPT_STREAMS = 16
MAX_STREAM_BYTES = 4 << 20
GAP_BYTES = 256
"""Changed bytes that lie no further apart are written in one go."""


class GuestMemory(Protocol):
    """Memory as the NPU beside a guest processor sees it; `ethosu_simulator.MemoryFault` where there is none."""

    def read(self, address: int, length: int) -> bytes:
        """Bytes at an address."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Bytes to an address."""
        ...


@dataclass
class StreamCache:
    """Streams that were planned before, by their bytes: a session runs the same few again and again."""

    _kept: OrderedDict[tuple[int, bytes], Stream] = field(default_factory=OrderedDict)

    def run(self, config_word: int, stream: bytes, bases: dict[int, int], memory: GuestMemory) -> list[Executed]:
        """The operations done by a stream whose regions begin at `bases`; their memory is changed by then."""
        found = self._stream(config_word, stream)
        areas = _areas({region: (bases[region], reach.bytes) for region, reach in found.reach.items()})
        held = {start: np.frombuffer(memory.read(start, end - start), np.uint8).copy() for start, end in areas}
        regions = {region: _view(held, bases[region], reach.bytes) for region, reach in found.reach.items()}
        before = {region: regions[region].copy() for region, reach in found.reach.items() if reach.written}
        trace: list[Executed] = []
        found.run(regions, trace)
        for region, old in before.items():
            for start, end in _changes(old, regions[region]):
                memory.write(bases[region] + start, regions[region][start:end].tobytes())
        return trace

    def _stream(self, config_word: int, data: bytes) -> Stream:
        key = config_word, data
        if key not in self._kept:
            self._kept[key] = Stream(config_word, data)
            while len(self._kept) > KEPT_STREAMS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _areas(spans: dict[int, tuple[int, int]]) -> list[tuple[int, int]]:
    """(first address, address behind the last) of the stretches of memory that spans (start, length) cover, merged."""
    merged: list[tuple[int, int]] = []
    for start, length in sorted(spans.values()):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], start + length)
        else:
            merged.append((start, start + length))
    return merged


def _view(held: dict[int, Bytes], start: int, length: int) -> Bytes:
    first = max(area for area in held if area <= start)
    return held[first][start - first : start - first + length]


def _changes(old: Bytes, new: Bytes) -> list[tuple[int, int]]:
    """(first, behind the last) of the stretches that differ."""
    (different,) = np.nonzero(old != new)
    if not len(different):
        return []
    cuts = np.nonzero(np.diff(different) > GAP_BYTES)[0]
    starts = different[np.concatenate([[0], cuts + 1])]
    ends = different[np.concatenate([cuts, [len(different) - 1]])] + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
