"""Records as rows: what the terminal and Markdown reports both show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.records.measurement import key_of

Record = Mapping[str, Any]
MISSING = "-"


@dataclass(frozen=True)
class Column:
    """One figure in a table: its `short` heading, its `heading` in full, the record it shows, and how a value is written."""

    short: str
    heading: str
    metric: str
    form: str
    stat: str = ""
    graph: str = ""
    scale: float = 1.0


COLUMNS = (
    Column("ops %", "operators on the NPU, %", "npu_operator_share", ".1f", scale=100),
    Column("MACs %", "MACs on the NPU, %", "npu_mac_share", ".1f", scale=100),
    Column("CPU", "operators on the CPU", "operators_cpu", "d"),
    Column("px", "image size, pixels", "image_size", "d"),
    Column("Vela ms", "Vela's estimate, ms", "estimated_us", ".2f", scale=1e-3),
    Column("x base", "times faster than the plain model by Vela's estimate", "estimated_speedup_over_base", ".2f"),
    Column("MiB", "arena, MiB", "arena_bytes", ".2f", scale=2**-20),
    Column("fits", "fits the platform", "fits", "s"),
    Column("ran %", "operators that the run proves the NPU executed, %", "npu_executed_share", ".1f", scale=100),
    Column("exact", "images with the reference's bytes", "bit_exact_images", "note"),
    Column("ms", "median latency, ms", "latency_us", ".2f", stat="median", scale=1e-3),
    Column("float", "mAP50-95 of the float graph", "map50_95", ".3f", graph="float"),
    Column("int8", "mAP50-95 of the int8 graph", "map50_95", ".3f", graph="int8"),
    Column("npu", "mAP50-95 of the target's own outputs", "map50_95", ".3f", graph="npu"),
    Column("loss", "mAP50-95 that int8 costs", "map50_95_drop", "+.3f", graph="int8"),
)


class RecordTable:
    """The records of a run, looked up by case and metric."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = {key_of(record): record for record in records}

    def cases(self) -> list[tuple[str, str, str]]:
        """(variant, profile, target) of every case, in the order of the run."""
        return list(dict.fromkeys((key[0], key[1], key[2]) for key in self._records))

    def target(self, case: tuple[str, str, str]) -> str:
        """A case's target, with the engine that ran it where the target has several: "fvp (open)"."""
        own = (record for key, record in self._records.items() if key[:3] == case)
        engine = next((found for record in own if (found := record["identity"].get("options", {}).get("engine"))), "")
        return f"{case[2]} ({engine})" if engine else case[2]

    def find(self, case: tuple[str, str, str], metric: str, stat: str = "", graph: str = "") -> Record | None:
        """One record, or None when the run has none."""
        return self._records.get((*case, metric, stat, graph))

    def text(self, case: tuple[str, str, str], column: Column) -> str:
        """One cell: the value, or a dash when there is none."""
        record = self.find(case, column.metric, column.stat, column.graph)
        return MISSING if record is None else value_text(record, column.form, column.scale)

    def evidence(self, column: Column) -> str:
        """The evidence of a column's figures; several kinds are all named."""
        kinds = {
            record["evidence"]
            for key, record in self._records.items()
            if key[3:] == (column.metric, column.stat, column.graph) and "value" in record
        }
        return " / ".join(sorted(kinds))


def value_text(record: Record, form: str, scale: float = 1.0) -> str:
    """A record's value in a format; "-" when it is unavailable."""
    if "unavailable" in record:
        return MISSING
    if form == "note":
        return str(record.get("note", MISSING))
    value = record["value"]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return format(value if form == "d" else value * scale, form)


def outcome_counts(verdicts: Sequence[Record]) -> str:
    """How the verdicts fell: confirmed or exceeded, of those that have a figure; "-" without any."""
    judged = [verdict for verdict in verdicts if verdict["outcome"] not in ("no figure", "not comparable")]
    good = sum(verdict["outcome"] in ("confirmed", "exceeded") for verdict in judged)
    return f"{good} of {len(judged)}" if judged else MISSING


def found_text(value: Any, unit: str) -> str:
    """A documented or found number in its unit."""
    if isinstance(value, str):
        return value
    if unit == "ratio":
        return f"{100 * value:.1f} %"
    if unit == "bytes":
        return f"{value / 1e6:.2f} MB"
    return f"{value:,.0f}"


def difference_text(verdict: Record) -> str:
    """Found minus documented."""
    if verdict["difference"] is None:
        return MISSING
    if verdict["unit"] == "ratio":
        return f"{100 * verdict['difference']:+.1f} points"
    scaled = found_text(abs(verdict["difference"]), verdict["unit"])
    return f"{'-' if verdict['difference'] < 0 else '+'}{scaled}"
