"""Distributions of latency samples with the confidence interval of their median."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import binom

from harness.report.html.vega import LABELS, SAID, Chart, Rows, Spec, axis, both_widths, field, names
from harness.report.run_view import RunView

LEVEL = 0.95
SHOWN_SAMPLES = 400
"""Points drawn per model; longer series are thinned evenly, the interval is that of all samples."""
ROW_HEIGHT = 46
LOG_FROM = 3.0
"""Largest by smallest sample from which the axis is logarithmic: one slow inference would flatten all others."""
GOLDEN = 0.618034


def median_interval(samples: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """A confidence interval of the median that assumes no distribution: two of the samples, by their ranks.

    Its coverage is at least `level` for independent samples; with too few for that it is the whole range.
    """
    ordered = sorted(samples)
    lower = int(binom.ppf((1 - level) / 2, len(ordered), 0.5))
    rank = max(lower - 1, 0) if binom.cdf(lower - 1, len(ordered), 0.5) > (1 - level) / 2 else max(lower, 1) - 1
    return ordered[rank], ordered[len(ordered) - 1 - rank]


def latency_charts(view: RunView) -> list[Chart]:
    """One chart per target: every model that ran there."""
    targets = list(dict.fromkeys(str(group["target"]) for group in view.run.samples))
    return [
        _chart(view, target, [g for g in view.run.samples if g["target"] == target and g["latency_us"]]) for target in targets
    ]


def _chart(view: RunView, target: str, groups: Sequence[Mapping[str, Any]]) -> Chart:
    per_profile = len({(group["profile"], group["variant"]) for group in groups}) > len({group["variant"] for group in groups})
    points, middles = [], []
    for group in groups:
        model = _name(view, group, per_profile=per_profile)
        points += _points(model, group["latency_us"])
        middles.append(_middle(model, group["latency_us"]))
    spoken = f"latency on {target}. " + "; ".join(row["said"] for row in middles)
    wide, narrow = both_widths(lambda width: _spec(points, middles, width), spoken)
    evidence = {
        record["evidence"] for record in view.run.records if record["metric"] == "latency_us" and record["target"] == target
    }
    caption = f"Each dot is one inference; the bar is the {LEVEL:.0%} confidence interval of the median (order statistics)."
    return Chart(f"Latency on {target}", caption, wide, narrow, tuple(sorted(evidence)))


def _name(view: RunView, group: Mapping[str, Any], *, per_profile: bool) -> str:
    label = next((m.label for m in view.models if group["variant"] in m.names), str(group["variant"]))
    return f"{label}, {group['profile'].removeprefix('ethos-')}" if per_profile else label


def _points(model: str, samples: Sequence[float]) -> list[dict[str, Any]]:
    """Samples in milliseconds, spread over the height of the row in an order that repeats."""
    step = math.ceil(len(samples) / SHOWN_SAMPLES)
    chosen = list(enumerate(samples))[::step]
    return [
        {"model": model, "ms": sample / 1e3, "at": (i * GOLDEN) % 1, "said": f"{model}, sample {i + 1}: {sample / 1e3:.2f} ms"}
        for i, sample in chosen
    ]


def _middle(model: str, samples: Sequence[float]) -> dict[str, Any]:
    low, high = (bound / 1e3 for bound in median_interval(samples))
    median, p95 = (float(np.percentile(samples, share)) / 1e3 for share in (50, 95))
    said = (
        f"{model}: median {median:.2f} ms, {LEVEL:.0%} interval {low:.2f} to {high:.2f} ms, "
        f"p95 {p95:.2f} ms, {len(samples)} samples"
    )
    return {"model": model, "ms": median, "low": low, "high": high, "p95": p95, "said": said}


def _spec(points: Rows, middles: Rows, width: int) -> Spec:
    numbers = [row["ms"] for row in points]
    spread = max(numbers) / max(min(numbers), 1e-9)
    logarithmic = spread > LOG_FROM and min(numbers) > 0
    scale = {"type": "log", "nice": False, "padding": 10} if logarithmic else {"zero": False, "padding": 10}
    title = f"milliseconds{', logarithmic' if logarithmic else ''}"
    x = field("ms", scale=scale, axis=axis(title, grid=True, format="~g", tickCount=8 if width > 400 else 4))
    return {
        "width": width - LABELS - 24,
        "height": {"step": ROW_HEIGHT},
        "encoding": {"y": names("model"), "description": SAID},
        "layer": [
            {
                "data": {"values": list(points)},
                "mark": {"type": "circle", "size": 14, "color": "var(--accent)", "opacity": 0.32},
                "encoding": {"x": x, "yOffset": field("at", scale={"range": [14, ROW_HEIGHT - 6]})},
            },
            {
                "data": {"values": list(middles)},
                "mark": {"type": "bar", "height": 6, "color": "var(--ink)", "yOffset": -14, "minBandSize": 2},
                "encoding": {"x": field("low"), "x2": field("high")},
            },
            {
                "data": {"values": list(middles)},
                "mark": {"type": "tick", "height": 16, "thickness": 2.5, "color": "var(--ink)", "yOffset": -14},
                "encoding": {"x": field("ms")},
            },
            {
                "data": {"values": list(middles)},
                "mark": {"type": "text", "align": "left", "dx": 8, "dy": -14, "fontWeight": 600},
                "encoding": {"x": field("high"), "text": field("ms", format=".1f")},
            },
        ],
    }
