"""All operators of a file work in one arena: parts, leftovers and CPU results lie where Vela put them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

import ethosu_simulator
from core.errors import RunError
from ethosu_simulator import container
from targets.micro_process import MicroProcess
from targets.tflite_micro import CpuOperators, cpu_operators, run_micro
from tests.conversion.tflite_builder import TinyModel
from tests.ethosu_simulator import subgraphs
from tests.ethosu_simulator.generator.cases import parse
from tests.ethosu_simulator.generator.compare import compiled
from tests.ethosu_simulator.toolchain import random_inputs

Array = NDArray[Any]
Compile = Callable[[bytes, str], Path]
SIDE, CHANNELS = 8, 12


@pytest.fixture
def compile_model(tmp_path: Path) -> Compile:
    def make(content: bytes, config: str) -> Path:
        path = tmp_path / "case.tflite"
        path.write_bytes(content)
        return compiled(path, config, tmp_path / config)

    return make


def shuffle() -> bytes:
    """A channel shuffle, whose GATHER stays on the CPU; the first half of `joined` is written before it, the other after."""
    model = TinyModel()
    left = model.tensor((1, SIDE, SIDE, CHANNELS), "left")
    right = model.tensor((2, CHANNELS, SIDE * SIDE), "right")
    shape = model.constant(np.array([2, 1, CHANNELS, SIDE, SIDE], np.int32))
    halves = model.operator("RESHAPE", [right, shape], [model.tensor((2, 1, CHANNELS, SIDE, SIDE), "halves")])
    one = [halves, model.constant(np.array(1, np.int32))]
    picked = model.operator("GATHER", one, [model.tensor((1, CHANNELS, SIDE, SIDE), "picked")], schema.GatherOptionsT())
    order = model.constant(np.array([0, 2, 3, 1], np.int32))
    turned = model.operator("TRANSPOSE", [picked, order], [model.tensor((1, SIDE, SIDE, CHANNELS), "turned")])
    joining = schema.ConcatenationOptionsT()
    joining.axis = 3
    ends = [model.leaky(left), model.conv(turned, CHANNELS, 3)]
    joined = model.operator("CONCATENATION", ends, [model.tensor((1, SIDE, SIDE, 2 * CHANNELS), "joined")], joining)
    return model.finish([left, right], [joined, halves])


def lstm(state_zero_point: int) -> bytes:
    """An LSTM of a few steps whose state has a zero point."""
    model = schema.ModelT.InitFromPackedBuf(parse("lstm-INT8-u55-128-3").build(), 0)
    graph = model.subgraphs[0]
    hidden = int(graph.operators[0].inputs[18])
    for tensor in (hidden, int(graph.outputs[0]), int(graph.operators[0].intermediates[4])):
        graph.tensors[tensor].quantization.zeroPoint = [state_zero_point]
    return _packed(model)


def _packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def sequence(content: bytes, path: Path, count: int) -> list[list[Array]]:
    path.write_bytes(content)
    return [random_inputs(path, seed) for seed in range(count)]


def reference(content: bytes, images: list[list[Array]]) -> list[list[bytes]]:
    found = run_micro(content, images, len(container.parse(content).outputs), 1 << 20, "the source")
    return [[values.tobytes() for values in outputs] for outputs in found]


def simulated(model: ethosu_simulator.Model, path: Path, images: list[list[Array]]) -> list[list[bytes]]:
    with cpu_operators(path) as cpu:
        found = []
        for image in images:
            shaped = [values.reshape(tensor.shape) for values, tensor in zip(image, model.inputs, strict=True)]
            found.append([values.tobytes() for values in model.run(shaped, cpu=cpu)])
        return found


@pytest.mark.parametrize("config", ["u55-128", "u65-256", "u85-256"])
def test_parts_of_a_tensor_from_two_operators_and_a_cpu_result_between_them_meet_in_the_arena(
    config: str, compile_model: Compile, tmp_path: Path
) -> None:
    content = shuffle()
    path, images = compile_model(content, config), sequence(content, tmp_path / "source.tflite", 2)
    model = ethosu_simulator.load(path)
    streams = [operator for operator in model.operators if isinstance(operator, ethosu_simulator.NpuOperator)]
    assert len(streams) == (1 if config.startswith("u85") else 2)  # U85 has GATHER
    assert simulated(model, path, images) == reference(content, images)


def test_without_cpu_a_file_with_cpu_operators_is_refused_by_the_operator_s_name(compile_model: Compile) -> None:
    model = ethosu_simulator.load(compile_model(shuffle(), "u55-128"))
    with pytest.raises(ethosu_simulator.NotModelled, match=r"GATHER: .*an operator that Vela left to the CPU"):
        model.run([np.zeros(tensor.shape, tensor.dtype) for tensor in model.inputs])


@pytest.mark.parametrize(("kind", "shape", "error"), [("RESOURCE", [], "has type 13"), ("INT8", [1 << 20], "expected at most")])
def test_an_output_that_cpu_could_not_make_is_refused_before_anything_runs(
    kind: str, shape: list[int], error: str, compile_model: Compile
) -> None:
    tiny = TinyModel()
    image = tiny.tensor((1, 8, 8, 8), "image")
    ends = [tiny.conv(image, 8)]
    for name in ("sum", "sums"):
        parts = [ends[-1], tiny.constant(np.array(1, np.int32))]
        ends.append(tiny.operator("CUMSUM", parts, [tiny.tensor((1, 8, 8, 8), name)], schema.CumsumOptionsT()))
    path = compile_model(tiny.finish([image], [ends[-1]]), "u55-128")
    changed = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    between = changed.subgraphs[0].tensors[ethosu_simulator.load(path).cpu_operators[0].outputs[0]]
    between.type, between.shape = getattr(schema.TensorType, kind), shape
    changed.metadata = []
    path.write_bytes(_packed(changed))
    model = ethosu_simulator.load(path, limits=ethosu_simulator.Limits(memory_bytes=1 << 19))
    asked: list[container.Operator] = []

    def cpu(operator: container.Operator, _inputs: object) -> list[Array]:
        asked.append(operator)
        return [np.zeros(tensor.shape, tensor.dtype) for tensor in model.outputs_of(operator)]

    with pytest.raises(ethosu_simulator.SimulatorError, match=error):
        model.run([np.zeros(tensor.shape, tensor.dtype) for tensor in model.inputs], cpu=cpu)
    assert asked == []


def test_an_operator_taken_out_of_a_file_with_others_says_that_it_needs_the_arena(compile_model: Compile) -> None:
    model = ethosu_simulator.load(compile_model(shuffle(), "u55-128"))
    operator = next(one for one in model.operators if isinstance(one, ethosu_simulator.NpuOperator))
    with pytest.raises(ethosu_simulator.InputError, match="reads what they left in the arena: expected `arena=`"):
        operator.run([np.zeros(tensor.shape, tensor.dtype) for tensor in operator.inputs])


def test_the_plan_and_the_interpreter_leave_the_same_arena(compile_model: Compile, tmp_path: Path) -> None:
    content = shuffle()
    path = compile_model(content, "u55-128")
    model, (inputs,) = ethosu_simulator.load(path), sequence(content, tmp_path / "source.tflite", 1)
    operators = [one for one in model.operators if isinstance(one, ethosu_simulator.NpuOperator)]
    values = {tensor.index: array for tensor, array in zip(model.inputs, inputs, strict=True)}
    for operator in operators:
        given = [values.get(t.index, np.full(t.shape, 5, t.dtype)) for t in operator.inputs]
        arenas = [ethosu_simulator.new_arena(*operator.arena_sizes) for _ in range(2)]
        for arena in arenas:
            arena.main[:] = 7
        operator.run(given, arena=arenas[0])
        operator.interpret(given, arena=arenas[1])
        assert arenas[0].main.tobytes() == arenas[1].main.tobytes()
        assert 7 in arenas[0].main


def test_an_int8_variable_starts_at_its_zero_point_and_lives_on_until_reset(compile_model: Compile, tmp_path: Path) -> None:
    content = lstm(state_zero_point=-9)
    path, images = compile_model(content, "u55-128"), sequence(content, tmp_path / "source.tflite", 3)
    model, expected = ethosu_simulator.load(path), reference(content, images)
    assert model.keeps_state
    assert simulated(model, path, images) == expected
    assert simulated(model, path, images[:1]) != expected[:1]
    model.reset()
    assert simulated(model, path, images) == expected


def test_variables_of_an_operator_on_the_cpu_live_on_and_are_reset_with_the_model() -> None:
    source = parse("lstm-INT8-u55-128-3").build()
    graph = container.parse(source)
    operator = container.Operator(name="LSTM", inputs=graph.operators[0].inputs, outputs=graph.operators[0].outputs)
    images = [np.full(graph.tensors[graph.inputs[0]].shape, value, np.int8) for value in (50, -50)]
    given = [None if i < 0 else images[0] if i == graph.inputs[0] else np.zeros(0, np.int8) for i in operator.inputs]
    with CpuOperators(source) as cpu:
        first, second = cpu(operator, given)[0], cpu(operator, given)[0]
        cpu.reset()
        again = cpu(operator, given)[0]
    assert first.tobytes() != second.tobytes()
    assert first.tobytes() == again.tobytes()


def test_an_input_that_no_command_reads_needs_no_place_in_the_arena(compile_model: Compile, tmp_path: Path) -> None:
    model = TinyModel()
    size, image = model.tensor((4,), "size", "INT32", None), model.tensor((1, 4, 5, 8), "image")
    weights = model.constant(np.arange(-64, 64, dtype=np.int8).reshape(4, 2, 2, 8), "w", [0.01] * 4)
    options = schema.TransposeConvOptionsT()
    options.strideH = options.strideW = 2
    options.padding = schema.Padding.VALID
    output = model.operator("TRANSPOSE_CONV", [size, weights, image], [model.tensor((1, 8, 10, 4), "output")], options)
    content = model.finish([size, image], [output])
    path, images = compile_model(content, "u55-128"), sequence(content, tmp_path / "source.tflite", 2)
    for image_inputs in images:
        image_inputs[0][:] = [1, 8, 10, 4]
    loaded = ethosu_simulator.load(path)
    assert loaded.inputs[0].offset == -1
    assert simulated(loaded, path, images) == reference(content, images)


def test_call_once_and_resource_variables_run_and_carry_rows_from_image_to_image(
    compile_model: Compile, tmp_path: Path
) -> None:
    content = subgraphs.streaming(start=0)
    path, images = compile_model(content, "u55-128"), sequence(content, tmp_path / "source.tflite", 4)
    model, expected = ethosu_simulator.load(path), reference(content, images)
    assert simulated(model, path, images) == expected
    model.reset()
    assert simulated(model, path, images) == expected
    assert model.signatures == ("serving_default",)


def test_of_two_signatures_the_first_runs_and_both_are_named(compile_model: Compile, tmp_path: Path) -> None:
    main = TinyModel()
    image = main.tensor((1, 8, 8, 8), "image")
    parts: list[subgraphs.Part] = [(main, [image], [main.conv(image, 8, 3)], "main")]
    small = subgraphs.beside(main)
    entry = small.tensor((1, 4, 4, 8), "entry")
    parts.append((small, [entry], [small.conv(entry, 8, 3)], "small"))
    content = subgraphs.finish(parts, {"serve": 0, "probe": 1})
    path, images = compile_model(content, "u55-128"), sequence(content, tmp_path / "source.tflite", 1)
    model = ethosu_simulator.load(path)
    assert (model.signature, model.signatures[0]) == ("serve", "serve")
    assert len(model.signatures) == 2
    assert simulated(model, path, images) == reference(content, images)
    other = ethosu_simulator.load(path, signature=model.signatures[1])
    assert other.inputs[0].shape == (1, 4, 4, 8)
    with pytest.raises(ethosu_simulator.ContainerError, match="no signature `train` in the file: expected one of"):
        ethosu_simulator.load(path, signature="train")


@pytest.mark.parametrize(("kind", "options"), [("IF", schema.IfOptionsT), ("WHILE", schema.WhileOptionsT)])
def test_operators_that_choose_between_subgraphs_are_refused_by_name(
    kind: str, options: Any, compile_model: Compile, tmp_path: Path
) -> None:
    def branching(compiled_file: bytes) -> bytes:
        model = schema.ModelT.InitFromPackedBuf(compiled_file, 0)
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
        model.operatorCodes.append(code)
        operator, chosen = schema.OperatorT(), options()
        for name in ("thenSubgraphIndex", "elseSubgraphIndex", "condSubgraphIndex", "bodySubgraphIndex"):
            if hasattr(chosen, name):
                setattr(chosen, name, 1)
        operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes) - 1, [], []
        operator.builtinOptions, operator.builtinOptionsType = chosen, getattr(schema.BuiltinOptions, f"{kind.title()}Options")
        model.subgraphs[0].operators.append(operator)
        body = schema.SubGraphT()
        body.tensors, body.inputs, body.outputs, body.operators = [], [], [], []
        model.subgraphs.append(body)
        return _packed(model)

    tiny = TinyModel()
    image = tiny.tensor((1, 8, 8, 8), "image")
    whole = compile_model(tiny.finish([image], [tiny.conv(image, 8)]), "u55-128").read_bytes()
    path = tmp_path / "branching.tflite"
    path.write_bytes(branching(whole))
    model = ethosu_simulator.load(path)
    with pytest.raises(ethosu_simulator.NotModelled, match=f"{kind}: not modelled: an operator that chooses between subgraphs"):
        model.run([np.zeros((1, 8, 8, 8), np.int8)], cpu=lambda _operator, _inputs: [])


def test_the_scratch_of_a_kernel_is_found_by_trying(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 300, 300, 16), "image")
    content = model.finish([image], [model.leaky(image)])
    with MicroProcess() as process:
        found = process.open("large", content, 1, 60.0, "large")
        assert found > 2 * 300 * 300 * 16
        (output,) = process.run("large", [np.full((1, 300, 300, 16), 100, np.int8)], 1, 60.0, "large")
    assert (output == 100).all()


def test_a_process_that_dies_is_told_with_its_last_words() -> None:
    model = TinyModel()
    image = model.tensor((1, 4, 4, 8), "image")
    content = model.finish([image], [model.unary("FLOOR", image)])
    with MicroProcess() as process:
        process.open("floor", content, 1, 60.0, "floor")
        with pytest.raises(RunError, match=r"`floor` does not run in TFLite Micro, which ended with 1: .*kTfLiteFloat32"):
            process.run("floor", [np.zeros((1, 4, 4, 8), np.int8)], 1, 60.0, "floor")
