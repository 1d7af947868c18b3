"""The cases of a run as a reader thinks of them: models that are equal stand once, under all of their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.report.tables import Record, RecordTable
from harness.results.stored_run import StoredRun

Case = tuple[str, str, str]


@dataclass(frozen=True)
class Model:
    """A model under its first `name`; `names` are all names it goes by in this run."""

    name: str
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """Every name: "level3_relu = level4_relu"."""
        return " = ".join(self.names)


@dataclass(frozen=True)
class RunView:
    """A run with its records looked up by case."""

    run: StoredRun

    @cached_property
    def table(self) -> RecordTable:
        """Every record by case and metric."""
        return RecordTable(self.run.records)

    @cached_property
    def cases(self) -> list[Case]:
        """(variant, profile, target) in the order of the run."""
        return self.table.cases()

    @cached_property
    def variants(self) -> list[str]:
        """Every name, in the order of the run."""
        return list(dict.fromkeys(case[0] for case in self.cases))

    @cached_property
    def places(self) -> list[tuple[str, str]]:
        """(profile, target), in the order of the run."""
        return list(dict.fromkeys(case[1:] for case in self.cases))

    @cached_property
    def profiles(self) -> list[str]:
        """Every NPU profile, in the order of the run."""
        return list(dict.fromkeys(case[1] for case in self.cases))

    @cached_property
    def models(self) -> list[Model]:
        """Different models, each with all of its names."""
        names: dict[str, list[str]] = {}
        for variant in self.variants:
            names.setdefault(self.twin(variant), []).append(variant)
        return [Model(name, tuple(group)) for name, group in names.items()]

    def twin(self, variant: str) -> str:
        """The model that this one equals, or itself."""
        record = self.first("same_model_as", variant=variant)
        value = record.get("value", "none") if record else "none"
        return variant if value == "none" or value not in self.variants else str(value)

    def first(self, metric: str, *, variant: str, profile: str = "", stat: str = "", graph: str = "") -> Record | None:
        """The first record of a metric for a variant, on any target; one with a value before one without."""
        found = [
            record
            for case in self.cases
            if case[0] == variant and profile in ("", case[1])
            if (record := self.table.find(case, metric, stat, graph)) is not None
        ]
        return next((record for record in found if "value" in record), found[0] if found else None)

    def value(self, metric: str, *, variant: str, profile: str = "", stat: str = "", graph: str = "") -> float | None:
        """The number of a metric, None when the run has none."""
        record = self.first(metric, variant=variant, profile=profile, stat=stat, graph=graph)
        value = record.get("value") if record else None
        return float(value) if isinstance(value, (int, float)) else None

    def series(self, metric: str, *, variant: str, graph: str) -> dict[str, float]:
        """Stat -> number of a metric that has one record per class, from the first case that has any."""
        wanted: Sequence[Record] = [
            record
            for record in self.run.records
            if record["metric"] == metric
            and record["variant"] == variant
            and record.get("graph") == graph
            and "value" in record
        ]
        return {record["stat"]: float(record["value"]) for record in reversed(wanted)}
