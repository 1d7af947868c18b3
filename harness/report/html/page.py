"""The page: what the template shows, from a run's records, samples, placements and detections."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.files import storage_errors, write_whole
from core.records.case_key import CaseKey
from core.records.measurement import Measurement
from harness.report.decision import Decision, decide_run, decisions
from harness.report.front_ends import EVIDENCE, HEAD, front_end_rows
from harness.report.html.accuracy_charts import accuracy_charts, class_charts, class_title, trade_charts
from harness.report.html.claim_charts import claim_charts
from harness.report.html.claim_rows import rules_rows, verdict_rows
from harness.report.html.class_pictures import class_pictures
from harness.report.html.confusion_charts import confusion_charts
from harness.report.html.exhibits import BADGES, NO_VALUE, NOTHING, Exhibits
from harness.report.html.history import history_charts, unchanged
from harness.report.html.history_events import MOST_EVENTS, history_events
from harness.report.html.latency_charts import latency_charts
from harness.report.html.network import Network, networks
from harness.report.html.page_content import (
    CaseSummary,
    MemoryNeed,
    ModelRow,
    PageContent,
    ScriptData,
    StatsRow,
    TargetStats,
    ThresholdRow,
)
from harness.report.html.pictures import Picture, pictures
from harness.report.past import Past
from harness.report.run_view import RunView
from harness.report.tables import OPEN, PART, VELA, WHOLE, FigureTable
from harness.report.terminal import findings, short_profile
from harness.results.stored_run import StoredRun
from harness.tasks.classify.dataset import LabelledInputs
from harness.tasks.detect.dataset import Dataset
from harness.tasks.task import DataSet

TEMPLATES = Path(__file__).parent / "templates"
AREA_NAMES = {"sram": "SRAM", "dram": "DRAM", "on_chip_flash": "on-chip flash", "off_chip_flash": "off-chip flash"}


def write_page(
    run: StoredRun,
    output: Path,
    dataset: DataSet | None = None,
    past: Past | None = None,
) -> None:
    """Write the page of a run with images of `dataset` and the figures of `past`; StorageError when it cannot be written."""
    text = page(run, dataset, past)
    with storage_errors(f"write `{output}`", "a writable folder", "--output report.html"):
        write_whole(output, text)


def page(run: StoredRun, dataset: DataSet | None = None, past: Past | None = None) -> str:
    """The page of a run as text."""
    view, exhibits = RunView(run), Exhibits()
    content = _content(view, exhibits, dataset, past)
    data = _script_data(run, exhibits, content.networks)
    style, script = (own_file(name) for name in ("report.css", "report.js"))
    template = environment().get_template("report.html.jinja")
    return template.render(**vars(content), data=asdict(data), style=style, script=script, script_hash=script_sha256(script))


def own_file(name: str) -> Markup:
    """A file of ours, to be put into the page as it is."""
    return Markup((TEMPLATES / name).read_text("utf-8"))  # noqa: S704  # nosec B704  # no word of a run


def environment() -> Environment:
    """What renders our templates; everything is escaped."""
    environment = Environment(
        loader=PackageLoader("harness.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short_profile
    return environment


def _content(view: RunView, exhibits: Exhibits, dataset: DataSet | None, past: Past | None) -> PageContent:
    run = view.run
    panels = {model.name: networks(view, model.name) for model in view.models}
    judged = decisions(view)
    return PageContent(
        run=run.header,
        summary=decide_run(view, judged, findings(view.table)),
        places=list(dict.fromkeys((case.profile, view.table.target(case)) for case in judged)),
        rows=[_row(view, exhibits, name, judged) for name in view.names],
        reasons=_reasons(view, judged),
        claims=claim_charts(run.verdicts),
        verdicts=verdict_rows(view, exhibits),
        rules=rules_rows(view, exhibits),
        front_ends=front_end_rows(run, view.table),
        front_end_head=HEAD,
        front_end_evidence=EVIDENCE,
        models=view.models,
        networks=panels,
        tabs=[profile for profile in view.profiles if any(n.profile == profile for own in panels.values() for n in own)],
        memory={profile: _memories(view, exhibits, profile) for profile in view.profiles},
        latency=latency_charts(view),
        stats=_stats(view, exhibits),
        trades=trade_charts(view),
        accuracy=accuracy_charts(view),
        classes=class_charts(view),
        confusions=confusion_charts(view),
        accuracy_title=view.accuracy.title,
        class_title=class_title(view),
        pictures=_pictures(view, dataset),
        boxes=isinstance(dataset, Dataset),
        dataset=dataset.name if dataset else "",
        failures=run.failures,
        thresholds=_thresholds(view, judged),
        own_thresholds=bool(run.thresholds),
        badges=BADGES,
        history=history_charts(past) if past else [],
        events=history_events(past) if past else [],
        past=past if past and (past.problem or len(past.runs) > 1) else None,
        unchanged=unchanged(past) if past else [],
        most_events=MOST_EVENTS,
    )


def _pictures(view: RunView, dataset: DataSet | None) -> list[Picture]:
    """Images of the data set, by what the run's models are for."""
    if isinstance(dataset, Dataset):
        return pictures(view, dataset)
    return class_pictures(view, dataset) if isinstance(dataset, LabelledInputs) else []


