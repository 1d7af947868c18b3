"""Files changed as chance and as people who mean harm change them; the same seed gives the same bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

SCRAPS = (
    b"\0", b"\xff\xfe", b"\x1b]0;x\x07", "\u202e".encode(), b"1e999", b"NaN", b"-1", b"9" * 400, b"../../x", b"\\ud800",
    b"[" * 5000, b'{"a":' * 2000, b"A" * 200_000, b"\n", b'"', b"}", b"null", b"%n", b"'; DROP TABLE runs; --",
    b"&a [*a, *a]", b"!!python/object:x",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 1e308, -1e308, "", "../../x", "\x1b[2J", "\0", "a" * 100_000, [], {}, [[]], {"": None}, "NaN",
    "\u202e", "<script>", 2**63, -(2**63) - 1,
)  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A file with one to four changes."""
    for _ in range(chance.randint(1, 4)):
        content = chance.choice(CHANGES)(content, chance)
    return content


def _flip(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content or b"\0")
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _insert(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(SCRAPS) + content[at:]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    part = content[start : start + chance.randint(1, 2000)]
    return content[:start] + part * chance.randint(2, 20) + content[start:]


def _value(content: bytes, chance: random.Random) -> bytes:
    """JSON with one value changed for another, or a key lost; other files as they were."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return content
    places: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else list(range(len(one))) if isinstance(one, list) else []
        places += [(one, key) for key in keys]
        waiting += [one[key] for key in keys]
    if places:
        holder, key = chance.choice(places)
        if isinstance(holder, dict) and chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = chance.choice(VALUES)
    return json.dumps(document).encode()


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip, _cut, _insert, _repeat, _value, _value, _value)
