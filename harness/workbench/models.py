"""Which models a session is about, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conversion.checkpoint import find_checkpoints
from conversion.steps import Origin
from conversion.variants import BY_NAME, VARIANTS
from core.errors import CheckpointError, UsageError
from harness.workbench.options import BenchOptions

BASE = "base_silu"


@dataclass(frozen=True)
class Model:
    """A model by name; it comes from an origin (checkpoint or seeded build), or from a user's own TFLite file.

    `problem` is set when the name was asked for and no file is there.
    """

    name: str
    origin: Origin | None = None
    tflite: Path | None = None
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
        return [Model(options.model.stem, tflite=options.model)]
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
