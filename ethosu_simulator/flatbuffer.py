"""A bounds-checked reader of flatbuffers: tables, vectors and strings; every bad offset is a ContainerError.

Format: https://flatbuffers.dev/internals/ (little endian; a table begins with the distance back to its vtable).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ethosu_simulator.errors import ContainerError

MAX_TABLES = 1 << 14
MAX_TEXT = 1 << 10


@dataclass(frozen=True)
class Table:
    """One table of a flatbuffer; a field is named by its number in the schema."""

    data: memoryview
    at: int

    def _field(self, number: int) -> int:
        """The absolute position of the field, or 0 when it is left out."""
        vtable = self.at - unpack("<i", self.data, self.at)
        size = unpack("<H", self.data, vtable)
        slot = 4 + 2 * number
        if slot + 2 > size:
            return 0
        offset = unpack("<H", self.data, vtable + slot)
        return self.at + offset if offset else 0

    def number(self, field: int, kind: str, default: int = 0) -> int:
        """The scalar of struct format `kind`, such as "i" or "b"."""
        at = self._field(field)
        return unpack(f"<{kind}", self.data, at) if at else default

    def scalar(self, field: int, kind: str) -> float:
        """The scalar of struct format `kind`, a float or a truth value too; 0 when it is left out."""
        at = self._field(field)
        if at and at + struct.calcsize(kind) > len(self.data):
            raise ContainerError(f"flatbuffer offset {at} is outside the file of {len(self.data)} bytes")
        found: float = struct.unpack_from(f"<{kind}", self.data, at)[0] if at else 0
        return found

    def table(self, field: int) -> Table | None:
        """The sub-table, or None when it is left out."""
        at = self._field(field)
        return Table(self.data, at + unpack("<I", self.data, at)) if at else None

    def _vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        at = self._field(field)
        if not at:
            return 0, 0
        start = at + unpack("<I", self.data, at)
        count = unpack("<I", self.data, start)
        if start + 4 + count * item_bytes > len(self.data):
            raise ContainerError(f"flatbuffer vector of {count} items at byte {start} reaches past the end of the file")
        return start + 4, count

    def count(self, field: int) -> int:
        """How many items the vector of tables has."""
        return self._vector(field, 4)[1]

    def tables(self, field: int) -> list[Table]:
        """The vector of tables; empty when left out."""
        start, count = self._vector(field, 4)
        if count > MAX_TABLES:
            raise ContainerError(f"flatbuffer vector of {count} tables at byte {start}: expected at most {MAX_TABLES}")
        places = range(start, start + 4 * count, 4)
        return [Table(self.data, at + unpack("<I", self.data, at)) for at in places]

    def numbers(self, field: int, most: int) -> list[int]:
        """The vector of at most `most` 32-bit integers; empty when left out."""
        return self._numbers(field, most, "i")

    def longs(self, field: int, most: int) -> list[int]:
        """The vector of at most `most` 64-bit integers; empty when left out."""
        return self._numbers(field, most, "q")

    def _numbers(self, field: int, most: int, kind: str) -> list[int]:
        start, count = self._vector(field, struct.calcsize(kind))
        if count > most:
            raise ContainerError(f"flatbuffer vector of {count} numbers at byte {start}: expected at most {most}")
        return list(struct.unpack_from(f"<{count}{kind}", self.data, start)) if count else []

    def first_long(self, field: int) -> int:
        """The first item of the vector of 64-bit integers; 0 when it is left out or empty."""
        start, count = self._vector(field, 8)
        return unpack("<q", self.data, start) if count else 0

    def texts(self, field: int, most: int) -> list[str]:
        """The vector of at most `most` strings, at most MAX_TEXT bytes of each; empty when left out."""
        start, count = self._vector(field, 4)
        if count > most:
            raise ContainerError(f"flatbuffer vector of {count} strings at byte {start}: expected at most {most}")
        return [self._text_at(at + unpack("<I", self.data, at)) for at in range(start, start + 4 * count, 4)]

    def _text_at(self, at: int) -> str:
        end = at + 4 + min(unpack("<I", self.data, at), MAX_TEXT)
        if end > len(self.data):
            raise ContainerError(f"flatbuffer string at byte {at} reaches past the end of the file")
        return bytes(self.data[at + 4 : end]).decode("utf-8", "replace")

    def text(self, field: int) -> str:
        """The string, at most MAX_TEXT bytes of it; empty when left out."""
        start, count = self._vector(field, 1)
        return bytes(self.data[start : start + min(count, MAX_TEXT)]).decode("utf-8", "replace")

    def bytes(self, field: int) -> memoryview:
        """The vector of bytes, not copied; empty when left out."""
        start, count = self._vector(field, 1)
        return self.data[start : start + count]


def unpack(kind: str, data: memoryview, at: int) -> int:
    """The integer at that place; ContainerError when it is outside the file."""
    if at < 0 or at + struct.calcsize(kind) > len(data):
        raise ContainerError(f"flatbuffer offset {at} is outside the file of {len(data)} bytes")
    return int(struct.unpack_from(kind, data, at)[0])


def root(data: memoryview, identifier: bytes) -> Table:
    """The root table; ContainerError when the file has another identifier."""
    if data[4:8] != identifier:
        raise ContainerError(f"file identifier {bytes(data[4:8])!r}: expected {identifier!r}")
    return Table(data, unpack("<I", data, 0))
