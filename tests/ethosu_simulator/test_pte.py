"""ExecuTorch programs give the bytes that Vela's file of the same stream gives; damaged ones are refused by what is wrong.

Covers ethosu_simulator.opening, ethosu_simulator.pte.program_file, ethosu_simulator.pte.program,
ethosu_simulator.pte.vela_blob, ethosu_simulator.pte.kernels.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ethosu_simulator
from ethosu_simulator import container, timing
from tests.ethosu_simulator.pte_files import (
    DELEGATE,
    DEQUANTIZE,
    FREE,
    JUMP,
    KERNEL,
    MOVE,
    QUANTIZE,
    Pte,
    Value,
    blob,
    blocks,
    blocks_of,
    data_file,
    golden,
)

STREAMS = ("abs-INT8-u55-128-0-4", "conv-INT8-u65-256-0-4", "conv-INT8-u85-128-0-4", "add-INT16-u85-1024-0-4")
ABS = "abs-INT8-u55-128-0-4"
SCALE, ZERO = 0.0371, -5


def open_program(tmp_path: Path, pte: Pte | bytes) -> ethosu_simulator.Program:
    path = tmp_path / "program.pte"
    path.write_bytes(pte if isinstance(pte, bytes) else pte.write())
    loaded = ethosu_simulator.load(path)
    assert isinstance(loaded, ethosu_simulator.Program)
    return loaded


def delegated(name: str, **changes: Any) -> Pte:
    """A program that does nothing but what a golden case does."""
    case = golden(name)
    inputs = [case[f"input{number}"] for number in range(sum(key.startswith("input") for key in case.files))]
    values = [Value(shape=one.shape, dtype=str(one.dtype)) for one in (*inputs, case["output"])]
    pte = Pte(
        values=[*values], inputs=range(len(inputs)), outputs=[len(inputs)],
        instructions=[(DELEGATE, 0, range(len(values)))], blobs=[blob(case["compiled"].tobytes())],
    )  # fmt: skip
    for key, value in changes.items():
        setattr(pte, key, value)
    return pte


def case_inputs(name: str) -> list[Any]:
    case = golden(name)
    return [case[key] for key in sorted(key for key in case.files if key.startswith("input"))]


@pytest.mark.parametrize("in_segments", [False, True])
@pytest.mark.parametrize("name", STREAMS)
def test_a_delegate_gives_the_bytes_of_the_compiled_file(tmp_path: Path, name: str, in_segments: bool) -> None:
    trace: list[ethosu_simulator.Executed] = []
    (output,) = open_program(tmp_path, delegated(name, in_segments=in_segments)).run(case_inputs(name), trace)
    assert output.tobytes() == golden(name)["output"].tobytes()
    assert trace


def between_floats(name: str) -> Pte:
    case = golden(name)
    shapes = case["input0"].shape, case["output"].shape
    tensors = [
        Value(shape=shapes[number], dtype=dtype) for number, dtype in ((0, "float32"), (0, "int8"), (1, "int8"), (1, "float32"))
    ]
    return Pte(
        values=[*tensors, SCALE, ZERO, -128, 127, 1, None], inputs=[0], outputs=[3],
        instructions=[
            (KERNEL, QUANTIZE, [0, 4, 5, 6, 7, 8, 1, 1]), (DELEGATE, 0, [1, 2]),
            (KERNEL, DEQUANTIZE, [2, 4, 5, 6, 7, 8, 9, 3, 3]), (FREE, 0, [1]),
        ],
        blobs=[blob(case["compiled"].tobytes())],
    )  # fmt: skip


def test_float_programs_quantize_to_the_nearest_even_and_dequantize_in_float32(tmp_path: Path) -> None:
    program = open_program(tmp_path, between_floats(ABS))
    assert [operator.name for operator in program.on_the_cpu] == [QUANTIZE, DEQUANTIZE]
    assert program.cpu_operators == ()
    floats = np.random.default_rng(3).normal(0, 3, program.inputs[0].shape).astype(np.float32)
    steps = np.float32(1) / np.float32(SCALE) * floats
    integers = np.clip(np.rint(steps) + ZERO, -128, 127).astype(np.int8)
    (expected,) = open_program(tmp_path, delegated(ABS)).run([integers])
    (output,) = program.run([floats])
    assert output.dtype == np.float32
    assert output.tobytes() == ((expected.astype(np.int32) - ZERO).astype(np.float32) * np.float32(SCALE)).tobytes()


def two_delegates() -> Pte:
    case = golden(ABS)
    tensors: list[Any] = [Value(shape=case["input0"].shape) for _ in range(5)]
    return Pte(
        values=tensors, inputs=[0], outputs=[4],
        instructions=[
            (DELEGATE, 0, [0, 1]), (KERNEL, "aten::neg.out", [1, 2, 2]), (MOVE, "", [2, 3]), (DELEGATE, 1, [3, 4]),
        ],
        blobs=[blob(case["compiled"].tobytes())] * 2,
    )  # fmt: skip


def test_a_kernel_between_delegates_runs_by_cpu_and_is_named_without_it(tmp_path: Path) -> None:
    program = open_program(tmp_path, two_delegates())
    assert [operator.name for operator in program.cpu_operators] == ["aten::neg.out"]
    values = case_inputs(ABS)[0]
    with pytest.raises(ethosu_simulator.NotModelled, match=r"aten::neg\.out"):
        program.run([values])

    def cpu(operator: container.Operator, inputs: Sequence[Any]) -> list[Any]:
        assert operator.name == "aten::neg.out"
        return [np.clip(-inputs[0].astype(np.int16), -128, 127).astype(np.int8)]

    trace: list[ethosu_simulator.Executed] = []
    (output,) = program.run([values], trace, cpu)
    once = open_program(tmp_path, delegated(ABS))
    (half,) = once.run([values])
    (expected,) = once.run(cpu(program.cpu_operators[0], [half]))
    assert output.tobytes() == expected.tobytes()
    assert {done.stream for done in trace} == {1, 2}


def test_a_tensor_lies_in_memory_in_its_dim_order(tmp_path: Path) -> None:
    case = golden("conv-INT8-u85-128-0-4")
    nhwc, out = case["input0"], case["output"]
    order = (0, 2, 3, 1)
    shapes = [tuple(one.transpose(0, 3, 1, 2).shape) for one in (nhwc, out)]
    pte = delegated("conv-INT8-u85-128-0-4", values=[Value(shape=shape, order=order) for shape in shapes])
    (output,) = open_program(tmp_path, pte).run([np.ascontiguousarray(nhwc.transpose(0, 3, 1, 2))])
    assert output.transpose(0, 2, 3, 1).tobytes() == out.tobytes()


def test_blocks_and_constants_in_a_file_beside_are_found_and_missed_by_their_key(tmp_path: Path) -> None:
    case = golden("add-INT8-u65-256-0-4")
    content = case["compiled"].tobytes()
    pte = delegated("add-INT8-u65-256-0-4", blobs=[blob(content, {"weight_data": "a" * 64})])
    inputs = case_inputs("add-INT8-u65-256-0-4")
    pte.values[-2] = replace(pte.values[-2], key="second")  # type: ignore[type-var]
    pte.inputs = range(len(inputs) - 1)
    with pytest.raises(ethosu_simulator.ContainerError, match=r"outside the \.pte under `second`: expected the \.ptd"):
        open_program(tmp_path, pte)
    named = {"a" * 64: blocks(content)["weight_data"], "second": inputs[-1].tobytes()}
    (tmp_path / "program.ptd").write_bytes(data_file({"second": named["second"]}))
    with pytest.raises(ethosu_simulator.ContainerError, match=r"block `weight_data`.*expected the \.ptd"):
        open_program(tmp_path, pte)
    (tmp_path / "program.ptd").write_bytes(data_file(named))
    (output,) = open_program(tmp_path, pte).run(inputs[:-1])
    assert output.tobytes() == case["output"].tobytes()


def test_named_data_inside_the_program_are_found(tmp_path: Path) -> None:
    content = golden("conv-INT8-u65-256-0-4")["compiled"].tobytes()
    pte = delegated("conv-INT8-u65-256-0-4", blobs=[blob(content, {"weight_data": "key"})])
    pte.named = {"key": blocks(content)["weight_data"]}
    (output,) = open_program(tmp_path, pte).run(case_inputs("conv-INT8-u65-256-0-4"))
    assert output.tobytes() == golden("conv-INT8-u65-256-0-4")["output"].tobytes()


def test_a_program_is_estimated_as_the_compiled_file_is(tmp_path: Path) -> None:
    path, plain = tmp_path / "program.pte", tmp_path / "plain.tflite"
    path.write_bytes(delegated(ABS).write())
    plain.write_bytes(golden(ABS)["compiled"].tobytes())
    assert timing.estimate(path).active_cycles == timing.estimate(plain).active_cycles


def changed_blocks(**changes: bytes) -> Callable[[], Pte]:
    return lambda: delegated(ABS, blobs=[blocks_of({**blocks(golden(ABS)["compiled"].tobytes()), **changes}, {})])


def without(name: str) -> Callable[[], Pte]:
    content = blocks(golden(ABS)["compiled"].tobytes())
    return lambda: delegated(ABS, blobs=[blocks_of({key: data for key, data in content.items() if key != name}, {})])


def cut(length: int) -> Callable[[], Pte]:
    return lambda: delegated(ABS, blobs=[blob(golden(ABS)["compiled"].tobytes())[:length]])


REFUSED: dict[str, tuple[Callable[[], Pte], str]] = {
    "no blob of Vela's": (lambda: delegated(ABS, blobs=[b"\0" * 64]), "expected `vela_bin_stream`"),
    "cut in a block": (cut(120), "reaches past the end"),
    "cut between blocks": (cut(32), "without cmd_data, weight_data"),
    "no scratch size": (without("scratch_size"), "without scratch_size"),
    "2 GB of scratch": (changed_blocks(scratch_size=b"\0\0\0\x80"), "2147483648 bytes: expected at most"),
    "scratch size of two bytes": (changed_blocks(scratch_size=b"\0\1"), "`scratch_size` of 2 bytes"),
    "inputs of another length": (changed_blocks(inputs=b"\x02\0\0\0" + bytes(36)), "`inputs` says 2 tensors in 40 bytes"),
    "a negative count": (changed_blocks(outputs=b"\xff\xff\xff\xff"), "`outputs` says -1 tensors"),
    "elements of no size": (changed_blocks(inputs=b"\x01\0\0\0" + bytes(36)), "input 0: shape"),
    "a branch": (lambda: delegated(ABS, instructions=[(JUMP, "", [0, 0])]), "a branch"),
    "an unknown instruction": (lambda: delegated(ABS, instructions=[(9, "", [0, 0])]), "instruction of kind 9"),
    "a delegate that is not there": (lambda: delegated(ABS, instructions=[(DELEGATE, 3, [0, 1])]), "names number 3"),
    "a value that is not there": (lambda: delegated(ABS, instructions=[(DELEGATE, 0, [0, 7])]), "of 2"),
    "another backend": (lambda: delegated(ABS, backends=["XnnpackBackend"]), "XnnpackBackend"),
    "nothing for the NPU": (lambda: delegated(ABS, instructions=[(MOVE, "", [0, 1])]), "no delegate of EthosUBackend"),
    "an input that is a number": (lambda: delegated(ABS, values=[3, Value(shape=(1,))]), "input value 0, which is no tensor"),
    "an order of other axes": (
        lambda: delegated(ABS, values=[Value(shape=(1, 4), order=(0, 0)), Value(shape=(4,))]), r"in the order \[0, 0\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_wrong_with_a_program_is_said(kind: str, tmp_path: Path) -> None:
    make, message = REFUSED[kind]
    with pytest.raises(ethosu_simulator.SimulatorError, match=message):
        open_program(tmp_path, make())


def test_a_delegate_called_with_a_tensor_of_another_size_is_refused_when_it_runs(tmp_path: Path) -> None:
    program = open_program(tmp_path, delegated(ABS, values=[Value(shape=(1, 4, 4, 4)), Value(shape=(5,))]))
    with pytest.raises(ethosu_simulator.ContainerError, match="called with value 1 for `output0` of 64 bytes"):
        program.run(case_inputs(ABS))


def test_a_method_is_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "program.pte"
    path.write_bytes(delegated(ABS, method="encode").write())
    assert ethosu_simulator.load(path).signatures == ("encode",)
    with pytest.raises(ethosu_simulator.ContainerError, match=r"no method `decode`.*\['encode'\]"):
        ethosu_simulator.load(path, signature="decode")


def test_a_program_for_another_npu_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program.pte"
    path.write_bytes(delegated(ABS).write())
    with pytest.raises(ethosu_simulator.ConfigurationError, match="ethos-u55-128: expected ethos-u85-256"):
        ethosu_simulator.load(path, npu="ethos-u85-256")


def test_damaged_programs_end_in_typed_errors(tmp_path: Path) -> None:
    files = [between_floats(ABS).write(), delegated(ABS, in_segments=True).write(), two_delegates().write()]
    chance = random.Random(7)
    path, ended = tmp_path / "program.pte", 0
    for _ in range(300):
        damaged = bytearray(chance.choice(files))
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(bytes(damaged[: chance.choice((len(damaged), len(damaged), chance.randrange(len(damaged))))]))
        try:
            limits = ethosu_simulator.Limits(memory_bytes=1 << 22, work=1 << 16)
            program = ethosu_simulator.load(path, limits=limits)
            program.run(
                [np.zeros(tensor.shape, tensor.dtype) for tensor in program.inputs],
                cpu=lambda _, inputs: [np.asarray(inputs[0])],
            )
        except ethosu_simulator.SimulatorError:
            ended += 1
    assert ended > 30
