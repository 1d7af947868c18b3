"""Which model to take: the Pareto front over latency, accuracy and memory of what runs have found, within limits.

Two figures of different evidence never compete: latencies are compared under the strongest evidence that every candidate has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.errors import UsageError
from core.metrics import BY_NAME, ESTIMATES
from core.records.measurement import Measurement
from harness.report.run_view import RunView
from harness.report.tables import BOUNDS, OPEN, STAT_WORDS, VELA
from harness.results.stored_run import StoredRun

STRENGTH = ("measured", "simulated-fvp", "simulated-open", "estimated")
"""Evidence of an NPU's latency, the strongest first. Latencies of the host CPU say nothing of an NPU."""
GRAPHS = ("npu", "int8")
ESTIMATED = "estimated"


@dataclass(frozen=True)
class Limits:
    """What a model must hold: latency in microseconds, mAP50-95 as 0..1, arena in bytes; None where there is no limit."""

    latency_us: float | None = None
    map50_95: float | None = None
    arena_bytes: float | None = None


@dataclass(frozen=True)
class Candidate:
    """A model on one NPU with the records it is judged by; `latencies` has one record for each evidence it was found under.

    `estimates` are those of a whole inference by whose they are: vela, open, and the ends of our interval.
    """

    model: str
    profile: str
    run: str
    latencies: Mapping[str, Measurement]
    estimates: Mapping[str, Measurement]
    accuracy: Measurement
    memory: Measurement
    latency: Measurement | None = None

    @property
    def figures(self) -> tuple[float, float, float]:
        """Latency, lost accuracy and memory: smaller is better in each."""
        assert self.latency
        return _number(self.latency), 1 - _number(self.accuracy), _number(self.memory)


@dataclass(frozen=True)
class Recommendation:
    """`front` by latency; `beaten` with what beats each; `excluded` with the reason. All latencies are of one `evidence`.

    Estimates are all of one cycle model: ours where every candidate has it, else Vela's.
    """

    evidence: str
    front: tuple[Candidate, ...]
    beaten: tuple[tuple[Candidate, str], ...]
    excluded: tuple[tuple[str, str], ...]


def recommend(runs: Sequence[StoredRun], profile: str, limits: Limits, evidence: str = "") -> Recommendation:
    """The recommendation for an NPU from runs, the newest figures of each model counting; UsageError when none has any."""
    found, excluded = _candidates(runs, profile)
    if not found and not excluded:
        known = sorted({case.profile for run in runs for case in RunView(run).cases})
        hint = f"--npu {known[0]}" if known else ""
        raise UsageError(f"no run has figures for `{profile}`", f"one of {', '.join(known) or 'none yet'}", hint)
    found, others = _alike(found)
    excluded += others
    found = _estimated(found)
    kind = evidence or _common_evidence(found)
    judged: list[Candidate] = []
    for candidate in found:
        reason = _unfit(candidate, kind, limits)
        if reason:
            excluded.append((candidate.model, reason))
        else:
            judged.append(replace(candidate, latency=candidate.latencies[kind]))
    beaten = [(one, rival) for one in judged if (rival := _rival(one, judged))]
    losers = {one.model for one, _ in beaten}
    front = sorted((one for one in judged if one.model not in losers), key=lambda one: one.figures)
    return Recommendation(kind, tuple(front), tuple(beaten), tuple(excluded))


def _candidates(runs: Sequence[StoredRun], profile: str) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """The newest complete figures of each model, and the models that have none with the reason."""
    found: dict[str, Candidate] = {}
    missing: dict[str, str] = {}
    for run in sorted(runs, key=lambda one: one.header.started, reverse=True):
        view = RunView(run)
        for model in view.models:
            if model.name in found or not any((case.model, case.profile) == (model.name, profile) for case in view.cases):
                continue
            made = _candidate(view, model.name, model.label, profile)
            if isinstance(made, Candidate):
                found[model.name] = made
                missing.pop(model.name, None)
            else:
                missing.setdefault(model.name, made)
    return list(found.values()), list(missing.items())


def _candidate(view: RunView, model: str, label: str, profile: str) -> Candidate | str:
    """A candidate, or why the model is none."""
    fits = view.first("fits", model=model, profile=profile)
    if fits and fits.value is False:
        return fits.note or "does not fit the platform"
    accuracy = _first(view.first(view.accuracy.name, model=model, profile=profile, graph=graph) for graph in GRAPHS)
    memory = view.first("arena_bytes", model=model, profile=profile)
    latencies = _latencies(view, model, profile)
    for name, figure in (("accuracy", accuracy), ("memory figure", memory)):
        if figure is None or figure.unavailable:
            why = figure.unavailable.reason if figure and figure.unavailable else "the run found none"
            return f"no {name}: {why}"
    estimates = _estimates(view, model, profile)
    if not latencies and not estimates:
        whole = view.first("estimated_us", model=model, profile=profile, stat=VELA)
        return f"no latency of an NPU{f': {whole.unavailable.reason}' if whole and whole.unavailable else ''}"
    assert accuracy
    assert memory
    return Candidate(
        model=label,
        profile=profile,
        run=view.run.id,
        latencies=latencies,
        estimates=estimates,
        accuracy=accuracy,
        memory=memory,
    )