def _row(view: RunView, exhibits: Exhibits, name: str, judged: Mapping[CaseKey, Decision]) -> ModelRow:
    by_place = {(case.model, *case.place): case for case in judged}
    places = dict.fromkeys(case.place for case in judged)
    twin = view.twin(name)
    asked = view.accuracy
    best = "npu" if view.value(asked.name, model=name, graph="npu") is not None else "int8"
    return ModelRow(
        name=name,
        twin="" if twin == name else twin,
        cells=tuple(_summary(view.table, exhibits, by_place.get((name, *place)), judged) for place in places),
        offload=exhibits.figure(view.first("npu_operator_share", model=name)),
        accuracy=exhibits.figure(view.first(asked.name, model=name, graph=best)),
        drop=exhibits.figure(view.first(asked.drop, model=name, graph="int8")),
    )


def _summary(table: FigureTable, exhibits: Exhibits, case: CaseKey | None, judged: Mapping[CaseKey, Decision]) -> CaseSummary:
    if case is None:
        return CaseSummary(Decision("open", ("not part of this run",)), NOTHING, "", NOTHING, of_part=False)
    shown = _estimate(table, case)
    vela = table.find(case, shown.metric, VELA) if shown else None
    return CaseSummary(
        judged[case],
        exhibits.figure(shown),
        table.interval(shown).strip(" ()") if shown else "",
        exhibits.figure(vela) if vela is not shown else NOTHING,
        of_part=bool(shown and shown.metric == PART),
    )


def _estimate(table: FigureTable, case: CaseKey) -> Measurement | None:
    """What a case is estimated to take: the whole where that is known, else the NPU's part; ours before Vela's."""
    found = [table.find(case, metric, stat) for metric in (WHOLE, PART) for stat in (OPEN, VELA)]
    known = [figure for figure in found if figure]
    return next((figure for figure in known if figure.unavailable is None), known[0] if known else None)


def _thresholds(view: RunView, judged: Mapping[CaseKey, Decision]) -> list[ThresholdRow]:
    """Every threshold that decided, those first that stand against shipping."""
    rows = [
        ThresholdRow(
            text=line.text,
            model=case.model,
            profile=case.profile,
            target=view.table.target(case),
            state=line.state,
            found=line.found,
        )
        for case, decision in judged.items()
        for line in decision.lines
    ]
    return sorted(rows, key=lambda row: ("missed", "open", "met").index(row.state))


def _reasons(view: RunView, judged: Mapping[CaseKey, Decision]) -> list[tuple[str, str, list[str]]]:
    """(state, reason, cases) of everything that stands against shipping; a reason that many cases share stands once."""
    shared: dict[tuple[str, str], list[CaseKey]] = {}
    for case, decision in judged.items():
        for reason in decision.reasons if decision.state != "ship" else ():
            shared.setdefault((decision.state, reason), []).append(case)
    ordered = sorted(shared.items(), key=lambda item: item[0][0] != "stop")
    return [(state, reason, _named(cases, view.names)) for (state, reason), cases in ordered]


