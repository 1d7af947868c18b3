"""What the fuzzer calls: each target takes any bytes and may only return, or raise a SimulatorError that it swallows."""

from __future__ import annotations

import contextlib
import random
import struct
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import ethosu_simulator
from ethosu_simulator import container, disassemble, model
from ethosu_simulator.command_stream import decode, parse_payload
from ethosu_simulator.fast_weight_stream import decode_fast
from ethosu_simulator.pte.program import Program
from ethosu_simulator.pte.program_file import DATA_IDENTIFIER, parse_data, parse_program
from ethosu_simulator.timing import estimate
from ethosu_simulator.weight_order import DEPTH_FIRST, DEPTHWISE, PART_KERNEL, RASTER, SNAKE, Traversal, unpack
from ethosu_simulator.weight_stream import decode_standard

GOLDEN = Path(__file__).parents[1] / "golden"
LIMITS = ethosu_simulator.Limits(memory_bytes=1 << 22, work=1 << 13)
MOST_WEIGHTS = 2000
MEMORIES = ("mlek", "mlek-off")


def decoder(data: bytes) -> None:
    """A driver payload, decoded and disassembled."""
    with contextlib.suppress(ethosu_simulator.SimulatorError):
        commands = decode(parse_payload(data))
        disassemble.text(commands)


def weights(data: bytes) -> None:
    """A weight stream in both formats, laid out by a traversal that its first bytes choose."""
    if len(data) < 8:
        return
    kind, block, ublock, kernel_round, outputs, height, width, inputs = data[:8]
    stream = np.frombuffer(data[8:], np.uint8)
    how = Traversal(
        walk=RASTER, kind=(DEPTH_FIRST, PART_KERNEL, DEPTHWISE)[kind % 3], ofm_block_depth=1 + block % 32, ifm_block_depth=16,
        ofm_ublock_depth=1 + ublock % 8, ifm_ublock_depth=8, dilation_y=1 + kind // 3 % 2, dilation_x=1,
        kernel_round=1 + kernel_round % 10, sparse=bool(kind & 128),
    )  # fmt: skip
    shape = (1 + outputs % 20, 1 + height % 9, 1 + width % 9, 1 if kind % 3 == 2 else 1 + inputs % 20)
    for decoded in (decode_standard, decode_fast):
        with contextlib.suppress(ethosu_simulator.SimulatorError):
            unpack([decoded(stream, MOST_WEIGHTS)], shape, how)
        with contextlib.suppress(ethosu_simulator.SimulatorError):
            unpack([decoded(stream, MOST_WEIGHTS)] * 2, shape, replace(how, walk=SNAKE))


def file(data: bytes) -> None:
    """A whole TFLite file."""
    with contextlib.suppress(ethosu_simulator.SimulatorError):
        loaded = model.Model(container.parse(data), LIMITS)
        loaded.run([np.zeros(tensor.shape, tensor.dtype) for tensor in loaded.inputs])


def pte(data: bytes) -> None:
    """A whole ExecuTorch program with the kernels that are not ours giving zeros, or the named data beside one."""
    with contextlib.suppress(ethosu_simulator.SimulatorError):
        if data[4:8] == DATA_IDENTIFIER:
            parse_data(data)
            return
        program = Program(parse_program(data), LIMITS)

        def cpu(operator: container.Operator, _inputs: object) -> list[Any]:
            return [np.zeros(tensor.shape, tensor.dtype) for tensor in program.outputs_of(operator)]

        program.run([np.zeros(tensor.shape, tensor.dtype) for tensor in program.inputs], None, cpu)


def run(data: bytes) -> None:
    """A model that Vela compiled, with bytes and words of its stream, weights and tables changed."""
    if len(data) < 2:
        return
    seeds = compiled_models()
    chosen = seeds[int.from_bytes(data[:2], "little") % len(seeds)]
    file(changed(chosen, data[2:]))


def plan(data: bytes) -> None:
    """A changed model again, by the plan's compiled steps and command by command: the same bytes, or the same error.

    The fuzzer mutates blindly here, mostly a few bytes: they only seed the choice of the model and of its one to four edits.
    """
    chance = random.Random(data)
    chosen, edits = chance.choice(compiled_models()), chance.randbytes(7 * chance.randint(1, 4))
    _planned_as_interpreted(changed(chosen, edits))


