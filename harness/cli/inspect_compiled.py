"""`ethos-bench inspect` of a compiled file: the program, what is on the NPU, what is not, and how long the NPU takes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from harness.cli.inspect_view import counted, fit_line, size_text
from harness.cli.saying import cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from core.records.profile import MemoryArea
    from harness.cli.compiled_file import Compared, CompiledFile, StreamFacts

HIDDEN = "A compiled file does not hold the operators that its streams were made of: their share of the NPU is not in it."
MOST_SAID = 400
COLUMNS = ("operations", "MMACs", "stream", "constants", "scratch", "fast scratch")


def compiled_document(found: CompiledFile) -> dict[str, Any]:
    """What JSON holds."""
    return {
        "schema": 1,
        "file": {
            "path": str(found.path),
            "sha256": found.sha256,
            "kind": found.kind,
            "methods": found.methods,
            "inputs": found.inputs,
            "outputs": found.outputs,
        },
        "npu": found.npu,
        "profile": found.profile.name,
        "streams": [asdict(stream) | {"compiled_with": dict(stream.compiled_with)} for stream in found.streams],
        "cpu_operators": dict(found.left),
        "estimate": found.estimate.document(),
        "source_operators": dict(found.source),
        "compared": asdict(found.compared) if found.compared else None,
    }


def show_compiled(console: Console, found: CompiledFile) -> None:
    """The facts as text."""
    console.print(f"[bold]{cell(found.path.name)}[/bold]  {found.kind}, SHA-256 {found.sha256[:12]}", soft_wrap=True)
    for line in _lines(found):
        console.print(line, soft_wrap=True)
    console.print(_streams(found))
    for name, count in found.left.items():
        console.print(f"[bold red]cpu[/bold red]  {count} x {cell(name)}", soft_wrap=True)
    console.print(HIDDEN, soft_wrap=True)


def _lines(found: CompiledFile) -> Iterator[str]:
    if len(found.methods) > 1:
        yield f"  methods     {cell(', '.join(found.methods))}: the first is looked at"
    for side, tensors in (("input", found.inputs), ("output", found.outputs)):
        yield from (f"  {side:<11} {cell(said)}" for said in tensors)
    yield f"  NPU         {found.npu}, read from the stream; clock and budgets of profile {cell(found.profile.name)}"
    kernels = sum(found.left.values())
    share = f"{len(found.streams) / found.steps:.1%} of the program's {found.steps} steps by count"
    yield f"  on the NPU  {counted(len(found.streams), 'stream')}, {counted(kernels, 'operator')} left to the CPU: {share}"
    if found.source:
        yield "  made of     " + ", ".join(f"{count} {kind}" for kind, count in found.source.items())
    yield from _memory(found)
    yield _time(found)
    yield _bytes(found.compared)
    for text in dict.fromkeys(_flags(stream) for stream in found.streams):
        if text:
            yield f"  made with   {cell(text)}"


def _memory(found: CompiledFile) -> Iterator[str]:
    """One line per memory; every delegate has the same scratch in turn, so the largest counts."""
    profile = found.profile
    needs: dict[MemoryArea, int] = {}
    arena = max(stream.scratch_bytes for stream in found.streams)
    constants = sum(stream.constant_bytes + stream.stream_bytes for stream in found.streams)
    for area, need in ((profile.arena_area, arena), (profile.constants_area, constants)):
        needs[area] = needs.get(area, 0) + need
    for area, need in needs.items():
        yield fit_line(area, need, profile.budget)
    fast = max(stream.fast_scratch_bytes for stream in found.streams)
    if fast:
        yield f"  memory      {size_text(fast)} of fast scratch"


def _time(found: CompiledFile) -> str:
    estimate, clock_hz = found.estimate, found.profile.clock_hz

    def ms(cycles: int) -> str:
        return f"{cycles / clock_hz * 1e3:.3f}"

    part = "; the operators on the CPU come on top and are in no figure" if found.left else ""
    trust = "" if estimate.validated else f" (not validated: {estimate.why_not})"
    interval = f"{ms(estimate.low)} .. {ms(estimate.high)} ms"
    return (
        f"  latency     {ms(estimate.active_cycles)} ms at {clock_hz / 1e6:.0f} MHz, our estimate, interval {interval}, "
        f"memory {estimate.memory}{trust}{part}"
    )


def _bytes(compared: Compared | None) -> str:
    if compared is None:
        return "  bytes       not compared: --tosa FILE names the graph that the stream was made of"
    said = f"{compared.bytes:,} bytes of {counted(compared.runs, 'input')} of noise, against the {compared.reference}"
    if compared.differing:
        return f"  bytes       [bold red]{compared.differing:,} differ[/bold red] of {said}"
    return f"  bytes       [green]equal[/green]: {said}"


def _flags(stream: StreamFacts) -> str:
    return stream.compiled_with.get("compile_flags", "")[:MOST_SAID]


def _streams(found: CompiledFile) -> Table:
    table = Table("#", *COLUMNS, box=None, padding=(0, 1, 0, 0))
    for number, stream in enumerate(found.streams, 1):
        sizes = (stream.stream_bytes, stream.constant_bytes, stream.scratch_bytes, stream.fast_scratch_bytes)
        table.add_row(str(number), f"{stream.operations:,}", f"{stream.macs / 1e6:,.2f}", *map(size_text, sizes))
    for column in table.columns[1:]:
        column.justify = "right"
    return table
