"""Distributions of latency samples with the confidence interval of their median."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import quantile_test

from core.records.case_key import CaseKey
from core.records.sample_group import SampleGroup
from harness.report.html.vega import DESCRIPTION, LABELS, Chart, Spec, axis, both_widths, data, field, names
from harness.report.run_view import RunView

LEVEL = 0.95
SHOWN_SAMPLES = 400
"""Points drawn per model; longer series are thinned evenly, the interval is that of all samples."""
ROW_HEIGHT = 46
LOG_FROM = 3.0
"""Largest by smallest sample from which the axis is logarithmic: one slow inference would flatten all others."""
GOLDEN = 0.618034


@dataclass(frozen=True)
class SampleDot:
    """One inference: milliseconds, and where in the height of its row it is drawn, 0..1."""

    model: str
    ms: float
    at: float
    description: str


@dataclass(frozen=True)
class MedianBar:
    """The median of a model's samples with its interval, milliseconds."""

    model: str
    ms: float
    low: float
    high: float
    description: str


def median_interval(samples: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """A confidence interval of the median that assumes no distribution: two of the samples, by their ranks.

    Its coverage is at least `level` for independent samples; with too few for that it is the whole range.
    """
    found = quantile_test(samples, p=0.5).confidence_interval(level)
    return (min(samples), max(samples)) if math.isnan(found.low) else (float(found.low), float(found.high))


def latency_charts(view: RunView) -> list[Chart]:
    """One chart per target: every model that ran there."""
    targets = list(dict.fromkeys(group.target for group in view.run.samples))
    return [_chart(view, target, [g for g in view.run.samples if g.target == target and g.latency_us]) for target in targets]


def _chart(view: RunView, target: str, groups: Sequence[SampleGroup]) -> Chart:
    per_profile = len({(group.profile, group.case.model) for group in groups}) > len({group.case.model for group in groups})
    dots: list[SampleDot] = []
    medians = []
    for group in groups:
        model = _name(view, group.case, per_profile=per_profile)
        dots += _dots(model, group.latency_us)
        medians.append(_median(model, group.latency_us))
    spoken = f"latency on {target}. " + "; ".join(row.description for row in medians)
    wide, narrow = both_widths(lambda width: _spec(dots, medians, width), spoken)
    evidence = {str(one.evidence) for one in view.run.records if (one.metric, one.target) == ("latency_us", target)}
    caption = f"Each dot is one inference; the bar is the {LEVEL:.0%} confidence interval of the median (order statistics)."
    return Chart(title=f"Latency on {target}", caption=caption, svg=wide, narrow=narrow, evidence=tuple(sorted(evidence)))


def _name(view: RunView, case: CaseKey, *, per_profile: bool) -> str:
    label = next((m.label for m in view.models if case.model in m.names), case.model)
    return f"{label}, {case.profile.removeprefix('ethos-')}" if per_profile else label


def _dots(model: str, samples: Sequence[float]) -> list[SampleDot]:
    """Samples in milliseconds, spread over the height of the row in an order that repeats."""
    step = math.ceil(len(samples) / SHOWN_SAMPLES)
    chosen = list(enumerate(samples))[::step]
    return [
        SampleDot(model, sample / 1e3, (i * GOLDEN) % 1, f"{model}, sample {i + 1}: {sample / 1e3:.2f} ms")
        for i, sample in chosen
    ]


def _median(model: str, samples: Sequence[float]) -> MedianBar:
    low, high = (bound / 1e3 for bound in median_interval(samples))
    median, p95 = (float(np.percentile(samples, share)) / 1e3 for share in (50, 95))
    told = (
        f"{model}: median {median:.2f} ms, {LEVEL:.0%} interval {low:.2f} to {high:.2f} ms, "
        f"p95 {p95:.2f} ms, {len(samples)} samples"
    )
    return MedianBar(model=model, ms=median, low=low, high=high, description=told)


def _spec(dots: Sequence[SampleDot], medians: Sequence[MedianBar], width: int) -> Spec:
    numbers = [dot.ms for dot in dots]
    spread = max(numbers) / max(min(numbers), 1e-9)
    logarithmic = spread > LOG_FROM and min(numbers) > 0
    scale = {"type": "log", "nice": False, "padding": 10} if logarithmic else {"zero": False, "padding": 10}
    title = f"milliseconds{', logarithmic' if logarithmic else ''}"
    x = field("ms", scale=scale, axis=axis(title, grid=True, format="~g", tickCount=8 if width > 400 else 4))
    return {
        "width": width - LABELS - 24,
        "height": {"step": ROW_HEIGHT},
        "encoding": {"y": names("model"), "description": DESCRIPTION},
        "layer": [
            {
                "data": data(dots),
                "mark": {"type": "circle", "size": 14, "color": "var(--accent)", "opacity": 0.32},
                "encoding": {"x": x, "yOffset": field("at", scale={"range": [14, ROW_HEIGHT - 6]})},
            },
            {
                "data": data(medians),
                "mark": {"type": "bar", "height": 6, "color": "var(--ink)", "yOffset": -14, "minBandSize": 2},
                "encoding": {"x": field("low"), "x2": field("high")},
            },
            {
                "data": data(medians),
                "mark": {"type": "tick", "height": 16, "thickness": 2.5, "color": "var(--ink)", "yOffset": -14},
                "encoding": {"x": field("ms")},
            },
            {
                "data": data(medians),
                "mark": {"type": "text", "align": "left", "dx": 8, "dy": -14, "fontWeight": 600},
                "encoding": {"x": field("high"), "text": field("ms", format=".1f")},
            },
        ],
    }
