"""What a compiled model needs of the runner, read from its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import RunError
from core.records.artefact import Artefact, ModelFile
from targets.fvp.fit import needs, shortfalls
from targets.fvp.platforms import corstone
from targets.fvp.target import Fvp
from targets.kinds import TargetOptions
from tests.conversion.tflite_builder import TinyModel, all_on_the_npu, cpu_in_the_middle
from tests.targets.fvp.builders import artefact

MIB = 2**20


def wide(side: int) -> bytes:
    """One convolution whose input and output have side x side x 32 bytes each, more than one tile could keep on chip."""
    model = TinyModel()
    image = model.tensor((1, side, side, 32), "image")
    return model.finish([image], [model.conv(image, 32, 3)])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return artefact(tmp_path_factory.mktemp("small") / "small.tflite", all_on_the_npu())


def test_a_small_model_fits_and_its_needs_are_those_of_its_file(small: Artefact) -> None:
    need = needs(small.compilation)
    assert shortfalls(small.compilation) == ()
    assert need.input == 16 * 16 * 8
    assert need.output == 256 * 16
    assert need.model == small.compilation.compiled.path.stat().st_size
    assert need.cache == 0
    assert small.compilation.estimate.arena_bytes <= need.arena < small.compilation.estimate.arena_bytes + 2000


def test_tensors_between_npu_and_cpu_count(tmp_path: Path) -> None:
    mixed = artefact(tmp_path / "mixed.tflite", cpu_in_the_middle())
    assert needs(mixed.compilation).arena >= 2 * 16 * 16 * 16


@pytest.mark.parametrize("profile", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_a_large_model_does_not_fit_any_of_the_prebuilt_runners(profile: str, tmp_path: Path) -> None:
    large = artefact(tmp_path / "large.tflite", wide(224), profile)
    (problem,) = shortfalls(large.compilation)
    assert str(problem).startswith("needs 3.0")
    assert str(problem).endswith("MiB, the runner's arena has 2.00 MiB")


def test_the_arena_of_another_firmware_counts_instead(tmp_path: Path) -> None:
    large = artefact(tmp_path / "large.tflite", wide(224))
    assert shortfalls(large.compilation, firmware_arena_bytes=8 * MIB) == ()


@pytest.mark.parametrize(
    ("room", "words"),
    [
        ("model_bytes", "the runner's place for the model has 100 bytes"),
        ("input_bytes", "the runner's place for the input has 100 bytes"),
        ("output_bytes", "the runner's place for the output has 100 bytes"),
    ],
)
def test_every_room_is_looked_at(room: str, words: str, small: Artefact) -> None:
    profile = small.compilation.profile
    tight = replace(profile, corstone=replace(corstone(profile), **{room: 100}))  # type: ignore[arg-type]  # one of its numbers
    (problem,) = shortfalls(replace(small.compilation, profile=tight))
    assert str(problem).endswith(words)


def test_the_on_chip_buffer_of_a_dedicated_memory_is_a_room_too(tmp_path: Path) -> None:
    cached = artefact(tmp_path / "cached.tflite", wide(128), "ethos-u65-256")
    assert 0 < needs(cached.compilation).cache <= corstone(cached.compilation.profile).cache_bytes
    profile = cached.compilation.profile
    tight = replace(profile, corstone=replace(corstone(profile), cache_bytes=16))
    (problem,) = shortfalls(replace(cached.compilation, profile=tight))
    assert "the NPU's on-chip buffer has 16 bytes" in str(problem)


def test_a_file_that_is_no_compiled_model_is_refused(small: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"not a model")
    broken = replace(small, compilation=replace(small.compilation, compiled=ModelFile(path, "")))
    with pytest.raises(RunError, match=r"broken\.tflite` is no compiled TFLite file"):
        Fvp.from_spec("", TargetOptions(threads=1)).shortfalls(broken)
