"""Reads acceptance files and holds thresholds against records: every threshold is met or not, and never passed over."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass

from core.errors import UsageError
from core.metrics import BY_NAME, Metric, nearest
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.figure_key import FigureKey
from core.records.measurement import Measurement
from core.records.measurement import Value as Found
from core.records.unavailable import Unavailable
from core.toml_file import read_toml

GRAMMAR = "metric[stat, graph] op value @ evidence"
EXAMPLE = "latency_us[p95] <= 45000 @ measured"
FORM = re.compile(
    r"^\s*(?P<metric>[a-z]\w*)\s*(?:\[(?P<qualifiers>[^\]]*)\])?\s*(?P<op><=|>=|==|!=|<|>)\s*(?P<value>[^@]+?)\s*"
    r"(?:@\s*(?P<evidence>[a-z-]+)\s*)?$"
)
COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
Value = float | bool | str
Operator = Literal["<=", ">=", "==", "!=", "<", ">"]


@dataclass(frozen=True)
class Threshold:
    """One line of an acceptance file, for one model and NPU; empty `stat`, `graph`, `evidence`: not asked for."""

    text: str
    metric: str
    operator: Operator
    value: Value
    stat: str = ""
    graph: str = ""
    evidence: str = ""
    variant: str = ""
    profile: str = ""
    target: str = ""
    build: str = ""

    @property
    def id(self) -> str:
        """A name for a test: where it applies and what it asks for."""
        return "-".join(part for part in (self.key.case.model, self.profile, self.target) if part) + f": {self.text}"

    @property
    def key(self) -> FigureKey:
        """The figure that has to meet it."""
        return FigureKey(CaseKey(self.variant, self.build, self.profile, self.target), self.metric, self.stat, self.graph)

    def holds(self, value: Found) -> bool:
        """Whether a value meets the threshold."""
        if isinstance(value, str) != isinstance(self.value, str) or isinstance(value, bool) != isinstance(self.value, bool):
            return False
        found: Any = value  # of the threshold's own kind, which the comparison below rests on
        return bool(COMPARE[self.operator](found, self.value))


@dataclass(frozen=True)
class Answer:
    """What came of a threshold, in words that hold both numbers."""

    met: bool
    found: str


@pydantic_dataclass(config=ConfigDict(extra="forbid"))
class AcceptTable:
    """An `[[accept]]` table: thresholds, and the models, NPUs and targets they hold for (none given: all of the session)."""

    require: list[str]
    variant: list[str] = field(default_factory=list)
    profile: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)


@pydantic_dataclass(config=ConfigDict(extra="forbid"))
class AcceptanceFile:
    """A whole file."""

    accept: list[AcceptTable]


def parse_threshold(text: str) -> Threshold:
    """The threshold of one line; UsageError says what is wrong with it and suggests the nearest name."""
    match = FORM.match(text)
    if not match:
        raise UsageError(f"`{text}` is no threshold", GRAMMAR, EXAMPLE)
    metric = _metric(match["metric"], text)
    stat, graph = _qualifiers(metric, [part.strip() for part in (match["qualifiers"] or "").split(",") if part.strip()], text)
    evidence = match["evidence"] or ""
    kinds = [kind.value for kind in Evidence]
    if evidence and evidence not in kinds:
        raise UsageError(f"unknown evidence `{evidence}` in `{text}`", f"one of {', '.join(kinds)}", _like(evidence, kinds))
    value = _value(metric, match["value"], text)
    sign: Any = match["op"]
    if isinstance(value, bool | str) and sign not in ("==", "!="):
        raise UsageError(f"`{sign}` in `{text}`", "== or != for what is no number", f"{metric.name} == {match['value']}")
    return Threshold(
        text=" ".join(text.split()), metric=metric.name, operator=sign, value=value, stat=stat, graph=graph, evidence=evidence
    )


def read_acceptance(
    path: Path,
    variants: Sequence[str],
    profiles: Sequence[str],
    targets: Sequence[str],
    builds: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Threshold]:
    """Every threshold of a file, one for each model, NPU and target of the session that it holds for.

    `builds` has the builds of a profile's models where they are not only the default.

    UsageError when the file cannot be read, names an unknown metric, or a model that is not in this session.
    """
    content = read_toml(path, AcceptanceFile, "acceptance file")
    thresholds = []
    for table in content.accept:
        places = (
            _named(table.variant, variants, "variant", path),
            _named(table.profile, profiles, "profile", path),
            _named(table.target, targets, "target", path),
        )
        for text in table.require:
            parsed = parse_threshold(text)
            thresholds += [
                replace(parsed, variant=v, profile=p, target=t, build=build)
                for v in places[0] for p in places[1] for t in places[2] for build in builds.get(p, ("",))
            ]  # fmt: skip
    if not thresholds:
        raise UsageError(f"`{path}` has no threshold", "`[[accept]]` tables with `require`", f'require = ["{EXAMPLE}"]')
    return thresholds


def answer(threshold: Threshold, figures: Iterable[Measurement]) -> Answer:
    """Whether figures meet a threshold; one that is not there, or not of the evidence asked for, does not meet it."""
    found = [figure for figure in figures if figure.key == threshold.key]
    if not found:
        return Answer(False, f"no figure `{threshold.key}` in this run")
    usable = [figure for figure in found if threshold.evidence in ("", figure.evidence)]
    if not usable:
        kinds = ", ".join(dict.fromkeys(str(figure.evidence) for figure in found))
        return Answer(False, f"no figure of evidence {threshold.evidence}: this run has {kinds}")
    figure = usable[0]
    if isinstance(figure.value, Unavailable):
        return Answer(False, f"no figure: {figure.value.reason}")
    met = threshold.holds(figure.value)
    return Answer(met, f"{_text(figure.value)} ({figure.evidence}), {threshold.operator} {_text(threshold.value)} asked for")


def _metric(name: str, text: str) -> Metric:
    if name not in BY_NAME:
        raise UsageError(f"unknown metric `{name}` in `{text}`", "a metric of docs/reference/metrics.md", _like(name, BY_NAME))
    return BY_NAME[name]


def _qualifiers(metric: Metric, given: Sequence[str], text: str) -> tuple[str, str]:
    """(stat, graph): what is in the brackets, in either order; where one of several has to be named, it is asked for."""
    graphs = [part for part in given if part in metric.graphs]
    stats = [part for part in given if part not in graphs]
    free = metric.stats == ("*",)
    allowed = [name for name in (*([] if free else metric.stats), *metric.graphs) if name]
    wrong = [part for part in stats if not free and part not in metric.stats]
    if wrong or len(graphs) > 1 or len(stats) > 1:
        found = f"unknown part `{(wrong or given)[-1]}` in `{text}`"
        raise UsageError(found, f"one of {', '.join(allowed) or 'none'}", _like((wrong or given)[-1], allowed))
    graph = graphs[0] if graphs else ("" if "" in metric.graphs else _only_graph(metric, text))
    if not stats and not metric.stat and (free or "" not in metric.stats):
        raise UsageError(
            f"`{text}` does not say which {metric.name}", f"{metric.name}[{'area or class' if free else '|'.join(allowed)}]"
        )
    return (stats[0] if stats else metric.stat), graph


def _only_graph(metric: Metric, text: str) -> str:
    """The graph that is meant where none is named, where the metric has one; of mAP it has to be said which graph's."""
    if metric.graph:
        return metric.graph
    raise UsageError(f"`{text}` does not say of which graph", f"{metric.name}[{'|'.join(metric.graphs)}]")


def _value(metric: Metric, text: str, whole: str) -> Value:
    """The value in the metric's own kind."""
    if metric.unit == "name":
        return text.strip("\"'")
    if metric.unit == "bool":
        if text not in ("true", "false"):
            raise UsageError(f"`{text}` in `{whole}`", "true or false", f"{metric.name} == true")
        return text == "true"
    try:
        return float(text.replace("_", ""))
    except ValueError as error:
        raise UsageError(f"`{text}` in `{whole}` is no number", f"a number in {metric.unit}", EXAMPLE) from error


def _named(given: Sequence[str], known: Sequence[str], what: str, path: Path) -> Sequence[str]:
    """The names given, all known ones when none was; UsageError for one that is not in this session."""
    for name in given:
        if name not in known:
            raise UsageError(
                f"`{path}` asks for {what} `{name}`, which is not in this session",
                f"one of {', '.join(known)}",
                _like(name, known),
            )
    return given or known


def _like(wrong: str, known: Iterable[str]) -> str:
    found = nearest(wrong, known)
    return f"did you mean `{found}`?" if found else ""


def _text(value: float | bool | str) -> str:
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
