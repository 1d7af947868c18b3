"""How `ethos-bench inspect` prints what it found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from conversion.compilation_findings import compilation_findings
from conversion.placement import LAYOUT_KINDS
from conversion.suggestions import Check, Suggestion, kinds_of
from core.records.artefact import Compilation
from core.records.placement import PlacedOperator, Placement, Where
from core.records.profile import MemoryBudget
from core.records.unavailable import Unavailable
from core.tflite.graph import Tensor, TfliteGraph
from harness.cli.saying import cell

PLACES: tuple[Where, ...] = ("executed", "fused", "elided", "cpu")
FINGERPRINT_DIGITS = 16
REASONS_SHOWN = 12
KIBIBYTE = 2**10
MEBIBYTE = 2**20
COSTLY_LAYOUT_SHARE = 0.1


def show_file(console: Console, file: Path, graph: TfliteGraph) -> None:
    """Print what the file is, before any compiler has seen it."""
    activations = ", ".join(f"{kind} after {count} convolutions" for kind, count in graph.activations.most_common())
    console.print(f"[bold]{cell(file.name)}[/bold]")
    console.print(f"  operators   {len(graph.operators)}, {graph.macs / 1e6:,.1f} million MACs")
    console.print(f"  weights     {graph.weights[:FINGERPRINT_DIGITS]}   graph {graph.structure[:FINGERPRINT_DIGITS]}")
    console.print(f"  activation  {activations or 'none'}")
    for side, tensors in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in tensors:
            console.print(f"  {side:<11} {_tensor(tensor)}", soft_wrap=True)


def _tensor(tensor: Tensor) -> str:
    shape = " x ".join(str(size) for size in tensor.shape)
    scale = (
        f", scale {tensor.scales[0]:.6g}, zero point {tensor.zero_points[0]}" if tensor.scales and tensor.zero_points else ""
    )
    return cell(f"{tensor.name or '(no name)'}: {tensor.dtype} {shape}{scale}")


def show_finding(console: Console, finding: str) -> None:
    """Print one finding so that it is not overlooked."""
    console.print(f"[bold yellow]finding:[/bold yellow] {cell(finding)}", soft_wrap=True)


def show_profile(console: Console, compilation: Compilation, suggestions: tuple[Suggestion, ...], *, every: bool) -> None:
    """Print placement, memory, estimate and ways out for one profile."""
    profile, placement = compilation.profile, compilation.placement
    console.print()
    console.print(
        f"[bold]{cell(profile.name)}[/bold]  Vela {cell(compilation.vela_version)}, "
        f"{profile.system_config}, {profile.memory_mode}",
        soft_wrap=True,
    )
    counts = ", ".join(f"{placement.count(place)} {place}" for place in PLACES)
    console.print(f"  placement   {len(placement.operators)} operators: {counts}", soft_wrap=True)
    console.print(f"  on the NPU  {_shares(placement)}", soft_wrap=True)
    for line in (*_memory(compilation), _latency(compilation)):
        console.print(line, soft_wrap=True)
    for limit in placement.limits:
        console.print(f"  limit       {cell(limit)}", soft_wrap=True)
    for finding in compilation_findings(compilation):
        show_finding(console, finding)
    console.print(_every_operator(placement) if every else _by_kind(placement))
    for kind, share in _costly_layout(placement):
        show_finding(
            console, f"{kind} only moves data and takes {share:.0%} of Vela's cycles: try the graph cut before its decoding"
        )
    _show_cpu(console, placement.cpu)
    for suggestion in suggestions:
        _show_suggestion(console, suggestion)


def _shares(placement: Placement) -> str:
    cycles = placement.cycle_share
    told = (
        "cycles unavailable"
        if isinstance(cycles, Unavailable)
        else f"{cycles:.1%} of Vela's cycles (it counts none on the CPU)"
    )
    share = f"{placement.operator_share:.1%} of operators, {placement.mac_share:.1%} of MACs"
    return f"{share}, {told}; {counted(placement.crossings, 'crossing')} between NPU and CPU"


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it has one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size_text(size_bytes: int) -> str:
    """Bytes in the largest unit that leaves a whole number in front."""
    for unit, name in ((MEBIBYTE, "MiB"), (KIBIBYTE, "KiB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.2f} {name}"
    return f"{size_bytes} B"


def _latency(compilation: Compilation) -> str:
    """The estimate, called what it is: of one inference, of the NPU's part of it, or none."""
    whole, part = compilation.estimated_us, compilation.npu_estimated_us
    clock = f"at {compilation.profile.clock_hz / 1e6:.0f} MHz, estimated by Vela"
    if not isinstance(whole, Unavailable):
        return f"  latency     {whole / 1e3:.2f} ms {clock}"
    if isinstance(part, Unavailable):
        return f"  latency     [bold red]none: {part.reason}[/bold red]"
    return f"  latency     unknown: {whole.reason}; the NPU's part alone {part / 1e3:.2f} ms {clock}"


