"""Classification as a task: inputs with one class each; top-1, top-5, recall, AUC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DatasetError, UsageError
from core.files import file_sha256, sha256
from core.progress import Progress
from core.records.artefact import ModelFile
from core.records.unavailable import Unavailable
from harness.tasks.classify.dataset import LabelledInputs, load_inputs, training_files
from harness.tasks.classify.judged import METRICS, Classified, joined, judge_file, judge_given
from harness.tasks.classify.labelled import Labelled
from harness.tasks.classify.metrics import paired
from harness.tasks.classify.preprocess import EXAMPLE, FORM, require_pixels_of_0_to_1
from harness.tasks.interval import Interval
from harness.tasks.pixels import in_colours
from harness.tasks.task import Outputs, TrainingImages


@dataclass(frozen=True)
class Classify(Labelled[Classified]):
    """Labelled inputs, and what a classifier takes them for; `preprocess` is how images become inputs, where it is known."""

    classes: tuple[str, ...] = ()

    name = "classify"
    metrics = METRICS
    drop_metric = "top1_drop"
    folder = "classifications"

    def load(self, data: Path, images: int | None) -> LabelledInputs:
        """The labelled inputs; images are refused when nothing says how they become a model's input."""
        dataset = load_inputs(data, images, self.classes)
        if dataset.files and self.preprocess is None:
            raise UsageError(
                f"`{data}` holds images, and neither the model's metadata nor --preprocess says how they become its input",
                FORM,
                EXAMPLE,
            )
        return dataset

    def calibration(self, data: Path, count: int) -> TrainingImages:
        """Images of `train`, as they become inputs; UsageError when the quantiser would see other values than 0..1."""
        files, how = training_files(data, count), self.preprocess
        if how is None:
            raise UsageError(f"nothing says how images of `{data}` become the model's input", FORM, EXAMPLE)
        require_pixels_of_0_to_1(how)
        digest = sha256("".join([str(how), *map(file_sha256, files)]))
        return TrainingImages(files, digest, lambda image, form: how.sized(in_colours(image, form.channels), form)[None])

    def require_classes(self, dataset: LabelledInputs, count: int, model: str) -> None:
        """Nothing, or DatasetError when model and data set have other numbers of classes."""
        if count != len(dataset.class_names):
            found = f"`{model}` has {count} classes and the data set `{dataset.name}` {len(dataset.class_names)}"
            raise DatasetError(found, "the data set the model was trained with, or a labels.txt with all of its classes")

    def judge(
        self, model: ModelFile, rect: ModelFile | None, dataset: LabelledInputs, threads: int, progress: Progress
    ) -> Classified | Unavailable:
        """What a classifier on this computer takes the inputs for."""
        return judge_file(model, dataset, self.preprocess, threads, progress)

    def judge_outputs(
        self, outputs: Outputs, model: ModelFile, dataset: LabelledInputs, threads: int, runtime: str
    ) -> Classified | Unavailable:
        """What the outputs of a target show."""
        return judge_given(outputs, model, dataset, runtime)

    def joined(self, parts: Sequence[Classified], dataset: LabelledInputs) -> Classified:
        """The scores of input after input."""
        return joined(parts, dataset)

    def difference(self, first: Classified, second: Classified) -> Interval:
        """The difference of top-1 accuracy."""
        return paired(first.top1, second.top1, first.dataset.count)
