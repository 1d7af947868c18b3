"""A delegate's blob (`vela_bin_stream`) -> a container with one `ethos-u` operator.

Source: ExecuTorch 1.5.1 `backends/arm/arm_vela.py`: blocks of a header of 32 bytes (name of 16, length u32, external u8, 11
reserved) and data padded to 16; an external block holds a key instead, under which a .ptd or the program has its data.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ethosu_simulator.command_stream import decode, parse_payload
from ethosu_simulator.container import MAX_INDICES, Container, can_be
from ethosu_simulator.decoder import decode_operations
from ethosu_simulator.errors import ContainerError
from ethosu_simulator.limits import Limits
from ethosu_simulator.pte.program_file import missing_data
from ethosu_simulator.raw import DTYPES, Places, of_stream
from ethosu_simulator.regions import reach_of

HEADER = struct.Struct("<16sIB11s")
FIRST, LAST = "vela_bin_stream", "vela_end_stream"
NEEDED = ("cmd_data", "weight_data", "scratch_size", "inputs", "outputs")
PLACE = struct.Struct("<9i")  # six dimensions, bytes of an element, offset, region
SCRATCH, FAST = 1, 2
MAX_BLOCKS = 64


def parse_blob(blob: bytes | memoryview, named: Mapping[str, memoryview], limits: Limits) -> Container:
    """The container of a blob; ContainerError when blocks are missing, reach past its end, or lie in a file that is not there.

    The blob does not say how large a fast scratch has to be: it is as large as the stream reaches.
    """
    blocks = _blocks(memoryview(blob), named)
    stream = blocks["cmd_data"]
    sizes = _scratch_bytes(blocks["scratch_size"]), _fast_bytes(stream, limits)
    places = (_places(blocks[f"{side}s"], side) for side in ("input", "output"))
    return of_stream(stream, blocks["weight_data"], sizes, *places)


def _blocks(blob: memoryview, named: Mapping[str, memoryview]) -> dict[str, memoryview]:
    """Every block by its name, external ones fetched."""
    found: dict[str, memoryview] = {}
    at = 0
    while at + HEADER.size <= len(blob) and len(found) < MAX_BLOCKS:
        raw, length, external, _ = HEADER.unpack_from(blob, at)
        name = raw.rstrip(b"\0").decode("utf-8", "replace")
        begin = at + HEADER.size
        if begin + length > len(blob):
            raise ContainerError(f"block `{name}` of {length} bytes at byte {at} reaches past the end of {len(blob)} bytes")
        if not found and name != FIRST:
            raise ContainerError(f"a delegate that begins with `{name}`: expected `{FIRST}`, as Vela's blobs do")
        if name in found:
            raise ContainerError(f"two blocks `{name}` in a delegate: expected one")
        found[name] = _external(blob[begin : begin + length], name, named) if external else blob[begin : begin + length]
        if name == LAST:
            break
        at = begin + -(-length // 16) * 16
    missing = [name for name in (*NEEDED, LAST) if name not in found]
    if missing:
        raise ContainerError(f"a delegate without {', '.join(missing)}: expected {', '.join((FIRST, *NEEDED, LAST))}")
    return found


def _external(block: memoryview, name: str, named: Mapping[str, memoryview]) -> memoryview:
    key = bytes(block[:256]).decode("utf-8", "replace")
    if key not in named:
        raise missing_data(key, f"block `{name}` of a delegate")
    return named[key]


def _scratch_bytes(block: memoryview) -> int:
    if len(block) != 4:
        raise ContainerError(f"`scratch_size` of {len(block)} bytes: expected 4")
    return int.from_bytes(block, "little")


def _fast_bytes(stream: memoryview, limits: Limits) -> int:
    payload = parse_payload(stream)
    reach = reach_of(decode_operations(decode(payload), payload.config), limits)
    return reach[FAST].bytes if FAST in reach else 0


def _places(block: memoryview, side: str) -> Places:
    count = int.from_bytes(block[:4], "little", signed=True) if len(block) >= 4 else -1
    if not 0 <= count <= MAX_INDICES or len(block) != 4 + count * PLACE.size:
        raise ContainerError(f"`{side}s` says {count} tensors in {len(block)} bytes: expected {PLACE.size} bytes each")
    found = []
    for number in range(count):
        *shape, size, offset, region = PLACE.unpack_from(block, 4 + number * PLACE.size)
        if size not in DTYPES or not can_be(shape) or region != SCRATCH or offset < 0:
            raise ContainerError(f"{side} {number}: shape {shape}, {size} bytes an element, byte {offset} of region {region}")
        found.append((shape, size, offset))
    return found
