"""The float constants of a TFLite file, and the one edit that recipes make: other values in the same places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from core.tflite.graph import TfliteGraph
from core.tflite.reader import ModelReader

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FloatModel:
    """A float TFLite file with its graph; `constants` are its float32 constants by tensor index, in their own shapes."""

    content: bytes
    graph: TfliteGraph

    @cached_property
    def constants(self) -> dict[int, Floats]:
        """Tensor index -> value of every float32 constant."""
        reader = ModelReader(self.content, self.graph.name)
        wanted = [tensor for tensor in self.graph.tensors if tensor.constant and tensor.dtype == "float32"]
        return {tensor.index: np.frombuffer(reader.content(tensor), np.float32).reshape(tensor.shape) for tensor in wanted}

    def integers(self, tensor: int) -> NDArray[np.int64]:
        """The value of an int32 or int64 constant, such as the corner of a SLICE."""
        described = self.graph.tensors[tensor]
        raw = ModelReader(self.content, self.graph.name).content(described)
        return np.frombuffer(raw, described.dtype).astype(np.int64).reshape(described.shape)


def replace_constants(content: bytes, values: Mapping[int, Floats]) -> bytes:
    """The same TFLite file with other float32 values, of the same shapes, in the given tensors."""
    model = _unpacked(content)
    for index, value in values.items():
        fresh = schema.BufferT()
        fresh.data = np.ascontiguousarray(value, np.float32).reshape(-1).view(np.uint8)
        model.subgraphs[0].tensors[index].buffer = len(model.buffers)
        model.buffers.append(fresh)
    _drop_unused(model)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _unpacked(content: bytes) -> Any:
    """The flatbuffer object of a TFLite file, with constants that lie outside it pulled in."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for buffer in model.buffers:
        if buffer.data is None and buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def _drop_unused(model: Any) -> None:
    """Empty the buffers that no tensor and no metadata entry refers to any more."""
    used = {int(tensor.buffer) for part in model.subgraphs for tensor in part.tensors}
    used |= {int(entry.buffer) for entry in model.metadata or []}
    for index, buffer in enumerate(model.buffers):
        if index not in used:
            buffer.data = None
