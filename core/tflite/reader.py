"""TFLite bytes -> tensors, operators and constants, for files that nobody vouches for.

FlatBuffers in Python has no verifier: a broken file shows as one of many exceptions, or as a vector that claims four billion
elements. So every element read is paid from a budget of the file's own size, and every exception of the accessors is one
`BrokenModel`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from core.files import sha256
from core.tflite.macs import macs
from core.tflite.nodes import BrokenModel, Operator, OptionValue, Tensor

TABLE_COST = 8  # bytes that the smallest table takes in a file: its entry in a vector and its vtable offset
ELEMENTS_PER_BYTE = 4  # writers may store equal vectors once: a file may read longer than it is
MAX_DIMENSION = 2**31 - 1

_ACCESS_ERRORS = (
    struct.error,
    LookupError,
    TypeError,
    ValueError,
    AssertionError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    MemoryError,
)


def _names(enumeration: type) -> dict[int, str]:
    """Value -> name of one of the schema's enumerations."""
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


DTYPES = {value: name.lower() for value, name in _names(schema.TensorType).items()}
KINDS = _names(schema.BuiltinOperator)
ACTIVATIONS = _names(schema.ActivationFunctionType)
CONTROL_FLOW = frozenset({"CALL", "IF", "WHILE", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE", "STABLEHLO_WHILE"})
"""Operators that run another subgraph in an inference; CALL_ONCE runs one before the first."""
OTHER_FORMATS = (
    (b"DWN1", 0, "an Edge TPU package"), (b"ET1", 4, "an ExecuTorch program (.pte)"), (b"TOSA", 4, "a TOSA flatbuffer"),
    (b"PK", 0, "a ZIP archive, such as a PyTorch checkpoint, a Keras file or an .npz"), (b"GGUF", 0, "a GGUF file"),
    (b"\x89HDF", 0, "an HDF5 file, such as an old Keras model"), (b"<", 0, "XML or HTML, such as a download that failed"),
    (b"version https://git-lfs", 0, "a pointer of Git LFS: the file itself was not fetched"),
    (b"\x08", 0, "a protocol buffer, such as an ONNX file or a saved TensorFlow model"),
    (b"\n", 0, "a protocol buffer, such as a frozen TensorFlow graph (GraphDef)"),
)  # fmt: skip
"""Marks that other files begin with, where they stand, and what such a file is."""


class ModelReader:
    """One subgraph of a TFLite file; BrokenModel at construction when anything it refers to is not there.

    Without `subgraph` it is the first, and a file with control flow is refused.
    """

    def __init__(self, data: bytes, name: str, subgraph: int | None = None) -> None:
        self.name = name
        self._data = data
        self._left = ELEMENTS_PER_BYTE * len(data)
        self._digests: dict[int, str] = {}
        if len(data) < 16 or data[4:8] != b"TFL3":
            raise BrokenModel(f"`{name}` is no TFLite file ({len(data)} bytes, no TFL3 mark){_looks_like(data)}")
        with self._guard():
            self._model = schema.Model.GetRootAs(data, 0)
            self._buffer_count = self._model.BuffersLength()
            self._subgraph = self._main_subgraph() if subgraph is None else self._one_subgraph(subgraph)
            codes = self._tables(self._model.OperatorCodesLength(), self._model.OperatorCodes)
            self._opcodes = [self._opcode(code) for code in codes]
            self.tensors = self._read_tensors()
            self.operators = self._read_operators()
            if subgraph is None:
                self._require_no_control_flow()
            self.inputs = self._tensor_indices(self._subgraph.InputsAsNumpy(), "the graph's inputs")
            self.outputs = self._tensor_indices(self._subgraph.OutputsAsNumpy(), "the graph's outputs")

    def content_digest(self, tensor: Tensor) -> str:
        """SHA-256 of the constant's bytes as hexadecimal digits."""
        with self._guard():
            position = self._buffer_index(self._subgraph.Tensors(tensor.index))
            if position not in self._digests:
                content = self._content(position)
                self._spend(len(content))
                self._digests[position] = sha256(content)
            return self._digests[position]

    def content(self, tensor: Tensor) -> bytes:
        """The constant's bytes, empty for a tensor that is computed."""
        with self._guard():
            return bytes(self._content(self._buffer_index(self._subgraph.Tensors(tensor.index))))

    @cached_property
    def subgraphs(self) -> int:
        """Number of subgraphs in the file."""
        return int(self._model.SubgraphsLength())

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except BrokenModel:
            raise
        except _ACCESS_ERRORS as error:
            raise self._broken(f"{type(error).__name__} while reading it") from error

    def _broken(self, found: str) -> BrokenModel:
        return BrokenModel(f"`{self.name}` is a broken TFLite file: {found}")

    def _spend(self, units: int) -> None:
        self._left -= units
        if units < 0 or self._left < 0:
            raise self._broken("it refers to more data than it holds")

    def _tables(self, count: int, entry: Callable[[int], Any]) -> Iterator[Any]:
        self._spend(count * TABLE_COST)
        for index in range(count):
            table = entry(index)
            if table is None:
                raise self._broken("a table is missing")
            yield table

    def _numbers(self, vector: Any) -> list[Any]:
        """The elements of a vector that the accessors give as an array, or as 0 when it is absent."""
        if isinstance(vector, int):
            return []
        self._spend(len(vector))
        return list(vector.tolist())

    def _text(self, raw: bytes | None) -> str:
        self._spend(len(raw or b""))
        return (raw or b"").decode("utf-8", "replace")

    def _main_subgraph(self) -> Any:
        if self.subgraphs == 0:
            raise BrokenModel(f"`{self.name}` holds no subgraph")
        return self._model.Subgraphs(0)

    def _require_no_control_flow(self) -> None:
        found = sorted({operator.kind for operator in self.operators} & CONTROL_FLOW)
        if found:
            raise BrokenModel(
                f"`{self.name}` runs other subgraphs by {', '.join(found)}: control flow is not judged",
                "a graph without IF, WHILE and CALL",
            )

    @cached_property
    def other_graphs(self) -> tuple[str, ...]:
        """Names of the graphs that an inference of the first one does not run: its signature's, else the subgraph's own."""
        if self.subgraphs == 1 or any(operator.kind == "CALL_ONCE" for operator in self.operators):
            return ()
        with self._guard():
            self._spend(self.subgraphs * TABLE_COST)
            names = [self._text(self._model.Subgraphs(index).Name()) or str(index) for index in range(self.subgraphs)]
            for signature in self._tables(self._model.SignatureDefsLength(), self._model.SignatureDefs):
                if 0 <= int(signature.SubgraphIndex()) < self.subgraphs:
                    names[int(signature.SubgraphIndex())] = self._text(signature.SignatureKey())
            return tuple(names[1:])

    def _one_subgraph(self, index: int) -> Any:
        if not 0 <= index < self.subgraphs:
            raise BrokenModel(f"`{self.name}` holds {self.subgraphs} subgraphs: there is no subgraph {index}")
        return self._model.Subgraphs(index)

    def _opcode(self, code: Any) -> tuple[str, bool]:
        """Name of an operator code, and whether it is a custom one."""
        number = max(int(code.DeprecatedBuiltinCode()), int(code.BuiltinCode()))
        if number == schema.BuiltinOperator.CUSTOM:
            return self._text(code.CustomCode()) or "CUSTOM", True
        if number not in KINDS:
            raise BrokenModel(f"`{self.name}` uses operator code {number}, which this TFLite schema does not know")
        return KINDS[number], False

    def _buffer_index(self, tensor: Any) -> int:
        index = int(tensor.Buffer())
        if index >= max(self._buffer_count, 1):
            raise self._broken(f"buffer {index} of {self._buffer_count} does not exist")
        return index

    def _content(self, index: int) -> Any:
        """The bytes of a buffer, inside the flatbuffer or behind it (offset and size fields); empty for buffer 0."""
        if index == 0:
            return b""
        buffer = self._model.Buffers(index)
        offset, size = int(buffer.Offset()), int(buffer.Size())
        if offset > 1 and size > 0:
            if offset + size > len(self._data):
                raise self._broken(f"buffer {index} ends at byte {offset + size} of {len(self._data)}")
            return memoryview(self._data)[offset : offset + size]
        content = buffer.DataAsNumpy()
        return b"" if isinstance(content, int) else content.data

    def _read_tensors(self) -> tuple[Tensor, ...]:
        tables = self._tables(self._subgraph.TensorsLength(), self._subgraph.Tensors)
        return tuple(self._tensor(index, table) for index, table in enumerate(tables))

    def _tensor(self, index: int, table: Any) -> Tensor:
        dtype = DTYPES.get(int(table.Type()))
        if dtype is None:
            raise self._broken(f"tensor {index} has unknown type {table.Type()}")
        shape = tuple(self._numbers(table.ShapeAsNumpy()))
        if any(not 0 <= size <= MAX_DIMENSION for size in shape):
            raise self._broken(f"tensor {index} has shape {shape}")
        if table.ExternalBuffer():
            raise BrokenModel(f"`{self.name}` keeps tensor {index} in another file", "a TFLite file that holds its own weights")
        quantisation = table.Quantization()
        scales = self._numbers(quantisation.ScaleAsNumpy()) if quantisation else []
        zero_points = self._numbers(quantisation.ZeroPointAsNumpy()) if quantisation else []
        return Tensor(
            index=index,
            name=self._text(table.Name()),
            shape=shape,
            dtype=dtype,
            scales=tuple(scales),
            zero_points=tuple(zero_points),
            axis=int(quantisation.QuantizedDimension()) if quantisation else 0,
            constant=len(self._content(self._buffer_index(table))) > 0,
            dynamic=any(size < 0 for size in self._numbers(table.ShapeSignatureAsNumpy())[1:]),
        )

    def _tensor_indices(self, vector: Any, where: str) -> tuple[int, ...]:
        indices = tuple(self._numbers(vector))
        for index in indices:
            if not -1 <= index < len(self.tensors):
                raise self._broken(f"{where} name tensor {index} of {len(self.tensors)}")
        return indices

    def _read_operators(self) -> tuple[Operator, ...]:
        tables = self._tables(self._subgraph.OperatorsLength(), self._subgraph.Operators)
        return tuple(self._operator(index, table) for index, table in enumerate(tables))

    def _operator(self, index: int, table: Any) -> Operator:
        code = int(table.OpcodeIndex())
        if code >= len(self._opcodes):
            raise self._broken(f"operator {index} has code {code} of {len(self._opcodes)}")
        kind, custom = self._opcodes[code]
        inputs = self._tensor_indices(table.InputsAsNumpy(), f"inputs of operator {index} ({kind})")
        outputs = self._tensor_indices(table.OutputsAsNumpy(), f"outputs of operator {index} ({kind})")
        options = self._options(table)
        output = self.tensors[outputs[0]] if outputs and outputs[0] >= 0 else None
        operands = tuple(self.tensors[position] if position >= 0 else None for position in inputs)
        return Operator(
            index=index,
            kind=kind,
            inputs=inputs,
            outputs=outputs,
            output_name=output.name if output else "",
            macs=macs(kind, operands, output, options),
            fused_activation=_activation(options),
            custom=custom,
            options=options,
        )

    def _options(self, table: Any) -> dict[str, OptionValue]:
        """The operator's builtin options that are numbers or lists of numbers."""
        raw = table.BuiltinOptions()
        if raw is None:
            return {}
        found = schema.BuiltinOptionsCreator(int(table.BuiltinOptionsType()), raw)
        options: dict[str, OptionValue] = {}
        for key, value in vars(found).items() if found is not None else ():
            if isinstance(value, (bool, int, float)):
                options[key] = value
            elif hasattr(value, "tolist"):
                options[key] = tuple(self._numbers(value))
        return options


def _looks_like(data: bytes) -> str:
    found = next((what for mark, at, what in OTHER_FORMATS if data[at : at + len(mark)] == mark), "")
    return f"; it looks like {found}" if found else ""


def _activation(options: dict[str, OptionValue]) -> str:
    number = options.get("fusedActivationFunction", 0)
    return ACTIVATIONS.get(number, "unknown") if isinstance(number, int) and number else ""
