"""What `ethos-bench inspect --rules` finds and prints: a file judged by the published rules of a piece of hardware."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from conversion.rules.devices import Device
from conversion.rules.judgement import Judgement, Place, judged
from conversion.rules.splits import SplitSuggestion, split_suggestion
from core.errors import ModelError
from core.tflite.graph import BrokenModel
from harness.cli.saying import cell

PLACES: tuple[Place, ...] = ("executed", "folded", "refused")
REASONS_SHOWN = 20


@dataclass(frozen=True)
class JudgedFile:
    """A file's judgement by one device, and what SPLITs would change."""

    judgement: Judgement
    split: SplitSuggestion | None


def judge_file(file: Path, devices: Sequence[Device]) -> tuple[JudgedFile, ...]:
    """The file judged by each device; ModelError when it is no TFLite file."""
    if not devices:
        return ()
    try:
        data = file.read_bytes()
        judgements = [judged(data, file.name, device) for device in devices]
        return tuple(JudgedFile(judgement, split_suggestion(data, file.name, judgement)) for judgement in judgements)
    except OSError as error:
        raise ModelError(f"`{file}` cannot be read: {error.strerror or error}", "a .tflite file") from error
    except BrokenModel as error:
        raise ModelError(error.found, error.expected) from error


def show_rules(console: Console, found: JudgedFile, *, every: bool) -> None:
    """Print operators, MACs and pieces together, each refusal with its reason, and the checked suggestion."""
    judgement = found.judgement
    taken, layers = judgement.layers
    console.print()
    console.print(
        f"[bold]{cell(judgement.device.name)}[/bold]  by the rules of {cell(judgement.device.version)}: nothing ran",
        soft_wrap=True,
    )
    console.print(f"  on the NPU  {shares(judgement)}", soft_wrap=True)
    console.print(
        f"  layers      {taken} of {layers}: a fused activation is one of its own, a folded PAD is none", soft_wrap=True
    )
    console.print(_every_operator(judgement) if every else _by_kind(judgement))
    _show_refused(console, judgement)
    if found.split:
        console.print(f"[bold cyan]suggestion[/bold cyan] {cell(split_text(found.split))}", soft_wrap=True)


def shares(judgement: Judgement) -> str:
    """Operators, MACs and pieces in one line: the share of operators alone says little."""
    pieces = len(judgement.pieces)
    return (
        f"{judgement.taken} of {len(judgement.operators)} operators ({judgement.operator_share:.1%}), "
        f"{judgement.mac_share:.2%} of MACs, in {pieces} {'piece' if pieces == 1 else 'pieces'}"
    )


def split_text(split: SplitSuggestion) -> str:
    """What the suggestion would change, and how that is known."""
    pieces = f"{split.pieces} {'piece' if split.pieces == 1 else 'pieces'}"
    return (
        f"one SPLIT for each chunk: {split.splits} in place of {split.slices} slices. Then {split.taken} of the "
        f"{split.operators} operators are taken, {split.mac_share:.2%} of MACs, in {pieces}: checked by rewriting a copy, "
        "which computes the same numbers, and judging it again"
    )


def rules_document(found: JudgedFile) -> dict[str, Any]:
    """The same as plain data."""
    split = found.split
    suggestion = split and {
        "slices": split.slices,
        "splits": split.splits,
        "operators_taken": split.taken,
        "operators": split.operators,
        "mac_share": split.mac_share,
        "pieces": split.pieces,
        "rewritten": split.after.to_json(),
    }
    return found.judgement.to_json() | {"split_suggestion": suggestion}


def _by_kind(judgement: Judgement) -> Table:
    """One row per kind of operator, the most frequent first."""
    table = Table("operator", *PLACES, "MMACs", box=None, padding=(0, 1, 0, 0))
    for kind, count in Counter(operator.operator for operator in judgement.operators).most_common():
        same = [operator for operator in judgement.operators if operator.operator == kind]
        counts = [sum(operator.where == place for operator in same) for place in PLACES]
        macs = sum(operator.macs for operator in same) / 1e6
        assert sum(counts) == count
        table.add_row(cell(kind), *(str(number or "") for number in counts), f"{macs:,.1f}" if macs else "")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _every_operator(judgement: Judgement) -> Table:
    table = Table("#", "operator", "place", "MACs", "output", box=None, padding=(0, 1))
    for operator in judgement.operators:
        macs = f"{operator.macs:,}" if operator.macs else ""
        table.add_row(str(operator.index), cell(operator.operator), operator.where, macs, cell(operator.name))
    return table


def _show_refused(console: Console, judgement: Judgement) -> None:
    """One line per kind and reason, with the number of operators and the first of them."""
    grouped: dict[tuple[str, str], list[int]] = {}
    for operator in judgement.refused:
        grouped.setdefault((operator.operator, operator.reason), []).append(operator.index)
    for (kind, reason), indices in list(grouped.items())[:REASONS_SHOWN]:
        console.print(
            f"[bold red]refused[/bold red]  {len(indices)} {cell(kind)} (#{indices[0]}): {cell(reason)}", soft_wrap=True
        )
    if len(grouped) > REASONS_SHOWN:
        console.print(f"     and {len(grouped) - REASONS_SHOWN} reasons more (--json lists every operator with its reason)")
