"""What an ELF file for Arm says of itself: symbols, and what has to be loaded where."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from core.errors import UsageError

MAX_LOADED_BYTES = 256 << 20
SYMBOL = struct.Struct("<IIIBBH")
"""An entry of a symbol table (Elf32_Sym): name, value, size, info, other, section."""


@dataclass(frozen=True)
class Segment:
    """Bytes that belong at an address before the program starts."""

    address: int
    data: bytes = field(repr=False)


def find_symbol(path: Path, name: str) -> tuple[int, int] | None:
    """Address and size of a symbol of an ELF file for Arm; UsageError when it is another kind of file."""
    with _opened(path):
        found = path.stat()
    return _symbols(path, found.st_mtime_ns, found.st_size).get(name)


@functools.lru_cache(maxsize=8)
def _symbols(path: Path, changed_ns: int, size: int) -> dict[str, tuple[int, int]]:
    """All symbols of a file, read once: pyelftools takes a second for those of a firmware, one by one."""
    found: dict[str, tuple[int, int]] = {}
    with _opened(path) as elf:
        for section in elf.iter_sections():
            if not isinstance(section, SymbolTableSection) or section["sh_entsize"] != SYMBOL.size:
                continue
            data, names = section.data(), section.stringtable.data()
            for name_at, value, length, _info, _other, index in SYMBOL.iter_unpack(data[: len(data) // 16 * 16]):
                if index:  # 0 is a symbol of another file
                    name = names[name_at : names.find(b"\0", name_at)].decode("latin-1")
                    found.setdefault(name, (value, length))
    return found


def segments(path: Path) -> list[Segment]:
    """What a debugger loads of an ELF file for Arm, by the addresses it is loaded to; UsageError as for `find_symbol`."""
    with _opened(path) as elf:
        loaded = [one for one in elf.iter_segments() if one["p_type"] == "PT_LOAD" and one["p_filesz"]]
        if sum(one["p_filesz"] for one in loaded) > MAX_LOADED_BYTES:
            raise UsageError(f"firmware `{path}` loads more than {MAX_LOADED_BYTES} bytes", "a firmware for a microcontroller")
        return [Segment(int(one["p_paddr"]), bytes(one.data())) for one in loaded]


@contextmanager
def _opened(path: Path) -> Iterator[ELFFile]:
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            if elf["e_machine"] != "EM_ARM":
                raise UsageError(f"firmware `{path}` is an ELF file for {elf['e_machine']}", "one for Arm (EM_ARM)")
            yield elf
    except ELFError as error:
        raise UsageError(f"firmware `{path}` is no ELF file: {error}", "a bare-metal ELF file (.axf, .elf)") from error
    except OSError as error:
        raise UsageError(f"firmware `{path}` cannot be read: {error.strerror}", "a bare-metal ELF file (.axf, .elf)") from error
