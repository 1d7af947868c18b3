"""What the graphs of a session's models find on its data set, and what int8 costs them."""

from __future__ import annotations

from conversion.file_kinds import TFLITE
from core.records.case_key import CaseKey
from core.records.unavailable import Unavailable
from harness.tasks.interval import Interval
from harness.tasks.task import DataSet, Judged
from harness.workbench.conversions import Conversions
from harness.workbench.executions import Executions
from harness.workbench.float_outputs import float_outputs
from harness.workbench.models import Models
from harness.workbench.open_targets import OpenTargets
from harness.workbench.options import NPU_IMAGES
from harness.workbench.session import Session


class Accuracies:
    """From a case to detections on the session's images: of its float and int8 graph, and of what a target gave."""

    def __init__(
        self, session: Session, models: Models, targets: OpenTargets, conversions: Conversions, executions: Executions
    ) -> None:
        self._session = session
        self._models = models
        self._targets = targets
        self._conversions = conversions
        self._executions = executions

    def _images(self, case: CaseKey) -> DataSet | Unavailable:
        """The images to find things in, or why there is nothing to find."""
        if self._session.task.name == "none":
            return Unavailable("--task none: no accuracy was asked for")
        if self._models[case.variant].seeded:
            return Unavailable("untrained weights have no accuracy")
        return self._session.dataset or Unavailable("no data set was given (--data data.yaml)")

    def detections(self, case: CaseKey, graph: str) -> Judged | Unavailable:
        """What the float or int8 graph of a case finds on the data set, or why that cannot be said."""
        dataset = self._images(case)
        if isinstance(dataset, Unavailable):
            return dataset
        source = self._conversions.source(case)
        file = source.int8 if graph == "int8" else source.floating
        if file is None:
            return Unavailable("a quantised file comes without its float graph")
        if graph == "int8" and source.kind != TFLITE:
            return Unavailable(f"{source.kind}: no runtime of this computer runs it; graph `npu` is what it finds")
        rect = source.floating_rect if graph == "float" else None
        threads, tell = self._session.options.threads, self._session.telling(case.variant)
        return self._session.memo.get(
            ("detections", file.sha256),
            lambda: self._session.task.judge(file, rect, dataset, threads, lambda text: tell(f"{graph} graph: {text}")),
        )

    def npu_detections(self, case: CaseKey) -> Judged | Unavailable:
        """What the outputs of a target with an NPU show, or why that cannot be said."""
        dataset, options = self._images(case), self._session.options
        if isinstance(dataset, Unavailable):
            return dataset
        if options.images is None and not options.accuracy_on_target:
            return Unavailable(f"{case.target} ran {NPU_IMAGES} images only (--images N or --accuracy-on-target asks for more)")
        run, source = self._executions.run(case), self._conversions.source(case)
        fed = self._executions.inputs(case)
        if fed.dataset is None or fed.dataset.identity != dataset.identity:
            return Unavailable(f"{case.target} did not run every image of the data set on its own: it ran {fed.said}")
        given = float_outputs(run.outputs, source, case.choices.get("layout", "")) if source.kind != TFLITE else run.outputs
        if isinstance(given, Unavailable):
            return given
        formats = source.floating if source.kind != TFLITE and source.floating else source.int8
        runtime = f"{self._targets.of(case.target).recorded_as}, {', '.join(run.fingerprint.values())}"
        return self._session.memo.get(
            ("npu detections", run.executed, case.target),
            lambda: self._session.task.judge_outputs(given, formats, dataset, options.threads, runtime),
        )

    def quantised(self, case: CaseKey) -> Judged | Unavailable:
        """What the int8 graph finds: on this computer, or, of a lowered model, on its target."""
        if "frontend" not in case.choices:
            return self.detections(case, "int8")
        return self._conversions.unfit(case) or self.npu_detections(case)

    def drop(self, case: CaseKey) -> Interval | Unavailable:
        """What int8 costs of the accuracy, with its interval, or why one of the graphs could not be judged."""
        floats, ints = self.detections(case, "float"), self.quantised(case)
        if isinstance(ints, Unavailable):
            return ints
        if isinstance(floats, Unavailable):
            return floats
        key = ("drop", str(floats.kept), str(ints.kept))
        return self._session.memo.get(key, lambda: self._session.task.difference(floats, ints))
