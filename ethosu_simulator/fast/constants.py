"""The NPU's memory as far as the stream alone determines it: constants that DMA brought, until something overwrites them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import SimulatorError
from ethosu_simulator.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping

Bytes = NDArray[np.uint8]


class NotConstantError(SimulatorError):
    """Bytes that only a run can tell."""


class ConstantMemory(Memory):
    """Regions of which only some bytes are known; `bytes` gives known ones or raises NotConstantError."""

    def __init__(self, regions: Mapping[int, Bytes], read_only: frozenset[int]) -> None:
        super().__init__(regions)
        self._read_only = read_only
        masks = {id(data): np.zeros(len(data), np.bool_) for data in regions.values()}
        self._known = {region: masks[id(data)] for region, data in regions.items()}

    def known(self, region: int, start: int, length: int) -> Bytes | None:
        """The bytes when they are known, else None; MemoryFault outside the region."""
        data = super().bytes(region, start, length)
        return data if region in self._read_only or self._known[region][start : start + length].all() else None

    def bytes(self, region: int, start: int, length: int) -> Bytes:
        """As Memory.bytes, for bytes that are known."""
        data = self.known(region, start, length)
        if data is None:
            raise NotConstantError(f"region {region}: bytes {start}..{start + length} depend on the input")
        return data

    def store(self, region: int, start: int, data: Bytes) -> None:
        """As Memory.store; the bytes are known from then on."""
        self.check_writable(region)
        super().bytes(region, start, len(data))[:] = data
        self._known[region][start : start + len(data)] = True

    def forget(self, region: int, low: int, high: int) -> None:
        """Something that depends on the input was written to bytes low .. high."""
        self._known[region][max(0, low) : high] = False

    def forget_all(self) -> None:
        """Anything may have been written."""
        for mask in self._known.values():
            mask[:] = False
