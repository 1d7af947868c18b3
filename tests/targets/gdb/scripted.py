"""A GDB server that says what a test tells it to, true or not."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from targets.gdb.client import Gdb
from targets.gdb.link import Link
from targets.gdb.packets import Packet, Reader, framed

XML = b'<target><feature name="m"><reg name="r0" bitsize="32"/><reg name="PC" bitsize="32" regnum="15"/></feature></target>'
FEATURES = b"PacketSize=400;qXfer:features:read+"
Answer = Callable[[bytes], bytes | None]
"""From a request's payload to the bytes to send, None for none; a plain payload is framed by `packet`."""


def packet(payload: bytes) -> bytes:
    """Acknowledgement and packet."""
    return b"+" + framed(payload)


def honest(request: bytes) -> bytes | None:
    """A small, truthful server: memory holds each address's low byte."""
    if request.startswith(b"qSupported"):
        return packet(FEATURES)
    if request.startswith(b"qXfer:features:read:target.xml:0,"):
        return packet(b"l" + XML)
    if request[:1] == b"m":
        address, length = (int(part, 16) for part in request[1:].split(b","))
        return packet(bytes((address + number) & 0xFF for number in range(length)).hex().encode())
    answers = {b"?": b"T05thread:01;", b"p0": b"78563412", b"D": b"OK", b"c": b"T05watch:58102000;", b"s": b"S05"}
    return packet(answers.get(request, b"OK" if request[:1] in (b"P", b"M", b"Z", b"z") else b""))


@contextlib.contextmanager
def server(answer: Answer = honest, *, first: bytes = b"") -> Iterator[socket.socket]:
    """A socket to a server that answers each packet by `answer`; an empty answer closes the connection."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=_serve, args=(theirs, answer, first), daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        ours.close()
        thread.join(10)
        assert not thread.is_alive()


def _serve(end: socket.socket, answer: Answer, first: bytes) -> None:
    reader = Reader()
    with end, contextlib.suppress(OSError):
        end.sendall(first)
        while data := end.recv(65536):
            for event in reader.feed(data):
                if not isinstance(event, Packet):
                    continue
                said = answer(event.payload)
                if said == b"":
                    return
                end.sendall(said or b"")


@contextlib.contextmanager
def client(answer: Answer = honest, request_s: float = 2.0) -> Iterator[Gdb]:
    """A session with such a server."""
    with server(answer) as end, Gdb(Link("the server", end), request_s=request_s) as gdb:
        yield gdb


def but(request: bytes, said: bytes | None) -> Answer:
    """An honest server but for requests that begin so."""
    return lambda asked: said if asked.startswith(request) else honest(asked)
