"""What one Vela makes of one file: figures from its compilation, our estimate of it, and its bytes in the simulator."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from conversion.compilations import compiled
from conversion.compiled_files import compiled_already
from conversion.estimates import Estimation, estimated
from conversion.file_kinds import COMPILED, TFLITE, TOSA
from conversion.pipeline import Source
from conversion.vela_options import INSTALLED, VelaOptions
from conversion.velas.environments import executable_of
from conversion.velas.versions import name_of, numbers
from core.errors import EthosBenchError, RunError, StorageError, UsageError
from core.progress import Progress
from core.records.artefact import Artefact, Compilation
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.measurement import Measurement
from core.records.profile import Profile
from core.records.run import Run
from core.records.unavailable import Unavailable
from harness.explore.requests import AS_COMPILED
from harness.workbench.estimate_figures import estimate_figures
from harness.workbench.execution_figures import EQUALITY_METRICS, equality_figures
from harness.workbench.figures import Subject, artefact_identity, memory_figures, offload_figures
from harness.workbench.inputs import Inputs, of_noise
from harness.workbench.layers.compare import LayerRow, Layers
from harness.workbench.layers.values import int8_values
from harness.workbench.reference import Equality, Reference, compare, reference_outputs
from harness.workbench.tosa_reference import tosa_reference
from targets.simulator import Simulator
from targets.tflite_micro import NAME as MICRO

TARGET = "sim"
TAKES_TOSA = (5, 0)
"""The first Vela that compiles a TOSA graph."""
INPUTS = 2
"""Inferences whose bytes are held against the reference's: a ramp over all values, and noise over all of them."""
ONE_SIZE = Unavailable("a quantised file has one size")


@dataclass(frozen=True)
class Question:
    """A file on a profile, to be seen through one Vela after another; `memory` is that of our cycle model, "" the profile's."""

    source: Source
    profile: Profile
    memory: str = ""
    tell: Progress = field(default=lambda _: None, compare=False)

    def refused_by(self, version: str) -> Unavailable | None:
        """Why that version cannot be given the file, whatever is in it; None when it can."""
        if self.source.kind == TOSA and numbers(version) < TAKES_TOSA:
            first = ".".join(map(str, TAKES_TOSA))
            return Unavailable(f"Vela {name_of(version)} takes no TOSA graph: {first} was the first that did")
        return None

    def through(self, version: str, asked: VelaOptions = INSTALLED) -> Sighting:
        """What that version makes of the file, with the options `asked`.

        A refusal of its compiler, or of this Python, is a result with its reason; a disk that is full is none.
        """
        if refusal := self.refused_by(version):
            return Sighting(self, version, refusal)
        try:
            vela = replace(asked, vela=str(executable_of(version, self.tell)))
            self.tell(f"Vela {name_of(version)}: {self.source.variant} for {self.profile.name}")
            made: Compilation | Unavailable = compiled(self.source.int8, self.profile, vela, self.tell)
        except StorageError:
            raise
        except EthosBenchError as error:
            made = Unavailable(error.found)
        return Sighting(self, version, made)

    def as_compiled(self) -> Sighting:
        """What came compiled, as it is; another NPU's is a refusal with its reason."""
        try:
            made: Compilation | Unavailable = compiled_already(self.source.int8, self.profile)
        except UsageError as error:
            made = Unavailable(error.found)
        return Sighting(self, AS_COMPILED, made)

    @cached_property
    def inputs(self) -> Inputs:
        """What every version's file is given to run."""
        return of_noise(INPUTS, self.source.graph)

    @cached_property
    def reference(self) -> Reference | Unavailable:
        """What they have to give: TFLite Micro's outputs of a TFLite file, the TOSA reference model's of a TOSA graph."""
        source, feeds = self.source, self.inputs.feeds
        if source.kind in COMPILED:
            return Unavailable(f"no reference: what it was made of is not in the {source.kind}")
        try:
            if source.kind == TOSA:
                return tosa_reference(source, source.int8.path, feeds, self.tell)
            return Reference(MICRO, reference_outputs(source.int8, source.graph, feeds, INPUTS, self.tell))
        except RunError as error:
            return Unavailable(f"no reference: {error.found}")


@dataclass(frozen=True)
class Sighting:
    """One version's file, or why there is none. What takes long is computed when it is asked for, once."""

    question: Question
    version: str
    made: Compilation | Unavailable

    @property
    def name(self) -> str:
        """The version as it is shown."""
        return name_of(self.version)

    @cached_property
    def estimation(self) -> Estimation:
        """Our cycle model's answer."""
        assert not isinstance(self.made, Unavailable)
        return estimated(self.made, self.question.memory, self.question.tell)

    @cached_property
    def run(self) -> Run | Unavailable:
        """The run in the simulator, or why it does not run there."""
        job = Job(self.artefact, self.question.inputs.feeds, repeats=0)
        self.question.tell(f"Vela {self.name}: {len(job.feeds)} inputs in the simulator")
        try:
            return Simulator().run(job)
        except EthosBenchError as error:
            return Unavailable(error.found)

    @cached_property
    def equality(self) -> Equality | Unavailable:
        """Its bytes against the reference's."""
        if isinstance(self.run, Unavailable):
            return self.run
        reference = self.question.reference
        if isinstance(reference, Unavailable):
            return reference
        names = [tensor.name for tensor in self.question.source.graph.outputs]
        return compare(self.run.outputs, reference.outputs, names, reference.name)

    @property
    def artefact(self) -> Artefact:
        """The compiled model."""
        assert not isinstance(self.made, Unavailable)
        source = self.question.source
        return Artefact(source.variant, source.int8, self.made, source.image_size, weights=source.graph.weights)

    def figures(self, *, with_bytes: bool) -> list[Measurement]:
        """Placement, memory and estimates of the file, and whether its bytes are right; empty when there is no file."""
        if isinstance(self.made, Unavailable):
            return []
        question, subject = self.question, self._subject()
        size = self.made.compiled.path.stat().st_size
        found = [
            *offload_figures(subject, self.made),
            *memory_figures(subject, self.made, size, Simulator().shortfalls(self.artefact), ONE_SIZE),
            *estimate_figures(subject, self.made, self.estimation),
        ]
        if not with_bytes:
            return found
        if isinstance(self.run, Unavailable):
            return found + [subject.record(metric, self.run, Evidence.SIMULATED_OPEN) for metric in EQUALITY_METRICS]
        return found + equality_figures(subject, self.run, self.equality, question.inputs.said)

    def _subject(self) -> Subject:
        question = self.question
        case = CaseKey(question.source.variant, f"vela={self.name}", question.profile.name, TARGET)
        return Subject(case, artefact_identity(self.artefact, question.source.image, {}, {}))

    def first_departure(self) -> LayerRow | Unavailable:
        """The first operator whose output is not TFLite Micro's."""
        source, vela = self.question.source, VelaOptions(vela=str(executable_of(self.version)))
        if source.kind != TFLITE:
            return Unavailable(f"operators are compared for TFLite files, not for a {source.kind}")
        if len(source.graph.inputs) != 1:
            return Unavailable("operators are compared for models with one input")
        values = self.question.inputs.feeds[0][0]
        ints = int8_values(source.int8.path.read_bytes(), source.graph, values, source.int8.path.name)
        try:
            found = Layers(source, values, ints, {}).on(self.question.profile, vela, self.question.tell).first_npu_departure()
        except EthosBenchError as error:
            return Unavailable(error.found)
        return found or Unavailable("no operator whose output stands alone departs on the first input")
