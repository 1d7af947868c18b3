"""A comparison of two runs as a person reads it, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from core.metrics import MISSING
from core.records.case_key import CaseKey
from core.records.measurement import Measurement, Value
from harness.history.changes import causes, grouped
from harness.history.run_comparison import Comparison, FigureComparison

COLOURS = {"better": "green", "faster": "green", "worse": "red", "slower": "red", "missing": "red", "undecided": "yellow"}
QUIET = ("same", "equivalent")
LONGEST_NOTE = 24
"""Letters of a note that has room in the table; longer ones stand below it."""


def comparison_tables(found: Comparison, *, everything: bool = False) -> Iterator[Table | str]:
    """Which runs, what changed between them, every figure that differs, and how many do not."""
    yield _runs_table(found)
    yield from _changes(found)
    shown = [judged for judged in found.judged if everything or (judged.decides and judged.outcome not in QUIET)]
    if shown:
        notes = list(dict.fromkeys(note for judged in shown if (note := _why(judged)) and len(note) > LONGEST_NOTE))
        yield _figures_table(shown, notes)
        yield from (escape(f"[{number}] {note}") for number, note in enumerate(notes, 1))
    for which, cases in (("A", found.only_first), ("B", found.only_second)):
        if cases:
            yield escape(f"only in {which}: {', '.join(map(str, cases))}")
    yield escape(summary(found))


def summary(found: Comparison) -> str:
    """How many figures of each outcome, those that only explain others left out."""
    counts: dict[str, int] = {}
    for judged in found.judged:
        if judged.decides:
            counts[judged.outcome] = counts.get(judged.outcome, 0) + 1
    verdict = "negative: look at what is worse, slower or missing" if found.negative else "nothing is worse, slower or missing"
    return f"{', '.join(f'{count} {outcome}' for outcome, count in counts.items())}: {verdict}"


def _runs_table(found: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Compared", title_justify="left", pad_edge=False)
    for heading in ("", "run", "started", "commit", "command"):
        table.add_column(heading, overflow="fold")
    for name, run in (("A", found.first), ("B", found.second)):
        header = run.header
        commit = header.commit[:12] + ("+" if header.dirty else "")
        table.add_row(name, *map(escape, (run.id, header.started[:16], commit, header.command)))
    return table


def _changes(found: Comparison) -> Iterator[str]:
    """What differs between the identities of the figures, with the models it applies to."""
    named = [(judged.key.case.model, change) for judged in found.judged for change in causes(judged.changes)]
    groups = grouped(named)
    models = list(dict.fromkeys(judged.key.case.model for judged in found.judged))
    yield "[bold]What changed between A and B[/bold]" if groups else "Nothing changed between A and B that a figure depends on"
    for change, of in groups.items():
        yield escape(f"  {change}  ({'all models' if of == models else ', '.join(of)})")
    changed = {judged.key.case.model for judged in found.judged if causes(judged.changes)}
    unchanged = [model for model in models if model not in changed]
    if groups and unchanged:
        yield escape(f"  nothing  ({', '.join(unchanged)})")


def _figures_table(shown: Sequence[FigureComparison], notes: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Figures", title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True)
    table.add_column("NPU", overflow="fold", min_width=7)
    table.add_column("figure", no_wrap=True)
    for heading in ("A", "B", "change"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("evidence", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("why", overflow="fold")
    every = list(dict.fromkeys(judged.key.case.profile for judged in shown))
    for row, profiles in merged(shown).items():
        *cells, outcome, note = row
        colour = COLOURS.get(outcome, "white")
        where = "all" if profiles == every and len(every) > 1 else ", ".join(name.removeprefix("ethos-") for name in profiles)
        why = f"[{notes.index(note) + 1}]" if note in notes else note
        table.add_row(cells[0], where, *map(escape, cells[1:]), f"[{colour}]{outcome}[/{colour}]", escape(why))
    return table


def merged(judged: Sequence[FigureComparison]) -> dict[tuple[str, ...], list[str]]:
    """Rows -> the profiles they hold for: figures that do not depend on the NPU stand once."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for one in judged:
        profiles = rows.setdefault(_row(one), [])
        if one.key.case.profile not in profiles:
            profiles.append(one.key.case.profile)
    return rows


def _row(judged: FigureComparison) -> tuple[str, ...]:
    figure = judged.second or judged.first
    assert figure
    texts = [figure_text(side) for side in (judged.first, judged.second)]
    change = change_text(judged)
    return (judged.key.case.model, str(judged.key), *texts, change, str(figure.evidence), judged.outcome, _why(judged))


def _why(judged: FigureComparison) -> str:
    if judged.shift and not judged.shift.why:
        shift = judged.shift
        return f"[{100 * shift.low:+.1f}, {100 * shift.high:+.1f}] %; {100 * shift.detectable:.1f} % would have been seen"
    return judged.note


def figure_text(figure: Measurement | None) -> str:
    """A figure with its unit, exact enough to tell two apart."""
    if figure is None:
        return MISSING
    if figure.unavailable:
        return "unavailable"
    number = figure.number
    if number is None:
        return ("yes" if figure.value else "no") if isinstance(figure.value, bool) else str(figure.value)
    if figure.unit == "us":
        return f"{number / 1e3:,.3f} ms"
    if figure.unit == "ratio":
        return f"{number:.4f}"
    return f"{number:,} B" if figure.unit == "bytes" else f"{number:,}"


def change_text(judged: FigureComparison) -> str:
    """B against A: points for ratios, per cent for amounts."""
    before, after = (figure.number if figure else None for figure in (judged.first, judged.second))
    if before is None or after is None or judged.second is None or judged.outcome == "not comparable":
        return MISSING
    if judged.second.unit == "ratio":
        return f"{after - before:+.4f}"
    return f"{100 * (after / before - 1):+.2f} %" if before else f"{after - before:+,}"


def comparison_json(found: Comparison) -> str:
    """The comparison as JSON: the runs, and for every figure both values, what changed and the outcome."""
    figures = [
        {
            **_case(judged.key.case),
            "metric": judged.key.metric,
            "stat": judged.key.stat,
            "graph": judged.key.graph,
            "a": _value(judged.first),
            "b": _value(judged.second),
            "outcome": judged.outcome,
            "negative": judged.negative,
            "changed": [{"part": c.part, "a": c.before, "b": c.after} for c in judged.changes],
            "note": judged.note,
        }
        for judged in found.judged
    ]
    return json.dumps(
        {"a": found.first.id, "b": found.second.id, "negative": bool(found.negative), "figures": figures}, indent=1
    )


def _case(case: CaseKey) -> dict[str, str]:
    build = {"build": case.build} if case.build else {}
    return {"variant": case.variant, **build, "profile": case.profile, "target": case.target}


def _value(figure: Measurement | None) -> Value | None:
    """The value, None when there is none."""
    return None if figure is None or figure.unavailable else figure.value
