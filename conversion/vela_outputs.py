"""What Vela writes beside the compiled file: summary, debug database, and the reasons it prints."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.errors import CompileError
from core.records.artefact import Estimate

TABLE = re.compile(r"<table name=[\"'](\w+)[\"']>\s*<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
AREAS = {"SRAM": "sram", "DRAM": "dram", "On-chip Flash": "on_chip_flash", "Off-chip Flash": "off_chip_flash"}
"""Vela's names of memories in the summary's storage columns -> the names of its other columns and options."""
MAC_COMMANDS = frozenset({"Conv2D", "DepthwiseConv2D", "FullyConnected", "MatMul", "TransposeConv2D"})
"""NPU operations whose `mac_count` means multiplications by weights; Vela also counts pooling, LUTs and copies as MACs."""
CPU_COMMAND = "Passthrough"
SPARSE = "Sparse2_4"
KIBIBYTE = 1024

REGOR_REASON = re.compile(r"^Warning \(supported operators\) operator: (\w+), ofm: '(.*)'$")
LEGACY_REASON = re.compile(
    r"^(?:Warning: (\w+) '(.*)' is not supported on the NPU\. Placing on CPU instead"
    r"|Warning: Unsupported TensorFlow Lite semantics for (\w+) '(.*)'\. Placing on CPU instead"
    r"|Info: (\w+) '(.*)' is a CPU only op)$"
)
END_OF_REASON = re.compile(r"^(#{10,}|Network summary|Warning|Info:)")


@dataclass(frozen=True)
class Command:
    """One row of Vela's performance table: a scheduled operation, with the source operator it came from.

    `macs` is what Vela counts for weight multiplications, 0 for other work; sparse weights count in full. `compute_cycles` are
    what the NPU alone would need, without waiting for memories; `staging_bytes` what lies in the staging memory while it runs;
    None where this Vela's table has no such column.
    """

    source: int
    operation: str
    cycles: int
    macs: int
    compute_cycles: int | None = None
    staging_bytes: int | None = None


@dataclass(frozen=True)
class DebugDatabase:
    """Vela's debug database, by index of the source operator in the TFLite file.

    `known` are all source operators Vela has read, `queue` those with commands in the NPU's queue and where these stand: the
    number of the stream, from 1 in the order of the compiled file's `ethos-u` operators, and the byte offset in it. `commands`
    is empty and `has_performance` False when this Vela writes no performance table (before 4.0, or its legacy core).
    """

    known: frozenset[int]
    queue: Mapping[int, tuple[tuple[int, int], ...]]
    commands: tuple[Command, ...]
    has_performance: bool

    @property
    def queued(self) -> frozenset[int]:
        """Source operators with a command in the NPU's queue."""
        return frozenset(self.queue)

    @cached_property
    def scheduled(self) -> frozenset[int]:
        """Source operators that Vela's performance table names, alone or inside another's command."""
        return frozenset(command.source for command in self.commands)

    @cached_property
    def passed_through(self) -> frozenset[int]:
        """Source operators that Vela's performance table leaves to the CPU."""
        return frozenset(command.source for command in self.commands if command.operation == CPU_COMMAND)


def read_debug_database(path: Path) -> DebugDatabase:
    """The tables of `*_debug.xml`; CompileError when one that the placement rests on is missing or broken."""
    tables = read_tables(path)
    missing = [name for name in ("source", "optimised", "cmdstream", "queue") if name not in tables]
    if missing:
        raise CompileError(
            f"`{path.name}` lacks the tables {', '.join(missing)}: the placement cannot be read",
            "the debug database of Vela 2.0 or newer",
        )
    try:
        return _database(tables)
    except (KeyError, ValueError, TypeError) as error:
        raise CompileError(f"`{path.name}` cannot be read: {type(error).__name__} {error}") from error


