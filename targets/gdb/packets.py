"""Bytes of the GDB remote protocol to packets and back, without any I/O.

Source: GDB manual, appendix "Remote Protocol", sections Overview and Packets. `$payload#checksum`; in a payload `}` announces
a byte exclusive-ored with 0x20, and in answers `x*n` repeats the byte x as many times as n's code minus 29.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from targets.gdb.errors import PeerNonsense

MAX_PAYLOAD = 1 << 20
"""The longest answer that is taken, before and after repetitions are written out."""
ESCAPED = frozenset(b"#$}*")
INTERRUPT = b"\x03"
ACK, AGAIN = b"+", b"-"
_REPEAT_BIAS = 29


@dataclass(frozen=True)
class Packet:
    """A payload, and whether its checksum was right; `notification` when nobody waits for an acknowledgement."""

    payload: bytes
    intact: bool
    notification: bool = False


Event = Packet | bytes
"""What a peer sends: a packet, `+` or `-`."""


def framed(payload: bytes) -> bytes:
    """The bytes to send for a payload whose special bytes are escaped already."""
    return b"$%b#%02x" % (payload, sum(payload) & 0xFF)


def escaped(data: bytes) -> bytes:
    """Binary data as it stands in a payload."""
    if not ESCAPED.intersection(data):
        return data
    return b"".join(bytes((0x7D, byte ^ 0x20)) if byte in ESCAPED else bytes((byte,)) for byte in data)


def written_out(payload: bytes) -> bytes:
    """A payload without escapes and repetitions; PeerNonsense when it ends inside one or gets too long."""
    if not (b"}" in payload or b"*" in payload):
        return payload
    out, at = bytearray(), 0
    while at < len(payload):
        byte = payload[at]
        if byte in b"}*" and at + 1 >= len(payload):
            raise PeerNonsense(f"an answer of {len(payload)} bytes ends inside `{chr(byte)}`", "a whole packet")
        if byte == 0x7D:
            out.append(payload[at + 1] ^ 0x20)
            at += 2
        elif byte == 0x2A:
            out += _repeated(out, payload[at + 1])
            at += 2
        else:
            out.append(byte)
            at += 1
        if len(out) > MAX_PAYLOAD:
            raise PeerNonsense(f"an answer of more than {MAX_PAYLOAD} bytes", f"at most {MAX_PAYLOAD}")
    return bytes(out)


def _repeated(before: bytearray, code: int) -> bytes:
    count = code - _REPEAT_BIAS
    if not before or not 3 <= count <= 126 - _REPEAT_BIAS:
        raise PeerNonsense(f"an answer repeats a byte by the code {code}", "a byte, and a code from 32 to 126")
    return bytes(before[-1:]) * count


@dataclass
class Reader:
    """Cuts a stream of bytes into packets and acknowledgements; what lies between them is passed over, as GDB does."""

    _held: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Everything that is complete after these bytes; PeerNonsense when a packet is too long."""
        self._held += data
        while True:
            event = self._next()
            if event is None:
                return
            yield event

    def _next(self) -> Event | None:
        while self._held:
            first = bytes(self._held[:1])
            if first in (ACK, AGAIN):
                del self._held[:1]
                return first
            if first in (b"$", b"%"):
                return self._packet(first)
            del self._held[:1]
        return None

    def _packet(self, first: bytes) -> Packet | None:
        end = self._held.find(b"#")
        if end < 0 or len(self._held) < end + 3:
            if len(self._held) > MAX_PAYLOAD + 4:
                raise PeerNonsense(f"a packet of more than {MAX_PAYLOAD} bytes", f"at most {MAX_PAYLOAD}")
            return None
        raw, told = bytes(self._held[1:end]), bytes(self._held[end + 1 : end + 3])
        del self._held[: end + 3]
        intact = told.lower() == b"%02x" % (sum(raw) & 0xFF)
        return Packet(raw, intact, notification=first == b"%")
