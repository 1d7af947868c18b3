"""Which part of which tensor each NPU command writes, read from Vela's debug database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from conversion.vela_outputs import read_tables
from core.errors import CompileError
from core.records.layer_part import LayerPart, Shape

NEEDED = ("cmdstream", "queue", "perf", "perf_debug")


def read_layers(path: Path) -> tuple[LayerPart, ...]:
    """Every scheduled operation that has commands; CompileError when this Vela does not write what is needed."""
    tables = read_tables(path)
    missing = [name for name in NEEDED if name not in tables]
    if missing:
        raise CompileError(
            f"`{path.name}` lacks the tables {', '.join(missing)}: NPU commands cannot be mapped to layers",
            "the debug database of Vela 4.0 or newer with its default core",
        )
    try:
        return _layers(tables)
    except (KeyError, ValueError, TypeError) as error:
        raise CompileError(f"`{path.name}` cannot be read: {type(error).__name__} {error}") from error


def _layers(tables: Mapping[str, list[dict[str, str]]]) -> tuple[LayerPart, ...]:
    streams = {row["id"]: number for number, row in enumerate(tables["cmdstream"], 1)}
    commands: dict[str, list[tuple[int, int]]] = {}
    for row in tables["queue"]:
        commands.setdefault(row["scheduled_id"], []).append((streams[row["cmdstream_id"]], int(row["offset"])))
    names = {row["id"]: row["name"] for row in tables["perf"]}
    shapes = {row["id"]: row for row in tables["perf_debug"]}
    known = [identifier for identifier in commands if identifier in names and identifier in shapes]
    return tuple(_part(names[key], shapes[key], tuple(sorted(commands[key]))) for key in known)


def _part(name: str, row: Mapping[str, str], commands: tuple[tuple[int, int], ...]) -> LayerPart:
    full, part, offset = (_shape(row, kind) for kind in ("ofm_shape", "ofm_slice", "ofm_offset"))
    strides = [int(row[f"ofm_strides_{axis}"]) for axis in "hwc"]
    turned = (row["transpose_type"], row["reverse_type"]) != ("None", "None")
    batches = int(row["ofm_shape_n"]) > 1 and any(part)
    plain = not turned and not batches and all(stride <= 1 for stride in strides)
    return LayerPart(name=name, full=full, offset=offset, size=part if any(part) else full, commands=commands, plain=plain)


def _shape(row: Mapping[str, str], kind: str) -> Shape:
    batch, height, width, depth = (int(row[f"{kind}_{axis}"]) for axis in "nhwc")
    return (max(batch, 1) * height if kind == "ofm_shape" else height, width, depth)
