"""What would move the CPU's operators to the NPU, asked of Vela wherever the change can be made on a copy of the file."""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from conversion.rewrites import AS_RELU, PAD_THEN_VALID, SQUARE_AS_PRODUCT, WITHOUT_ISLAND, ModelCopy, Rewrite
from conversion.vela import compile_model, vela_executable, vela_version
from conversion.vela_options import INSTALLED, VelaOptions
from core.errors import EthosBenchError
from core.records.artefact import Compilation
from core.records.placement import PlacedOperator


@dataclass(frozen=True)
class Check:
    """What Vela made of a changed copy, against the file as it is: CPU operators, crossings, estimated latency.

    `problem` says why there is no answer; the figures are then those of the file as it is.
    """

    cpu_before: int
    cpu_after: int
    crossings_before: int
    crossings_after: int
    latency_us_before: float
    latency_us_after: float
    problem: str = ""

    @property
    def helps(self) -> bool:
        """Whether fewer operators stay on the CPU."""
        return not self.problem and self.cpu_after < self.cpu_before


@dataclass(frozen=True)
class Suggestion:
    """One way out for operators of the same kind with the same reason.

    `exact`: the changed model computes the same numbers. `check` is None where the change cannot be made on the compiled
    model's source alone (it needs the training framework or a conversion).
    """

    operators: tuple[PlacedOperator, ...]
    text: str
    exact: bool = False
    check: Check | None = None


@dataclass(frozen=True)
class Rule:
    """Applies where the operator's kind and Vela's reason match; the first rule that does speaks."""

    kinds: frozenset[str]
    reason: str
    text: str
    rewrite: Rewrite | None = None

    def applies(self, operator: PlacedOperator) -> bool:
        """Whether this rule speaks about the operator."""
        return (not self.kinds or operator.operator in self.kinds) and re.search(self.reason, operator.reason) is not None


def _rule(kinds: str, reason: str, text: str, rewrite: Rewrite | None = None) -> Rule:
    return Rule(frozenset(kinds.split()), reason, text, rewrite)


RULES = (
    _rule(
        "QUANTIZE", "clips a QUANTIZE to uint8",
        "end the file in int8, or compile with Vela 5.1, which does not clip: ethos-bench run --vela path/to/vela",
    ),
    _rule(
        "DEQUANTIZE QUANTIZE", "",
        "it borders a float island: quantise the operators between DEQUANTIZE and QUANTIZE, and it disappears",
    ),
    _rule("", "unsupported DataType Float|missing quantization parameters", WITHOUT_ISLAND.text, WITHOUT_ISLAND),
    _rule("CONV_2D DEPTHWISE_CONV_2D", "kernel stride|Strides must|Stride", PAD_THEN_VALID.text, PAD_THEN_VALID),
    _rule("MAX_POOL_2D AVERAGE_POOL_2D", "kernel", "pool with VALID padding, or in two smaller steps"),
    _rule("SQUARE", "", SQUARE_AS_PRODUCT.text, SQUARE_AS_PRODUCT),
    _rule("DIV", "", "multiply with the reciprocal: a constant divisor becomes a MUL by a constant"),
    _rule("ARG_MAX", "[Aa]xis|depth axis", "transpose so that the axis is the last one, or take the maximum on the host"),
    _rule("RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR", "", "resize by 2, 4 or 8, several times if needed"),
    _rule(
        "TRANSPOSE", "",
        "convert with channel-last input and output, or cut the graph before the decoding: ethos-bench run --cut raw",
    ),
    _rule("", "Unsupported opType|CPU only op", AS_RELU.text, AS_RELU),
    _rule("", "", "change the operator so that it keeps the constraint above, or compute it on the host after the graph"),
)  # fmt: skip


