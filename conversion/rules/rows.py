"""Layers as rows of JSON: the form in which a rule set's own answers are written down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conversion.rules.devices import Device, device_of_library_name
from conversion.rules.layer import Layer, LayerOptions, LayerTensor
from conversion.rules.table import refusal
from core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class JudgedRow:
    """One row: what it says the hardware answered (None when it does not say), and our refusal, "" where we take it."""

    line: int
    row: Mapping[str, Any]
    supported: bool | None
    refusal: str

    @property
    def differs(self) -> bool:
        """Whether the row says otherwise than we do."""
        return self.supported is not None and self.supported != (not self.refusal)


def judged_rows(path: Path) -> Iterator[JudgedRow]:
    """Every row of a JSONL file, judged; UsageError when the file cannot be read or a line is no JSON object."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"`{path}` cannot be read: {error}", "a file with one layer as JSON per line") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UsageError(f"`{path}`, line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise UsageError(f"`{path}`, line {number} is no JSON object", "one layer per line")
        supported = row.get("supported")
        yield JudgedRow(
            line=number, row=row, supported=supported if isinstance(supported, bool) else None, refusal=row_refusal(row)
        )


def row_refusal(row: Mapping[str, Any]) -> str:
    """Why the variant that the row names does not take its layer; "" when it does. A row that cannot be read is refused."""
    try:
        device: Device = device_of_library_name(str(row.get("variant")))
        layer = parse_layer(row)
    except UsageError as error:
        return error.found
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return f"the row cannot be read: {type(error).__name__} {error}"
    return refusal(layer, device)


def parse_layer(row: Mapping[str, Any]) -> Layer:
    """The layer of a row; KeyError, TypeError or ValueError when a field is missing or of another type."""
    inputs = row["inputs"] if "inputs" in row else [row["input"]]
    outputs = row["outputs"] if "outputs" in row else [row["output"]]
    return Layer(
        kind=str(row["op"]),
        inputs=tuple(_tensor(tensor) for tensor in inputs),
        outputs=tuple(_tensor(tensor) for tensor in outputs),
        options=_options(row.get("options") or {}),
    )


def _tensor(written: Mapping[str, Any]) -> LayerTensor:
    scale = written["scale"]
    return LayerTensor(
        shape=tuple(int(size) for size in written["shape"]),
        dtype=str(written["dtype"]),
        scales=tuple(float(part) for part in (scale if isinstance(scale, list) else [scale])),
        zero_point=int(written["zero_point"]),
        axis=int(written["axis"]) if "axis" in written else None,
        constant=bool(written.get("constant", False)),
        value=float(written["value"]) if "value" in written else None,
    )


def _options(written: Mapping[str, Any]) -> LayerOptions:
    padding = written.get("pad_top_bottom_left_right")
    bounds = (written["lower"], written["upper"]) if "lower" in written and "upper" in written else None
    return LayerOptions(
        padding=_whole(padding, 4) if padding is not None else None,  # type: ignore[arg-type]  # four by the count
        stride=_pair(written, "stride"),
        kernel=_pair(written, "kernel"),
        dilation=_pair(written, "dilation") or (1, 1),
        axis=int(written["axis"]) if "axis" in written else None,
        permutation=tuple(int(part) for part in written["permutation"]) if "permutation" in written else None,
        alpha=float(written["alpha"]) if "alpha" in written else None,
        bounds=(int(bounds[0]), int(bounds[1])) if bounds else None,
        mode=str(written["mode"]) if "mode" in written else None,
    )


def _pair(written: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    """An option of two directions as vertical, horizontal, whichever way round it is written."""
    if f"{name}_y_x" in written:
        down, across = _whole(written[f"{name}_y_x"], 2)
    elif f"{name}_x_y" in written:
        across, down = _whole(written[f"{name}_x_y"], 2)
    else:
        return None
    return down, across


def _whole(numbers: Any, count: int) -> tuple[int, ...]:
    found = tuple(int(number) for number in numbers)
    if len(found) != count:
        raise ValueError(f"{len(found)} numbers where {count} belong")
    return found
