"""TFLite files of one operator, written with LiteRT's own schema."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

INT8, FLOAT32 = schema.TensorType.INT8, schema.TensorType.FLOAT32


def write_tflite(path: Path, shape: list[int], kind: int = INT8, custom: str = "", inputs: int = 1) -> Path:
    """A file whose output is its input under RELU (or under a custom operator); int8 has scale 1/255 and zero point -128."""
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0], [inputs]
    graph = schema.SubGraphT()
    graph.tensors = [_tensor(f"tensor_{i}", shape, kind) for i in range(inputs + 1)]
    graph.inputs, graph.outputs, graph.operators = list(range(inputs)), [inputs], [operator]
    model = schema.ModelT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    model.operatorCodes = [_code(custom)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _code(custom: str) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = schema.BuiltinOperator.CUSTOM if custom else schema.BuiltinOperator.RELU
    code.deprecatedBuiltinCode, code.version = code.builtinCode, 1
    code.customCode = custom.encode() or None
    return code


def _tensor(name: str, shape: list[int], kind: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), shape, kind, 0
    if kind == INT8:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [1 / 255], [-128]
    return tensor
