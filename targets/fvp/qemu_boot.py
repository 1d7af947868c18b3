"""One boot of a firmware on QEMU, the NPU's registers served by ours, from reset to where it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import RunError, UsageError
from targets.elf_file import find_symbol
from targets.fvp.log import RunnerLog
from targets.fvp.npu_device import NpuDevice
from targets.fvp.qemu_machine import QemuMachine
from targets.gdb.errors import StillRunning
from targets.gdb.processor import AccessInPlace, FaultHandlers

END = "_exit"
"""Where a firmware stands when it is done, with its exit status in r0."""


@dataclass
class Boot:
    """A firmware on its way from reset to its end; `status` is what it gave to `_exit`."""

    machine: QemuMachine
    device: NpuDevice
    firmware: Path
    what: str
    log: RunnerLog = field(default_factory=RunnerLog)
    status: int = 0
    _heard: int = 0

    def to_the_end(self, deadline: float, progress: Callable[[str], None]) -> bool:
        """Whether the firmware came to its end before the deadline, which waits while our NPU works.

        FirmwareFault when it went into a fault handler.
        """
        gdb = self.machine.gdb
        end = self._end()
        gdb.set_point("hardware", end, 2)
        handlers = FaultHandlers.of(self.firmware)
        handlers.watch(gdb)
        accesses = AccessInPlace(gdb, self.machine.pages(self.device))
        while True:
            with self._listening(progress):
                try:
                    stop = gdb.resume(max(0.0, deadline - time.monotonic()))
                except StillRunning:
                    return False
            pc = gdb.register("pc")
            if stop.watch is not None:
                before = time.monotonic()
                accesses.perform(pc)
                deadline += time.monotonic() - before  # our NPU's work is not the firmware's time: it may be compiled first
            elif pc == end:
                self.status = gdb.register("r0")
                return True
            else:
                handlers.require_none(gdb, pc, self.what)
                raise RunError(
                    f"`{self.what}`: the processor stopped at 0x{pc:08x} by signal {stop.signal}", "the firmware's end"
                )

    def _end(self) -> int:
        symbol = find_symbol(self.firmware, END)
        if symbol is None:
            raise UsageError(f"firmware `{self.firmware}` has no symbol `{END}`", "a firmware that says where it ends")
        return symbol[0] & ~1

    @contextmanager
    def _listening(self, progress: Callable[[str], None]) -> Iterator[None]:
        """Takes in what was printed in the block, whichever way it is left."""
        try:
            yield
        finally:
            text = self.machine.printed()
            if len(text) > self._heard:
                self._heard = len(text)
                self.log.lines.clear()
                for line in text.splitlines():
                    self.log.listen(line)
                progress(self.log.lines[-1].strip()[:100])
