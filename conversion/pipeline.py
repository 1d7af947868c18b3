"""checkpoint, or a user's own file -> int8 TFLite -> Vela -> Artefact: the straight way through this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conversion.compilations import compiled
from conversion.compiled_files import compiled_already, compiled_graph
from conversion.file_kinds import COMPILED, TFLITE, TOSA, file_kind
from conversion.model_checks import checked_graph
from conversion.steps import Calibration, Origin, exported, quantised
from conversion.tosa_graph import read_tosa
from conversion.vela import read_graph
from conversion.vela_options import VelaOptions
from core.errors import UsageError
from core.files import file_sha256
from core.progress import Progress
from core.records.artefact import Artefact, ModelFile
from core.records.checkpoint_facts import CheckpointFacts
from core.records.image_form import ImageForm, image_form, square
from core.records.profile import Profile
from core.tflite.graph import TfliteGraph, parse

Cut = Literal["raw", "decoded"]


@dataclass(frozen=True)
class Settings:
    """Choices that change the converted file; `image_size` None means the checkpoint's own training size."""

    recipe: str
    cut: Cut = "raw"
    image_size: int | None = None


@dataclass(frozen=True)
class Source:
    """A quantised file and where it came from; `floating` and `facts` are absent for a user's own file.

    `int8` is what is compiled, or came compiled, a file of the kind `kind` (conversion/file_kinds.py); `graph` is what it says
    of itself. `image_size` is the side of a square image, 0 for any other input. `floating_rect` is the float graph on the
    larger canvas of ultralytics' own validation. `findings` are sentences on how it was made that change what figures mean.
    """

    variant: str
    int8: ModelFile
    graph: TfliteGraph
    image_size: int
    recipe: str = ""
    floating: ModelFile | None = None
    facts: CheckpointFacts | None = None
    floating_rect: ModelFile | None = None
    kind: str = TFLITE
    findings: tuple[str, ...] = ()

    @property
    def image(self) -> ImageForm | None:
        """How its one image input holds images; None when no input of it is an image, or several are."""
        return only_image(self.graph)


def only_image(graph: TfliteGraph) -> ImageForm | None:
    """The form of the one input of a graph that is an image; None when there is none, or more than one."""
    found = [form for tensor in graph.inputs if (form := image_form(tensor.shape))]
    return found[0] if len(found) == 1 else None


def image_size(origin: Origin, facts: CheckpointFacts, asked: int | None) -> int:
    """The size to convert at: the one that was asked for, else the training size; UsageError when the strides forbid it."""
    size = asked or facts.image_size
    if size < max(facts.strides) or size % max(facts.strides):
        raise UsageError(
            f"image size {size} does not suit `{origin.variant}`", f"a multiple of its largest stride, {max(facts.strides)}"
        )
    return size


def int8_source(
    origin: Origin, facts: CheckpointFacts, settings: Settings, calibration: Calibration, progress: Progress
) -> Source:
    """The int8 TFLite file of a checkpoint, with its float reference."""
    size = image_size(origin, facts, settings.image_size)
    floats = exported(origin, facts, size, settings.cut, progress)
    folder = quantised(floats / "float.tflite", settings.recipe, calibration, square(size, facts.channels), progress)
    int8 = model_file(folder / "int8.tflite")
    graph = parse(int8.path.read_bytes(), origin.variant)
    rect = floats / "float_rect.onnx"
    return Source(
        variant=origin.variant,
        int8=int8,
        graph=graph,
        image_size=size,
        recipe=settings.recipe,
        floating=model_file(floats / "float.onnx"),
        facts=facts,
        floating_rect=model_file(rect) if rect.exists() else None,
    )


def tflite_source(path: Path) -> Source:
    """A user's own TFLite file; ModelError when it is another, broken, or when the NPU would run none of it."""
    return _source(path, TFLITE)


def given_source(path: Path) -> Source:
    """A user's own file of any kind; ModelError when it is broken, or when the NPU would run none of it."""
    return _source(path, file_kind(path))


def _source(path: Path, kind: str) -> Source:
    graph = checked_graph(path) if kind == TFLITE else READERS[kind](path)
    form = only_image(graph)
    side = form.height if form and form.height == form.width else 0
    return Source(path.stem, model_file(path), graph, side, kind=kind)


def graph_of(path: Path) -> TfliteGraph:
    """The graph of a file of any kind, whether the NPU takes it or not; ModelError when it is broken."""
    return READERS[file_kind(path)](path)


READERS: Mapping[str, Callable[[Path], TfliteGraph]] = {
    TFLITE: read_graph,
    TOSA: read_tosa,
    **dict.fromkeys(COMPILED, compiled_graph),
}
"""Kind of file -> what reads its graph."""


def compile_source(source: Source, profile: Profile, vela: VelaOptions, progress: Progress) -> Artefact:
    """The artefact of an int8 file for one profile; a file that came compiled is its own."""
    if source.kind in COMPILED:
        compilation = compiled_already(source.int8, profile)
    else:
        progress(f"compiling for {profile.name}")
        compilation = compiled(source.int8, profile, vela, progress)
    return Artefact(
        variant=source.variant,
        source=source.int8,
        compilation=compilation,
        image_size=source.image_size,
        weights=source.facts.weights if source.facts else source.graph.weights,
        recipe=source.recipe,
        floating=source.floating,
    )


def model_file(path: Path) -> ModelFile:
    """A path with the SHA-256 of its bytes."""
    return ModelFile(path, file_sha256(path))