def read_tables(path: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of each table of `*_debug.xml`, by its name; CompileError when one is no CSV."""
    return {name: csv_rows(text.strip(), path.name) for name, text in TABLE.findall(path.read_text("utf-8"))}


def csv_rows(text: str, name: str) -> list[dict[str, str]]:
    """The rows of a CSV whose cells may be as long as names of tensors are: as the whole text; CompileError when it is none."""
    most = csv.field_size_limit(max(len(text), 1))  # of the whole process, so it is put back
    try:
        return list(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise CompileError(f"`{name}` cannot be read: {error}", "the tables of a Vela that we know") from error
    finally:
        csv.field_size_limit(most)


def _first_graph(rows: list[dict[str, str]]) -> dict[str, int]:
    """Vela's id -> index of the source operator, of the first graph: where numbers start again, another one begins."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    for row in rows:
        index = int(row["ext_key"])
        if index in seen:
            break
        seen.add(index)
        found[row["id"]] = index
    return found


def _database(tables: Mapping[str, list[dict[str, str]]]) -> DebugDatabase:
    index_of = _first_graph(tables["source"])
    streams = {row["id"]: number for number, row in enumerate(tables["cmdstream"], 1)}
    source_of = {row["id"]: row["source_id"] for row in tables["optimised"]}
    queue: dict[int, list[tuple[int, int]]] = {}
    for row in tables["queue"]:
        identifier = source_of[row["optimised_id"]]
        if identifier in index_of:
            queue.setdefault(index_of[identifier], []).append((streams[row["cmdstream_id"]], int(row["offset"])))
    sparse = {row["id"] for row in tables.get("perf_debug", ()) if SPARSE in (row.get("weight_format") or "")}
    commands = tuple(
        Command(
            source=index_of[row["source_id"]],
            operation=row["operator"],
            cycles=int(row["op_cycles"]),
            macs=_weight_macs(row, sparse),
            compute_cycles=int(row["npu_cycles"]) if "npu_cycles" in row else None,
            staging_bytes=int(row["staging_usage"]) if "staging_usage" in row else None,
        )
        for row in tables.get("perf", ())
        if row["source_id"] in index_of
    )
    return DebugDatabase(
        known=frozenset(index_of.values()),
        queue={index: tuple(places) for index, places in queue.items()},
        commands=commands,
        has_performance="perf" in tables,
    )


def _weight_macs(row: Mapping[str, str], sparse: set[str]) -> int:
    """Vela's MACs of one command, doubled where Vela halved them for 2:4 sparse weights (U85, any 1- or 2-channel input)."""
    if row["operator"] not in MAC_COMMANDS:
        return 0
    return int(row["mac_count"]) * (2 if row["id"] in sparse else 1)


def read_estimate(path: Path) -> Estimate:
    """Vela's summary CSV as an estimate: its memory columns are KiB, its time seconds; CompileError when one is missing."""
    rows = csv_rows(path.read_text("utf-8"), path.name)
    try:
        row = rows[0]
        return Estimate(
            cycles=round(float(row["cycles_total"])),
            latency_us=float(row["inference_time"]) * 1e6,
            npu_cycles=round(float(row["cycles_npu"])),
            macs=round(float(row["nn_macs"])),
            memory_bytes={area: round(float(row[f"{area}_memory_used"]) * KIBIBYTE) for area in AREAS.values()},
            arena_area=AREAS[row["feature_map_storage_area"]],
            constants_area=AREAS[row["weights_storage_area"]],
        )
    except (IndexError, KeyError, ValueError) as error:
        raise CompileError(
            f"`{path.name}` lacks {error}: not the summary of a Vela that we know", "Vela 3.0 or newer"
        ) from error


@dataclass(frozen=True)
class Reasons:
    """Vela's constraint texts by (operator kind, name of its first output), in Vela's spelling of the kind."""

    texts: Mapping[tuple[str, str], str]

    def of(self, kind: str, output_name: str) -> str:
        """The text for an operator of the TFLite file, "" when Vela printed none; Vela writes ARG_MAX as ARGMAX."""
        plain = kind.replace("_", "")
        for (named, name), text in self.texts.items():
            if name == output_name and named.replace("_", "") == plain:
                return text
        return ""


def cpu_reasons(log: str) -> Reasons:
    """The reasons for CPU placements in what Vela 3.x to 5.x printed; a reason's lines are joined with a middle dot."""
    reasons: dict[tuple[str, str], list[str]] = {}
    open_reason: list[str] | None = None
    for line in log.splitlines():
        found = REGOR_REASON.match(line) or LEGACY_REASON.match(line)
        if found:
            kind, name = (group for group in found.groups() if group is not None)
            open_reason = reasons.setdefault((kind, name), [])
            if line.startswith("Info:"):
                open_reason.append("is a CPU only op")
        elif not line.strip() or END_OF_REASON.match(line):
            open_reason = None
        elif open_reason is not None:
            open_reason.append(line.strip().removeprefix("Reason: ").removeprefix("- "))
    return Reasons({key: " · ".join(dict.fromkeys(lines)) for key, lines in reasons.items()})
