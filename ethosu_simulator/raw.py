"""Vela's raw output (`--output-format raw`, an npz) as a container with one `ethos-u` operator.

Source: ethos-u-vela 5.2.0 `rawdata_writer.py`. The file names no tensors and gives element sizes without signs: elements are
taken as signed integers. Shapes have the six dimensions that Vela writes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.container import MAX_DIMENSIONS, MAX_INDICES, Container, Operator, Tensor, can_be
from ethosu_simulator.errors import ContainerError
from ethosu_simulator.limits import Limits

MAGIC = b"PK\x03\x04"
DTYPES = {1: "int8", 2: "int16", 4: "int32", 8: "int64"}
SCRATCH = 1


def parse(data: bytes, limits: Limits) -> Container:
    """The container in an npz that Vela wrote; ContainerError when it is another archive, or a damaged one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            held = sum(entry.file_size for entry in archive.infolist())
        if held > limits.memory_bytes:
            raise ContainerError(f"npz of {held} bytes unpacked: expected at most {limits.memory_bytes}")
        with np.load(io.BytesIO(data), allow_pickle=False) as entries:
            return _container(entries)
    except ContainerError:
        raise
    except Exception as error:  # whatever zipfile, zlib and numpy make of damaged bytes
        raise ContainerError(f"npz cannot be read as one that Vela wrote: {type(error).__name__}: {error}") from error


def _container(entries: Any) -> Container:
    stream, constants = _bytes(entries["cmd_data"]), _bytes(entries["weight_data"])
    sizes = _number(entries["scratch_size"]), _number(entries["scratch_fast_size"])
    if len(entries["variable_region"]):
        raise ContainerError("npz with variables: expected a model that keeps nothing between runs")
    return of_stream(stream, constants, sizes, _places(entries, "input"), _places(entries, "output"))


Places = Sequence[tuple[Sequence[int], int, int]]
"""Shape, bytes of an element and offset in the scratch of each tensor."""


def of_stream(
    stream: bytes | memoryview, constants: bytes | memoryview, scratch_bytes: tuple[int, int], inputs: Places, outputs: Places
) -> Container:
    """A container with one `ethos-u` operator; `scratch_bytes` are those of its scratch and of its fast scratch."""
    fixed = [
        Tensor(index=0, name="command_stream", shape=(len(stream),), dtype="uint8", data=stream, offset=-1),
        Tensor(index=1, name="read_only", shape=(len(constants),), dtype="uint8", data=constants, offset=-1),
        Tensor(index=2, name="scratch", shape=scratch_bytes[:1], dtype="uint8", data=b"", offset=0),
        Tensor(index=3, name="scratch_fast", shape=scratch_bytes[1:], dtype="uint8", data=b"", offset=0),
    ]
    taken = _tensors("input", len(fixed), inputs)
    given = _tensors("output", len(fixed) + len(taken), outputs)
    first, last = tuple(t.index for t in taken), tuple(t.index for t in given)
    operator = Operator(name="ethos-u", inputs=(0, 1, 2, 3, *first), outputs=last)
    return Container(tensors=(*fixed, *taken, *given), operators=(operator,), inputs=first, outputs=last)


def _tensors(side: str, start: int, places: Places) -> list[Tensor]:
    return [
        Tensor(index=start + place, name=f"{side}{place}", shape=tuple(shape), dtype=DTYPES[size], data=b"", offset=int(offset))
        for place, (shape, size, offset) in enumerate(places)
    ]


def _places(entries: Any, side: str) -> Places:
    shapes, sizes, offsets = (entries[f"{side}_{name}"] for name in ("shape", "elem_size", "offset"))
    if shapes.ndim != 2 or shapes.shape[1] > MAX_DIMENSIONS or not len(shapes) == len(sizes) == len(offsets) <= MAX_INDICES:
        raise ContainerError(f"npz: {side}_shape {shapes.shape}, {len(sizes)} sizes, {len(offsets)} offsets")
    places = list(zip(shapes.tolist(), sizes.tolist(), offsets.tolist(), strict=True))
    for place, (shape, size, _) in enumerate(places):
        if size not in DTYPES or not can_be(shape):
            raise ContainerError(f"npz: {side} {place} of shape {shape} with elements of {size} bytes")
    return places


def _bytes(entry: NDArray[Any]) -> bytes:
    """The bytes of an entry: numpy strips zeros off the end of byte strings, their item size says how many."""
    return entry.tobytes()


def _number(entry: NDArray[Any]) -> int:
    value = int(entry)
    if value < 0:
        raise ContainerError(f"npz: a size of {value}")
    return value