def _named(cases: Sequence[CaseKey], models: Sequence[str]) -> list[str]:
    """Cases in words: "every model on u65-256, u85-256"."""
    places: dict[tuple[str, ...], list[str]] = {}
    for profile in dict.fromkeys(case.profile for case in cases):
        own = tuple(dict.fromkeys(case.model for case in cases if case.profile == profile))
        places.setdefault(own, []).append(short_profile(profile))
    return [
        f"{'every model' if len(own) == len(models) > 1 else ', '.join(own)} on {', '.join(profiles)}"
        for own, profiles in places.items()
    ]


def _memories(view: RunView, exhibits: Exhibits, profile: str) -> list[tuple[str, list[MemoryNeed]]]:
    """Each model with its memories on one NPU."""
    found = []
    for model in view.models:
        case = next((case for case in view.cases if (case.model, case.profile) == (model.name, profile)), None)
        areas = [_memory(view.table, exhibits, case, area) for area in AREA_NAMES] if case else []
        found.append((model.label, [area for area in areas if area]))
    return [(label, areas) for label, areas in found if areas]


def _memory(table: FigureTable, exhibits: Exhibits, case: CaseKey, area: str) -> MemoryNeed | None:
    need, budget = table.find(case, "memory_bytes", area), table.find(case, "memory_budget_bytes", area)
    needs, has = (figure.number if figure else None for figure in (need, budget))
    if needs is None:
        return None
    top = max(needs, has or 0) or 1.0
    return MemoryNeed(
        area=AREA_NAMES[area],
        need=exhibits.figure(need),
        budget=exhibits.figure(budget),
        share=100 * needs / top,
        limit=100 * (has or 0) / top,
        fits=not has or needs <= has,
    )


STATS = (("latency_us", "median"), ("latency_us", "p95"), ("latency_us", "min"), ("latency_us", "mean"))
BESIDE = (("cpu_latency_us", "median"), ("speedup_over_cpu", ""))
"""The plain int8 file on the same board's CPU, where a target has both."""


def _stats(view: RunView, exhibits: Exhibits) -> list[TargetStats]:
    return [_target_stats(target, view, exhibits) for target in dict.fromkeys(case.target for case in view.cases)]


def _target_stats(target: str, view: RunView, exhibits: Exhibits) -> TargetStats:
    cases = [case for case in view.cases if case.target == target and view.twin(case.model) == case.model]
    beside = any(view.table.find(case, *BESIDE[0]) for case in cases)
    rows = _stats_rows(view, exhibits, cases, (*STATS, *(BESIDE if beside else ())))
    cells = [cell for _, _, own in rows for cell in own]
    if any(cell.text != NO_VALUE for cell in cells):
        return TargetStats(target, beside, "", rows)
    return TargetStats(target, beside, "; ".join(dict.fromkeys(cell.why for cell in cells)), [])


def _stats_rows(
    view: RunView, exhibits: Exhibits, cases: Sequence[CaseKey], stats: Sequence[tuple[str, str]]
) -> list[StatsRow]:
    """A row per model, and one more for each NPU where its figures are others."""
    labels = {model.name: model.label for model in view.models}
    rows: dict[tuple[object, ...], StatsRow] = {}
    seen: set[str] = set()
    for case in cases:
        figures = [view.table.find(case, metric, stat=stat) for metric, stat in stats]
        name = labels[case.model]
        values = (name, *(figure and figure.value for figure in figures))
        if values not in rows:
            where = f"{name}, {short_profile(case.profile)}" if name in seen else name
            note = figures[0].note if figures[0] else ""
            rows[values] = (where, note, [exhibits.figure(figure, bare=True) for figure in figures])
            seen.add(name)
    return list(rows.values())


def _script_data(run: StoredRun, exhibits: Exhibits, panels: Mapping[str, Sequence[Network]]) -> ScriptData:
    header = run.header.to_json()
    return ScriptData(
        run={key: header[key] for key in ("id", "started", "commit", "dirty", "command")},
        figures=exhibits.rows,
        identities=exhibits.identities,
        evidence={name: meaning for name, (_, meaning) in BADGES.items()},
        networks={network.key: asdict(network.rows) for group in panels.values() for network in group},
    )


def script_sha256(script: str) -> str:
    """The digest by which a page's policy lets its own script run, base64."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
