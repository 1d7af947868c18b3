"""What a board prints on its serial port while its firmware runs, taken in by a thread beside the debug port."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.errors import RunError, TargetUnavailable, ToolMissing

POLL_S = 0.05
SILENT_POLLS = 4
"""A port that gave nothing so often after the firmware's end has given everything."""
PATIENCE_S = 10.0
MAX_LOG_BYTES = 1 << 20
"""What comes beyond is read and dropped."""


@dataclass
class SerialLog:
    """A serial port that is listened to; `device` is how messages call it."""

    device: str
    _port: Any
    _heard: bytearray = field(default_factory=bytearray)
    _failed: str = ""
    _silent: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Take in bytes until told to stop; for a thread."""
        while not self._stop.is_set():
            try:
                data = self._port.read(self._port.in_waiting or 1)
            except Exception as error:  # pyserial's drivers raise what their systems do
                self._failed = str(error) or type(error).__name__
                return
            self._silent = 0 if data else self._silent + 1
            self._heard += data[: MAX_LOG_BYTES - len(self._heard)]

    def stop(self) -> None:
        """Let the thread end."""
        self._stop.set()

    def text(self) -> str:
        """All that was heard, once the port has fallen silent; RunError when it was lost on the way."""
        end, self._silent = time.monotonic() + PATIENCE_S, 0
        while time.monotonic() < end and self._silent < SILENT_POLLS and not self._failed:
            time.sleep(POLL_S)
        if self._failed:
            raise RunError(f"the serial port `{self.device}` was lost in the run: {self._failed[:200]}", "a port that stays")
        return self._heard.decode(errors="replace").replace("\r\n", "\n")


@contextmanager
def serial_log(device: str, baud: int) -> Iterator[SerialLog]:
    """A port listened to until the block is left; TargetUnavailable when it cannot be opened."""
    port = _opened(device, baud)
    log = SerialLog(device, port)
    thread = threading.Thread(target=log.listen, daemon=True)
    try:
        port.reset_input_buffer()
        thread.start()
        yield log
    finally:
        log.stop()
        if thread.ident is not None:
            thread.join(PATIENCE_S)
        port.close()


def _opened(device: str, baud: int) -> Any:
    try:
        serial: Any = importlib.import_module("serial")
    except ImportError as error:
        raise ToolMissing("no pyserial to read `serial` with", "the package pyserial", "pip install pyserial") from error
    try:
        return serial.serial_for_url(device, baudrate=baud, timeout=POLL_S)
    except (OSError, ValueError, serial.SerialException) as error:
        raise TargetUnavailable(f"the serial port `{device}` cannot be opened: {error}", "a port that is there") from error
