"""Which models a session is about, where each comes from, and what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from conversion.checkpoint import SEEDED_IMAGE_SIZE, find_checkpoints
from conversion.file_kinds import TFLITE
from conversion.pipeline import Source, given_source
from conversion.steps import Origin, facts_of
from conversion.variants import BY_NAME, VARIANTS, activation_name, expected_activation
from core.errors import CheckpointError, EthosBenchError, ModelError, UsageError
from core.records.checkpoint_facts import CheckpointFacts
from core.records.unavailable import Unavailable
from harness.workbench.options import BenchOptions
from harness.workbench.session import Session

BASE = "base_silu"


@dataclass(frozen=True)
class Model:
    """A model by name; it comes from an origin (checkpoint or seeded build), or from a user's own `file` of any kind.

    `problem` is set when the name was asked for and no file is there.
    """

    name: str
    origin: Origin | None = None
    file: Path | None = None
    problem: CheckpointError | None = None

    @property
    def seeded(self) -> bool:
        """Whether its weights are drawn from a seed, so that it has no accuracy."""
        return self.origin is not None and not self.origin.checkpoint


def resolve_models(options: BenchOptions) -> tuple[Model, ...]:
    """The session's models, the base model first; UsageError or CheckpointError when a source is missing."""
    models = [*_base(options), *_own(options)]
    if options.variants:
        known = {model.name for model in models}
        unknown = [name for name in options.variants if name not in known]
        if unknown:
            raise UsageError(f"no model `{unknown[0]}` in this session", f"one of {', '.join(sorted(known))}")
        models = [model for model in models if model.name in options.variants]
    return tuple(models)


def _base(options: BenchOptions) -> list[Model]:
    """The plain model: the user's trained one, else seeded; none beside a single foreign model."""
    if options.base_model:
        return [Model(BASE, Origin(BASE, checkpoint=options.base_model))]
    if options.checkpoint or options.model:
        return []
    return [Model(BASE, Origin(BASE, seeded=BASE))]


def _own(options: BenchOptions) -> list[Model]:
    if options.model:
        return [Model(options.model.stem, file=options.model)]
    if options.checkpoint:
        return [Model(options.checkpoint.stem, Origin(options.checkpoint.stem, checkpoint=options.checkpoint))]
    names = [name for name in BY_NAME if name != BASE]
    if not options.checkpoints:
        return [Model(name, Origin(name, seeded=name)) for name in names]
    found = find_checkpoints(options.checkpoints)
    return [_from_folder(name, found, options.checkpoints) for name in names]


def _from_folder(name: str, found: dict[str, Path], folder: Path) -> Model:
    if name in found:
        return Model(name, Origin(name, checkpoint=found[name]))
    documented = next(variant.folder for variant in VARIANTS if variant.name == name)
    problem = CheckpointError(
        f"no checkpoint for {name} below `{folder}`", f"`{documented}/weights/best.pt`", f"--variant {next(iter(found))}"
    )
    return Model(name, problem=problem)


class Models(Mapping[str, Model]):
    """The models of a session by name, the base model first, and what each of them is before it is converted."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._models = {model.name: model for model in resolve_models(session.options)}

    def __getitem__(self, name: str) -> Model:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def facts(self, name: str) -> CheckpointFacts | None:
        """What a model's checkpoint is; None for a user's own file."""
        model = self[name]
        if model.problem:
            raise model.problem
        if model.origin is None:
            return None
        origin = model.origin
        facts = self._session.memo.get(("facts", name), lambda: facts_of(origin, self._session.telling(name)))
        return replace(facts, image_size=self._seeded_size) if model.seeded else facts

    @cached_property
    def _seeded_size(self) -> int:
        """Seeded models take the size of the checkpoints they stand beside, so that they can be compared, else 320 px."""
        trained = [facts for name, model in self.items() if not model.seeded and (facts := self._facts_if_any(name))]
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
        for other in self:
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
        asked = self._session.options.expect_activation
        promised, held = asked or expected_activation(name), self.activation(name)
        if isinstance(held, Unavailable):
            if asked:
                raise UsageError(f"--expect-activation {asked}: {held.reason}", "the TFLite file or the checkpoint", "--model")
            return
        if promised and held != promised:
            file = self[name].file
            kind = ModelError if file else CheckpointError
            said = "--expect-activation" if asked else "its name"
            raise kind(
                f"{name} holds {held} where {said} says {promised}",
                f"a graph with {promised} activations: a name is no evidence (an exporter may ignore what was asked for)",
                f"ethos-bench inspect {file}" if file else "",
            )

    def activation(self, name: str) -> str | Unavailable:
        """The activations that are really in a model's graph, or why they can't be read from it."""
        facts = self.facts(name)
        if facts:
            return facts.activation
        source = self.given(name)
        if source.kind != TFLITE:
            return Unavailable(f"{source.kind}: it does not name its activations")
        return activation_name(source.graph.activations)

    def weights(self, name: str) -> str:
        """The fingerprint of a model's weights."""
        facts = self.facts(name)
        return facts.weights if facts else self.given(name).graph.weights

    def given(self, name: str) -> Source:
        """The file that a user brought."""
        path = self[name].file
        assert path
        return self._session.memo.get(("given", name), lambda: given_source(path))

    def base(self, name: str) -> str:
        """The model that others are compared with, "" when the session has none or it is this one."""
        return BASE if BASE in self and name != BASE else ""

    def checkpoint_bytes(self, name: str) -> int:
        """Size of a model's checkpoint file, 0 for seeded weights and a user's own file."""
        origin = self[name].origin
        path: Path | None = origin.checkpoint if origin else None
        return path.stat().st_size if path else 0
