"""One Thumb load or store of integer registers, taken apart: what an access to a device's registers needs.

Source: Armv8-M Architecture Reference Manual (DDI 0553), chapter "T32 instruction set encoding": 16-bit load/store, "Load/store
single", "Load/store dual". What is no such access, or no such access can be told from, is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.errors import RunError

Indexing = Literal["offset", "pre", "post"]
PC = 15
MASK = 0xFFFF_FFFF


class NotDecoded(RunError):
    """An instruction that is no load or store of integer registers as this module knows them."""


@dataclass(frozen=True, kw_only=True)
class MemoryAccess:
    """A load or store: which registers it moves (ascending addresses), `width` bytes each, and how its address comes about.

    The address is `base` + `offset`, or `base` + (`index` << `shift`); with `pre` and `post` indexing the base register gets
    the sum, and `post` accesses at the base as it was. `size` is the instruction's own length in bytes.
    """

    mnemonic: str
    is_load: bool
    width: int
    registers: tuple[int, ...]
    base: int
    size: int
    signed: bool = False
    offset: int = 0
    index: int | None = None
    shift: int = 0
    indexing: Indexing = "offset"

    def address(self, values: Mapping[int, int]) -> int:
        """Where it accesses first, with the values of the registers it names."""
        base = values[self.base]
        return base if self.indexing == "post" else self._sum(values, base)

    def written_back(self, values: Mapping[int, int]) -> int | None:
        """What the base register holds afterwards, None when it stays as it is."""
        return None if self.indexing == "offset" else self._sum(values, values[self.base])

    def _sum(self, values: Mapping[int, int], base: int) -> int:
        return (base + (self.offset if self.index is None else values[self.index] << self.shift)) & MASK

    @property
    def read_registers(self) -> tuple[int, ...]:
        """The registers whose values it needs."""
        index = () if self.index is None else (self.index,)
        return tuple(dict.fromkeys((self.base, *index, *(() if self.is_load else self.registers))))

    def extended(self, value: int) -> int:
        """A value as it came from memory, as a load leaves it in its register."""
        bits = 8 * self.width
        return (value - (value >> (bits - 1) << bits)) & MASK if self.signed else value


_REGISTER_FORMS = (
    ("STR", 4, False), ("STRH", 2, False), ("STRB", 1, False), ("LDRSB", 1, True),
    ("LDR", 4, False), ("LDRH", 2, False), ("LDRB", 1, False), ("LDRSH", 2, True),
)  # fmt: skip
"""By the opcode of the 16-bit register forms: mnemonic, width in bytes, whether the sign is extended."""
_IMMEDIATE_FORMS = {0b0110: ("STR", 4), 0b0111: ("STRB", 1), 0b1000: ("STRH", 2)}
_WIDE_NAMES = {(False, False): "STR", (True, False): "LDR", (True, True): "LDRS"}
_WIDTHS = {0: ("B", 1), 1: ("H", 2), 2: ("", 4)}


def decode(first: int, second: int) -> MemoryAccess:
    """The access that two halfwords encode; `second` counts only in a 32-bit instruction. NotDecoded for everything else."""
    if first >> 11 not in (0b11101, 0b11110, 0b11111):
        return _short(first)
    if first >> 9 == 0b1111100:
        return _single(first, second)
    if first >> 9 == 0b1110100 and first & 0x40 and first & 0x120:
        return _dual(first, second)
    raise _refused(first, second)


def _short(code: int) -> MemoryAccess:
    rt, rn, group, imm5 = code & 7, code >> 3 & 7, code >> 12, code >> 6 & 31
    if group == 0b0101:
        mnemonic, width, signed = _REGISTER_FORMS[code >> 9 & 7]
        return MemoryAccess(mnemonic=mnemonic, is_load=mnemonic.startswith("L"), width=width, registers=(rt,), base=rn,
                            size=2, signed=signed, index=code >> 6 & 7)  # fmt: skip
    is_load = bool(code >> 11 & 1)
    if group in _IMMEDIATE_FORMS:
        mnemonic, width = _IMMEDIATE_FORMS[group]
        name = mnemonic.replace("ST", "LD") if is_load else mnemonic
        return MemoryAccess(mnemonic=name, is_load=is_load, width=width, registers=(rt,), base=rn, size=2, offset=width * imm5)
    if group == 0b1001:
        return MemoryAccess(mnemonic="LDR" if is_load else "STR", is_load=is_load, width=4, registers=(code >> 8 & 7,),
                            base=13, size=2, offset=4 * (code & 0xFF))  # fmt: skip
    raise _refused(code, None)


def _single(first: int, second: int) -> MemoryAccess:
    signed, is_load, rn, rt = bool(first >> 8 & 1), bool(first >> 4 & 1), first & 15, second >> 12
    kind = _WIDTHS.get(first >> 5 & 3)
    if kind is None or (signed and (not is_load or kind[1] == 4)) or PC in (rn, rt):
        raise _refused(first, second)
    offset, index, shift, indexing = _wide_address(first, second)
    if index == PC or (indexing != "offset" and rn == rt):
        raise _refused(first, second)
    return MemoryAccess(
        mnemonic=f"{_WIDE_NAMES[is_load, signed]}{kind[0]}.W", is_load=is_load, width=kind[1], registers=(rt,), base=rn, size=4,
        signed=signed, offset=offset, index=index, shift=shift, indexing=indexing,
    )  # fmt: skip


def _wide_address(first: int, second: int) -> tuple[int, int | None, int, Indexing]:
    """(offset, index register, shift, indexing) of a "load/store single"."""
    if first >> 7 & 1:
        return second & 0xFFF, None, 0, "offset"
    if not second >> 11 & 1:
        if second >> 6 & 0x3F:
            raise _refused(first, second)
        return 0, second & 15, second >> 4 & 3, "offset"
    pre, up, back = second >> 10 & 1, second >> 9 & 1, second >> 8 & 1
    if (pre and up and not back) or not (pre or back):  # unprivileged, or undefined
        raise _refused(first, second)
    offset = (second & 0xFF) if up else -(second & 0xFF)
    return offset, None, 0, "offset" if not back else "pre" if pre else "post"


def _dual(first: int, second: int) -> MemoryAccess:
    pre, up, back, is_load, rn = first >> 8 & 1, first >> 7 & 1, first >> 5 & 1, bool(first >> 4 & 1), first & 15
    pair = second >> 12, second >> 8 & 15
    if PC in (rn, *pair) or (back and rn in pair) or (is_load and pair[0] == pair[1]):
        raise _refused(first, second)
    offset = 4 * (second & 0xFF) if up else -4 * (second & 0xFF)
    return MemoryAccess(
        mnemonic="LDRD" if is_load else "STRD", is_load=is_load, width=4, registers=pair, base=rn, size=4, offset=offset,
        indexing="offset" if not back else "pre" if pre else "post",
    )  # fmt: skip


_REFUSED_SHORT = (
    (0xF800, 0x4800, "LDR (literal)"), (0xFE00, 0xB400, "PUSH"), (0xFE00, 0xBC00, "POP"),
    (0xF800, 0xC000, "STM"), (0xF800, 0xC800, "LDM"),
)  # fmt: skip
_REFUSED_WIDE = (
    (0xFE40, 0xE800, "LDM or STM of 32 bits"),
    (0xFF60, 0xE840, "an exclusive, an acquiring or releasing access, or a table branch"),
    (0xEE00, 0xEC00, "a floating-point or vector access"),
    (0xEF00, 0xEE00, "a coprocessor, floating-point or vector operation"),
)  # fmt: skip
"""(mask, value, name) of the first halfword."""


def _refused(first: int, second: int | None) -> NotDecoded:
    rows = _REFUSED_SHORT if second is None else _REFUSED_WIDE
    code = f"{first:04x}" if second is None else f"{first:04x} {second:04x}"
    name = next((name for mask, value, name in rows if first & mask == value), _other(first, second))
    return NotDecoded(f"the instruction {code} is {name}", "a load or store of integer registers (LDR, STR, LDRD ...)")


def _other(first: int, second: int | None) -> str:
    if second is not None and first >> 9 == 0b1111100:
        if first & 15 == PC:
            return "a load relative to pc"
        if second >> 12 == PC:
            return "a load into pc, or a preload"
        if second >> 8 & 15 == 0b1110:
            return "an unprivileged access (LDRT, STRT ...)"
        return "a load or store of a form that there is not, or that writes back to its own register"
    if second is not None and first >> 9 == 0b1110100:
        return "LDRD or STRD of registers that must not be"
    return "no load or store"


def next_it_state(xpsr: int) -> int:
    """The xPSR after one instruction of an IT block was passed over: its conditions moved on by one.

    IT[7:2] are bits 15:10 of the xPSR, IT[1:0] bits 26:25; outside a block all are 0.
    """
    state = (xpsr >> 10 & 0x3F) << 2 | xpsr >> 25 & 3
    state = 0 if not state & 7 else (state & 0xE0) | (state << 1 & 0x1F)
    cleared = xpsr & ~(0x3F << 10 | 3 << 25)
    return cleared | (state >> 2) << 10 | (state & 3) << 25
