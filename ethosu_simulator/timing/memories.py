"""Memories as data: what a port gives, and which region of a stream lies where.

A file (`memory/*.toml`) is for one product, and for the sizes it names; `mlek` and `mlek-off` are the shipped ones by name.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ethosu_simulator.errors import SimulatorError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "memory"
MLEK = "mlek"
PRODUCTS = ("ethos-u55", "ethos-u65", "ethos-u85")
ROLES = ("constants", "arena", "arena_in_fast", "fast", "inputs", "outputs")
COUNTERS = {
    "ethos-u55": ("axi0", "axi1"),
    "ethos-u65": ("axi0", "axi1"),
    "ethos-u85": ("sram", "ext"),
}
MAX_FILE_BYTES = 1 << 16


class MemoryFileError(SimulatorError):
    """A memory that there is none of, that is described wrongly, or that does not fit the stream."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """One memory behind one port. Words are of the NPU's bus (8 bytes on U55, 16 on U65 and U85).

    `outstanding` 0 means no limit. With a cap, at most `cap_words` words are moved in each period of `cap_cycles` cycles.
    `shared`: reads and writes share the words of a cycle; otherwise each direction has them.
    """

    name: str
    counter: str
    words_per_cycle: float
    read_latency: int
    write_latency: int
    read_outstanding: int
    write_outstanding: int
    shared: bool
    cap_words: int
    cap_cycles: int


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The memories of a board or model: areas, and the area of each kind of region."""

    name: str
    product: str
    macs: tuple[int, ...]
    areas: tuple[Area, ...]
    regions: dict[str, str]
    source: str
    file: str

    def area(self, role: str) -> int:
        """The index of the area that holds a kind of region; MemoryFileError when the file gives it no place."""
        name = self.regions.get(role)
        if name is None:
            raise MemoryFileError(f"memory file `{self.file}`: `regions.{role}` is missing, and the stream uses it")
        return next(index for index, area in enumerate(self.areas) if area.name == name)

    @property
    def identity(self) -> str:
        """The name with a digest of everything that changes an estimate: two memories of one name are told apart."""
        parts = repr((self.areas, sorted(self.regions.items())))
        return f"{self.name}:{hashlib.sha256(parts.encode()).hexdigest()[:12]}"

    def changed(self, area: str, **fields: Any) -> Memory:
        """The same with fields of one area changed: for sweeps and what-if."""
        return replace(self, areas=tuple(replace(one, **fields) if one.name == area else one for one in self.areas))


def memory_for(memory: str | Path | Memory, product: str, macs: int) -> Memory:
    """The memory for an NPU, such as `ethos-u85` with 256 MACs: by name, from a file, or as it is given."""
    if not isinstance(memory, Memory):
        memory = _shipped(str(memory), product, macs) if str(memory) in names() else read_memory(Path(memory))
    if memory.product != product or (memory.macs and macs not in memory.macs):
        sizes = ", ".join(map(str, memory.macs)) or "any number of"
        raise MemoryFileError(
            f"memory file `{memory.file}`: `product` is {memory.product} with {sizes} MACs; the stream is for {product}-{macs}"
        )
    return memory


def names() -> tuple[str, ...]:
    """The names of the shipped memories."""
    return tuple(dict.fromkeys(memory.name for memory in shipped()))


def _shipped(name: str, product: str, macs: int) -> Memory:
    found = [m for m in shipped() if m.name == name and m.product == product and (not m.macs or macs in m.macs)]
    if not found:
        raise MemoryFileError(f"no memory `{name}` for {product}-{macs}: expected one of {', '.join(names())}, or a TOML file")
    return found[0]


@cache
def shipped() -> tuple[Memory, ...]:
    """The memories that come with the model."""
    return tuple(read_memory(path) for path in sorted(FOLDER.glob("*.toml")) if path.stem != "template")


