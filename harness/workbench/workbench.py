"""The session's engine: facts, sources, artefacts, runs and detections of every model, each computed once and when asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from conversion.checkpoint import SEEDED_IMAGE_SIZE
from conversion.pipeline import Settings, Source, compile_source, int8_source, tflite_source
from conversion.profile_files import load_profile
from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.steps import Calibration, facts_of
from conversion.variants import activation_name, expected_activation
from harness.detection.bootstrap import Interval, bootstrap_difference
from harness.detection.dataset import Dataset, load_dataset
from harness.detection.evaluate import canvases
from harness.detection.graphs import open_graph
from harness.detection.letterbox import to_quantised
from harness.errors import CheckpointError, EthosBenchError, ModelError
from harness.records.artefact import Artefact
from harness.records.checkpoint_facts import CheckpointFacts
from harness.records.job import Job
from harness.records.run import Run
from harness.records.unavailable import Unavailable
from harness.workbench.board_options import session_vela, target_options
from harness.workbench.calibration import data_calibration, packaged_calibration
from harness.workbench.detectors import Detected, detected
from harness.workbench.memo import Memo
from harness.workbench.models import BASE, Model, resolve_models
from harness.workbench.options import BenchOptions
from targets.table import open_target
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
        options = target_options(self.options, self.journal)
        return self._memo.get(("target", spec), lambda: self._held.enter_context(open_target(spec, options)))

    def recorded_target(self, spec: str) -> str:
        """The target's name in records: a replay has that of the board that was recorded."""
        return getattr(self.target(spec), "replays", spec) if spec.startswith("replay:") else spec

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
        recipe = self.options.recipe or ("fast" if model.seeded else DEFAULT_RECIPE)
        return Settings(recipe=recipe, cut=self.options.cut, image_size=self.options.image_size, vela=self.options.vela)

    def _calibration(self, model: Model) -> Calibration:
        if not self.options.data:
            return packaged_calibration()
        count = self.options.calibration_images or RECIPES[self.settings(model).recipe].images
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
        self._telling(artefact.variant)(f"running on {target.name}")
        return target.run(Job(artefact, (self._input(artefact),), self.options.repeats))

    def _input(self, artefact: Artefact) -> NDArray[np.int8]:
        """The first image of the data set as the model's input, else a fixed pattern in the input's shape."""
        detail = self.source(artefact.variant).graph.inputs[0]
        if self.dataset and detail.shape == (1, artefact.image_size, artefact.image_size, 3):
            canvas = next(canvases(self.dataset.take([0]), artefact.image_size))
            form = open_graph(artefact.source.path, self.options.threads).input
            return to_quantised(canvas, form.scale, form.zero_point, np.int8).astype(np.int8, copy=False)
        return np.resize(np.arange(-128, 128, dtype=np.int8), detail.shape)

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
