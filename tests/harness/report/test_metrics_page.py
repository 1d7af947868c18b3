"""The reference of metrics is made from their rows."""

from __future__ import annotations

import pytest

from core.metrics import METRICS
from harness.report.metrics_page import PAGE, metrics_table, with_table


def test_the_page_has_the_table_that_the_rows_make() -> None:
    """`python -m harness.report.metrics_page` writes it anew."""
    text = PAGE.read_text("utf-8")
    assert with_table(text) == text


def test_every_metric_is_a_row_with_what_a_threshold_names() -> None:
    rows = metrics_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [metric.name for metric in METRICS]
    (latency,) = [row for row in rows if row.startswith("| `latency_us`")]
    assert "(stat: median, p95, min, mean) | us | ms | lower |" in latency


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        with_table("# Metrics\n")
