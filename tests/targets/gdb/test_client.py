"""The client believes no server: what breaks the protocol, lies, hangs or dies is a typed error within the time limit.

Covers targets.gdb.description.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from targets.gdb.client import Gdb
from targets.gdb.errors import GdbError, PeerGone, PeerNonsense, PeerRefused, PeerSilent
from targets.gdb.link import Link
from targets.gdb.packets import framed
from targets.gdb.stops import Stop
from tests.targets.gdb.scripted import FEATURES, but, client, honest, packet, server


def test_an_honest_server_is_understood() -> None:
    with client() as gdb:
        assert gdb.register("r0") == 0x12345678
        assert list(gdb.registers) == ["r0", "pc"]
        assert gdb.read(0x10F0, 600) == bytes((0xF0 + number) & 0xFF for number in range(600))
        gdb.write(0x100, bytes(1000))
        gdb.set_register("pc", 4)
        gdb.set_point("access", 0x5810_2000, 4)
        assert gdb.resume(1) == Stop(5, watch=0x5810_2000, said={"watch": "58102000"})
        assert gdb.step() == Stop(5)
        assert gdb.reason().signal == 5


def test_packets_are_no_longer_than_the_server_takes() -> None:
    longest = 0

    def measured(request: bytes) -> bytes | None:
        nonlocal longest
        longest = max(longest, len(framed(request)))
        return honest(request)

    with client(measured) as gdb:
        gdb.write(0x100, bytes(10_000))
        gdb.read(0x100, 10_000)
    assert 900 < longest <= 0x400


def test_binary_writes_are_used_where_the_server_has_them() -> None:
    written: list[bytes] = []

    def takes_binary(request: bytes) -> bytes | None:
        if request[:1] == b"X":
            written.append(request)
            return packet(b"OK")
        return honest(request)

    with client(takes_binary) as gdb:
        gdb.write(0x100, b"#$}*plain")
    assert written[-1] == b"X100,9:}\x03}\x04}]}\nplain"


def test_a_damaged_packet_is_asked_for_again_and_a_packet_is_sent_again_when_the_server_asks() -> None:
    tries: list[bytes] = []

    def noisy(request: bytes) -> bytes | None:
        tries.append(request)
        if request == b"p0":
            return b"-" if tries.count(b"p0") == 1 else b"+$78563412#00" + framed(b"78563412")
        return honest(request)

    with client(noisy) as gdb:
        assert gdb.register("r0") == 0x12345678
    assert tries.count(b"p0") == 2


@pytest.mark.parametrize(
    ("request_begins", "said", "error"),
    [
        (b"p0", b"+$78563412#00" * 4, PeerNonsense),
        (b"p0", b"-", PeerNonsense),
        (b"p0", None, PeerSilent),
        (b"p0", b"+", PeerSilent),
        (b"p0", b"", PeerGone),
        (b"p0", packet(b"E01"), PeerRefused),
        (b"p0", packet(b"7856341"), PeerNonsense),
        (b"p0", packet(b"xxxxxxxx"), PeerNonsense),
        (b"m", packet(b""), PeerNonsense),
        (b"m", packet(b"00" * 99), PeerNonsense),
        (b"m", packet(b"E14"), PeerRefused),
        (b"M", packet(b"0011"), PeerNonsense),
        (b"M", packet(b""), PeerRefused),
        (b"Z", packet(b""), PeerRefused),
        (b"c", packet(b"E01"), PeerRefused),
        (b"c", packet(b"T0"), PeerNonsense),
        (b"c", packet(b"T05watch:zz;"), PeerNonsense),
        (b"c", packet(b"what?"), PeerNonsense),
        (b"qRcmd", packet(b"O0g"), PeerNonsense),
        (b"qRcmd", packet(b""), PeerRefused),
        (b"qXfer", packet(b"l<target>"), PeerNonsense),
        (b"qXfer", packet(b"l<target/>"), PeerNonsense),
        (b"qXfer", packet(b"m"), PeerNonsense),
        (b"qXfer", packet(b'l<!DOCTYPE t [<!ENTITY a "b">]><target>&a;</target>'), PeerNonsense),
        (b"qXfer", packet(b'l<target><xi:include href="target.xml"/></target>'), PeerNonsense),
        (b"qXfer", packet(b'l<target><xi:include href="../../a:b"/></target>'), PeerNonsense),
        (b"qXfer", packet(b'l<target><reg name="r0" bitsize="99999999"/></target>'), PeerNonsense),
        (b"qSupported", packet(b"PacketSize=400"), PeerRefused),
    ],
)  # fmt: skip
def test_each_lie_is_an_error_of_its_kind(request_begins: bytes, said: bytes | None, error: type[GdbError]) -> None:
    with pytest.raises(error), client(but(request_begins, said), request_s=0.3) as gdb:  # noqa: PT012  # any of them may be the one
        gdb.register("r0")
        gdb.read(0x100, 8)
        gdb.write(0x100, b"1234")
        gdb.set_point("hardware", 0, 2)
        gdb.resume(0.3)
        gdb.monitor("reset halt", 0.3)


def test_a_server_that_sends_and_sends_but_never_an_answer_is_cut_off_in_time() -> None:
    ours, theirs = socket.socketpair()
    drip, over = framed(b"Stop:T05").replace(b"$", b"%"), threading.Event()

    def pour() -> None:
        with contextlib.suppress(OSError):
            while not over.wait(0.01):
                theirs.sendall(drip + b"+noise")

    pouring = threading.Thread(target=pour)
    pouring.start()
    started = time.monotonic()
    with ours, theirs:
        with pytest.raises(PeerSilent):
            Gdb(Link("the server", ours), request_s=0.5)
        over.set()
        pouring.join()
    assert time.monotonic() - started < 5


def test_a_program_that_does_not_stop_is_interrupted_and_one_that_cannot_be_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("targets.gdb.client.STOP_S", 0.3)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(packet(FEATURES) + packet(b"S05") + b"+")
        gdb = Gdb(Link("the server", ours))
        started = time.monotonic()

        with pytest.raises(PeerSilent):  # it acknowledges, is interrupted, and then says nothing
            gdb.resume(0.2)
        assert theirs.recv(65536).endswith(b"$c#63\x03")
        assert time.monotonic() - started < 4


def test_what_the_program_prints_through_the_server_is_heard() -> None:
    heard: list[str] = []
    said = packet(b"O" + b"hello ".hex().encode()) + framed(b"O" + b"world".hex().encode()) + framed(b"S05")
    with server(but(b"c", said)) as end:
        gdb = Gdb(Link("the server", end), heard.append)
        assert gdb.resume(1) == Stop(5)
    assert "".join(heard) == "hello world"


def test_a_server_that_is_not_there_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(PeerGone, match=f"no GDB server answers at {address}"):
        Gdb.connect(address, 0.2)
    with pytest.raises(PeerGone, match="no GDB server answers at"):
        Gdb.connect("/nowhere/at/all", 0.1)
