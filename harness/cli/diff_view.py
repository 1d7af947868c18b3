"""What `ethos-bench diff` shows a person."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cli.saying import cell
from harness.workbench.layers.compare import Comparison, LayerRow

FLOAT_HEADINGS = ("max", "steps", "mean", "1 - cos")
SHORTEST_NAME, LONGEST_NAME = 14, 60
COLUMN_GAP = 2
TELLING = 12
"""Layers of the largest cosine error that are listed without --all."""


def show_comparison(
    console: Console, file: str, comparison: Comparison, tolerance: float, *, every: bool, floating: bool
) -> None:
    """A table of layers and the sentences that it comes to."""
    rows = comparison.rows if every else telling(comparison, tolerance)
    if rows:
        console.print(_table(rows, f"{file} for {comparison.profile}", tolerance, console.width, floating=floating))
    for line in sentences(comparison, tolerance, floating=floating, shown=len(rows)):
        console.print(line, soft_wrap=True)


def _table(rows: Sequence[LayerRow], title: str, tolerance: float, width: int, *, floating: bool) -> Table:
    """The rows as a table; layer names take what the other columns leave of the width."""
    headings = ["#", "operator", *(FLOAT_HEADINGS if floating else ()), "NPU = int8"]
    cells = [_cells(row, tolerance, floating=floating) for row in rows]
    columns = zip(headings, *cells, strict=True)
    taken = sum(max(Text.from_markup(cell).cell_len for cell in column) + COLUMN_GAP for column in columns)
    room = max(SHORTEST_NAME, min(LONGEST_NAME, width - taken))
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    for heading in [*headings[:2], "layer", *headings[2:]]:
        numeric = heading == "#" or heading in FLOAT_HEADINGS
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=True)
    for row, own in zip(rows, cells, strict=True):
        table.add_row(*own[:2], cell(_short(row.name, room)), *own[2:])
    return table


def telling(comparison: Comparison, tolerance: float) -> Sequence[LayerRow]:
    """The layers a reader wants first, in file order: departures, the largest errors, and the graph's last layers."""
    measured = [row for row in comparison.rows if row.quantisation]
    worst = sorted(measured, key=lambda row: row.quantisation.cosine if row.quantisation else 0.0, reverse=True)[:TELLING]
    special = (comparison.first_quantisation_departure(tolerance), comparison.largest_growth())
    chosen = {row.index for row in (*worst, *special) if row} | {row.index for row in comparison.rows if row.npu_differing}
    return [row for row in comparison.rows if row.index in chosen]


def _cells(row: LayerRow, tolerance: float, *, floating: bool) -> list[str]:
    cells = [str(row.index), row.operator]
    if floating and row.quantisation:
        found = row.quantisation
        colour = "yellow" if found.cosine > tolerance else "white"
        steps = "-" if row.steps is None else f"{row.steps:.1f}"
        cells += [f"{found.maximum:.3g}", steps, f"{found.mean:.2g}", f"[{colour}]{found.cosine:.2e}[/{colour}]"]
    elif floating:
        cells += ["-"] * 4
    return [*cells, _agreement(row)]


def _agreement(row: LayerRow) -> str:
    if row.npu_differing is None:
        return f"[dim]{row.unseen}[/dim]"
    if not row.npu_differing:
        return "[green]yes[/green]"
    share = f"{row.npu_differing} of {row.elements}"
    return f"[red]{share}[/red]" + (f", max {row.npu.maximum:.3g}" if row.npu else "")


def _short(name: str, room: int) -> str:
    """The end of a name, which tells layers apart; exporters put the path of modules in front."""
    parts = [part.rsplit(".", 1)[-1] for part in name.split(";;")[0].rstrip(";").split("/")]
    while len(parts) > 1 and len("/".join(parts)) > room:
        del parts[0]
    plain = "/".join(parts)
    return plain if len(plain) <= room else "…" + plain[-room + 1 :]


def sentences(comparison: Comparison, tolerance: float, *, floating: bool, shown: int) -> list[str]:
    """What the comparison comes to, in words."""
    total = len(comparison.rows)
    lines = [f"{shown} of {total} layers listed" + ("" if shown == total else " (--all lists every one)")]
    lines.append(comparison.ran)
    lines.append(_npu_sentence(comparison))
    if floating:
        lines += _float_sentences(comparison, tolerance)
    return lines


def _npu_sentence(comparison: Comparison) -> str:
    seen = sum(row.npu is not None for row in comparison.rows)
    fused = sum(row.npu is None and row.where == "fused" for row in comparison.rows)
    elided = sum(row.npu is None and row.where == "elided" for row in comparison.rows)
    inside = len(comparison.rows) - seen - fused - elided
    hidden = (
        f"unseen: {inside} whose command goes on with the next operator, {fused} fused into another's, {elided} without work"
    )
    first = comparison.first_npu_departure()
    if first:
        verdict = f"[red]NPU against int8: departs first at #{first.index} {first.operator}[/red]"
    elif comparison.outputs_differing:
        verdict = f"[red]NPU against int8: {comparison.outputs_differing} output values differ, in layers that are unseen[/red]"
    else:
        verdict = "[green]NPU against int8: every byte equal[/green]"
    return f"{verdict}, in {seen} layers that can be seen ({hidden})"


def _float_sentences(comparison: Comparison, tolerance: float) -> list[str]:
    measured = sum(row.quantisation is not None for row in comparison.rows)
    first, growth = comparison.first_quantisation_departure(tolerance), comparison.largest_growth()
    lines = []
    if not measured:
        return ["[red]int8 against float: no layer of the float file has the name of one here[/red]"]
    if first is None:
        lines.append(f"int8 against float: no layer departs by more than {tolerance:g} in cosine error ({measured} compared)")
    else:
        lines.append(f"int8 against float: departs first at #{first.index} {first.operator}, cosine error above {tolerance:g}")
    if growth and growth.quantisation:
        lines.append(f"the error grows most at #{growth.index} {growth.operator}, to {growth.quantisation.cosine:.2e}")
    return lines
