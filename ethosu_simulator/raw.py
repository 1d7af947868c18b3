"""Vela's raw output (`--output-format raw`, an npz) as a container with one `ethos-u` operator.

Source: ethos-u-vela 5.2.0 `rawdata_writer.py`. The file names no tensors and gives element sizes without signs: elements are
taken as signed integers. Shapes have the six dimensions that Vela writes.
"""

from __future__ import annotations

import io
import zipfile
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
    fixed = [
        Tensor(index=0, name="command_stream", shape=(len(stream),), dtype="uint8", data=stream, offset=-1),
        Tensor(index=1, name="read_only", shape=(len(constants),), dtype="uint8", data=constants, offset=-1),
        Tensor(index=2, name="scratch", shape=(_number(entries["scratch_size"]),), dtype="uint8", data=b"", offset=0),
        Tensor(index=3, name="scratch_fast", shape=(_number(entries["scratch_fast_size"]),), dtype="uint8", data=b"", offset=0),
    ]
    if len(entries["variable_region"]):
        raise ContainerError("npz with variables: expected a model that keeps nothing between runs")
    inputs = _tensors(entries, "input", len(fixed))
    outputs = _tensors(entries, "output", len(fixed) + len(inputs))
    first, last = tuple(t.index for t in inputs), tuple(t.index for t in outputs)
    operator = Operator(name="ethos-u", inputs=(0, 1, 2, 3, *first), outputs=last)
    return Container(tensors=(*fixed, *inputs, *outputs), operators=(operator,), inputs=first, outputs=last)


def _tensors(entries: Any, side: str, start: int) -> list[Tensor]:
    shapes, sizes, offsets = (entries[f"{side}_{name}"] for name in ("shape", "elem_size", "offset"))
    if shapes.ndim != 2 or shapes.shape[1] > MAX_DIMENSIONS or not len(shapes) == len(sizes) == len(offsets) <= MAX_INDICES:
        raise ContainerError(f"npz: {side}_shape {shapes.shape}, {len(sizes)} sizes, {len(offsets)} offsets")
    tensors = []
    for place, (shape, size, offset) in enumerate(zip(shapes.tolist(), sizes.tolist(), offsets.tolist(), strict=True)):
        if size not in DTYPES or not can_be(shape):
            raise ContainerError(f"npz: {side} {place} of shape {shape} with elements of {size} bytes")
        tensors.append(
            Tensor(
                index=start + place, name=f"{side}{place}", shape=tuple(shape), dtype=DTYPES[size], data=b"", offset=int(offset)
            )
        )
    return tensors


def _bytes(entry: NDArray[Any]) -> bytes:
    """The bytes of an entry: numpy strips zeros off the end of byte strings, their item size says how many."""
    return entry.tobytes()


def _number(entry: NDArray[Any]) -> int:
    value = int(entry)
    if value < 0:
        raise ContainerError(f"npz: a size of {value}")
    return value