def read_memory(path: Path) -> Memory:
    """The memory in a TOML file; MemoryFileError naming file and field."""
    try:
        text = path.read_bytes()[: MAX_FILE_BYTES + 1]
        if len(text) > MAX_FILE_BYTES:
            raise MemoryFileError(f"memory file `{path}`: more than {MAX_FILE_BYTES} bytes")
        content = tomllib.loads(text.decode())
    except OSError as error:
        known = ", ".join(names()) if path.parent != FOLDER else "a file"
        raise MemoryFileError(f"no memory `{path}` ({error.strerror}): expected {known}, or a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MemoryFileError(f"memory file `{path}` is no TOML file: {error}") from error
    return _memory(_Table(content, path.name, ""))


class _Table:
    """A table of the file that is asked for fields by name and type, and complains by name."""

    def __init__(self, content: Any, file: str, at: str) -> None:
        self.content, self.file, self.at, self.asked = content, file, at, set[str]()
        if not isinstance(content, dict):
            raise MemoryFileError(f"memory file `{file}`: `{at}` is {content!r}: expected a table")

    def name(self, field: str) -> str:
        return f"{self.at}.{field}" if self.at else field

    def wrong(self, field: str, expected: str) -> MemoryFileError:
        value = self.content.get(field)
        found = "is missing" if field not in self.content else f"is {value!r}"
        return MemoryFileError(f"memory file `{self.file}`: `{self.name(field)}` {found}: expected {expected}")

    def text(self, field: str, among: tuple[str, ...] = ()) -> str:
        self.asked.add(field)
        value = self.content.get(field)
        if not isinstance(value, str) or (among and value not in among):
            raise self.wrong(field, f"one of {', '.join(among)}" if among else "text")
        return value

    def number(self, field: str, low: float, *, whole: bool = True) -> float:
        self.asked.add(field)
        value = self.content.get(field)
        kinds = (int,) if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= 1 << 30:
            raise self.wrong(field, f"a number of at least {low}")
        return float(value)

    def flag(self, field: str) -> bool:
        self.asked.add(field)
        value = self.content.get(field)
        if not isinstance(value, bool):
            raise self.wrong(field, "true or false")
        return value

    def below(self, field: str) -> _Table:
        self.asked.add(field)
        if field not in self.content:
            raise self.wrong(field, "a table")
        return _Table(self.content[field], self.file, self.name(field))

    def done(self) -> None:
        unknown = sorted(set(self.content) - self.asked)
        if unknown:
            expected = ", ".join(sorted(self.asked))
            raise MemoryFileError(
                f"memory file `{self.file}`: `{self.name(unknown[0])}`: unknown key: expected one of {expected}"
            )


def _memory(table: _Table) -> Memory:
    product = table.text("product", PRODUCTS)
    table.asked.add("macs")
    macs = table.content.get("macs", [])
    if not isinstance(macs, list) or not all(type(one) is int for one in macs):
        raise table.wrong("macs", "a list of numbers of MACs")
    below = table.below("areas")
    areas = tuple(_area(below.below(name), name, COUNTERS[product]) for name in below.content)
    regions = table.below("regions")
    held = {role: regions.text(role, tuple(below.content)) for role in ROLES if role in regions.content}
    regions.asked.update(ROLES)
    regions.done()
    found = Memory(
        name=table.text("name"), product=product, macs=tuple(macs), areas=areas, regions=held, source=table.text("source"),
        file=table.file,
    )  # fmt: skip
    table.done()
    return found


def _area(table: _Table, name: str, counters: tuple[str, ...]) -> Area:
    cap = int(table.number("cap_words", 0)) if "cap_words" in table.content else 0
    area = Area(
        name=name,
        counter=table.text("counter", counters),
        words_per_cycle=table.number("words_per_cycle", 1 / 1024, whole=False),
        read_latency=int(table.number("read_latency", 0)),
        write_latency=int(table.number("write_latency", 0)),
        read_outstanding=int(table.number("read_outstanding", 0)),
        write_outstanding=int(table.number("write_outstanding", 0)),
        shared=table.flag("shared"),
        cap_words=cap,
        cap_cycles=int(table.number("cap_cycles", 1)) if cap else 0,
    )
    table.asked.add("cap_words")
    table.done()
    return area
