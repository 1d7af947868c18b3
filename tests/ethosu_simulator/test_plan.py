"""A planned run does exactly what the command-by-command run does: bytes, trace and errors.

Covers ethosu_simulator.fast.atomics, ethosu_simulator.fast.constants, ethosu_simulator.fast.executor,
ethosu_simulator.fast.general, ethosu_simulator.fast.kernels, ethosu_simulator.fast.layout, ethosu_simulator.fast.llvm,
ethosu_simulator.fast.lower_elementwise, ethosu_simulator.fast.lower_pool, ethosu_simulator.fast.lowering,
ethosu_simulator.fast.place, ethosu_simulator.fast.planner, ethosu_simulator.fast.program, ethosu_simulator.fast.vectors,
ethosu_simulator.observe.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import ethosu_simulator
from ethosu_simulator.command_stream import Command
from ethosu_simulator.fast.feature_maps import Map, collide, overlaps_itself
from ethosu_simulator.fast.plan import InterpretedOperation, Plan
from ethosu_simulator.fast.products import _parameters
from ethosu_simulator.fixed_point import DOUBLE
from ethosu_simulator.scaling import OutputStage, Scaling
from ethosu_simulator.weights import Kernel
from tests.conversion.real_data import real_model
from tests.ethosu_simulator.generator.golden import GOLDEN
from tests.ethosu_simulator.toolchain import TINY, random_inputs, vela

CONFIGS = ("u55-256", "u65-512", "u85-256")
SAME = """
import sys, numpy as np, ethosu_simulator
from ethosu_simulator.fast import vectors
assert not vectors.BYTES
for path in sys.argv[1:]:
    model = ethosu_simulator.load(path)
    operator = model.operators[0]
    inputs = [np.random.default_rng(1).integers(-128, 128, t.shape).astype(t.dtype) for t in operator.inputs]
    for ours, theirs in zip(operator.run(inputs), operator.interpret(inputs), strict=True):
        np.testing.assert_array_equal(ours, theirs)
