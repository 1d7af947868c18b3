"""The runs of a session on its targets, what they are given, and their bytes against the reference's."""

from __future__ import annotations

from conversion.file_kinds import COMPILED, TFLITE
from conversion.pipeline import Source
from core.errors import RunError
from core.records.artefact import Artefact
from core.records.case_key import CaseKey
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from harness.tasks.picture import picture
from harness.workbench.arbitration import arbitrated
from harness.workbench.conversions import Conversions
from harness.workbench.given_inputs import given_inputs
from harness.workbench.inputs import Inputs, instead_of_data, of_dataset, of_noise, of_photographs, with_given
from harness.workbench.models import Models
from harness.workbench.open_targets import OpenTargets
from harness.workbench.options import NPU_IMAGES
from harness.workbench.reference import Equality, Reference, compare, reference_outputs
from harness.workbench.session import Session
from harness.workbench.tosa_reference import tosa_reference
from targets.run_checks import run_checked
from targets.target import Target
from targets.tflite_micro import NAME as MICRO

NO_REFERENCE = "no reference: --tosa FILE names the graph that the {} was made of"


class Executions:
    """From a case to its run; cases that give a target the same file share one."""

    def __init__(self, session: Session, models: Models, targets: OpenTargets, conversions: Conversions) -> None:
        self._session = session
        self._models = models
        self._targets = targets
        self._conversions = conversions

    def run(self, case: CaseKey) -> Run:
        """What came back from the target."""
        artefact, target = self._conversions.artefact(case), self._targets.of(case.target)
        file = artefact.source if target.graph == "int8" else artefact.compilation.compiled
        return self._session.memo.get(("run", file.sha256, case.target), lambda: self._run(case, artefact, target))

    def _run(self, case: CaseKey, artefact: Artefact, target: Target) -> Run:
        inputs = self.inputs(case)
        self._session.telling(case.variant)(f"running on {target.name}")
        return run_checked(target, Job(artefact, inputs.feeds, self._session.options.repeats))

    def inputs(self, case: CaseKey) -> Inputs:
        """What a target runs: one image for a target that only samples the host, several where bytes are compared."""
        source, target, options = self._conversions.source(case), self._targets.of(case.target), self._session.options
        dataset = self._session.dataset
        whole = dataset.count if dataset and options.accuracy_on_target else NPU_IMAGES
        count = 1 if target.graph == "int8" else options.images or whole
        return self._session.memo.get(("inputs", source.int8.sha256, count), lambda: self._inputs(case, source, count))

    def _inputs(self, case: CaseKey, source: Source, count: int) -> Inputs:
        """The user's own tensors where there are some, around what else there is for the model's inputs."""
        given, dataset = given_inputs(self._session.options.inputs, source.graph), self._session.dataset
        found = with_given(self._chosen(case, source, count), source.graph, given.tensors, given.digests)
        if dataset and (position := self._session.task.position(source.graph, dataset)) in given.tensors:
            return instead_of_data(found, f"`{source.graph.inputs[position].name}` was given by --input")
        return found

    def _chosen(self, case: CaseKey, source: Source, count: int) -> Inputs:
        """Images of the data set, photographs for a checkpoint's bytes, else noise, which says why it is none of --data."""
        dataset, task, graph = self._session.dataset, self._session.task, source.graph
        if dataset:
            position = task.position(graph, dataset)
            if isinstance(position, Unavailable):
                return instead_of_data(of_noise(count, graph), position.reason)
            return of_dataset(task, dataset, count, graph, position)
        shown, own = picture(graph), self._models[case.variant].file
        if isinstance(shown, Unavailable) or own or count == 1:
            return of_noise(count, graph)
        return of_photographs(count, graph, shown)

    def equality(self, case: CaseKey) -> Equality | Unavailable:
        """Whether the bytes of a run are those of the reference for its kind of file, or why nothing was compared."""
        if self._targets.of(case.target).graph == "int8":
            return Unavailable(f"{case.target} runs the int8 source file: its speed is measured, not the NPU's bytes")
        run, source = self.run(case), self._conversions.source(case)
        try:
            reference = self._reference(case, source)
        except RunError as error:
            return Unavailable(f"no reference: {error.found}")
        if isinstance(reference, Unavailable):
            return reference
        found = compare(run.outputs, reference.outputs, [tensor.name for tensor in source.graph.outputs], reference.name)
        if source.kind != TFLITE:
            return found
        return self._session.memo.get(("arbitration", run.executed, case.target), lambda: self._arbitrated(case, found, run))

    def _arbitrated(self, case: CaseKey, found: Equality, run: Run) -> Equality:
        artefact, source = self._conversions.artefact(case), self._conversions.source(case)
        feeds, tell = self.inputs(case).feeds, self._session.telling(case.variant)
        return arbitrated(found, run.outputs, artefact, source, feeds, tell)

    def _reference(self, case: CaseKey, source: Source) -> Reference | Unavailable:
        """TFLite Micro for a TFLite file, the TOSA reference model for everything that was made of a TOSA graph."""
        feeds, options, tell = self.inputs(case).feeds, self._session.options, self._session.telling(case.variant)
        if source.kind in COMPILED and not options.tosa:
            return Unavailable(NO_REFERENCE.format(source.kind))

        def made() -> Reference:
            if source.kind == TFLITE:
                return Reference(MICRO, reference_outputs(source.int8, source.graph, feeds, options.threads, tell))
            return tosa_reference(source, options.tosa or source.int8.path, feeds, tell)

        return self._session.memo.get(("reference", source.int8.sha256, len(feeds)), made)
