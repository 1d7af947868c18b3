"""From what was found to records: the metrics of docs/reference/metrics.md, each with its evidence and identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from core.metrics import BY_NAME
from core.records.artefact import Artefact, Compilation
from core.records.case_key import CaseKey
from core.records.checkpoint_facts import CheckpointFacts
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.image_form import ImageForm
from core.records.measurement import Measurement, Value
from core.records.memory_shortfall import MemoryShortfall
from core.records.run import COUNTERS, NO_CPU_BESIDE, Run
from core.records.unavailable import Unavailable

LATENCY_STATS: Mapping[str, Callable[[np.ndarray], float]] = {
    "median": lambda samples: float(np.median(samples)),
    "p95": lambda samples: float(np.percentile(samples, 95)),
    "min": lambda samples: float(samples.min()),
    "mean": lambda samples: float(samples.mean()),
}


@dataclass(frozen=True)
class Subject:
    """The case that a record belongs to, and the identity that all of its records share."""

    case: CaseKey
    identity: Identity

    def record(
        self, metric: str, value: Value, evidence: Evidence, *, stat: str = "", graph: str = "", note: str = ""
    ) -> Measurement:
        """One record of this case, in the unit of the metric's row."""
        return Measurement(
            **asdict(self.case), metric=metric, value=value, unit=BY_NAME[metric].unit, evidence=evidence,
            identity=self.identity, stat=stat, graph=graph, note=note,
        )  # fmt: skip

    def with_options(self, options: Mapping[str, str]) -> Subject:
        """The same case for figures that depend on more choices, such as the images."""
        return replace(self, identity=replace(self.identity, options={**self.identity.options, **options}))

    def with_target(self, fingerprint: dict[str, str]) -> Subject:
        """The same case for figures that depend on the target that ran."""
        return replace(self, identity=replace(self.identity, target=fingerprint))


def identity_figures(
    subject: Subject, facts: CheckpointFacts | None, activation: str | Unavailable, twin: str, checkpoint_bytes: int
) -> list[Measurement]:
    """What the model is: activation, parameters, file size, and which other model it equals.

    `facts` is None for a user's own file, `checkpoint_bytes` 0 where there is no checkpoint file.
    """
    no_file = Unavailable("no checkpoint file: seeded weights" if facts else "no checkpoint file: a quantised file was given")
    found = [
        subject.record("activation", activation, Evidence.COMPILED),
        subject.record("same_model_as", twin or "none", Evidence.COMPILED),
        subject.record("checkpoint_bytes", checkpoint_bytes or no_file, Evidence.COMPILED),
    ]
    parameters: Value = facts.parameters if facts else Unavailable("a quantised file does not say how it was parametrised")
    found.append(subject.record("parameters", parameters, Evidence.COMPILED))
    return found


def offload_figures(subject: Subject, compilation: Compilation) -> list[Measurement]:
    """Where the compiled file puts the work."""
    placement = compilation.placement
    cpu_note = ", ".join(sorted({operator.operator for operator in placement.cpu}))
    return [
        subject.record("npu_operator_share", placement.operator_share, Evidence.COMPILED, note=cpu_note),
        subject.record("npu_mac_share", placement.mac_share, Evidence.COMPILED),
        subject.record("npu_cycle_share", placement.cycle_share, Evidence.ESTIMATED),
        subject.record("npu_cpu_crossings", placement.crossings, Evidence.COMPILED),
        subject.record(
            "macs",
            placement.macs,
            Evidence.COMPILED,
            note="; ".join(placement.uncounted and ("without " + ", ".join(placement.uncounted),)),
        ),
        *(
            subject.record(f"operators_{where}", placement.count(where), Evidence.COMPILED)
            for where in ("executed", "fused", "elided", "cpu")
        ),
    ]


def findings_figure(subject: Subject, findings: Sequence[str]) -> Measurement:
    """How many things the input checks found in the file, and what they are."""
    return subject.record("findings", len(findings), Evidence.COMPILED, note="; ".join(findings))


def image_figures(subject: Subject, image: ImageForm | None) -> list[Measurement]:
    """The size of the model's image input as it is: its side where it is square, its height and width."""
    if image is None:
        none = Unavailable("the input is no image")
        return [subject.record(metric, none, Evidence.COMPILED) for metric in ("image_size", "image_height", "image_width")]
    square = image.height if image.height == image.width else Unavailable(f"not square: {image}")
    return [
        subject.record("image_size", square, Evidence.COMPILED),
        subject.record("image_height", image.height, Evidence.COMPILED, note=str(image)),
        subject.record("image_width", image.width, Evidence.COMPILED),
    ]