def _estimates(view: RunView, model: str, profile: str) -> dict[str, Measurement]:
    """The estimates of a whole inference; of the NPU's part there is none, which would flatter."""
    found = {stat: view.first("estimated_us", model=model, profile=profile, stat=stat) for stat in ESTIMATES}
    return {stat: figure for stat, figure in found.items() if figure and figure.unavailable is None}


def _estimated(found: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with their estimates as latencies: of one cycle model, since two never compete."""
    ours = all(OPEN in candidate.estimates for candidate in found if candidate.estimates)
    stat = OPEN if ours else VELA
    return [
        replace(one, latencies={**one.latencies, ESTIMATED: one.estimates[stat]}) if stat in one.estimates else one
        for one in found
    ]


def _alike(found: Sequence[Candidate]) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """The candidates whose figures compare with those of the newest run, and why the others' do not."""
    newest = found[0] if found else None
    alike, others = [], []
    for candidate in found:
        differing = _differences(newest, candidate) if newest else []
        if differing:
            others.append((candidate.model, f"its figures in {candidate.run} do not compare: other {', '.join(differing)}"))
        else:
            alike.append(candidate)
    return alike, others


def _differences(one: Candidate, other: Candidate) -> list[str]:
    """What keeps two candidates' figures from being compared: data, number of images, Vela, memories of the profile."""
    sides = []
    for candidate in (one, other):
        ours = candidate.estimates.get(OPEN)
        options, compiled = candidate.accuracy.identity.options, candidate.memory.identity
        sides.append(
            {
                "data set": options.get("data"),
                "images": options.get("images"),
                "Vela": compiled.tools.get("vela"),
                "profile": compiled.profile,
                "memory of the estimate": ours.identity.options.get("memory") if ours else None,
            }
        )
    return [part for part in sides[0] if sides[0][part] != sides[1][part]]


def _first(figures: Iterable[Measurement | None]) -> Measurement | None:
    """The first figure with a value, else the first there is."""
    known = [figure for figure in figures if figure]
    return next((figure for figure in known if figure.unavailable is None), known[0] if known else None)


def _latencies(view: RunView, model: str, profile: str) -> dict[str, Measurement]:
    found: dict[str, Measurement] = {}
    for case in view.cases:
        if (case.model, case.profile) == (model, profile):
            figure = view.table.find(case, "latency_us", "median")
            if figure and figure.unavailable is None and figure.evidence in STRENGTH:
                found.setdefault(str(figure.evidence), figure)
    return found


def _common_evidence(candidates: Sequence[Candidate]) -> str:
    """The strongest evidence that every candidate has; the strongest of all when they have none in common."""
    common = [kind for kind in STRENGTH if all(kind in candidate.latencies for candidate in candidates)]
    known = [kind for kind in STRENGTH if any(kind in candidate.latencies for candidate in candidates)]
    return (common or known or ["estimated"])[0]


def _unfit(candidate: Candidate, kind: str, limits: Limits) -> str:
    """Why a candidate is out, "" when it is not."""
    if kind not in candidate.latencies:
        return f"no latency of evidence {kind}, only {', '.join(candidate.latencies)}"
    held = (
        (candidate.latencies[kind], limits.latency_us, f" {kind}"),
        (candidate.accuracy, limits.map50_95, ""),
        (candidate.memory, limits.arena_bytes, ""),
    )
    return next((_missed(figure, limit, of) for figure, limit, of in held if limit is not None and _misses(figure, limit)), "")


def _misses(figure: Measurement, limit: float) -> bool:
    """Whether a figure is on the wrong side of a limit, by its metric's direction."""
    better = BY_NAME[figure.metric].better
    return _number(figure) < limit if better == "higher" else _number(figure) > limit


def _missed(figure: Measurement, limit: float, of: str) -> str:
    """A figure that misses its limit, in its metric's words."""
    row = BY_NAME[figure.metric]
    word = "asked for is" if row.better == "higher" else "allowed are"
    title = f"{STAT_WORDS.get(figure.stat, '')} {row.title}".strip()
    return f"{title} {told(figure)}{of}, {word} {limit * row.display.scale:g}"


def told(figure: Measurement) -> str:
    """A figure with its unit, as its metric's row has it."""
    row = BY_NAME[figure.metric]
    return f"{row.text(figure)} {row.display.unit}".strip()


def interval(candidate: Candidate) -> str:
    """The interval of the latency that a candidate is judged by: " (20.1 to 25.6)"; "" where it has none."""
    if candidate.latency is None or candidate.latency.stat != OPEN:
        return ""
    ends = [candidate.estimates[end] for end in BOUNDS if end in candidate.estimates]
    return f" ({' to '.join(BY_NAME[end.metric].text(end) for end in ends)})" if len(ends) == len(BOUNDS) else ""


def whose(answer: Recommendation) -> str:
    """The evidence of the latencies in words; of an estimate whose it is."""
    latency = answer.front[0].latency if answer.front else None
    words = {OPEN: ", our cycle model", VELA: ", Vela's"}
    return f"{answer.evidence}{words.get(latency.stat, '') if latency else ''}"


def _number(figure: Measurement) -> float:
    number = figure.number
    assert number is not None
    return float(number)


def _rival(one: Candidate, judged: Sequence[Candidate]) -> str:
    """The fastest candidate that is at least as good in everything and better in something."""
    better = [
        other
        for other in judged
        if other.figures != one.figures and all(b <= a for a, b in zip(one.figures, other.figures, strict=True))
    ]
    return min(better, key=lambda other: other.figures).model if better else ""
