"""Vega-Lite charts as inline SVG, drawn when the page is written: nothing is left for the reader's browser to load or run.

Colours are the page's own CSS variables, so that one drawing serves light, dark and paper. What the mouse shows is each
mark's description, which screen readers read as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import vl_convert
from markupsafe import Markup, escape

from core.files import sha256

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

VEGA_LITE = "6.4"
WIDE, NARROW = 700, 300
"""Widths in CSS pixels for a screen and for a phone."""
LABELS = 98
"""Room for names at the left of a chart; fixed, because the reader's fonts are not those that the chart is drawn with."""
FONT = "system-ui, sans-serif"
REFERENCE = re.compile(r'((?:\bid="|url\(#))([a-z]+[0-9]+)')
"""A name inside a drawing, where it is given and where it is used."""
Spec = Mapping[str, Any]
"""A Vega-Lite specification or a part of one, in that library's own format."""

CONFIG: Spec = {
    "background": None,
    "font": FONT,
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)", "titleColor": "var(--muted)", "gridColor": "var(--line)", "domainColor": "var(--line)",
        "tickColor": "var(--line)", "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelLimit": 150,
    },
    "axisY": {"domain": False, "ticks": False, "labelColor": "var(--ink)", "grid": False},
    "legend": {"labelColor": "var(--ink)", "titleColor": "var(--muted)", "labelFontSize": 11},
    "text": {"color": "var(--ink)", "fontSize": 11},
    "rule": {"color": "var(--muted)"},
}  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """A drawn chart with its title and what it shows in a sentence; `narrow` is the same for a phone, None when it fits one."""

    title: str
    caption: str
    svg: Markup
    narrow: Markup | None = None
    evidence: tuple[str, ...] = ()


def draw(spec: Spec, label: str) -> Markup:
    """The SVG of a Vega-Lite specification, named for those who cannot see it."""
    whole = {"config": CONFIG, **spec}
    svg: str = vl_convert.vegalite_to_svg(whole, vl_version=VEGA_LITE, allowed_base_urls=[])
    own = sha256(f"{label} {REFERENCE.sub('', svg)}")[:8]
    numbers = list(dict.fromkeys(found[2] for found in REFERENCE.finditer(svg)))
    svg = REFERENCE.sub(lambda found: f"{found[1]}c{own}-{numbers.index(found[2])}", svg)  # Vega numbers them per process
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1))  # noqa: S704  # nosec B704


def both_widths(spec_at: Callable[[int], Spec], label: str) -> tuple[Markup, Markup]:
    """The same chart for a screen and for a phone."""
    return draw(spec_at(WIDE), label), draw(spec_at(NARROW), label)


def data(rows: Sequence[DataclassInstance], *columns: str) -> Spec:
    """Rows as the data of a chart or of one of its layers: all of their fields, or the ones named."""
    return {"values": [{name: value for name, value in vars(row).items() if name in columns or not columns} for row in rows]}


def names(column: str, room: int = LABELS) -> Spec:
    """A vertical axis of names; equal models, joined by "=", stand below each other."""
    label = {"labelExpr": "split(datum.label, ' = ')", "labelLimit": room - 6, "labelPadding": 6, "labelLineHeight": 11}
    return category(column, axis={"title": None, "minExtent": room, "maxExtent": room, **label})


def field(name: str, **options: Any) -> Spec:
    """An encoding of a number."""
    return {"field": name, "type": "quantitative", **options}


def category(name: str, **options: Any) -> Spec:
    """An encoding of a name, in the order of the data."""
    return {"field": name, "type": "nominal", "sort": None, **options}


def axis(title: str, **options: Any) -> Spec:
    """An axis with a title above which nothing is abbreviated."""
    return {"title": title, "tickCount": 5, **options}


DESCRIPTION = {"field": "description", "type": "nominal"}
"""The encoding of a mark's description."""
