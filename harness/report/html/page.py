"""The page: what the template shows, from a run's records, samples, placements and detections."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.files import storage_errors, write_whole
from harness.report.decision import Decision, decide_run, decisions
from harness.report.html.accuracy_charts import accuracy_charts, class_charts, trade_charts
from harness.report.html.claim_charts import claim_charts
from harness.report.html.exhibits import BADGES, NO_VALUE, NOTHING, Exhibits, Figure
from harness.report.html.history import MOST_EVENTS, history_charts, history_events, unchanged
from harness.report.html.latency_charts import latency_charts
from harness.report.html.network import networks
from harness.report.html.pictures import pictures
from harness.report.past import Past
from harness.report.run_view import Case, RunView
from harness.report.tables import Record, RecordTable
from harness.report.terminal import findings, merged, short_profile
from harness.results.stored_run import StoredRun
from harness.tasks.detect.dataset import Dataset

TEMPLATES = Path(__file__).parent / "templates"
AREA_NAMES = {"sram": "SRAM", "dram": "DRAM", "on_chip_flash": "on-chip flash", "off_chip_flash": "off-chip flash"}
BAD = ("refuted", "fell short", "no figure")


@dataclass(frozen=True)
class Cell:
    """One model on one NPU and target in the table of the first screen."""

    decision: Decision
    estimate: Figure
    latency: Figure


@dataclass(frozen=True)
class Row:
    """One name in the table of the first screen, with the figures that do not depend on the NPU."""

    name: str
    twin: str
    cells: tuple[Cell, ...]
    offload: Figure
    accuracy: Figure
    drop: Figure


@dataclass(frozen=True)
class Memory:
    """What a model needs in one memory: `share` of the larger of need and budget, `limit` where the budget lies, in percent."""

    area: str
    need: Figure
    budget: Figure
    share: float
    limit: float
    fits: bool


def write_page(
    run: StoredRun,
    output: Path,
    dataset: Dataset | None = None,
    past: Past | None = None,
) -> None:
    """Write the page of a run with images of `dataset` and the figures of `past`; StorageError when it cannot be written."""
    text = page(run, dataset, past)
    with storage_errors(f"write `{output}`", "a writable folder", "--output report.html"):
        write_whole(output, text)


def page(run: StoredRun, dataset: Dataset | None = None, past: Past | None = None) -> str:
    """The page of a run as text."""
    view, exhibits = RunView(run), Exhibits()
    content = _content(view, exhibits, dataset)
    content["history"] = history_charts(past) if past else []
    content["events"] = history_events(past) if past else []
    content["past"] = past if past and (past.problem or len(past.runs) > 1) else None
    content["unchanged"] = unchanged(past) if past else []
    content["most_events"] = MOST_EVENTS
    content["data"] = _data(run, exhibits, content["networks"])
    style, script = (_own(name) for name in ("report.css", "report.js"))
    template = _environment().get_template("report.html.jinja")
    return template.render(**content, style=style, script=script, script_hash=_sha256(script))


def _own(name: str) -> Markup:
    """A file of ours, to be put into the page as it is."""
    return Markup((TEMPLATES / name).read_text("utf-8"))  # noqa: S704  # not a word of it comes from a run


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short_profile
    return environment


def _content(view: RunView, exhibits: Exhibits, dataset: Dataset | None) -> dict[str, Any]:
    run = view.run
    panels = {model.name: networks(view, model.name) for model in view.models}
    judged = decisions(view)
    return {
        "run": run.header,
        "summary": decide_run(view, judged, findings(view.table)),
        "places": list(dict.fromkeys((case[1], view.table.target(case)) for case in judged)),
        "rows": [_row(view, exhibits, variant, judged) for variant in view.variants],
        "reasons": _reasons(view, judged),
        "claims": claim_charts(run.verdicts),
        "verdicts": _verdicts(view, exhibits),
        "models": view.models,
        "networks": panels,
        "tabs": [profile for profile in view.profiles if any(n.profile == profile for own in panels.values() for n in own)],
        "memory": {profile: _memories(view, exhibits, profile) for profile in view.profiles},
        "latency": latency_charts(view),
        "stats": _stats(view, exhibits),
        "trades": trade_charts(view),
        "accuracy": accuracy_charts(view),
        "classes": class_charts(view),
        "pictures": pictures(view, dataset),
        "dataset": dataset.name if dataset else "",
        "failures": run.failures,
        "thresholds": run.thresholds,
        "badges": BADGES,
    }


def _row(view: RunView, exhibits: Exhibits, variant: str, judged: dict[Case, Decision]) -> Row:
    places = dict.fromkeys(case[1:] for case in judged)
    cells = [_cell(view.table, exhibits, (variant, *place), judged) for place in places]
    twin = view.twin(variant)
    best = "npu" if view.value("map50_95", variant=variant, graph="npu") is not None else "int8"
    return Row(
        name=variant,
        twin="" if twin == variant else twin,
        cells=tuple(cells),
        offload=exhibits.figure(view.first("npu_operator_share", variant=variant), ".1f", "%", 100),
        accuracy=exhibits.figure(view.first("map50_95", variant=variant, graph=best), ".3f"),
        drop=exhibits.figure(view.first("map50_95_drop", variant=variant, graph="int8"), "+.3f"),
    )


def _cell(table: RecordTable, exhibits: Exhibits, case: Case, judged: dict[Case, Decision]) -> Cell:
    return Cell(
        judged.get(case, Decision("open", ("not part of this run",))),
        exhibits.figure(table.find(case, "estimated_us"), ".1f", "ms", 1e-3),
        exhibits.figure(table.find(case, "latency_us", stat="median"), ".1f", "ms", 1e-3),
    )


def _reasons(view: RunView, judged: dict[Case, Decision]) -> list[tuple[str, str, list[str]]]:
    """(state, reason, cases) of everything that stands against shipping; a reason that many cases share stands once."""
    shared: dict[tuple[str, str], list[Case]] = {}
    for case, decision in judged.items():
        for reason in decision.reasons if decision.state != "ship" else ():
            shared.setdefault((decision.state, reason), []).append(case)
    ordered = sorted(shared.items(), key=lambda item: item[0][0] != "stop")
    return [(state, reason, _named(cases, view.variants)) for (state, reason), cases in ordered]


def _named(cases: Sequence[Case], variants: Sequence[str]) -> list[str]:
    """Cases in words: "every model on u65-256, u85-256"."""
    places: dict[tuple[str, ...], list[str]] = {}
    for profile in dict.fromkeys(case[1] for case in cases):
        own = tuple(dict.fromkeys(case[0] for case in cases if case[1] == profile))
        places.setdefault(own, []).append(short_profile(profile))
    return [
        f"{'every model' if len(own) == len(variants) > 1 else ', '.join(own)} on {', '.join(profiles)}"
        for own, profiles in places.items()
    ]


def _verdicts(view: RunView, exhibits: Exhibits) -> dict[str, list[dict[str, Any]]]:
    """Verdicts as table rows, those that a reader has to know first; equal ones of several NPUs share a row."""
    verdicts = view.run.verdicts
    rows: dict[str, list[dict[str, Any]]] = {"bad": [], "good": []}
    texts = {verdict["claim"]: verdict for verdict in verdicts}
    every = len({verdict["profile"] for verdict in verdicts})
    for row, profiles in merged(verdicts).items():
        claim, documented, found, difference, *_, outcome = row
        verdict = texts[claim]
        shown = {key: verdict[key] for key in ("claim", "text", "document", "why", "evidence", "comparability")}
        shown["where"] = "every NPU" if len(profiles) == every > 1 else ", ".join(map(short_profile, profiles))
        shown |= {"documented": documented, "found": found, "difference": difference, "outcome": outcome}
        shown["figure"] = exhibits.figure(_judged(view, verdict), "") if verdict["difference"] is not None else NOTHING
        rows["bad" if outcome in BAD else "good"].append(shown)
    return rows


def _judged(view: RunView, verdict: Record) -> Record | None:
    """The record that a verdict on a figure was given on."""
    metric = verdict["text"].partition(" = ")[0]
    same = [(verdict[part], part) for part in ("variant", "profile", "target")]
    return next(
        (
            record
            for record in view.run.records
            if record["metric"] == metric
            and record.get("value") == verdict["found"]
            and all(record[part] == value for value, part in same)
        ),
        None,
    )


def _memories(view: RunView, exhibits: Exhibits, profile: str) -> list[tuple[str, list[Memory]]]:
    """Each model with its memories on one NPU."""
    found = []
    for model in view.models:
        case = next((case for case in view.cases if case[:2] == (model.name, profile)), None)
        areas = [_memory(view.table, exhibits, case, area) for area in AREA_NAMES] if case else []
        found.append((model.label, [area for area in areas if area]))
    return [(label, areas) for label, areas in found if areas]


def _memory(table: RecordTable, exhibits: Exhibits, case: Case, area: str) -> Memory | None:
    need, budget = table.find(case, "memory_bytes", area), table.find(case, "memory_budget_bytes", area)
    if need is None or "value" not in need:
        return None
    needs, has = float(need["value"]), float(budget["value"]) if budget and "value" in budget else 0.0
    top = max(needs, has) or 1.0
    needed, offered = (exhibits.figure(record, ".2f", "MiB", 2**-20) for record in (need, budget))
    return Memory(
        AREA_NAMES[area], needed, offered, share=100 * needs / top, limit=100 * has / top, fits=not has or needs <= has
    )


STATS = (("latency_us", "median"), ("latency_us", "p95"), ("latency_us", "min"), ("latency_us", "mean"))
BESIDE = (("cpu_latency_us", "median"), ("speedup_over_cpu", ""))
"""The plain int8 file on the same board's CPU, where a target has both."""
StatsRow = tuple[str, str, list[Figure]]


