"""Commands -> typed operations: the only place that follows registers and knows what a product makes of them.

`decode_operations` sets registers as it goes and reads, at each NPU_OP_* command, what that operation needs, through the
product's `Dialect`. What it can't read becomes a `Refused` operation: its error is raised when its turn comes, after
everything before it was done, as the NPU itself would have got that far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ethosu_simulator.decoder.parts import DIALECTS, Reader
from ethosu_simulator.decoder.pool_scales import pool_scale
from ethosu_simulator.decoder.register_file import RegisterFile
from ethosu_simulator.decoder.transfers import transfer
from ethosu_simulator.disassemble import field_text
from ethosu_simulator.errors import NotModelled, SimulatorError, StreamError
from ethosu_simulator.operands import Positions
from ethosu_simulator.operations import (
    Convolution,
    Depthwise,
    Dma,
    Elementwise,
    Interrupt,
    Matmul,
    Operation,
    PerformanceMask,
    Pool,
    Refused,
    Resize,
    Stop,
    Wait,
)
from ethosu_simulator.scaling import PLAIN, GlobalScale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ethosu_simulator.command_stream import Command, NpuConfig
    from ethosu_simulator.registers import Register

UNARY = ("ABS", "LRELU", "CLZ", "NOT")
FRACTION_BITS = 16  # of a RESIZE's accumulators


def decode_operations(commands: Iterable[Command], config: NpuConfig) -> tuple[Operation, ...]:
    """The operations of a stream in order, to NPU_OP_STOP where it has one."""
    registers, operations = RegisterFile(config), list[Operation]()
    reader = Reader(registers, DIALECTS[config.product])
    for command in commands:
        if not command.register.is_operation:
            registers.set(command)
            continue
        operations.append(_operation(reader, command))
        if isinstance(operations[-1], Stop):
            break
    return tuple(operations)


def regions(commands: Iterable[Command]) -> set[int]:
    """The regions of memory that the stream names (a table inside the NPU is none)."""
    return {command.get("region") for command in commands if _names_region(command)}


def _names_region(command: Command) -> bool:
    name = command.register.name
    if not name.endswith("_REGION"):
        return False
    return not name.startswith("SET_DMA0_") or name.endswith("IDX_REGION") or command.choice("region_mode") == "EXTERNAL"


def _operation(reader: Reader, command: Command) -> Operation:
    named: dict[str, Any] = {"address": command.address, "name": _name(command.register, command.value)}
    try:
        kind = _KINDS.get(command.register.name)
        if kind is None:
            raise _not_modelled(command, "the whole operation")
        return kind(reader, command, named)
    except SimulatorError as error:
        return Refused(error=error, **named)


def _name(register: Register, value: int) -> str:
    """Such as `NPU_OP_POOL POOLING_MODE_MAX`."""
    return " ".join([f"NPU_{register.name}", *(field_text(field, value) for field in register.fields)])


def _not_modelled(command: Command, field: str) -> NotModelled:
    return NotModelled(f"NPU_{command.register.name}", field)


def _windowed(reader: Reader) -> dict[str, Any]:
    """The fields that all computations under a window have."""
    shape, win, accumulators = reader.shape(), reader.window(), reader.accumulators()
    return {
        "shape": shape,
        "window": win,
        "ifm": reader.ifm(win),
        "accumulators": accumulators,
        "output": reader.output() if accumulators.outputs else None,
        "schedule": reader.schedule(),
    }


def _convolution(reader: Reader, command: Command, named: dict[str, Any]) -> Operation:
    if reader.dialect.is_matmul(command.value):
        return _matmul(reader, command, named)
    if reader.is_global():
        raise _not_modelled(command, "OFM scale_mode GLOBAL")
    fields = _windowed(reader)
    return Convolution(**named, **fields, weights=reader.weights(fields["window"], depthwise=False))


def _depthwise(reader: Reader, command: Command, named: dict[str, Any]) -> Operation:
    if reader.is_global():
        raise _not_modelled(command, "OFM scale_mode GLOBAL")
    fields = _windowed(reader)
    weights = reader.weights(fields["window"], depthwise=True)
    return Depthwise(**named, **fields, weights=weights)


def _matmul(reader: Reader, command: Command, named: dict[str, Any]) -> Operation:
    win = reader.window()
    if not reader.is_global() or (win.kernel_y, win.kernel_x, win.ofm[0]) != (1, 1, 1):
        raise _not_modelled(
            command, f"weights_ifm2 with a {win.kernel_y} x {win.kernel_x} kernel, {win.ofm[0]} rows, or scales"
        )
    fields = _windowed(reader)
    right = reader.operand("IFM2", (1, win.ofm[2], fields["ifm"].shape[2]))
    return Matmul(**named, **fields, ifm2=right, scale=reader.global_scale())


def _pool(reader: Reader, command: Command, named: dict[str, Any]) -> Operation:
    mode = command.choice("pooling_mode")
    fields = _windowed(reader)
    divides = mode == "AVERAGE" and (reader.dialect.average_always_divides or fields["window"].has_padding)
    if mode == "NONE" and fields["accumulators"].begin == "RESET":
        raise NotModelled("NPU_OP_POOL", f"pooling_mode {mode} with acc_input RESET")
    scale = pool_scale(reader, mode, fields["window"], divides=divides)
    return Pool(**named, **fields, mode=mode, divides=divides, scale=scale)


def _elementwise(reader: Reader, command: Command, named: dict[str, Any]) -> Operation:
    mode, registers, dialect = command.choice("elementwise_mode"), reader.registers, reader.dialect
    shape = reader.shape()
    if registers.choice("IFM_UPSCALE", "mode") != "NONE":
        raise _not_modelled(command, "IFM_UPSCALE")
    a, b = reader.broadcast("IFM", shape), None if mode in UNARY else reader.broadcast("IFM2", shape)
    bits = a.bits
    if b is not None and dialect.swaps_operands(registers):
        a, b = b, a
    scale_a, scale_b = dialect.operand_scales(registers, mode)
    output = reader.output()
    return Elementwise(
        **named,
        shape=shape,
        schedule=reader.schedule(),
        mode=mode,
        a=a,
        b=b,
        scale_a=scale_a,
        scale_b=scale_b,
        negative=dialect.negative_scale(registers, output.stage.rounding) if mode == "LRELU" else PLAIN,
        scale=dialect.elementwise_scale(registers, mode, bits),
        output=output,
    )


def _positions(reader: Reader, axis: str) -> Positions:
    registers, name = reader.registers, f"RESIZE_{axis}_STEP"
    n = registers.number(f"RESIZE_{axis}_SCALE_N_M1") + 1
    steps = [
        registers.number(name, f"{kind}_step_int") * n + registers.number(name, f"{kind}_step_mod") for kind in ("one", "blk")
    ]
    return Positions(n, steps[0], registers.number(f"RESIZE_{axis}_OFFSET"), steps[1])


def _resize(reader: Reader, command: Command, named: dict[str, Any]) -> Operation:
    registers, mode, shape = reader.registers, command.choice("resize_mode"), reader.shape()
    if mode not in ("NEAREST", "BILINEAR"):
        raise NotModelled("NPU_OP_RESIZE", f"resize_mode {mode}")
    scale = reader.global_scale()
    if scale.shift < FRACTION_BITS or scale.scale != 1:
        raise StreamError("NPU_OP_RESIZE needs OFM_SCALE with scale 1 and a shift of at least 16")
    rows, columns = registers.number("KERNEL_HEIGHT_M1") + 1, registers.number("KERNEL_WIDTH_M1") + 1
    return Resize(
        **named,
        shape=shape,
        schedule=reader.schedule(),
        mode=mode,
        ifm=reader.operand("IFM", (rows, columns, shape[2])),
        y=_positions(reader, "Y"),
        x=_positions(reader, "X"),
        scale=GlobalScale(1, scale.shift - FRACTION_BITS),
        output=reader.output(),
    )


def _dma(reader: Reader, _command: Command, named: dict[str, Any]) -> Operation:
    fields: dict[str, Any] = transfer(reader.registers, reader.dialect)
    return Dma(**named, **fields)


_KINDS: dict[str, Callable[[Reader, Command, dict[str, Any]], Operation]] = {
    "OP_CONV": _convolution,
    "OP_DEPTHWISE": _depthwise,
    "OP_POOL": _pool,
    "OP_ELEMENTWISE": _elementwise,
    "OP_RESIZE": _resize,
    "OP_DMA_START": _dma,
    "OP_DMA_WAIT": lambda _reader, command, named: Wait(**named, what="DMA", outstanding=command.get("k")),
    "OP_KERNEL_WAIT": lambda _reader, command, named: Wait(**named, what="KERNEL", outstanding=command.get("n")),
    "OP_IRQ": lambda _reader, command, named: Interrupt(**named, mask=command.get("mask")),
    "OP_PMU_MASK": lambda _reader, command, named: PerformanceMask(**named, enable=bool(command.get("enable"))),
    "OP_STOP": lambda _reader, command, named: Stop(**named, mask=command.get("mask")),
}
