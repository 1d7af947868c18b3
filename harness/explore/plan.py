"""What to explore: axes from the command line or an `explore.toml`, checked, and every cell that they span."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict

from conversion.checkpoint import SEEDED_IMAGE_SIZE, find_checkpoints
from conversion.compiled_files import compiled_npu
from conversion.executorch import lowering
from conversion.executorch.lowering import LAYOUTS
from conversion.file_kinds import COMPILED, file_kind
from conversion.pipeline import image_size
from conversion.profile_files import DEFAULT_PROFILE
from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.variants import BY_NAME
from conversion.velas.versions import installed_version, versions_named
from core.errors import UsageError
from core.files import file_sha256
from core.option_fields import check_bounds, option
from core.toml_file import read_toml
from harness.explore.exploration import FrontEnd
from harness.explore.front import Limits, microseconds, share, size_bytes
from harness.explore.requests import AS_COMPILED, CellRequest, ModelChoice, Optimise, SourceRequest, TunedVela
from harness.explore.sources import facts_for, memory_identity, profile_named

Quantity = Annotated[str, BeforeValidator(str)]
"""As it is typed; a file may have a number in its place."""


@dataclass(frozen=True, kw_only=True)
class ExploreOptions:
    """The axes of an exploration, what is asked of every cell, and the limits; an `explore.toml` has the fields' names."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=False)

    checkpoint: tuple[Path, ...] = option("--checkpoint", "any ultralytics detector or classifier", (), metavar="FILE")
    checkpoints: Path | None = option(
        "--checkpoints", "folder with `<documented folder>/weights/best.pt` anywhere below", None, metavar="DIR"
    )
    model: tuple[Path, ...] = option(
        "--model",
        "a quantised TFLite file, a TOSA graph, or what is compiled for one NPU: an ExecuTorch program, a raw npz of Vela's",
        (),
        metavar="FILE",
    )
    seeded: tuple[str, ...] = option(
        "--seeded", f"one of {', '.join(BY_NAME)} with weights from a seed: placement and time without a checkpoint", (),
        metavar="NAME",
    )  # fmt: skip
    npu: tuple[str, ...] = option(
        "--npu", "NPU profile, or a TOML file", (), metavar="NAME|FILE.toml",
        default_text=f"`{DEFAULT_PROFILE}`, or the compiled file's",
    )  # fmt: skip
    memory: tuple[str, ...] = option(
        "--memory", "memory of our cycle model ([time](../reference/timing.md))", (), metavar="NAME|FILE.toml",
        default_text="the profile's",
    )  # fmt: skip
    velas: str = option(
        "--velas", "versions of Vela: 4.2..5.2, or 4.5,5.2", "", metavar="RANGE", default_text="the installed one"
    )
    imgsz: tuple[int, ...] = option("--imgsz", "image size in pixels", (), metavar="N", default_text="the checkpoint's own")
    recipe: tuple[str, ...] = option(
        "--recipe", "quantisation recipe ([recipes](../recipes.md))", (), metavar="NAME", default_text="the best known"
    )
    frontend: tuple[FrontEnd, ...] = option(
        "--frontend",
        "how checkpoints become int8: TFLite, or ExecuTorch for each NPU, contiguous and channels_last "
        "([ExecuTorch](../guides/executorch.md))",
        ("tflite",),
    )
    optimise: tuple[Optimise, ...] = option("--optimise", "what Vela optimises for", (), default_text="the profile's")
    arena_cache: tuple[int, ...] = option(
        "--arena-cache", "bytes of the arena that Vela may keep in a cache", (), metavar="BYTES", default_text="the profile's"
    )
    data: Path | None = option(
        "--data", "train split calibrates, test split (else val) judges the int8 models", None, metavar="data.yaml|DIR|FILE"
    )
    images: int | None = option("--images", "judge on N evenly spaced images", None, metavar="N", least=1)
    calibration_images: int | None = option(
        "--calibration-images", "images that the quantiser sees", None, metavar="N", default_text="the recipe's", least=1
    )
    bytes: bool = option("--bytes", "run every cell in the simulator too, and hold its bytes against TFLite Micro's", False)
    untrained: bool = option("--untrained", "the checkpoints' weights come from a seed: they have no accuracy", False)
    max_latency: Quantity = option("--max-latency", "time of an inference by our cycle model: `33ms`", "", metavar="TIME")
    min_map: Quantity = option("--min-map", "mAP50-95 of the int8 model, 0 to 1", "", metavar="MAP")
    max_sram: Quantity = option("--max-sram", "SRAM that a model may take: `2MiB`", "", metavar="SIZE")
    max_flash: Quantity = option("--max-flash", "size of the compiled file: `4MiB`", "", metavar="SIZE")

    @property
    def limits(self) -> Limits:
        """What a cell has to hold; UsageError for what is no quantity."""
        return Limits(
            latency_us=microseconds(self.max_latency, "--max-latency"),
            map50_95=share(self.min_map, "--min-map"),
            sram_bytes=size_bytes(self.max_sram, "--max-sram"),
            flash_bytes=size_bytes(self.max_flash, "--max-flash"),
        )