def older(data: bytes) -> None:
    """A file of an older Vela with one to four words of its stream changed: the same bytes by plan and interpreted.

    A word gets one bit flipped, or another word of the same stream, or any word.
    """
    chance = random.Random(data)
    content, start, words = chance.choice(files_of_older_velas())
    out = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at, other = (start + 4 * chance.randrange(words) for _ in range(2))
        word = int.from_bytes(content[at : at + 4], "little")
        flipped, any_word = word ^ 1 << chance.randrange(32), chance.getrandbits(32)
        chosen = chance.choice((flipped, int.from_bytes(content[other : other + 4], "little"), any_word))
        out[at : at + 4] = chosen.to_bytes(4, "little")
    _planned_as_interpreted(bytes(out))


def _planned_as_interpreted(content: bytes) -> None:
    """AssertionError when an operator's plan and its interpretation come to different ends."""
    with contextlib.suppress(ethosu_simulator.SimulatorError):
        loaded = model.Model(container.parse(content), LIMITS)
        for operator in loaded.operators:
            if isinstance(operator, ethosu_simulator.NpuOperator):
                inputs = [np.zeros(tensor.shape, tensor.dtype) for tensor in operator.inputs]
                planned, interpreted = _outcome(operator.run, inputs), _outcome(operator.interpret, inputs)
                if planned != interpreted:
                    raise AssertionError(f"planned: {planned!r}; interpreted: {interpreted!r}")


class _Interpreting:
    """Runs NPU operators of a file command by command."""

    def execute(self, number: int, operator: ethosu_simulator.NpuOperator, inputs: Any, arena: Any) -> Any:
        """The operator's outputs without a plan."""
        del number
        return operator.interpret(inputs, None, arena)

    def made(self, tensor: Any, values: Any) -> None:
        """Nobody listens."""


def arena(data: bytes) -> None:
    """A changed file of several operators or with state, run twice, by plans and interpreted: the same, or the same error."""
    chance = random.Random(data)
    chosen, edits = chance.choice(files_with_an_arena()), chance.randbytes(7 * chance.randint(0, 4))
    outcomes = [_sequence(changed(chosen, edits), interpreted=interpreted) for interpreted in (False, True)]
    if outcomes[0] != outcomes[1]:
        raise AssertionError(f"planned: {outcomes[0]!r}; interpreted: {outcomes[1]!r}")


def timing(data: bytes) -> None:
    """A changed file's estimate: an interval that holds it and rows that make it up, or an error of ours, in bounded work."""
    chance = random.Random(data)
    chosen, edits = chance.choice(compiled_models()), chance.randbytes(7 * chance.randint(0, 4))
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ethosu_simulator.SimulatorError):
        path = Path(folder) / "changed.tflite"
        path.write_bytes(changed(chosen, edits))
        found = estimate(path, chance.choice(MEMORIES))
        total = sum(one.cycles for one in found.operations)
        if not found.low <= found.active_cycles <= found.high or total > found.active_cycles + 1:
            raise AssertionError(f"{found.low} <= {found.active_cycles} <= {found.high}, operations {total}")
        if min(found.beats.values()) < 0:
            raise AssertionError(f"beats {found.beats}")


def _sequence(content: bytes, *, interpreted: bool) -> list[object]:
    """The outputs of two runs, or the error that ended them; CPU operators give zeros."""
    found: list[object] = []
    try:
        loaded = model.Model(container.parse(content), LIMITS)

        def cpu(operator: container.Operator, _inputs: object) -> list[Any]:
            return [np.zeros(tensor.shape, tensor.dtype) for tensor in loaded.outputs_of(operator)]

        for value in (3, 7):
            inputs = [np.full(tensor.shape, value, tensor.dtype) for tensor in loaded.inputs]
            outputs = loaded.watch(inputs, _Interpreting(), cpu) if interpreted else loaded.run(inputs, None, cpu)
            found.append([values.tobytes() for values in outputs])
    except ethosu_simulator.SimulatorError as error:
        found.append((type(error).__name__, str(error)))
    return found


@cache
def files_with_an_arena() -> tuple[bytes, ...]:
    """Compiled files whose operators share an arena, or that keep state."""
    return tuple(path.read_bytes() for path in sorted((Path(__file__).parent / "files").glob("*.tflite")))