def _memory(compilation: Compilation) -> Iterable[str]:
    """One line per memory that is used or has a budget; none when the NPU runs nothing, since Vela plans nothing then."""
    budget = compilation.profile.budget
    if isinstance(compilation.npu_estimated_us, Unavailable):
        return
    for area, need in compilation.estimate.memory_bytes.items():
        if not need and area not in budget:
            continue
        yield fit_line(area, need, budget)


def fit_line(area: str, need: int, budget: Mapping[Any, MemoryBudget]) -> str:
    """What is needed of a memory beside what the platform has of it."""
    size = f"  memory      {size_text(need)} of {area}"
    if area not in budget:
        return f"{size}, for which the profile has no budget"
    fits = "[green]fits[/green]" if need <= budget[area].bytes else "[bold red]does not fit[/bold red]"
    return f"{size}, the platform has {size_text(budget[area].bytes)}: {fits}"


def _cycles(operators: Iterable[PlacedOperator]) -> int | None:
    """The sum of cycles, None when this Vela gives none per operator."""
    known = [operator.npu_cycles for operator in operators]
    return None if any(isinstance(cycles, Unavailable) for cycles in known) else sum(c for c in known if isinstance(c, int))


def _by_kind(placement: Placement) -> Table:
    """One row per operator kind, the most expensive first; MACs in millions, cycles in thousands."""
    table = Table("operator", *PLACES, "MMACs", "kcycles", "share", box=None, padding=(0, 1, 0, 0))
    kinds: dict[str, list[PlacedOperator]] = {}
    for operator in placement.operators:
        kinds.setdefault(operator.operator, []).append(operator)
    rows = [(kind, operators, _cycles(operators)) for kind, operators in kinds.items()]
    total = sum(cycles or 0 for _, _, cycles in rows)
    for kind, operators, cycles in sorted(rows, key=lambda row: -(row[2] or 0)):
        counts = [sum(operator.where == place for operator in operators) for place in PLACES]
        macs = sum(operator.macs for operator in operators)
        table.add_row(
            cell(kind),
            *(str(count) if count else "" for count in counts),
            _short(macs / 1e6) if macs else "",
            "?" if cycles is None else _short(cycles / 1e3),
            f"{cycles / total:.1%}" if cycles else "",
        )
    for column in table.columns[1:]:
        column.justify = "right"
    for column in table.columns:
        column.no_wrap = True
    return table


def _short(number: float) -> str:
    return f"{number:,.1f}" if number >= 1 or not number else f"{number:.2g}"


def _costly_layout(placement: Placement) -> Iterable[tuple[str, float]]:
    """Kinds that compute nothing and yet take more than COSTLY_LAYOUT_SHARE of Vela's cycles, with their share."""
    total = placement.npu_cycles
    if isinstance(total, Unavailable) or not total:
        return
    for kind in sorted({operator.operator for operator in placement.operators} & LAYOUT_KINDS):
        cycles = _cycles(operator for operator in placement.operators if operator.operator == kind) or 0
        if cycles > COSTLY_LAYOUT_SHARE * total:
            yield kind, cycles / total


def _every_operator(placement: Placement) -> Table:
    """One row per source operator, in file order."""
    table = Table("#", "operator", "place", "MACs", "cycles", "output", box=None, padding=(0, 1))
    for operator in placement.operators:
        cycles = operator.npu_cycles
        table.add_row(
            str(operator.index),
            cell(operator.operator),
            operator.where,
            f"{operator.macs:,}" if operator.macs else "",
            "?" if isinstance(cycles, Unavailable) else f"{cycles:,}",
            cell(operator.name),
        )
    return table


def _show_cpu(console: Console, operators: tuple[PlacedOperator, ...]) -> None:
    for operator in operators[:REASONS_SHOWN]:
        name = f"{operator.operator} `{operator.name}`"
        console.print(f"[bold red]cpu[/bold red]  #{operator.index} {cell(name)}: {cell(operator.reason)}", soft_wrap=True)
    if len(operators) > REASONS_SHOWN:
        console.print(f"     and {len(operators) - REASONS_SHOWN} more (--json lists every operator with its reason)")


def _show_suggestion(console: Console, suggestion: Suggestion) -> None:
    kinds = cell(kinds_of(suggestion.operators))
    console.print(f"[bold cyan]suggestion[/bold cyan] for {kinds}: {cell(suggestion.text)}", soft_wrap=True)
    if suggestion.check is None:
        console.print("     not checked: it needs the model's source", soft_wrap=True)
        return
    console.print(f"     {cell(_answer(suggestion.check, exact=suggestion.exact))}", soft_wrap=True)


def _answer(check: Check, *, exact: bool) -> str:
    if check.problem:
        return f"checked: no answer, {check.problem}"
    numbers = "the same numbers" if exact else "other numbers: check the accuracy"
    return (
        f"checked by compiling a changed copy ({numbers}): {check.cpu_before} -> {check.cpu_after} CPU operators, "
        f"{check.crossings_before} -> {check.crossings_after} crossings, "
        f"{check.latency_us_before / 1e3:.3f} -> {check.latency_us_after / 1e3:.3f} ms estimated on the NPU"
    )
