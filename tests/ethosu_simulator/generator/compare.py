"""One case: built, compiled with Vela's default options, run in the simulator and in TFLite's reference kernels, compared."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import interpreter as litert
from ethosu.vela import vela
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

import ethosu_simulator
from ethosu_simulator import container
from ethosu_simulator.registers import ENUMS
from tests.ethosu_simulator.generator.cases import Case
from tests.ethosu_simulator.generator.departures import departure
from tests.ethosu_simulator.generator.graph import Unsupported
from tests.ethosu_simulator.velas import compile_with

Array = NDArray[Any]
EQUAL, EXPLAINED, DIFFERS, ON_CPU = "equal", "explained", "differs", "on the CPU"
NO_CASE, NO_REFERENCE, NO_VELA = "no such case", "no reference", "Vela refuses"
NOT_MODELLED, REFUSED, CRASHED = "not modelled", "refused", "crashed"
PASSING = (EQUAL, EXPLAINED, ON_CPU, NO_CASE, NO_REFERENCE, NO_VELA)
MICRO, TFLITE = "TFLite Micro", "TFLite reference"


@dataclass
class Result:
    """What came of a case; `executed` counts operations, `fields` the register settings they were done with."""

    case: str
    status: str
    detail: str = ""
    oracle: str = ""
    elements: int = 0
    executed: dict[str, int] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """The result for JSON."""
        return asdict(self)


def inputs_of(model: bytes, seed: int) -> list[list[Array]]:
    """Two sets of inputs: over the whole range of their types, and near the middle."""
    parsed, random = container.parse(model), np.random.default_rng(seed)
    return [[_values(random, parsed.tensors[i], wide) for i in parsed.inputs] for wide in (True, False)]


def _values(random: np.random.Generator, tensor: container.Tensor, wide: bool) -> Array:
    if tensor.dtype == "bool":
        return random.integers(0, 2, tensor.shape).astype(np.bool_)
    info = np.iinfo(tensor.dtype)
    if info.bits == 32:  # products and sums stay within 32 bits, and a divisor is never zero
        return random.integers(-20000, 20000, tensor.shape).astype(np.int32) * 2 + 1
    if wide:
        return random.integers(info.min, info.max + 1, tensor.shape).astype(tensor.dtype)
    centre = 128 if tensor.dtype == "uint8" else 0
    return np.clip(random.normal(centre, info.max / 6, tensor.shape), info.min, info.max).astype(tensor.dtype)


def reference(model: bytes, path: Path, sets: list[list[Array]]) -> tuple[str, list[Array]]:
    """(the oracle's name, the first output for each set of inputs): TFLite Micro, or TFLite where Micro lacks the kernel."""
    if _micro_is_wrong(model):
        return TFLITE, _tflite(model, sets)
    try:
        micro = runtime.Interpreter.from_file(str(path), arena_size=16 << 20)
        outputs = []
        for inputs in sets:
            micro.reset()
            for index, values in enumerate(inputs):
                micro.set_input(values, index)
            micro.invoke()
            outputs.append(micro.get_output(0).copy())
        return MICRO, outputs
    except (RuntimeError, ValueError, TypeError):
        return TFLITE, _tflite(model, sets)


def _micro_is_wrong(model: bytes) -> bool:
    """True for GREATER of 16 bits, where TFLite Micro departs from TFLite's own reference kernel."""
    parsed = container.parse(model)
    greater = [operator.inputs[0] for operator in parsed.operators if operator.name == "GREATER"]
    return any(parsed.tensors[index].dtype == "int16" for index in greater)


def _tflite(model: bytes, sets: list[list[Array]]) -> list[Array]:
    lite = litert.Interpreter(
        model_content=model, num_threads=1, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    lite.allocate_tensors()
    places, outputs = [entry["index"] for entry in lite.get_input_details()], []
    for inputs in sets:
        lite.reset_all_variables()
        for place, values in zip(places, inputs, strict=True):
            lite.set_tensor(place, values)
        lite.invoke()
        outputs.append(lite.get_tensor(lite.get_output_details()[0]["index"]).copy())
    return outputs


def tflite_reference(model: bytes, images: list[list[Array]]) -> list[list[Array]]:
    """Every output of TFLite's reference kernels for a sequence of images, variables living on between them."""
    lite = litert.Interpreter(
        model_content=model, num_threads=1, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    lite.allocate_tensors()
    found = []
    for image in images:
        for entry, values in zip(lite.get_input_details(), image, strict=True):
            lite.set_tensor(entry["index"], values)
        lite.invoke()
        found.append([lite.get_tensor(entry["index"]).copy() for entry in lite.get_output_details()])
    return found


def compiled(path: Path, config: str, folder: Path, version: str = "") -> Path:
    """What Vela, or an older version of it, makes of a model with its default options; RuntimeError when it refuses."""
    if version:
        return compile_with(version, path, config, folder)
    try:
        vela.main([str(path), "--accelerator-config", f"ethos-{config}", "--output-dir", str(folder)])
    except SystemExit as stop:
        if stop.code:
            raise RuntimeError(f"Vela stops with {stop.code}") from stop
    return folder / f"{path.stem}_vela.tflite"


def compare(case: Case, folder: Path, stage: Callable[[str], object] = str) -> Result:
    """The result of one case; whatever goes wrong is a status, and `stage` hears what begins, in case the process dies."""
    try:
        model = case.build()
    except Unsupported:
        return Result(str(case), NO_CASE)
    path = folder / "case.tflite"
    path.write_bytes(model)
    sets = inputs_of(model, case.seed)
    stage(NO_REFERENCE)
    try:
        oracle, expected = reference(model, path, sets)
    except (RuntimeError, ValueError, TypeError) as error:
        return Result(str(case), NO_REFERENCE, str(error)[:200])
    stage(NO_VELA)
    try:
        output = compiled(path, case.config, folder, case.vela)
    except Exception as error:  # whatever Vela raises
        return Result(str(case), NO_VELA, f"{type(error).__name__}: {error}"[:200])
    stage(CRASHED)
    return _simulated(case, output, sets, oracle, expected)


def _simulated(case: Case, output: Path, sets: list[list[Array]], oracle: str, expected: list[Array]) -> Result:
    result = Result(str(case), EQUAL, oracle=oracle)
    try:
        model = ethosu_simulator.load(output)
        result.executed, result.fields = settings(model)
        for inputs, want in zip(sets, expected, strict=True):
            model.reset()
            got = model.run(inputs)[0].reshape(-1).astype(np.int64)
            apart = np.abs(got - want.reshape(-1).astype(np.int64))
            result.elements += apart.size
            if apart.any():
                allowed = departure(case.operator, case.dtype)
                explained = allowed is not None and apart.max() <= allowed.most and result.status != DIFFERS
                result.status = EXPLAINED if explained else DIFFERS
                result.detail += f"{np.count_nonzero(apart)} of {apart.size} by up to {apart.max()}; "
    except ethosu_simulator.NotModelled as error:
        on_cpu = "left to the CPU" in error.field
        result.status, result.detail = ON_CPU if on_cpu else NOT_MODELLED, str(error)
    except ethosu_simulator.ContainerError as error:
        on_cpu = "no ethos-u operator" in str(error)
        result.status, result.detail = ON_CPU if on_cpu else REFUSED, str(error)
    except ethosu_simulator.SimulatorError as error:
        result.status, result.detail = REFUSED, f"{type(error).__name__}: {error}"
    except Exception as error:
        result.status, result.detail = CRASHED, f"{type(error).__name__}: {error}"
    return result


def settings(model: ethosu_simulator.Model) -> tuple[dict[str, int], list[str]]:
    """(operations by name and types, the enumerated register settings under which each kind of operation was done)."""
    executed: Counter[str] = Counter()
    fields: set[str] = set()
    for operator in model.operators:
        if not isinstance(operator, ethosu_simulator.NpuOperator):
            continue
        state: dict[str, Any] = {}
        for command in operator.commands:
            if not command.register.is_operation:
                state[command.register.name[4:]] = command
                continue
            mode = [command.choice(f.name) for f in command.register.fields if f.meaning in ENUMS]
            flags = [f.name for f in command.register.fields if f.name == "weights_ifm2" and command.get(f.name)]
            name = " ".join([command.register.name, *mode, *flags])
            executed[name] += 1
            fields |= {f"{command.register.name[3:]}: {text}" for text in _choices(state, name)}
    return dict(executed), sorted(fields)


def _choices(state: dict[str, Any], operation: str) -> set[str]:
    found = set()
    for name, command in state.items():
        if name.startswith("DMA0") != operation.startswith("OP_DMA"):
            continue
        for entry in command.register.fields:
            if entry.meaning in ENUMS:
                with contextlib.suppress(KeyError):
                    found.add(f"{name}.{entry.name} {command.choice(entry.name)}")
    return found