"""


def _operator(path: Path) -> ethosu_simulator.NpuOperator:
    found = ethosu_simulator.load(path).operators[0]
    assert isinstance(found, ethosu_simulator.NpuOperator)
    return found


def _plan(operator: ethosu_simulator.NpuOperator) -> Plan:
    assert operator._plan is not None
    return operator._plan


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("network", TINY)
def test_a_planned_network_gives_the_interpreter_s_bytes_and_trace(network: str, config: str, tmp_path: Path) -> None:
    model = real_model(f"tiny/{network}.tflite")
    operator = _operator(vela(model, config, tmp_path)[0])
    for seed in range(3):
        planned: list[ethosu_simulator.Executed] = []
        interpreted: list[ethosu_simulator.Executed] = []
        inputs = random_inputs(model, seed)
        got, expected = operator.run(inputs, planned), operator.interpret(inputs, interpreted)
        for ours, theirs in zip(got, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert planned == interpreted
    assert not [item for item in _plan(operator).items if isinstance(item, InterpretedOperation)]


@pytest.mark.data
@pytest.mark.slow
def test_the_portable_form_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [str(vela(real_model(f"tiny/{network}.tflite"), config, tmp_path)[0]) for network in TINY for config in CONFIGS]
    environment = {**os.environ, "ETHOSU_SIMULATOR_PORTABLE": "1", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", SAME, *paths], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.data
@pytest.mark.slow
def test_threads_that_share_a_model_do_not_disturb_each_other(tmp_path: Path) -> None:
    model = real_model("tiny/kws_micronet_m.tflite")
    operator = _operator(vela(model, "u85-256", tmp_path)[0])
    inputs = [random_inputs(model, seed) for seed in range(8)]
    expected = [operator.interpret(values) for values in inputs]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(operator.run, inputs * 10))
    for index, got in enumerate(results):
        np.testing.assert_array_equal(got[0], expected[index % 8][0])


def _word(command: Command) -> bytes:
    words = [command.parameter << 16 | command.register.kind << 14 | command.register.code, command.payload]
    return b"".join(word.to_bytes(4, "little") for word in words if word is not None)


@pytest.mark.data
@pytest.mark.slow
def test_an_error_in_the_middle_comes_after_the_same_operations(tmp_path: Path) -> None:
    path = vela(real_model("tiny/kws_micronet_m.tflite"), "u55-256", tmp_path)[0]
    data, commands = path.read_bytes(), _operator(path).commands
    bases = [command for command in commands if command.register.name == "SET_IFM_BASE0"]
    address = bases[len(bases) // 2].address  # its payload becomes an address outside every region
    stream = data.index(_word(commands[0]) + _word(commands[1]))
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(data[: stream + address + 4] + (0x7FFFFFF0).to_bytes(4, "little") + data[stream + address + 8 :])
    operator = _operator(broken)
    outcomes = []
    for run in (operator.run, operator.interpret):
        trace: list[ethosu_simulator.Executed] = []
        with pytest.raises(ethosu_simulator.MemoryFault) as caught:
            run([np.zeros((1, 49, 10, 1), np.int8)], trace)
        outcomes.append((str(caught.value), trace))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1], "nothing was done before the error"


def test_a_sum_over_channels_with_padding_is_left_to_the_interpreter_which_refuses_it(tmp_path: Path) -> None:
    with np.load(GOLDEN / "batch_matmul-INT8-u55-256-0-4.npz") as kept:
        data = kept["compiled"].tobytes()
    path = tmp_path / "padded.tflite"
    path.write_bytes(data)
    commands = _operator(path).commands
    sums = next(i for i, c in enumerate(commands) if c.register.name == "OP_POOL" and c.choice("pooling_mode") == "REDUCE_SUM")
    pad = next(command for command in reversed(commands[:sums]) if command.register.name == "SET_IFM_PAD_TOP")
    place = data.index(_word(commands[0]) + _word(commands[1])) + pad.address
    path.write_bytes(data[: place + 2] + b"\1\0" + data[place + 4 :])
    for run in (_operator(path).run, _operator(path).interpret):
        with pytest.raises(ethosu_simulator.NotModelled, match="REDUCE_SUM under a window, or with padding"):
            run([np.zeros(tensor.shape, tensor.dtype) for tensor in _operator(path).inputs])


def _kernel(weight: int, count: int, bias: int, scale: int, shift: int) -> Kernel:
    weights = np.full((1, 1, 1, count), weight, np.int16)
    scaling = Scaling(*(np.array([value], np.int64) for value in (bias, scale, shift)))
    return Kernel(weights, weights.reshape(1, -1).astype(np.int64).sum(axis=1), abs(weight) * count, scaling, {})


STAGE = OutputStage(DOUBLE, 31, 0, -128, 127, "int8", None)


@pytest.mark.parametrize(
    ("kernel", "fits"),
    [
        (_kernel(127, 9, 1000, 1 << 30, 40), True),
        (_kernel(127, 1 << 17, 0, 1 << 30, 40), False),  # sums beyond 2**31 as bytes, beyond 2**24 as floats
        (_kernel(200, 1 << 13, 0, 1 << 30, 40), False),  # no signed byte; as floats beyond 2**24
        (_kernel(1, 1, 1 << 31, 1 << 30, 40), False),  # the bias alone leaves 32 bits
        (_kernel(1, 1, 0, 1 << 31, 40), False),  # a scale of 32 bits
        (_kernel(127, 9, 1 << 20, 1 << 30, 10), False),  # hardly shifted: leaves 32 bits before it is clipped
        (_kernel(1, 1, 1 << 30, 1 << 20, 63), True),  # always less than a half: a constant zero
    ],
)
def test_only_sums_that_stay_exact_become_steps(kernel: Kernel, fits: bool) -> None:
    assert (_parameters(kernel, STAGE, 0, 0x80) is not None) == fits


def _map(start: int, step: int, width: int, height: int = 4) -> Map:
    rows = tuple(start + y * step for y in range(height))
    return Map(rows, 16, 16, (height, width, 16), "int8", start, rows[-1] + width * 16)


def test_maps_that_share_bytes_are_told_from_slices_of_one_buffer() -> None:
    assert collide(_map(0, 256, 8), _map(64, 256, 8), in_place=False)
    assert not collide(_map(0, 256, 8), _map(128, 256, 8), in_place=False)  # the other half of every row
    assert collide(_map(0, 256, 8), _map(192, 256, 8), in_place=False)  # runs over the row's end
    assert collide(_map(0, 256, 8), _map(0, 256, 8), in_place=False)
    assert not collide(_map(0, 256, 8), _map(0, 256, 8), in_place=True)


def test_a_map_whose_rows_overlap_is_noticed() -> None:
    assert overlaps_itself(_map(0, 64, 8))
    assert not overlaps_itself(_map(0, 128, 8))
