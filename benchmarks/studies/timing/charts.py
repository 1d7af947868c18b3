"""The page's pictures: predicted against published cycles, and the error by product and size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import vl_convert

from benchmarks.studies.timing.published import Compared
from core.files import write_whole

VEGA_LITE = "6.4"
SIZE = {"width": 520, "height": 320}


def draw(found: Sequence[Compared], folder: Path) -> None:
    """Writes `timing-cycles.svg` and `timing-errors.svg`."""
    _write(_cycles(found), folder / "timing-cycles.svg")
    _write(_errors(found), folder / "timing-errors.svg")


def _write(spec: dict[str, Any], path: Path) -> None:
    svg: str = vl_convert.vegalite_to_svg({**SIZE, "background": "white", **spec}, vl_version=VEGA_LITE, allowed_base_urls=[])
    write_whole(path, svg + "\n")


def _values(found: Sequence[Compared]) -> list[dict[str, Any]]:
    return [
        {
            "npu": one.cell.name, "product": one.cell.npu, "published": one.cell.published, "predicted": one.predicted,
            "error": one.error, "low": one.low, "high": one.high,
        }
        for one in found
    ]  # fmt: skip


def _cycles(found: Sequence[Compared]) -> dict[str, Any]:
    ends = [min(one.cell.published for one in found), max(one.cell.published for one in found)]
    scale = {"type": "log"}
    return {
        "layer": [
            {
                "data": {"values": [{"published": end, "predicted": end} for end in ends]},
                "mark": {"type": "line", "color": "#999"},
                "encoding": {
                    "x": {"field": "published", "type": "quantitative", "scale": scale, "title": "published active cycles"},
                    "y": {"field": "predicted", "type": "quantitative", "scale": scale, "title": "predicted (interval)"},
                },
            },
            {
                "data": {"values": _values(found)},
                "mark": {"type": "rule", "opacity": 0.4},
                "encoding": {
                    "x": {"field": "published", "type": "quantitative"},
                    "y": {"field": "low", "type": "quantitative"},
                    "y2": {"field": "high"},
                    "color": {"field": "product", "type": "nominal", "title": "product"},
                },
            },
            {
                "data": {"values": _values(found)},
                "mark": {"type": "point", "filled": True, "size": 40},
                "encoding": {
                    "x": {"field": "published", "type": "quantitative"},
                    "y": {"field": "predicted", "type": "quantitative"},
                    "color": {"field": "product", "type": "nominal"},
                },
            },
        ]
    }


def _errors(found: Sequence[Compared]) -> dict[str, Any]:
    return {
        "data": {"values": _values(found)},
        "mark": {"type": "tick", "thickness": 2},
        "encoding": {
            "y": {"field": "npu", "type": "nominal", "title": None},
            "x": {"field": "error", "type": "quantitative", "axis": {"format": "+.0%"}, "title": "error of active cycles"},
            "color": {"field": "product", "type": "nominal", "legend": None},
        },
    }
