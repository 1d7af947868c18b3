"""A serial port beside the debug port: all that was printed is heard, a port that goes is said, without pyserial as well."""

from __future__ import annotations

import os
import sys
import tty
from collections.abc import Iterator

import pytest

from core.errors import RunError, TargetUnavailable, ToolMissing
from targets.gdb.serial_log import serial_log

BAUD = 115200


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """One end of a terminal, and the name of the other."""
    pytest.importorskip("serial")
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)


def test_what_was_printed_while_it_listened_is_heard_and_nothing_from_before(terminal: tuple[int, str]) -> None:
    master, name = terminal
    os.write(master, b"from an earlier run\r\n")
    with serial_log(name, BAUD) as log:
        os.write(master, b"one\r\n")
        os.write(master, "zw\u00f6lf\n\xff".encode("latin-1"))
        assert log.text() == "one\nzw\ufffdlf\n\ufffd"
    os.close(master)


def test_a_port_that_goes_is_an_error(terminal: tuple[int, str]) -> None:
    master, name = terminal
    with serial_log(name, BAUD) as log:
        os.close(master)
        with pytest.raises(RunError, match=f"the serial port `{name}` was lost in the run"):
            log.text()


def test_a_port_that_is_not_there_and_a_url_that_is_none_are_a_target_that_is_not_there() -> None:
    pytest.importorskip("serial")
    for device in ("/dev/no-such-port", "nonsense://port"):
        with pytest.raises(TargetUnavailable, match=f"the serial port `{device}` cannot be opened"), serial_log(device, BAUD):
            pass


def test_without_pyserial_it_is_named_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ToolMissing, match="no pyserial") as caught, serial_log("/dev/ttyUSB0", BAUD):
        pass
    assert caught.value.hint == "pip install pyserial"
