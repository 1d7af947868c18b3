"""Why a program stands still: the stop replies of the remote protocol."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from targets.gdb.errors import PeerNonsense

TRAP, INTERRUPTED = 5, 2
WATCHES = ("watch", "rwatch", "awatch")
_HEX = re.compile(rb"[0-9a-fA-F]{1,16}")


@dataclass(frozen=True)
class Stop:
    """A stop: the signal; `ended` when the program is gone (then `signal` is its exit status or what ended it).

    `watch` is the address of the watchpoint that was hit, None for every other stop.
    """

    signal: int
    ended: bool = False
    watch: int | None = None
    said: dict[str, str] = field(default_factory=dict)


def parse_stop(payload: bytes) -> Stop:
    """The stop in a reply; PeerNonsense when it is none."""
    kind, rest = payload[:1], payload[1:]
    if kind in (b"W", b"X"):
        return Stop(_hex(rest.split(b";")[0], payload), ended=True)
    if kind == b"S" and len(rest) == 2:
        return Stop(_hex(rest, payload))
    if kind == b"T" and len(rest) >= 2:
        said = _pairs(rest[2:])
        watch = next((_hex(said[name].encode("latin-1"), payload) for name in WATCHES if name in said), None)
        return Stop(_hex(rest[:2], payload), watch=watch, said=said)
    raise PeerNonsense(f"`{payload[:60].decode('latin-1')}` is no reason to stop", "S, T, W or X")


def _pairs(data: bytes) -> dict[str, str]:
    parts = (part.partition(b":") for part in data.split(b";") if part)
    return {name.decode("latin-1"): value.decode("latin-1") for name, _, value in parts}


def _hex(text: bytes, payload: bytes) -> int:
    if not _HEX.fullmatch(text):
        raise PeerNonsense(f"`{payload[:60].decode('latin-1')}` holds no number where one belongs", "a stop reply")
    return int(text, 16)