@cache
def files_of_older_velas() -> tuple[tuple[bytes, int, int], ...]:
    """(file, where its command stream begins, words) of what older Velas left in the registers of pools and softmax."""
    found = []
    for path in sorted((Path(__file__).parent / "files" / "older").glob("*.tflite")):
        content = path.read_bytes()
        parsed = container.parse(content)
        streams = [bytes(parsed.tensors[op.inputs[0]].data) for op in parsed.operators if op.name == "ethos-u"]
        found += [(content, content.index(stream), len(stream) // 4) for stream in streams]
    return tuple(found)


def compile_loops(target: str) -> None:
    """Runs unchanged files, so that numba compiles before the clock of a single input runs."""
    for content, _start, _words in files_of_older_velas():
        _planned_as_interpreted(content)
    for data in seeds(target):
        TARGETS[target](data)


def _outcome(run: Callable[..., list[np.ndarray[Any, Any]]], inputs: list[np.ndarray[Any, Any]]) -> tuple[object, ...]:
    """The bytes of all outputs and the operations done, or the error."""
    trace: list[ethosu_simulator.Executed] = []
    try:
        outputs = run(inputs, trace)
    except ethosu_simulator.SimulatorError as error:
        return type(error).__name__, str(error)
    return [values.tobytes() for values in outputs], [(done.name, done.shape, done.macs) for done in trace]


def changed(original: bytes, edits: bytes) -> bytes:
    """The file with edits of seven bytes each: a place (three bytes), then a word to write there, or to add to it."""
    out = bytearray(original)
    for at in range(0, min(len(edits), 7 * 64) - 6, 7):
        place, word = int.from_bytes(edits[at : at + 3], "little"), edits[at + 3 : at + 7]
        if place & 1:
            out[(place >> 1) % len(out)] ^= word[0]
        else:
            start = 4 * ((place >> 1) % (len(out) // 4))
            out[start : start + 4] = word
    return bytes(out)


@cache
def compiled_models() -> tuple[bytes, ...]:
    """The compiled files among the golden cases, the smallest first."""
    files = [np.load(path)["compiled"].tobytes() for path in sorted(GOLDEN.glob("*.npz"))]
    return tuple(sorted(files, key=len))


@cache
def programs() -> tuple[bytes, ...]:
    """Programs with everything that we read in one (kernels, moves, segments, constants, keys), and named data."""
    from tests.ethosu_simulator import test_pte
    from tests.ethosu_simulator.pte_files import blob, data_file, golden

    external = test_pte.delegated(
        test_pte.ABS, blobs=[blob(golden(test_pte.ABS)["compiled"].tobytes(), {"weight_data": "key"})]
    )
    external.named = {"key": bytes(64)}
    made = [test_pte.between_floats(test_pte.ABS), test_pte.two_delegates(), external]
    made += [test_pte.delegated(name, in_segments=True) for name in test_pte.STREAMS]
    return (*(one.write() for one in made), data_file({"a": bytes(16), "b": b"second"}))


def seeds(target: str) -> list[bytes]:
    """Inputs to begin with."""
    if target == "pte":
        return list(programs())
    files = compiled_models()
    if target == "file":
        return list(files[:40])
    if target in ("arena", "older", "timing"):
        return [bytes([number]) * 8 for number in range(16)]
    if target in ("run", "plan"):
        return [struct.pack("<H", i) + bytes(7) for i in range(len(files))]
    streams = [parsed.tensors[op.inputs[0]] for parsed in map(container.parse, files) for op in parsed.operators if op.inputs]
    if target == "decoder":
        return [bytes(tensor.data) for tensor in streams if bytes(tensor.data[:3]) == b"COP"][:60]
    regions = [container.parse(data) for data in files]
    return [bytes(range(8)) + bytes(parsed.tensors[parsed.operators[0].inputs[1]].data)[:600] for parsed in regions][:60]


TARGETS: dict[str, Callable[[bytes], None]] = {
    "decoder": decoder,
    "weights": weights,
    "file": file,
    "pte": pte,
    "run": run,
    "plan": plan,
    "arena": arena,
    "older": older,
    "timing": timing,
}
