"""What one Vela makes of one file: figures from its compilation, our estimate of it, and its bytes in the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from conversion.compilations import compiled
from conversion.estimates import Estimation, estimated
from conversion.pipeline import Source
from conversion.vela_options import INSTALLED, VelaOptions
from conversion.velas.environments import executable_of
from core.errors import EthosBenchError, StorageError
from core.progress import Progress
from core.records.artefact import Artefact, Compilation
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.measurement import Measurement
from core.records.profile import Profile
from core.records.run import Run
from core.records.unavailable import Unavailable
from harness.workbench.estimate_figures import estimate_figures
from harness.workbench.execution_figures import EQUALITY_METRICS, equality_figures
from harness.workbench.figures import Subject, artefact_identity, memory_figures, offload_figures
from harness.workbench.inputs import Inputs, of_noise
from harness.workbench.layers.compare import LayerRow, Layers
from harness.workbench.layers.values import int8_values
from harness.workbench.reference import Equality, compare, reference_outputs
from targets.simulator import Simulator

Array = NDArray[Any]

TARGET = "sim"
INPUTS = 2
"""Inferences whose bytes are held against TFLite Micro's: a ramp over all values, and noise over all of them."""
ONE_SIZE = Unavailable("a quantised file has one size")


@dataclass(frozen=True)
class Question:
    """A file on a profile, to be seen through one Vela after another; `memory` is that of our cycle model, "" the profile's."""

    source: Source
    profile: Profile
    memory: str = ""
    tell: Progress = field(default=lambda _: None, compare=False)

    def through(self, version: str, asked: VelaOptions = INSTALLED) -> Sighting:
        """What that version makes of the file, with the options `asked`.

        A refusal of its compiler, or of this Python, is a result with its reason; a disk that is full is none.
        """
        try:
            vela = replace(asked, vela=str(executable_of(version, self.tell)))
            self.tell(f"Vela {version}: {self.source.variant} for {self.profile.name}")
            made: Compilation | Unavailable = compiled(self.source.int8, self.profile, vela, self.tell)
        except StorageError:
            raise
        except EthosBenchError as error:
            made = Unavailable(error.found)
        return Sighting(self, version, made)

    @cached_property
    def inputs(self) -> Inputs:
        """What every version's file is given to run."""
        return of_noise(INPUTS, self.source.graph)

    @cached_property
    def expected(self) -> Sequence[Sequence[Array]]:
        """TFLite Micro's outputs for them."""
        return reference_outputs(self.source.int8, self.source.graph, self.inputs.feeds, INPUTS, self.tell)


@dataclass(frozen=True)
class Sighting:
    """One version's file, or why there is none. What takes long is computed when it is asked for, once."""

    question: Question
    version: str
    made: Compilation | Unavailable

    @cached_property
    def estimation(self) -> Estimation:
        """Our cycle model's answer."""
        assert not isinstance(self.made, Unavailable)
        return estimated(self.made, self.question.memory, self.question.tell)

    @cached_property
    def run(self) -> Run | Unavailable:
        """The run in the simulator, or why it does not run there."""
        job = Job(self.artefact, self.question.inputs.feeds, repeats=0)
        self.question.tell(f"Vela {self.version}: {len(job.feeds)} inputs in the simulator")
        try:
            return Simulator().run(job)
        except EthosBenchError as error:
            return Unavailable(error.found)

    @cached_property
    def equality(self) -> Equality | Unavailable:
        """Its bytes against TFLite Micro's."""
        if isinstance(self.run, Unavailable):
            return self.run
        names = [tensor.name for tensor in self.question.source.graph.outputs]
        return compare(self.run.outputs, self.question.expected, names)

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
        case = CaseKey(question.source.variant, f"vela={self.version}", question.profile.name, TARGET)
        return Subject(case, artefact_identity(self.artefact, question.source.image, {}, {}))

    def first_departure(self) -> LayerRow | Unavailable:
        """The first operator whose output is not TFLite Micro's."""
        source, vela = self.question.source, VelaOptions(vela=str(executable_of(self.version)))
        if len(source.graph.inputs) != 1:
            return Unavailable("operators are compared for models with one input")
        values = self.question.inputs.feeds[0][0]
        ints = int8_values(source.int8.path.read_bytes(), source.graph, values, source.int8.path.name)
        try:
            found = Layers(source, values, ints, {}).on(self.question.profile, vela, self.question.tell).first_npu_departure()
        except EthosBenchError as error:
            return Unavailable(error.found)
        return found or Unavailable("no operator whose output stands alone departs on the first input")
