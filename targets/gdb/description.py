"""The registers that a GDB server describes in its target.xml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.parsers import expat

from targets.gdb.errors import PeerNonsense

START = "target.xml"
MAX_FILES = 32
MAX_REGISTERS = 4096
_INCLUDE = "xi:include"
"""With the prefix that every server writes; QEMU does not even bind it to its namespace."""
Attributes = dict[str, str]


@dataclass(frozen=True)
class Register:
    """A register of the target: its number in `p` and `P` requests, and its size."""

    name: str
    number: int
    bits: int


def registers(fetch: Callable[[str], str]) -> dict[str, Register]:
    """The registers of a target by lower-case name; `fetch` reads one of the server's description files.

    PeerNonsense when a file is no XML, includes too many others, or describes no register.
    """
    rows: list[Attributes] = []
    _collect(fetch, START, rows, set())
    found: dict[str, Register] = {}
    number = 0
    for row in rows[:MAX_REGISTERS]:
        number = _number(row, "regnum", number, 1 << 16)
        name = row.get("name", "").lower()
        found.setdefault(name, Register(name, number, _number(row, "bitsize", 0, 1 << 16)))
        number += 1
    if not found:
        raise PeerNonsense(f"`{START}` describes no register", "the target's registers")
    return found


def _collect(fetch: Callable[[str], str], name: str, rows: list[Attributes], seen: set[str]) -> None:
    if name in seen or len(seen) >= MAX_FILES:
        raise PeerNonsense(f"`{START}` includes `{name[:80]}` in a circle, or more than {MAX_FILES} files", "a tree of files")
    seen.add(name)
    text = fetch(name)
    if "<!ENTITY" in text:
        raise PeerNonsense(f"`{name[:80]}` defines entities", "a plain target description")
    for element, attributes in _elements(name, text):
        if element == _INCLUDE:
            _collect(fetch, attributes.get("href", ""), rows, seen)
        elif element == "reg":
            rows.append(attributes)


def _elements(name: str, text: str) -> list[tuple[str, Attributes]]:
    """The elements of a file in their order, each with its attributes; it is bounded in size by the reader of packets."""
    found: list[tuple[str, Attributes]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda element, attributes: found.append((element, attributes))
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError) as error:
        raise PeerNonsense(f"`{name[:80]}` is no XML: {error}", "a target description") from error
    return found


def _number(row: Attributes, key: str, default: int, limit: int) -> int:
    text = row.get(key)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) >= limit:
        raise PeerNonsense(f"a register's {key} is `{text[:40]}`", f"a number below {limit}")
    return int(text)
