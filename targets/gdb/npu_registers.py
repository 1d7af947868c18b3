"""What an NPU's own registers prove after a run, read through the debug port: the firmware's word is not needed."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import RunError
from core.records.artefact import Artefact
from core.records.run import Proof
from ethosu_simulator import SimulatorError
from ethosu_simulator.command_stream import parse_config
from ethosu_simulator.container import Container
from targets.fvp.model_file import command_streams
from targets.fvp.npu_registers import EVENT_COUNTERS, EVENTS, REGISTERS
from targets.gdb.client import Gdb

STATUS, QBASE_LO, QBASE_HI, QREAD, QSIZE, CONFIG = 0x004, 0x010, 0x014, 0x018, 0x020, 0x028
FAULTS = 0b1_1001_0100
"""Of STATUS: bus error, parse error, watchdog, memory error."""


BY_NAME = {row.name: row for row in REGISTERS}


class NoProof(RunError):
    """A run that ended, and whose NPU shows no sign of it."""


@dataclass(frozen=True, kw_only=True)
class NpuState:
    """An NPU's registers after a run: what it is, the last stream that it was given, and how far it read that."""

    config: int
    status: int
    stream_bytes: int
    read_bytes: int
    stream: bytes = field(repr=False)


def npu_state(gdb: Gdb, base: int, longest: int) -> NpuState:
    """The registers at `base`; of a stream that is longer than `longest` only so much is read."""
    words = {offset: gdb.word(base + offset) for offset in (STATUS, QBASE_LO, QBASE_HI, QREAD, QSIZE, CONFIG)}
    address = words[QBASE_HI] << 32 | words[QBASE_LO]
    stream = gdb.read(address, min(words[QSIZE], longest)) if words[QSIZE] else b""
    return NpuState(
        config=words[CONFIG], status=words[STATUS], stream_bytes=words[QSIZE], read_bytes=words[QREAD], stream=stream
    )


def npu_counters(gdb: Gdb, base: int) -> dict[str, int]:
    """The counters as the firmware left them, by our names, also those that it has stopped; empty when none counted."""
    found: dict[str, int] = {}
    row, kind = BY_NAME["PMEVCNTR"], BY_NAME["PMEVTYPER"]
    for number in range(EVENTS):
        event = gdb.word(base + kind.offset + number * kind.step) & kind.writable
        if event in EVENT_COUNTERS:
            found[EVENT_COUNTERS[event]] = gdb.word(base + row.offset + number * row.step)
    low, high = (gdb.word(base + BY_NAME[name].offset) for name in ("PMCCNTR_LO", "PMCCNTR_HI"))
    found["total_cycles"] = (high & BY_NAME["PMCCNTR_HI"].writable) << 32 | low
    return found if any(found.values()) else {}


def prove(state: NpuState, artefact: Artefact, container: Container) -> Proof:
    """What the state proves: the model's last stream was read to its end by the NPU that it is for. NoProof otherwise."""
    wanted, streams = artefact.compilation.profile.accelerator_config, command_streams(container)
    try:
        found = parse_config(state.config).name
    except SimulatorError as error:
        raise NoProof(f"no Ethos-U answers: CONFIG is 0x{state.config:08x}", f"an {wanted} at the address `npu`") from error
    if found != wanted:
        raise NoProof(f"the NPU is an {found}", f"an {wanted}, for which the model is compiled")
    if state.stream != streams[-1]:
        raise NoProof("the last stream that the NPU was given is none of the model's", "the model's command stream at QBASE")
    if state.read_bytes != state.stream_bytes or state.status & FAULTS:
        raise NoProof(
            f"the NPU read {state.read_bytes} of {state.stream_bytes} bytes of its stream (STATUS 0x{state.status:x})",
            "a stream that ran to its end",
        )
    operators = artefact.compilation.placement.operators
    whole = len(operators) - len(artefact.compilation.placement.cpu)
    last = len([one for one in operators if any(stream == len(streams) for stream, _ in one.commands)])
    sign = f"QREAD = QSIZE = {state.read_bytes} bytes of the model's last stream (of {len(streams)}) on an {found}"
    return Proof(whole if len(streams) == 1 else last, len(operators), sign)