def suggest(model: Path, compilation: Compilation, vela: VelaOptions = INSTALLED) -> tuple[Suggestion, ...]:
    """One suggestion for every kind and reason of CPU operator, checked by compiling a changed copy where that can be done.

    A Vela of another version than ours is asked about first: where ours keeps fewer operators on the CPU, the newer compiler
    is the suggestion for all of them.
    """
    if not compilation.placement.cpu:
        return ()
    newer = _newer_vela(model, compilation, vela) if vela.vela else None
    by_rule: dict[Rule, list[PlacedOperator]] = {}
    for operator in compilation.placement.cpu:
        by_rule.setdefault(next(rule for rule in RULES if rule.applies(operator)), []).append(operator)
    found = tuple(
        suggestion
        for rule, operators in by_rule.items()
        for suggestion in _suggestions(model, compilation, rule, operators, vela)
    )
    return (newer, *found) if newer else found


def _suggestions(
    model: Path, compilation: Compilation, rule: Rule, operators: list[PlacedOperator], vela: VelaOptions
) -> Iterator[Suggestion]:
    """One for the operators that a changed copy answers for, one for those that could not be changed on a copy."""
    if rule.rewrite is None:
        yield Suggestion(tuple(operators), rule.text)
        return
    try:
        copy = ModelCopy(model.read_bytes())
        changed = [operator for operator in operators if rule.rewrite.apply(copy, operator.index)]
        data = copy.to_bytes() if changed else b""
    except (struct.error, ValueError, TypeError, LookupError, AttributeError) as error:
        check = _unanswered(compilation, f"the copy could not be changed ({type(error).__name__})")
        yield Suggestion(tuple(operators), rule.text, check=check)
        return
    if changed:
        yield Suggestion(tuple(changed), rule.text, rule.rewrite.exact, _check(data, compilation, vela))
    left = tuple(operator for operator in operators if operator not in changed)
    if left:
        yield Suggestion(left, rule.text)


def _check(data: bytes, compilation: Compilation, vela: VelaOptions) -> Check:
    """Vela's answer on a changed file."""
    with tempfile.TemporaryDirectory(prefix="ethos-bench-") as folder:
        path = Path(folder) / "changed.tflite"
        path.write_bytes(data)
        try:
            after = compile_model(path, compilation.profile, Path(folder) / "out", vela.vela, vela.arguments())
        except EthosBenchError as error:
            return _unanswered(compilation, error.found)
    return _compared(compilation, after)


def _newer_vela(model: Path, compilation: Compilation, vela: VelaOptions) -> Suggestion | None:
    """Our own Vela in place of the user's, when that leaves less on the CPU."""
    version = vela_version(vela_executable())
    if version == compilation.vela_version:
        return None
    check = _check(model.read_bytes(), compilation, replace(vela, vela=""))
    if not check.helps:
        return None
    text = f"compile with Vela {version} instead of {compilation.vela_version}, if the board's driver takes its command streams"
    return Suggestion(compilation.placement.cpu, text, True, check)


def _compared(before: Compilation, after: Compilation) -> Check:
    return Check(
        cpu_before=len(before.placement.cpu),
        cpu_after=len(after.placement.cpu),
        crossings_before=before.placement.crossings,
        crossings_after=after.placement.crossings,
        latency_us_before=before.estimate.counted_us,
        latency_us_after=after.estimate.counted_us,
    )


def _unanswered(compilation: Compilation, problem: str) -> Check:
    count, crossings, latency_us = (
        len(compilation.placement.cpu), compilation.placement.crossings, compilation.estimate.counted_us,
    )  # fmt: skip
    return Check(
        cpu_before=count,
        cpu_after=count,
        crossings_before=crossings,
        crossings_after=crossings,
        latency_us_before=latency_us,
        latency_us_after=latency_us,
        problem=problem,
    )


def kinds_of(operators: Iterable[PlacedOperator]) -> str:
    """The kinds with their numbers, for a heading: "3 LEAKY_RELU, 1 FLOOR"."""
    counts: dict[str, int] = {}
    for operator in operators:
        counts[operator.operator] = counts.get(operator.operator, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
