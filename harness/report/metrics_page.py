"""The table of docs/reference/metrics.md, made from the rows of metrics: `python -m harness.report.metrics_page`."""

from __future__ import annotations

from pathlib import Path

from core.files import write_whole
from core.metrics import FREE, METRICS, Metric

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
BEGIN = "<!-- made from core/metrics.py by `python -m harness.report.metrics_page` -->\n"
END = "<!-- end of what is made -->\n"
HEAD = "| metric | unit | shown in | better | evidence | what it says |\n|---|---|---|---|---|---|\n"


def metrics_table() -> str:
    """A row per metric, in the order of the rows."""
    return HEAD + "".join(map(_row, METRICS))


def with_table(page: str) -> str:
    """The page with its table made anew; ValueError when it has no place for one."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no place for the table: `{BEGIN.strip()}` to `{END.strip()}`")
    return before + BEGIN + metrics_table() + END + after


def _row(metric: Metric) -> str:
    better = "" if metric.better == "neither" else metric.better
    cells = (f"`{metric.name}`{_qualifiers(metric)}", metric.unit, metric.display.unit, better, metric.evidence, metric.meaning)
    return f"| {' | '.join(cells)} |\n"


def _qualifiers(metric: Metric) -> str:
    """What stands in a threshold's brackets: " (stat: median, p95; graph: float, int8)"."""
    stats = "any" if metric.stats == FREE else ", ".join(stat or "none" for stat in metric.stats)
    graphs = ", ".join(graph for graph in metric.graphs if graph)
    parts = [f"stat: {stats}" if metric.stats != ("",) else "", f"graph: {graphs}" if graphs else ""]
    told = "; ".join(filter(None, parts))
    return f" ({told})" if told else ""


def main() -> None:
    """Write the page anew."""
    write_whole(PAGE, with_table(PAGE.read_text("utf-8")))


if __name__ == "__main__":
    main()
