"""A case of the session: a model on a profile and a target, and what its tests found there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

from conversion import model_checks
from conversion.compilation_findings import compilation_findings
from conversion.pipeline import Source
from core.errors import RunError
from core.metrics import ESTIMATES
from core.records.artefact import Artefact
from core.records.case_key import CaseKey
from core.records.claim import Claim
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.run import Run
from core.records.sample_group import SampleGroup
from core.records.unavailable import Unavailable
from core.records.verdict import Verdict
from core.versions import versions_of
from harness.claims.verdicts import judge
from harness.results.file_names import cycles_name, found_name, placement_name
from harness.results.findings import Findings
from harness.tasks.task import Judged
from harness.workbench import figures
from harness.workbench.accuracy_figures import accuracy_figures, drop_figures
from harness.workbench.estimate_figures import (
    Times,
    estimate_figures,
    model_cycles,
    operations_figure,
    speedups,
    time_figures,
    whole_times,
)
from harness.workbench.execution_figures import EQUALITY_METRICS, equality_figures
from harness.workbench.figures import Subject
from harness.workbench.reference import Equality
from harness.workbench.session import FRONT_END
from harness.workbench.workbench import Workbench

TOOLS = ("ai-edge-quantizer", "ai-edge-litert", "litert-torch", "torch", "onnxruntime")

EXECUTION_METRICS = ("npu_executed_share", "npu_time_share")


@dataclass
class Case:
    """The case that `key` names. Its methods compute figures, keep them as findings and return them."""

    bench: Workbench
    key: CaseKey
    findings: Findings = field(default_factory=Findings)

    @property
    def artefact(self) -> Artefact:
        """The compiled model."""
        return self.bench.conversions.artefact(self.key)

    @property
    def source(self) -> Source:
        """The quantised file that was compiled."""
        return self.bench.conversions.source(self.key)

    @property
    def subject(self) -> Subject:
        """Where this case's records belong, with the identity of the compiled model."""
        return Subject(
            self.recorded, figures.artefact_identity(self.artefact, self.source.image, self._options(), versions_of(TOOLS))
        )

    @property
    def recorded(self) -> CaseKey:
        """The case as records name it: a replay's have the board that was recorded."""
        return replace(self.key, target=self.bench.targets.of(self.key.target).recorded_as)

    def identity(self) -> list[Measurement]:
        """What the model is, read from its graph; CheckpointError when its name says otherwise."""
        models, name = self.bench.models, self.key.variant
        facts, twin = models.facts(name), models.twin(name)
        models.require_identity(name)
        subject = Subject(self.recorded, Identity(weights=models.weights(name), options=self._engine()))
        size = models.checkpoint_bytes(name)
        return self._keep(figures.identity_figures(subject, facts, models.activation(name), twin, size))

    def offload(self) -> list[Measurement]:
        """Where the compiled file puts the work, and what it is estimated to take; each operator's go into the results."""
        compilation, estimation = self.artefact.compilation, self.bench.estimates.of(self.key)
        model, profile = self.key.model, self.key.profile
        self.findings.texts[placement_name(model, profile)] = json.dumps(compilation.placement.to_json(), indent=1)
        cycles = model_cycles(compilation, estimation)
        if cycles:
            self.findings.texts[cycles_name(model, profile)] = json.dumps(cycles.to_json(), indent=1)
        estimates = figures.for_batch(estimate_figures(self.subject, compilation, estimation), self._batch())
        own = [*figures.offload_figures(self.subject, compilation), *figures.image_figures(self.subject, self.source.image)]
        known = [*self.source.findings, *model_checks.findings(self.source.graph), *compilation_findings(compilation)]
        found = [operations_figure(self.subject, estimation), figures.findings_figure(self.subject, known)]
        return self._keep([*own, *estimates, *found, *self._against_base()])

    def _batch(self) -> int:
        """How many images one inference takes."""
        image = self.source.image
        return image.batch if image else 1

    def _against_base(self) -> list[Measurement]:
        """How many times faster than the plain model this one is estimated to be."""
        base, own = self.bench.models.base(self.key.variant), self.artefact
        if not base:
            return []
        beside = replace(self.key, variant=base)
        other, estimation = self.bench.conversions.artefact(beside), self.bench.estimates.of(self.key)
        if other.image_size != own.image_size:
            reason = Unavailable(f"{base} is {other.image_size} px, {self.key.variant} {own.image_size} px")
            times: Times = dict.fromkeys(ESTIMATES, reason)
        else:
            of_base = whole_times(other.compilation, self.bench.estimates.of(beside))
            times = speedups(base, of_base, self.key.variant, whole_times(own.compilation, estimation))
        return time_figures(self.subject, "estimated_speedup_over_base", times, estimation)

    def memory(self) -> list[Measurement]:
        """What the compiled file needs and whether the platform has it."""
        compilation = self.artefact.compilation
        size = compilation.compiled.path.stat().st_size
        shortfalls = self.bench.conversions.shortfalls(self.key)
        fitting = self.bench.conversions.fitting_size(self.key) if shortfalls else Unavailable("it fits")
        return self._keep(figures.memory_figures(self.subject, compilation, size, shortfalls, fitting))

    def execution(self) -> Run | Unavailable:
        """The run on the target, with its latency samples, or why the model is not run: that it does not fit is a result."""
        unfit = self.bench.conversions.unfit(self.key)
        if unfit:
            self._keep(figures.unrun_figures(self.subject, unfit, ["latency_us"], tuple(figures.LATENCY_STATS)))
            return unfit
        run = self._run()
        if run.log and self.bench.targets.engine(self.key):
            self.findings.texts[f"logs/{str(self.key).replace(':', '-')}.log"] = run.log
        inputs = self.bench.executions.inputs(self.key)
        self._keep(figures.latency_figures(self.subject, run, self._batch(), inputs.said if inputs.instead else ""))
        if not isinstance(run.latency_us, Unavailable):
            self.findings.samples.append(SampleGroup(**asdict(self.recorded), executed=run.executed, latency_us=run.latency_us))
        return run

    def _run(self) -> Run:
        """The run; samples that arrived before a link broke are kept beside the results, and are part of no figure."""
        try:
            run = self.bench.executions.run(self.key)
        except RunError as error:
            self._keep_lost(error.samples, error.found)
            raise
        self._keep_lost(run.lost_us, "; ".join(run.notes))
        return run

    def _keep_lost(self, samples: Sequence[float], why: str) -> None:
        if samples:
            content = {**asdict(self.recorded), "why": why}
            name = f"lost/{str(self.recorded).replace(':', '-').replace('/', '-')}.json"
            self.findings.texts[name] = json.dumps({**content, "latency_us": list(samples)})

    def proof(self) -> list[Measurement]:
        """What the run proves of NPU execution, or why it proves nothing."""
        unfit = self.bench.conversions.unfit(self.key)
        if unfit:
            return self._keep(figures.unrun_figures(self.subject, unfit, EXECUTION_METRICS))
        run = self._run()
        return self._keep(figures.execution_figures(self.subject, run))

    def equality(self) -> list[Measurement]:
        """Whether the run's bytes are those of the reference, and on how many images."""
        unfit = self.bench.conversions.unfit(self.key)
        if unfit:
            return self._keep(figures.unrun_figures(self.subject, unfit, EQUALITY_METRICS))
        run = self._run()
        found = self.bench.executions.equality(self.key)
        inputs = self.bench.executions.inputs(self.key)
        subject = self.subject.with_options(inputs.options)
        return self._keep(equality_figures(subject, run, found, inputs.said))

    def require_equality(self) -> None:
        """Raise RunError when an output of the run has other bytes than the reference."""
        if self.bench.conversions.unfit(self.key):
            return
        found = self.bench.executions.equality(self.key)
        if isinstance(found, Equality) and found.difference:
            wrong = f"{found.images - found.equal} of {found.images} images"
            raise RunError(
                f"{self.key.variant} on {self.key.target}: {wrong} have other bytes than {found.reference}: {found.difference}"
                + (f"; {found.finding}" if found.finding else ""),
                "the same bytes in every output of every image",
                f"ethos-bench inspect {self.artefact.source.path} --npu {self.key.profile}"
                if found.finding
                else f"ethos-bench diff {self.artefact.source.path} --npu {self.key.profile}",
            )

    def require_execution_proof(self) -> None:
        """Raise RunError when a target that runs the compiled file cannot prove that the NPU executed."""
        if self.bench.targets.of(self.key.target).graph == "int8" or self.bench.conversions.unfit(self.key):
            return
        run = self._run()
        if isinstance(run.proof, Unavailable) or not run.proof.executed_operators:
            why = run.proof.reason if isinstance(run.proof, Unavailable) else run.proof.sign
            what = f"{self.key.variant} on {self.key.target}"
            raise RunError(f"{what}: no proof that the NPU executed: {why}", "executed NPU operators")

    def accuracy(self) -> list[Measurement]:
        """The accuracy of the float and the int8 graph, what int8 costs, and that of an NPU target's outputs."""
        task = self.bench.session.task
        found = {graph: self.bench.accuracy.detections(self.key, graph) for graph in ("float", "int8")}
        kept: list[Measurement] = []
        for graph, detections in found.items():
            kept += accuracy_figures(self._accuracy_subject(detections), task, graph, detections)
            if not isinstance(detections, Unavailable):
                self.findings.files[found_name(task.folder, self.key.model, graph)] = str(detections.kept)
        kept += drop_figures(
            self._accuracy_subject(self.bench.accuracy.quantised(self.key)), task, self.bench.accuracy.drop(self.key)
        )
        if self.bench.targets.of(self.key.target).graph == "npu":
            kept += self._npu_accuracy()
        return self._keep(kept)

    def _npu_accuracy(self) -> list[Measurement]:
        """The accuracy of what came out of the target, with the evidence of its run."""
        task, unfit = self.bench.session.task, self.bench.conversions.unfit(self.key)
        if unfit:
            return accuracy_figures(self._accuracy_subject(unfit), task, "npu", unfit, Evidence.COMPILED)
        run = self.bench.executions.run(self.key)
        found = self.bench.accuracy.npu_detections(self.key)
        if not isinstance(found, Unavailable):
            case = self.recorded
            self.findings.files[found_name(task.folder, case.model, f"npu-{case.profile}-{case.target}")] = str(found.kept)
        subject = self._accuracy_subject(found)
        compiled = replace(subject.identity, compiled=run.executed, profile=self.subject.identity.profile)
        subject = replace(subject, identity=compiled).with_target(run.fingerprint)
        return accuracy_figures(subject, task, "npu", found, run.evidence)

    def _accuracy_subject(self, detections: Judged | Unavailable) -> Subject:
        """Accuracy depends on data set, runtime and threads, and not on the profile's compiled file."""
        subject = self.subject
        options = dict(subject.identity.options)
        if not isinstance(detections, Unavailable):
            options |= {
                "data": detections.dataset.identity,
                "images": f"{detections.dataset.count} of {detections.dataset.of}",
            }
            options["runtime"] = detections.runtime
        identity = subject.identity
        return Subject(
            subject.case, Identity(weights=identity.weights, tflite=identity.tflite, tools=identity.tools, options=options)
        )

    def judge(self, claims: Sequence[Claim]) -> list[Verdict]:
        """The verdicts on what documents say of this variant, kept as findings; without claims there is nothing to compute."""
        own = [claim for claim in claims if claim.variant == self.key.variant]
        ran = [claim for claim in own if not claim.rules]
        found = [*self.identity(), *self.offload(), *self.accuracy()] if ran else []
        verdicts = [*(judge(claim, found) for claim in ran), *self._unjudged(claim for claim in own if claim.rules)]
        self.findings.verdicts += verdicts
        return verdicts

    def _unjudged(self, claims: Iterable[Claim]) -> list[Verdict]:
        """The verdicts on what only rules could judge, where no rule set judges this session's files: none has a figure."""
        rulings = self.bench.rulings
        missing = [claim for claim in claims if rulings.unjudged and not rulings.has(claim)]
        nothing = Unavailable(rulings.unjudged)
        return [judge(claim, [self.subject.record(claim.metric, nothing, Evidence.RULES)]) for claim in missing]

    def _keep(self, records: Sequence[Measurement]) -> list[Measurement]:
        kept = list(records)
        if self.recorded != self.key:
            kept = [replace(record, replayed_from=self.key.target.partition(":")[2]) for record in kept]
        self.findings.records += kept
        return kept

    def _options(self) -> dict[str, str]:
        arguments = " ".join(self.bench.options.arguments())
        return {
            "cut": self.bench.options.cut,
            **({"vela": arguments} if arguments else {}),
            **self._frontend(),
            **self._engine(),
        }

    def _frontend(self) -> dict[str, str]:
        """The front end of a lowered model with its version and memory format; nothing for TFLite, whose tools are named."""
        layout = self.key.choices.get("layout")
        return {"frontend": FRONT_END, "layout": layout} if layout else {}

    def _engine(self) -> dict[str, str]:
        """Which engine of the target this is, for the identity of every record; nothing where a target has only one."""
        engine = self.bench.targets.engine(self.key)
        return {"engine": engine} if engine else {}