def with_file(options: ExploreOptions, path: Path | None) -> ExploreOptions:
    """The options of a file, under those of the command line that are not as they are by default; paths are the file's."""
    if path is None:
        return options
    written = read_toml(path, ExploreOptions, "exploration")
    typed = {
        one.name: value
        for one in fields(options)
        if one.default is not MISSING and (value := getattr(options, one.name)) != one.default
    }
    return replace(_beside(written, path.parent), **typed)


def _beside(written: ExploreOptions, folder: Path) -> ExploreOptions:
    return replace(
        written,
        checkpoint=tuple(folder / path for path in written.checkpoint),
        checkpoints=written.checkpoints and folder / written.checkpoints,
        model=tuple(folder / path for path in written.model),
        npu=tuple(str(folder / name) if name.endswith(".toml") else name for name in written.npu),
        memory=tuple(str(folder / name) if name.endswith(".toml") else name for name in written.memory),
        data=written.data and folder / written.data,
    )


def planned(options: ExploreOptions) -> tuple[CellRequest, ...]:
    """Every cell, the models outermost; UsageError for an axis with a value that cannot be, before anything is computed."""
    check_bounds(options)
    _ = options.limits
    npus = _npus(options.npu or (DEFAULT_PROFILE,), options)
    velas = versions_named(options.velas) if options.velas else (installed_version(),)
    tunings = [
        TunedVela(optimise=optimise, arena_cache=arena)
        for optimise, arena in product(options.optimise or ("",), options.arena_cache or (0,))
    ]
    ways = list(product(velas, tunings))
    return tuple(cell for source in _sources(options, tuple(npus.values())) for cell in _cells(source, options, npus, ways))


def _npus(names: Iterable[str], options: ExploreOptions) -> dict[str, str]:
    """Profiles by their names, as they were named; UsageError for one that is not there, or has no such memory."""
    npus = {profile_named(name).name: name for name in names}
    for npu, memory in product(npus.values(), options.memory):
        memory_identity(npu, memory)
    return npus


def _cells(
    source: SourceRequest, options: ExploreOptions, npus: Mapping[str, str], ways: Sequence[tuple[str, TunedVela]]
) -> Iterator[CellRequest]:
    """The cells of a source: by every Vela for every NPU; of a compiled file as it is, for its own NPU where none is named."""
    if source.model.compiled:
        assert source.model.file
        ways = [(AS_COMPILED, TunedVela())]
        npus = npus if options.npu else _npus((compiled_npu(source.model.file),), options)
    for (vela, tuned), memory, (name, npu) in product(ways, options.memory or ("",), npus.items()):
        if source.npu in ("", npu):
            yield CellRequest(
                source=source, npu=npu, npu_name=name, memory=memory, vela=vela, tuned=tuned, with_bytes=options.bytes
            )


