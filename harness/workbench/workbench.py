"""The session's engine: facts, sources, artefacts, runs and detections of every model, each computed once and when asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from conversion.checkpoint import SEEDED_IMAGE_SIZE
from conversion.pipeline import Settings, Source, compile_source, int8_source, tflite_source
from conversion.profile_files import load_profile
from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.steps import Calibration, facts_of
from conversion.variants import activation_name, expected_activation
from core.errors import CheckpointError, EthosBenchError, ModelError, RunError, UsageError
from core.records.artefact import Artefact
from core.records.checkpoint_facts import CheckpointFacts
from core.records.job import Job
from core.records.memory_shortfall import MemoryShortfall
from core.records.run import Run
from core.records.unavailable import Unavailable
from harness.tasks.detect.bootstrap import Interval, bootstrap_difference
from harness.tasks.detect.dataset import Dataset, load_dataset
from harness.tasks.detect.graphs import TensorFormat, open_graph
from harness.workbench.board_options import session_vela, target_options
from harness.workbench.calibration import data_calibration, packaged_calibration
from harness.workbench.detectors import Detected, detected, detected_in
from harness.workbench.fitting import Shortfalls, largest_confirmed
from harness.workbench.inputs import Inputs, of_dataset, of_noise, of_photographs
from harness.workbench.memo import Memo
from harness.workbench.models import BASE, Model, resolve_models
from harness.workbench.options import NPU_IMAGES, BenchOptions
from harness.workbench.reference import Equality, compare, reference_outputs
from targets.kinds import open_target
from targets.target import Target

Progress = Callable[[str], None]


class Workbench:
    """Everything a session can ask of its models; errors are kept, so that a model that failed fails at once the next time."""

    def __init__(self, options: BenchOptions, progress: Progress) -> None:
        options.check()
        self.options = options = replace(options, vela=session_vela(options))
        self.progress = progress
        self.journal: Path | None = None
        self.profiles = {profile.name: profile for profile in map(load_profile, options.profiles)}
        self.models = {model.name: model for model in resolve_models(options)}
        self._memo = Memo()
        self._held = ExitStack()

    def close(self) -> None:
        """Let go of every target."""
        self._held.close()

    @cached_property
    def dataset(self) -> Dataset | None:
        """The labelled images that accuracy is measured on."""
        return load_dataset(self.options.data, images=self.options.images) if self.options.data else None

    def target(self, spec: str) -> Target:
        """The open target; TargetUnavailable when it is not there."""
        options = target_options(self.options, self.journal, self.progress)
        return self._memo.get(("target", spec), lambda: self._held.enter_context(open_target(spec, options)))

    def recorded_target(self, spec: str) -> str:
        """The target's name in records: a replay has that of the board that was recorded."""
        return self.target(spec).recorded_as

    def engine(self, spec: str, profile: str) -> str:
        """Which of a target's engines runs a profile, "" for targets that have one only; TargetUnavailable without it."""
        return self.target(spec).engine(self.profiles[profile])

    def describe(self, spec: str) -> list[str]:
        """What a target says of each profile of the session, one line each; none for targets that have nothing to choose."""
        described = (self.target(spec).describe(profile) for profile in self.profiles.values())
        return [line for line in described if line]

    def facts(self, name: str) -> CheckpointFacts | None:
        """What a model's checkpoint is; None for a user's own TFLite file."""
        model = self.models[name]
        if model.problem:
            raise model.problem
        if model.origin is None:
            return None
        origin = model.origin
        facts = self._memo.get(("facts", name), lambda: facts_of(origin, self._telling(name)))
        return replace(facts, image_size=self._seeded_size) if model.seeded else facts

    @cached_property
    def _seeded_size(self) -> int:
        """Seeded models take the size of the checkpoints they stand beside, so that they can be compared, else 320 px."""
        trained = [facts for name, model in self.models.items() if not model.seeded and (facts := self._facts_if_any(name))]
        return trained[0].image_size if trained else SEEDED_IMAGE_SIZE

    def _facts_if_any(self, name: str) -> CheckpointFacts | None:
        try:
            return self.facts(name)
        except EthosBenchError:
            return None  # its own tests fail with it

    def twin(self, name: str) -> str:
        """The first model of the session with the same graph and weights, "" when there is none before it."""
        facts = self.facts(name)
        if facts is None:
            return ""
        for other in self.models:
            if other == name:
                return ""
            known = self._facts_if_any(other)
            if known and known.weights == facts.weights:
                return other
        return ""

    def group(self, name: str) -> str:
        """The name under which xdist keeps tests of equal models in one process: equal models share their work."""
        try:
            return self.twin(name) or name
        except EthosBenchError:
            return name

    def require_identity(self, name: str) -> None:
        """Raise the model's error when its activation is not the one the name promises, before anything is computed."""
        promised, held = expected_activation(name), self.activation(name)
        if promised and held != promised:
            tflite = self.models[name].tflite
            kind = ModelError if tflite else CheckpointError
            raise kind(
                f"{name} holds {held} where its name says {promised}",
                f"a graph with {promised} activations: a name is no evidence (an exporter may ignore what was asked for)",
                f"ethos-bench inspect {tflite}" if tflite else "",
            )

    def activation(self, name: str) -> str:
        """The activations that are really in a model's graph."""
        facts = self.facts(name)
        return facts.activation if facts else activation_name(self._tflite(name).graph.activations)

    def _tflite(self, name: str) -> Source:
        path = self.models[name].tflite
        assert path
        return self._memo.get(("tflite", name), lambda: tflite_source(path))

    def source(self, name: str) -> Source:
        """The int8 TFLite file of a model; a twin's is taken over under this model's name."""
        twin = self.twin(name)
        if twin:
            return replace(self.source(twin), variant=name)
        return self._memo.get(("source", name), lambda: self._source(self.models[name]))

    def _source(self, model: Model) -> Source:
        self.require_identity(model.name)
        if model.tflite:
            return self._tflite(model.name)
        facts = self.facts(model.name)
        assert facts
        assert model.origin
        if self.dataset and not model.seeded:
            self.dataset.require_class_count(len(facts.classes), model.name)
        return int8_source(model.origin, facts, self.settings(model), self._calibration(model), self._telling(model.name))

    def settings(self, model: Model) -> Settings:
        """How a model is converted; seeded weights have no accuracy to save and take the fast recipe unless one is named."""
        size = self._auto_size(model.name) if self.options.image_size == "auto" else self.options.image_size
        return self._settings_at(size, self._recipe(model))

    def _settings_at(self, size: int | None, recipe: str) -> Settings:
        return Settings(recipe=recipe, cut=self.options.cut, image_size=size, vela=self.options.vela)

    def _recipe(self, model: Model) -> str:
        return self.options.recipe or ("fast" if model.seeded else DEFAULT_RECIPE)

    def _auto_size(self, name: str) -> int:
        """The largest size at which a model fits every profile and target; UsageError when there is none."""
        facts = self.facts(name)
        assert facts
        places = [(profile, spec) for profile in self.profiles for spec in self.options.targets]
        size = self._largest_fitting(self.models[name], places, facts.image_size)
        if not size:
            where = ", ".join(dict.fromkeys(f"{profile} on {spec}" for profile, spec in places))
            raise UsageError(f"--imgsz auto: {name} fits {where} at no image size", "a platform with more memory")
        return size

    def shortfalls(self, name: str, profile: str, spec: str) -> Shortfalls:
        """Each memory region that is too small for a model: of the target's platform where it has one, else of the profile."""
        return self._shortfalls(self.artefact(name, profile), spec)

    def _shortfalls(self, artefact: Artefact, spec: str) -> Shortfalls:
        return self.target(spec).shortfalls(artefact)

    def unfit(self, name: str, profile: str, spec: str) -> Unavailable | None:
        """Why a target does not run a model: its platform has no room for it. None when it does run it."""
        if not self.target(spec).must_fit:
            return None
        found = self.shortfalls(name, profile, spec)
        return Unavailable(f"does not fit: {'; '.join(map(str, found))}", "shortfall") if found else None

    def fitting_size(self, name: str, profile: str, spec: str) -> int | Unavailable:
        """The largest image size at which a model that does not fit would, 0 when there is none, or why it is not known."""
        model = self.models[name]
        if model.tflite:
            return Unavailable("a TFLite file has one size")
        if not self.target(spec).must_fit:
            return Unavailable("computed for platforms that refuse what does not fit")
        return self._largest_fitting(model, [(profile, spec)], self.artefact(name, profile).image_size)

    def _largest_fitting(self, model: Model, places: Sequence[tuple[str, str]], limit: int) -> int:
        """Found by converting and compiling at few sizes with the fast recipe, then held against the one asked for.

        Two recipes' files need nearly the same memory, not quite: what just fits with one may be some bytes too large.
        """
        facts = self.facts(model.name)
        assert facts
        assert model.origin
        origin, tell = model.origin, self._telling(model.name)

        def shortfalls_at(size: int, recipe: str, calibration: Calibration) -> list[MemoryShortfall]:
            tell(f"does it fit at {size} px, recipe {recipe}?")
            source = int8_source(origin, facts, self._settings_at(size, recipe), calibration, tell)
            return [
                shortfall
                for profile, spec in places
                for shortfall in self._shortfalls(compile_source(source, self.profiles[profile], self.options.vela, tell), spec)
            ]

        def found() -> int:
            fast = partial(shortfalls_at, recipe="fast", calibration=packaged_calibration())
            wanted = partial(shortfalls_at, recipe=self._recipe(model), calibration=self._calibration(model))
            return largest_confirmed(limit, fast, wanted, max(facts.strides))

        return self._memo.get(("fitting", facts.weights, limit, *places), found)

    def _calibration(self, model: Model) -> Calibration:
        if not self.options.data:
            return packaged_calibration()
        count = self.options.calibration_images or RECIPES[self._recipe(model)].images
        return data_calibration(self.options.data, count)

    def artefact(self, name: str, profile: str) -> Artefact:
        """A model compiled for a profile."""
        source = self.source(name)
        key = ("artefact", source.int8.sha256, profile)
        made = self._memo.get(
            key, lambda: compile_source(source, self.profiles[profile], self.options.vela, self._telling(name))
        )
        return replace(made, variant=name)

    def run(self, name: str, profile: str, spec: str) -> Run:
        """A model's run on a target; models and profiles that give the target the same file share one run."""
        artefact, target = self.artefact(name, profile), self.target(spec)
        file = artefact.source if target.graph == "int8" else artefact.compilation.compiled
        return self._memo.get(("run", file.sha256, spec), lambda: self._run(artefact, target))

    def _run(self, artefact: Artefact, target: Target) -> Run:
        inputs = self.inputs(artefact.variant, target.name)
        self._telling(artefact.variant)(f"running on {target.name}")
        return target.run(Job(artefact, inputs.tensors, self.options.repeats))

    def inputs(self, name: str, spec: str) -> Inputs:
        """What a target runs: one image for a target that only samples the host, several where bytes are compared."""
        source, target = self.source(name), self.target(spec)
        whole = len(self.dataset.images) if self.dataset and self.options.accuracy_on_target else NPU_IMAGES
        count = 1 if target.graph == "int8" else self.options.images or whole
        return self._memo.get(("inputs", source.int8.sha256, count), lambda: self._inputs(source, count))

    def _inputs(self, source: Source, count: int) -> Inputs:
        detail, size = source.graph.inputs[0], source.image_size
        if detail.shape != (1, size, size, 3):
            return of_noise(count, detail)
        if self.dataset:
            return of_dataset(self.dataset, count, size, self._input_format(source))
        if self.models[source.variant].tflite or count == 1:
            return of_noise(count, detail)
        return of_photographs(count, size, self._input_format(source))

    def _input_format(self, source: Source) -> TensorFormat:
        return open_graph(source.int8.path, self.options.threads).input

    def equality(self, name: str, profile: str, spec: str) -> Equality | Unavailable:
        """Whether the bytes of a run are those of TFLite Micro's reference kernels, or why nothing was compared."""
        if self.target(spec).graph == "int8":
            return Unavailable(f"{spec} runs the int8 source file: its speed is measured, not the NPU's bytes")
        run, source = self.run(name, profile, spec), self.source(name)
        try:
            expected = self._reference(name, spec)
        except RunError as error:
            return Unavailable(f"no reference: {error.found}")
        return compare(run.outputs, expected, [tensor.name for tensor in source.graph.outputs])

    def _reference(self, name: str, spec: str) -> list[list[NDArray[Any]]]:
        source, inputs = self.source(name), self.inputs(name, spec)
        return self._memo.get(
            ("reference", source.int8.sha256, len(inputs.tensors)),
            lambda: reference_outputs(
                source.int8, source.graph, inputs.tensors, self.options.threads, self._telling(source.variant)
            ),
        )

    def detections(self, name: str, graph: str) -> Detected | Unavailable:
        """What the float or int8 graph of a model finds on the data set, or why that cannot be said."""
        if self.models[name].seeded:
            return Unavailable("untrained weights have no accuracy")
        if self.dataset is None:
            return Unavailable("no data set was given (--data data.yaml)")
        dataset, source = self.dataset, self.source(name)
        file = source.int8 if graph == "int8" else source.floating
        if file is None:
            return Unavailable("a TFLite file comes without its float graph")
        rect = source.floating_rect if graph == "float" else None
        tell = self._telling(name)
        return self._memo.get(
            ("detections", file.sha256),
            lambda: detected(file, rect, dataset, self.options.threads, lambda text: tell(f"{graph} graph: {text}")),
        )

    def npu_detections(self, name: str, profile: str, spec: str) -> Detected | Unavailable:
        """What the outputs of a target with an NPU show, or why that cannot be said."""
        if self.models[name].seeded:
            return Unavailable("untrained weights have no accuracy")
        if self.dataset is None:
            return Unavailable("no data set was given (--data data.yaml)")
        if self.options.images is None and not self.options.accuracy_on_target:
            return Unavailable(f"{spec} ran {NPU_IMAGES} images only (--images N or --accuracy-on-target asks for more)")
        run, source, dataset = self.run(name, profile, spec), self.source(name), self.dataset
        if len(run.outputs) != len(dataset.images):
            return Unavailable(f"{spec} did not run the images of the data set: the model takes none of their shape")
        key = ("npu detections", run.executed, spec)
        runtime = f"{self.recorded_target(spec)}, {', '.join(run.fingerprint.values())}"
        return self._memo.get(key, lambda: detected_in(run.outputs, source.int8, dataset, self.options.threads, runtime))

    def drop(self, name: str) -> Interval | None:
        """What int8 costs in mAP50-95, with its interval; None when one of the graphs has no detections."""
        floats, ints = self.detections(name, "float"), self.detections(name, "int8")
        if isinstance(floats, Unavailable) or isinstance(ints, Unavailable):
            return None
        key = ("drop", str(floats.folder), str(ints.folder))
        return self._memo.get(key, lambda: bootstrap_difference(floats.coco, ints.coco, floats.dataset))

    def base(self, name: str) -> str:
        """The model that others are compared with, "" when the session has none or it is this one."""
        return BASE if BASE in self.models and name != BASE else ""

    def _telling(self, name: str) -> Progress:
        return lambda text: self.progress(f"{name}: {text}")

    def checkpoint_bytes(self, name: str) -> int:
        """Size of a model's checkpoint file, 0 for seeded weights and TFLite files."""
        origin = self.models[name].origin
        path: Path | None = origin.checkpoint if origin else None
        return path.stat().st_size if path else 0