def memory_figures(
    subject: Subject,
    compilation: Compilation,
    compiled_bytes: int,
    shortfalls: Sequence[MemoryShortfall],
    fitting: int | Unavailable,
) -> list[Measurement]:
    """What the compiled file needs, and whether the platform has it.

    `fitting` is the largest image size at which it would have it, in pixels (0: none), or why that is not known.
    """
    needs, budget = compilation.estimate.memory_bytes, compilation.profile.budget
    said = [str(shortfall) for shortfall in shortfalls]
    if shortfalls and isinstance(fitting, int):
        said.append(f"{fitting} px would fit (--imgsz auto)" if fitting else "no image size would fit")
    return [
        subject.record("arena_bytes", compilation.estimate.arena_bytes, Evidence.COMPILED),
        subject.record("flash_bytes", compiled_bytes, Evidence.COMPILED, note="size of the compiled file"),
        *(subject.record("memory_bytes", need, Evidence.COMPILED, stat=area) for area, need in needs.items() if need),
        *(
            subject.record("memory_budget_bytes", has.bytes, Evidence.DOCUMENTED, stat=area, note=has.source)
            for area, has in budget.items()
        ),
        subject.record("fits", not shortfalls, Evidence.COMPILED, note="; ".join(said)),
        *([subject.record("fitting_imgsz", fitting, Evidence.COMPILED)] if shortfalls else []),
    ]


def for_batch(records: Sequence[Measurement], batch: int) -> list[Measurement]:
    """The same figures, whose times say that they are for `batch` images."""
    return [replace(one, note=_noted(one.note, batch)) if one.metric.endswith("_us") else one for one in records]


def _noted(note: str, batch: int) -> str:
    """A note on a time, which says how many images the time is for when it is more than one."""
    return "; ".join(part for part in (note, f"for {batch} images together" if batch > 1 else "") if part)


def latency_figures(subject: Subject, run: Run, batch: int = 1, fed: str = "") -> list[Measurement]:
    """Statistics of the latency samples; every sample itself is in samples.jsonl.

    `batch` images are one inference; `fed` says what was run where that is not what was asked for.
    """
    subject = subject.with_target(run.fingerprint)
    if isinstance(run.latency_us, Unavailable):
        told: Mapping[str, Value] = run.latency_summary_us
        note = "; ".join(run.notes) if told else ""
        return [
            subject.record("latency_us", told.get(stat, run.latency_us), run.evidence, stat=stat, note=note)
            for stat in LATENCY_STATS
        ]
    samples = np.asarray(run.latency_us)
    note = "; ".join([f"{len(samples)} samples, {run.fingerprint.get('threads', '?')} threads", *run.notes])
    note = _noted(f"{note}; on {fed}" if fed else note, batch)
    return [
        *(
            subject.record("latency_us", reduce(samples), run.evidence, stat=stat, note=note)
            for stat, reduce in LATENCY_STATS.items()
        ),
        subject.record("process_peak_bytes", run.peak_memory_bytes, run.evidence),
        *_beside_cpu(subject, run, samples),
    ]


def _beside_cpu(subject: Subject, run: Run, samples: np.ndarray) -> list[Measurement]:
    """The plain int8 file on the CPU beside the NPU, and how many times faster the NPU is; nothing where there is no NPU."""
    if run.cpu_latency_us is NO_CPU_BESIDE:
        return []
    if isinstance(run.cpu_latency_us, Unavailable):
        return [
            subject.record("cpu_latency_us", run.cpu_latency_us, run.evidence, stat="median"),
            subject.record("speedup_over_cpu", run.cpu_latency_us, run.evidence),
        ]
    beside = np.asarray(run.cpu_latency_us)
    note = f"{len(beside)} samples of the plain int8 file on the same board's CPU"
    return [
        *(
            subject.record("cpu_latency_us", reduce(beside), Evidence.HOST, stat=stat, note=note)
            for stat, reduce in LATENCY_STATS.items()
        ),
        subject.record("speedup_over_cpu", float(np.median(beside) / np.median(samples)), run.evidence, note=note),
    ]


def execution_figures(subject: Subject, run: Run) -> list[Measurement]:
    """What the run proves of NPU execution: the only figures that may be called measured offload."""
    subject = subject.with_target(run.fingerprint)
    share: Value = run.proof if isinstance(run.proof, Unavailable) else run.proof.share
    sign = "" if isinstance(run.proof, Unavailable) else run.proof.sign
    return [
        subject.record("npu_executed_share", share, run.evidence, note=sign),
        subject.record("npu_time_share", run.npu_time_share, run.evidence),
        *counter_figures(subject, run),
    ]


def counter_figures(subject: Subject, run: Run) -> list[Measurement]:
    """The NPU's own counters for one inference: cycles, beats on its ports, and what only the firmware has a name for."""
    found = []
    for name, value in run.counters.items():
        metric, stat = COUNTERS.get(name, ("npu_counter", name))
        found.append(subject.record(metric, value, run.evidence, stat=stat))
    return found


def unrun_figures(
    subject: Subject, reason: Unavailable, metrics: Sequence[str], stats: Sequence[str] = ("",)
) -> list[Measurement]:
    """What a run would have given, had the compiled file not shown before that it cannot be run."""
    return [subject.record(metric, reason, Evidence.COMPILED, stat=stat) for metric in metrics for stat in stats]


def artefact_identity(
    artefact: Artefact, image: ImageForm | None, options: Mapping[str, str], tools: Mapping[str, str]
) -> Identity:
    """What figures of a compiled artefact depend on; `image` is how its input holds images."""
    compilation = artefact.compilation
    return Identity(
        weights=artefact.weights,
        tflite=artefact.source.sha256,
        compiled=compilation.compiled.sha256,
        profile=compilation.profile.identity,
        tools={**tools, "vela": compilation.vela_version},
        options={**options, "image_size": str(image.size if image else 0), "recipe": artefact.recipe or "none"},
    )
