"""The cases of a run as a reader thinks of them: models that are equal stand once, under all of their names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.metrics import ACCURACIES, BY_NAME, Metric
from core.records.case_key import CaseKey
from core.records.measurement import Measurement
from harness.report.tables import FigureTable
from harness.results.stored_run import StoredRun


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
    """A run with its figures looked up by case. A model is a variant in one build."""

    run: StoredRun

    @cached_property
    def table(self) -> FigureTable:
        """Every figure by case and metric."""
        return FigureTable(self.run.records)

    @cached_property
    def cases(self) -> list[CaseKey]:
        """Every case, in the order of the run."""
        return self.table.cases()

    @cached_property
    def names(self) -> list[str]:
        """Every name of a model, in the order of the run."""
        return list(dict.fromkeys(case.model for case in self.cases))

    @cached_property
    def profiles(self) -> list[str]:
        """Every NPU profile, in the order of the run."""
        return list(dict.fromkeys(case.profile for case in self.cases))

    @cached_property
    def models(self) -> list[Model]:
        """Different models, each with all of its names."""
        names: dict[str, list[str]] = {}
        for name in self.names:
            names.setdefault(self.twin(name), []).append(name)
        return [Model(name, tuple(group)) for name, group in names.items()]

    @cached_property
    def accuracy(self) -> Metric:
        """The accuracy that a reader asks the run's models for: that of their task, detection's where the run has none."""
        named = {key.metric for key in self.run.figures}
        return BY_NAME[next((metric for metric in ACCURACIES if metric in named), ACCURACIES[0])]

    def twin(self, model: str) -> str:
        """The model that this one equals, or itself."""
        figure = self.first("same_model_as", model=model)
        return figure.value if figure and isinstance(figure.value, str) and figure.value in self.names else model

    def first(self, metric: str, *, model: str, profile: str = "", stat: str = "", graph: str = "") -> Measurement | None:
        """The first figure of a metric for a model, on any target; one with a value before one without."""
        found = [
            figure
            for case in self.cases
            if case.model == model and profile in ("", case.profile)
            if (figure := self.table.find(case, metric, stat, graph)) is not None
        ]
        return next((figure for figure in found if figure.unavailable is None), found[0] if found else None)

    def value(self, metric: str, *, model: str, profile: str = "", stat: str = "", graph: str = "") -> float | None:
        """The number of a metric, None when the run has none."""
        figure = self.first(metric, model=model, profile=profile, stat=stat, graph=graph)
        number = figure.number if figure else None
        return None if number is None else float(number)

    def series(self, metric: str, *, model: str, graph: str) -> dict[str, float]:
        """Stat -> number of a metric that has one figure per class, from the first case that has any."""
        wanted = [
            (figure.stat, figure.number)
            for figure in self.run.records
            if (figure.metric, figure.case.model, figure.graph) == (metric, model, graph)
        ]
        return {stat: float(number) for stat, number in reversed(wanted) if number is not None}
