"""A connection to a GDB server: packets out and in, each acknowledged, each within a time limit."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from dataclasses import dataclass, field

from targets.gdb.errors import PeerGone, PeerNonsense, PeerSilent
from targets.gdb.packets import ACK, AGAIN, INTERRUPT, Event, Packet, Reader, framed, written_out

CONNECT_S = 10.0
RETRY_S = 0.02
TRIES = 4
"""How often a packet is sent, or asked for, when it arrives damaged."""
_CHUNK = 1 << 16


@dataclass
class Link:
    """One socket; `peer` is how error messages call the other side."""

    peer: str
    _socket: socket.socket = field(repr=False)
    _reader: Reader = field(default_factory=Reader)
    _events: deque[Event] = field(default_factory=deque)
    _owed: bytes = b""
    """The acknowledgement of the last packet: it goes out with the next request, which saves the peer half of its wake-ups."""

    @classmethod
    def open(cls, address: str, limit_s: float = CONNECT_S) -> Link:
        """A link to `host:port`, or to a Unix socket's path; PeerGone when nobody answers there within the limit."""
        end = time.monotonic() + limit_s
        while True:
            try:
                return cls(address, _connected(address, max(0.1, end - time.monotonic())))
            except OSError as error:
                if time.monotonic() >= end:
                    said = error.strerror or str(error) or type(error).__name__
                    raise PeerGone(f"no GDB server answers at {address}: {said}", "a running GDB server") from error
            time.sleep(RETRY_S)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def send(self, payload: bytes, limit_s: float) -> None:
        """Send one packet and wait until the peer has acknowledged it."""
        end, packet = time.monotonic() + limit_s, framed(payload)
        for _ in range(TRIES):
            self._write(packet, end)
            if self._acknowledged(end):
                return
        raise PeerNonsense(f"{self.peer} calls a packet damaged {TRIES} times", "an acknowledgement")

    def receive(self, limit_s: float) -> bytes:
        """The payload of the next packet, escapes and repetitions written out."""
        end, damaged = time.monotonic() + limit_s, 0
        if self._owed:
            self._write(b"", end)
        while damaged < TRIES:
            event = self._event(end)
            if not isinstance(event, Packet) or event.notification:
                continue
            if event.intact:
                self._owed = ACK
                return written_out(event.payload)
            damaged += 1
            self._write(AGAIN, end)
        raise PeerNonsense(f"{self.peer} sends a packet with a wrong checksum {TRIES} times", "an intact packet")

    def interrupt(self) -> None:
        """Ask for the running program to be stopped; the answer to the request that started it will come."""
        self._write(INTERRUPT, time.monotonic() + CONNECT_S)

    def _acknowledged(self, end: float) -> bool:
        """False when the peer wants the packet again; a packet that comes first says that it was heard, and is kept."""
        while True:
            event = self._event(end)
            if isinstance(event, Packet):
                if event.notification:
                    continue
                self._events.appendleft(event)
                return True
            return event == ACK

    def _event(self, end: float) -> Event:
        while not self._events:
            self._events.extend(self._reader.feed(self._read(end)))
        return self._events.popleft()

    def _read(self, end: float) -> bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise PeerSilent(f"{self.peer} does not answer", "an answer within the time limit")
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(_CHUNK)
        except TimeoutError as error:
            raise PeerSilent(f"{self.peer} does not answer", "an answer within the time limit") from error
        except OSError as error:
            raise PeerGone(f"the connection to {self.peer} broke: {error.strerror or error}", "a running GDB server") from error
        if not data:
            raise PeerGone(f"{self.peer} closed the connection", "a running GDB server")
        return data

    def _write(self, data: bytes, end: float) -> None:
        data, self._owed = self._owed + data, b""
        self._socket.settimeout(max(0.1, end - time.monotonic()))
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise PeerSilent(f"{self.peer} takes no more bytes", "a peer that reads") from error
        except OSError as error:
            raise PeerGone(f"the connection to {self.peer} broke: {error.strerror or error}", "a running GDB server") from error


def _connected(address: str, limit_s: float) -> socket.socket:
    host, colon, port = address.rpartition(":")
    by_port = bool(colon) and port.isdigit() and int(port) < 1 << 16
    if by_port:
        found = socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), limit_s)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found
    found = socket.socket(socket.AF_UNIX)
    with contextlib.ExitStack() as undo:
        undo.callback(found.close)
        found.settimeout(limit_s)
        found.connect(address)
        undo.pop_all()
    return found