@dataclass(frozen=True)
class TargetStats:
    """A target's latencies: a row per model (its name, what the samples' record notes, figures), or `why` there are none.

    `beside`: a CPU stands beside its NPU. A target that ran one file for all NPUs has one row per model.
    """

    target: str
    beside: bool
    why: str
    rows: list[StatsRow]


def _stats(view: RunView, exhibits: Exhibits) -> list[TargetStats]:
    return [_target_stats(target, view, exhibits) for target in dict.fromkeys(case[2] for case in view.cases)]


def _target_stats(target: str, view: RunView, exhibits: Exhibits) -> TargetStats:
    rows: dict[str, StatsRow] = {}
    cases = [case for case in view.cases if case[2] == target and view.twin(case[0]) == case[0]]
    beside = any(view.table.find(case, *BESIDE[0]) for case in cases)
    for case in cases:
        records = [view.table.find(case, metric, stat=stat) for metric, stat in (*STATS, *(BESIDE if beside else ()))]
        name = next(model.label for model in view.models if model.name == case[0])
        values = repr([name, *(record and (record.get("value"), record.get("unavailable")) for record in records)])
        where = f"{name}, {short_profile(case[1])}" if any(n == name for n, _, _ in rows.values()) else name
        figures = [
            exhibits.figure(record, ".2f", "", 1.0 if record and record["unit"] == "ratio" else 1e-3) for record in records
        ]
        rows.setdefault(values, (where, str((records[0] or {}).get("note", "")), figures))
    shown = [figure for _, _, own in rows.values() for figure in own]
    missing = all(figure.text == NO_VALUE for figure in shown)
    why = "; ".join(dict.fromkeys(figure.why for figure in shown)) if missing else ""
    return TargetStats(target, beside, why, [] if missing else list(rows.values()))


def _data(run: StoredRun, exhibits: Exhibits, panels: dict[str, Any]) -> dict[str, Any]:
    """What the page's script reads out: provenance of figures, and operators."""
    return {
        "run": {key: run.header[key] for key in ("id", "started", "commit", "dirty", "command")},
        "figures": exhibits.rows,
        "identities": exhibits.identities,
        "evidence": {name: meaning for name, (_, meaning) in BADGES.items()},
        "networks": {network.key: network.rows for group in panels.values() for network in group},
    }


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
