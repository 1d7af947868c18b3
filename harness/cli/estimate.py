"""`ethos-bench estimate`: cycles and bus beats of a compiled file by our own cycle model, with the interval it is sure of."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from conversion.file_kinds import TFLITE, TOSA, file_kind
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.vela import compile_model, read_graph
from conversion.vela_options import VelaOptions
from core.errors import ModelError, UsageError
from harness.cli.compiled_file import compiled_tosa
from harness.cli.failing import exits_cleanly
from harness.cli.saying import say
from harness.report.safe_console import SafeConsole

if TYPE_CHECKING:
    from core.records.profile import Profile
    from ethosu_simulator.timing import Estimate

UNITS = ("mac", "output", "elementwise", "dma", "weights")


@click.command("estimate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--npu", default="", help="Profile name or TOML file: compiles an int8 or TOSA file; of a compiled one it must be its NPU."
)
@click.option("--memory", default="", help="mlek, mlek-off or a TOML file. Default: the profile's, mlek where it names none.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: one JSON object on stdout.")
@exits_cleanly
def estimate_command(file: Path, npu: str, memory: str, as_json: bool) -> None:
    """Estimate the NPU cycles and bus beats of FILE (TFLite, npz or .pte of Vela's; int8 TFLite and TOSA are compiled)."""
    if not file.is_file():
        raise UsageError(f"`{file}` does not exist", "a file that Vela compiled, or an int8 .tflite or .tosa file")
    profile = load_profile(npu) if npu else None
    if file_kind(file) == TOSA:
        profile = profile or load_profile(DEFAULT_PROFILE)
        with compiled_tosa(file, profile, VelaOptions()) as compiled:
            found, said = _estimated(compiled, profile, memory)
    elif _is_compiled(file):
        found, said = _estimated(file, profile, memory)
    else:
        profile = profile or load_profile(DEFAULT_PROFILE)
        with tempfile.TemporaryDirectory(prefix="ethos-bench-") as folder:
            compiled = compile_model(file, profile, Path(folder)).compiled.path
            found, said = _estimated(compiled, profile, memory)
    if as_json:
        say(json.dumps(found.document() | {"file": str(file), "memory_from": said}, indent=1))
    else:
        _show(SafeConsole(highlight=False), file, found, said)


def _is_compiled(file: Path) -> bool:
    """Whether Vela wrote the file."""
    if file_kind(file) != TFLITE:
        return True
    return any(operator.custom and operator.kind == "ethos-u" for operator in read_graph(file).operators)


def _estimated(file: Path, profile: Profile | None, memory: str) -> tuple[Estimate, str]:
    """(the estimate, where its memory comes from); our errors for the simulator's."""
    import ethosu_simulator
    from ethosu_simulator.timing import MemoryFileError, estimate

    said = "--memory" if memory else f"profile {profile.name}" if profile else "the NPU's own, no profile was named"
    try:
        found = estimate(file, memory=memory or (profile.timing_memory if profile else "mlek"))
    except MemoryFileError as error:
        raise UsageError(str(error), "a memory that fits the file", "ethos-bench estimate FILE --memory mlek") from error
    except ethosu_simulator.SimulatorError as error:
        raise ModelError(f"`{file.name}` cannot be estimated: {error}", "a file that Vela compiled") from error
    if profile is not None and found.npu != profile.accelerator_config:
        raise UsageError(
            f"`{file.name}` is compiled for {found.npu}, `--npu {profile.name}` is {profile.accelerator_config}",
            "the NPU that the file was compiled for, or no --npu",
        )
    return found, said


def _show(console: Console, file: Path, found: Estimate, said: str) -> None:
    """The totals and one row for each operation."""
    console.print(f"{file.name} on {found.npu}, memory {found.memory} ({said})")
    console.print(f"  active cycles  {found.active_cycles:,}   interval {found.low:,} .. {found.high:,}")
    console.print(f"  beats          {', '.join(f'{name} {count:,}' for name, count in found.beats.items())}")
    if found.cpu_operators:
        console.print(f"  the NPU's part  {found.cpu_operators} operators are left to the CPU and in no figure here")
    console.print(f"  trust          {found.trust}")
    streams = _streams(found)
    several = len(streams) > 1
    for number, cycles in streams.items() if several else ():
        console.print(f"  stream {number} of {len(streams)}  {cycles:,.0f} cycles")
    columns = (*(("stream",) if several else ()), "address", "operation", "cycles", "share", "bound by", *UNITS)
    table = Table(*columns, box=None, header_style="bold")
    for one in found.operations:
        share = one.cycles / max(1, found.active_cycles)
        cells = [f"{one.units[unit]:,.0f}" if one.units[unit] else "" for unit in UNITS]
        name = one.name.removeprefix("NPU_OP_").replace("_MODE", "").title()
        where = [str(one.stream)] if several else []
        table.add_row(*where, f"0x{one.address:06x}", name, f"{one.cycles:,.0f}", f"{share:.1%}", one.bound, *cells)
    console.print(table)


def _streams(found: Estimate) -> dict[int, float]:
    """Cycles by the number of the stream (of a program's delegate), from 1."""
    cycles: dict[int, float] = {}
    for one in found.operations:
        cycles[one.stream] = cycles.get(one.stream, 0.0) + one.cycles
    return cycles