def _sources(options: ExploreOptions, npus: Sequence[str]) -> Iterator[SourceRequest]:
    """Every model quantised every way."""
    models = _distinct(_models(options))
    if not models:
        raise UsageError("no model to explore", "--checkpoint, --checkpoints, --model or --seeded", "--seeded base_silu")
    for unknown in set(options.recipe) - set(RECIPES):
        raise UsageError(f"unknown recipe `{unknown}`", f"one of {', '.join(RECIPES)}", f"--recipe {DEFAULT_RECIPE}")
    _require_executorch(options, models)
    for model in models:
        if model.file:
            yield SourceRequest(model=model, data=options.data, images=options.images)
            continue
        for size in _sizes(model, options.imgsz):
            one = SourceRequest(
                model=model, image_size=size, data=options.data, images=options.images,
                calibration_images=options.calibration_images,
            )  # fmt: skip
            yield from (way for frontend in dict.fromkeys(options.frontend) for way in _ways(one, frontend, options, npus))


def _ways(one: SourceRequest, frontend: FrontEnd, options: ExploreOptions, npus: Sequence[str]) -> Iterator[SourceRequest]:
    """A model of one size by a front end: TFLite by each recipe, ExecuTorch in each memory format for each NPU."""
    if frontend == "tflite":
        own = "fast" if one.model.weights == "seeded" else DEFAULT_RECIPE
        yield from (replace(one, recipe=recipe) for recipe in options.recipe or (own,))
        return
    for layout, npu in product(LAYOUTS, npus):
        yield replace(one, recipe=lowering.RECIPE, frontend=frontend, layout=layout, npu=npu)


def _require_executorch(options: ExploreOptions, models: Sequence[ModelChoice]) -> None:
    """Nothing, or UsageError for what ExecuTorch cannot be asked; ToolMissing when it is asked for and not installed."""
    if "executorch" not in options.frontend:
        return
    if all(model.file for model in models):
        raise UsageError(
            "--frontend executorch beside --model alone, which is quantised", "a checkpoint", "--checkpoint best.pt"
        )
    if options.recipe and "tflite" not in options.frontend:
        raise UsageError(f"--recipe {options.recipe[0]} with --frontend executorch, which quantises by PT2E", "no recipe")
    lowering.executorch_python()


def _sizes(model: ModelChoice, asked: Sequence[int]) -> tuple[int, ...]:
    facts = facts_for(model)
    own = SEEDED_IMAGE_SIZE if model.seeded else facts.image_size
    return tuple(dict.fromkeys(image_size(model.origin, facts, size) for size in asked or (own,)))


def _models(options: ExploreOptions) -> Iterator[ModelChoice]:
    for seeded in options.seeded:
        if seeded not in BY_NAME:
            raise UsageError(f"--seeded {seeded} is not known", f"one of {', '.join(BY_NAME)}", "--seeded base_silu")
        yield ModelChoice(name=seeded, identity=seeded, seeded=seeded)
    found = find_checkpoints(options.checkpoints) if options.checkpoints else {}
    for name, path in [*found.items(), *((path.stem, path) for path in options.checkpoint)]:
        yield ModelChoice(
            name=name, identity=_digest(path, "checkpoint"), checkpoint=path.resolve(), untrained=options.untrained
        )
    for path in options.model:
        digest = _digest(path, "model")
        yield ModelChoice(name=path.stem, identity=digest, file=path.resolve(), compiled=file_kind(path) in COMPILED)


def _digest(path: Path, flag: str) -> str:
    if not path.is_file():
        raise UsageError(f"--{flag} `{path}` does not exist", "a file")
    return file_sha256(path)


def _distinct(models: Iterable[ModelChoice]) -> list[ModelChoice]:
    """The models, each once; two files of one name are told apart by their folders."""
    once = list({model.identity: model for model in models}.values())
    names = [model.name for model in once]
    return [
        replace(model, name=f"{model.name}-{model.identity[:6]}") if names.count(model.name) > 1 else model for model in once
    ]
