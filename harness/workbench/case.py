"""One test's view of the session: a variant on a profile and a target, and what the test found there."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness import figures
from harness.errors import RunError
from harness.figures import Subject
from harness.records.artefact import Artefact
from harness.records.claim import Claim
from harness.records.evidence import Evidence
from harness.records.identity import Identity
from harness.records.measurement import Measurement
from harness.records.run import Run
from harness.records.unavailable import Unavailable
from harness.records.verdict import Verdict
from harness.store import Findings
from harness.verdicts import judge
from harness.workbench.accuracy_figures import accuracy_figures, drop_figures
from harness.workbench.detectors import Detected
from harness.workbench.workbench import Workbench

TOOLS = ("ai-edge-quantizer", "ai-edge-litert", "litert-torch", "torch", "onnxruntime")


@dataclass
class Case:
    """A variant on a profile and a target. Its methods compute figures, keep them as findings and return them."""

    bench: Workbench
    variant: str
    profile: str
    target: str
    findings: Findings = field(default_factory=Findings)

    @property
    def artefact(self) -> Artefact:
        """The compiled model."""
        return self.bench.artefact(self.variant, self.profile)

    @property
    def subject(self) -> Subject:
        """Where this case's records belong, with the identity of the compiled model."""
        identity = figures.artefact_identity(self.artefact, self._options(), _versions())
        return Subject(self.variant, self.profile, self.place, identity)

    @property
    def place(self) -> str:
        """The target's name in records."""
        return self.bench.recorded_target(self.target)

    def identity(self) -> list[Measurement]:
        """What the model is, read from its graph; CheckpointError when its name says otherwise."""
        facts, twin = self.bench.facts(self.variant), self.bench.twin(self.variant)
        self.bench.require_identity(self.variant)
        weights = facts.weights if facts else self.bench.source(self.variant).graph.weights
        subject = Subject(self.variant, self.profile, self.place, Identity(weights=weights))
        size = self.bench.checkpoint_bytes(self.variant)
        return self._keep(figures.identity_figures(subject, facts, self.bench.activation(self.variant), twin, size))

    def offload(self) -> list[Measurement]:
        """Where the compiled file puts the work; the placement of every operator goes into the results."""
        compilation = self.artefact.compilation
        placement = compilation.placement.to_json()
        self.findings.texts[f"placement/{self.variant}-{self.profile}.json"] = json.dumps(placement, indent=1)
        return self._keep([*figures.offload_figures(self.subject, compilation), *self._against_base()])

    def _against_base(self) -> list[Measurement]:
        """How many times faster than the plain model Vela estimates this one to be."""
        base = self.bench.base(self.variant)
        if not base:
            return []
        other, own = self.bench.artefact(base, self.profile), self.artefact
        if other.image_size != own.image_size:
            reason = Unavailable(f"{base} is {other.image_size} px, {self.variant} {own.image_size} px")
            return [self.subject.record("estimated_speedup_over_base", reason, "ratio", Evidence.ESTIMATED)]
        ratio = other.compilation.estimate.latency_us / own.compilation.estimate.latency_us
        return [self.subject.record("estimated_speedup_over_base", ratio, "ratio", Evidence.ESTIMATED)]

    def memory(self) -> list[Measurement]:
        """What the compiled file needs and whether the platform has it."""
        compilation = self.artefact.compilation
        size = compilation.compiled.path.stat().st_size
        return self._keep(figures.memory_figures(self.subject, compilation, size))

    def execution(self) -> Run:
        """The run on the target, with its latency samples and what it proves."""
        run = self._run()
        self._keep([*figures.latency_figures(self.subject, run), *figures.execution_figures(self.subject, run)])
        if not isinstance(run.latency_us, Unavailable):
            case = {"variant": self.variant, "profile": self.profile, "target": self.place}
            self.findings.samples.append({**case, "executed": run.executed, "latency_us": list(run.latency_us)})
        return run

    def _run(self) -> Run:
        """The run; samples that arrived before a link broke are kept beside the results, and are part of no figure."""
        try:
            run = self.bench.run(self.variant, self.profile, self.target)
        except RunError as error:
            self._keep_lost(getattr(error, "samples", ()), error.found)
            raise
        self._keep_lost(run.lost_us, "; ".join(run.notes))
        return run

    def _keep_lost(self, samples: Sequence[float], why: str) -> None:
        if samples:
            content = {"variant": self.variant, "profile": self.profile, "target": self.place, "why": why}
            name = f"lost/{self.variant}-{self.profile}-{self.place.replace(':', '-').replace('/', '-')}.json"
            self.findings.texts[name] = json.dumps({**content, "latency_us": list(samples)})

    def require_execution_proof(self) -> None:
        """Raise RunError when a target that runs the compiled file cannot prove that the NPU executed."""
        if self.bench.target(self.target).graph == "int8":
            return
        run = self._run()
        if isinstance(run.proof, Unavailable) or not run.proof.executed_operators:
            why = run.proof.reason if isinstance(run.proof, Unavailable) else run.proof.sign
            raise RunError(f"{self.variant} on {self.target}: no proof that the NPU executed: {why}", "executed NPU operators")

    def accuracy(self) -> list[Measurement]:
        """MAP of the float and the int8 graph, and what int8 costs."""
        found = {graph: self.bench.detections(self.variant, graph) for graph in ("float", "int8")}
        kept: list[Measurement] = []
        for graph, detections in found.items():
            kept += accuracy_figures(self._accuracy_subject(detections), graph, detections)
            if isinstance(detections, Detected):
                self.findings.files[f"detections/{self.variant}-{graph}.json"] = str(detections.kept)
        interval = self.bench.drop(self.variant)
        if interval:
            kept += drop_figures(self._accuracy_subject(found["int8"]), interval)
        return self._keep(kept)

    def _accuracy_subject(self, detections: Detected | Unavailable) -> Subject:
        """Accuracy depends on data set, runtime and threads, and not on the profile's compiled file."""
        subject = self.subject
        options = dict(subject.identity.options)
        if isinstance(detections, Detected):
            options |= {
                "data": detections.dataset.identity,
                "images": f"{len(detections.dataset.images)} of {detections.dataset.of}",
            }
            options["runtime"] = detections.runtime
        identity = subject.identity
        return Subject(
            self.variant,
            self.profile,
            self.place,
            Identity(weights=identity.weights, tflite=identity.tflite, tools=identity.tools, options=options),
        )

    def judge(self, claims: Sequence[Claim]) -> list[Verdict]:
        """The verdicts on what documents say of this variant, kept as findings; without claims there is nothing to compute."""
        own = [claim for claim in claims if claim.variant == self.variant]
        if not own:
            return []
        found = [*self.identity(), *self.offload(), *self.accuracy()]
        verdicts = [judge(claim, found) for claim in own]
        self.findings.verdicts += verdicts
        return verdicts

    def _keep(self, records: Sequence[Measurement]) -> list[Measurement]:
        kept = list(records)
        if self.place != self.target:
            kept = [replace(record, replayed_from=self.target.partition(":")[2]) for record in kept]
        self.findings.records += kept
        return kept

    def _options(self) -> dict[str, str]:
        return {"cut": self.bench.options.cut}


def _versions() -> dict[str, str]:
    found = {}
    for name in TOOLS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
