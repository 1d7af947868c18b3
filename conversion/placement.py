"""Where every source operator went: read from Vela's debug database, checked against the compiled file and our MAC count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from conversion.vela_outputs import CPU_COMMAND, Command, DebugDatabase, Reasons
from core.errors import CompileError
from core.records.placement import PlacedOperator, Placement, Where
from core.records.unavailable import Unavailable
from core.tflite.graph import Operator, TfliteGraph
from core.tflite.macs import MAC_KINDS

NPU_OPERATOR = "ethos-u"
NO_REASON = "Vela gives no reason"
MAC_TOLERANCE = 1e-3
LAYOUT_KINDS = frozenset(
    {
        "CONCATENATION", "EXPAND_DIMS", "GATHER", "PACK", "RESHAPE", "SLICE", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE",
        "TILE", "TRANSPOSE", "UNPACK", "CONCAT", "IDENTITY", "REVERSE",
    }
)  # fmt: skip
"""Operators of TFLite and TOSA that only say where data lies: without a command of their own they are elided, not fused."""
COUNTED_KINDS = MAC_KINDS | {"CONV2D", "DEPTHWISE_CONV2D", "MATMUL"}
"""Operators of TFLite, and of TOSA, whose multiply-accumulates Vela and we count."""
UNCOUNTED_KINDS = frozenset({"TRANSPOSE_CONV"})
"""Vela computes these over zeros that it inserts (or splits them by phase) and counts more MACs than the definition has."""
NPU_DILATION = 2
"""Convolutions of a larger dilation are compiled with zeros inside their kernels, which Vela counts."""


def placement(graph: TfliteGraph, compiled: TfliteGraph, database: DebugDatabase, reasons: Reasons) -> Placement:
    """The place of every operator of `graph`, the source of `compiled`.

    executed: the NPU's queue holds a command of its own. fused: Vela scheduled it into another operator's command (activations,
    look-up tables), or folded it in (padding, requantisation). elided: no work is left of it (layout only, or no output of the
    graph depends on it). cpu: it is in the compiled file.
    CompileError when debug database, compiled file and our MAC count contradict each other.
    """
    left = _cpu_operators(graph, compiled, database)
    places = {operator.index: _where(operator, left, database, graph.live) for operator in graph.operators}
    commands: dict[int, list[Command]] = defaultdict(list)
    for command in database.commands:
        commands[command.source].append(command)
    placed = tuple(
        _placed(operator, places[operator.index], database, commands[operator.index], reasons) for operator in graph.operators
    )
    _check_against_compiled(graph, left, compiled)
    limits: tuple[str, ...] = ()
    if database.has_performance:
        _check_macs(graph, placed, database)
    else:
        limits = (
            "this Vela writes no performance table: no cycles per operator, and its MACs could not be checked against ours",
            "this Vela's debug database does not name CPU operators: they are those that the compiled file still holds",
        )
    return Placement(placed, _crossings(compiled), limits)


def _placed(
    operator: Operator, where: Where, database: DebugDatabase, commands: Sequence[Command], reasons: Reasons
) -> PlacedOperator:
    reason = (reasons.of(operator.kind, operator.output_name) or NO_REASON) if where == "cpu" else ""
    silent = Unavailable("this Vela writes no performance table")
    known = database.has_performance
    return PlacedOperator(
        index=operator.index,
        operator=operator.kind,
        name=operator.output_name,
        where=where,
        macs=operator.macs,
        npu_cycles=sum(command.cycles for command in commands) if known else silent,
        reason=reason,
        commands=database.queue.get(operator.index, ()),
        compute_cycles=_over(sum, (command.compute_cycles for command in commands)) if known else silent,
        staging_bytes=_over(max, (command.staging_bytes for command in commands)) if known else silent,
    )


def _over(reduce: Callable[[list[int]], int], figures: Iterable[int | None]) -> int | Unavailable:
    """A figure of an operator from those of its commands; 0 for an operator without any."""
    known = list(figures)
    numbers = [figure for figure in known if figure is not None]
    if len(numbers) < len(known):
        return Unavailable("this Vela's performance table has no such column")
    return reduce(numbers) if numbers else 0


def _where(operator: Operator, left: frozenset[int], database: DebugDatabase, live: frozenset[int]) -> Where:
    if operator.index in left:
        return "cpu"
    if operator.index in database.queued:
        return "executed"
    if operator.index in database.scheduled:
        return "fused"
    folded = operator.index in database.known and operator.index in live and operator.kind not in LAYOUT_KINDS
    return "fused" if folded else "elided"


def _cpu_operators(graph: TfliteGraph, compiled: TfliteGraph, database: DebugDatabase) -> frozenset[int]:
    """Indices of the source operators that stay on the CPU."""
    if database.has_performance:
        return database.passed_through
    remaining = {(operator.kind, operator.output_name) for operator in compiled.operators if not _on_npu(operator)}
    return frozenset(operator.index for operator in graph.operators if (operator.kind, operator.output_name) in remaining)


def _on_npu(operator: Operator) -> bool:
    return operator.custom and operator.kind == NPU_OPERATOR


def _check_against_compiled(graph: TfliteGraph, left: frozenset[int], compiled: TfliteGraph) -> None:
    """The operators that the compiled file holds beside `ethos-u` must be those of the debug database, by kind and number."""
    expected = Counter(operator.kind for operator in graph.operators if operator.index in left)
    found = Counter(operator.kind for operator in compiled.operators if not _on_npu(operator))
    if expected != found:
        raise CompileError(
            f"`{compiled.name}` leaves {_listed(found)} to the CPU, Vela's debug database {_listed(expected)}",
            "the same operators in both",
        )


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no operator"


def _check_macs(graph: TfliteGraph, placed: Iterable[PlacedOperator], database: DebugDatabase) -> None:
    """Our MACs of the operators that the NPU computes must be Vela's, within MAC_TOLERANCE."""
    compared = {
        operator.index
        for operator, place in zip(graph.operators, placed, strict=True)
        if place.where in ("executed", "fused") and _counted_alike(operator)
    }
    ours = sum(operator.macs for operator in graph.operators if operator.index in compared)
    vela = sum(command.macs for command in database.commands if command.source in compared and command.operation != CPU_COMMAND)
    if abs(ours - vela) > MAC_TOLERANCE * max(ours, vela):
        raise CompileError(
            f"`{graph.name}` has {ours} multiply-accumulates on the NPU by our count and {vela} by Vela's",
            f"counts within {MAC_TOLERANCE:.1%}",
        )


def _counted_alike(operator: Operator) -> bool:
    """Whether Vela's count of the operator follows the definition that ours does."""
    dilations = (operator.options.get("dilationHFactor", 1), operator.options.get("dilationWFactor", 1))
    inflated = any(isinstance(dilation, int) and dilation > NPU_DILATION for dilation in dilations)
    return operator.kind in COUNTED_KINDS - UNCOUNTED_KINDS and not inflated


def _crossings(compiled: TfliteGraph) -> int:
    """How often execution passes from an NPU operator to a CPU one or back, in file order, which is execution order."""
    sides = [_on_npu(operator) for operator in compiled.operators]
    return sum(before != after for before, after in pairwise(sides))
