"""Which cells axes span, and what is refused before anything is computed.

Covers harness.explore.plan, harness.explore.requests.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from conversion.velas.versions import installed_version
from core.errors import EthosBenchError, UsageError
from harness.explore.plan import ExploreOptions, planned, with_file
from tests.benchmarks import tiny
from tests.conversion.velas.bsp import bsp_vela


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "detector.tflite"
    path.write_bytes(tiny.detector())
    return path


def test_cells_are_every_combination_once(model: Path) -> None:
    npus = ("ethos-u55-32", "ethos-u65-256", "imx93")  # the last one is another word for the second
    options = ExploreOptions(
        model=(model, model), npu=npus, velas="5.0..5.2", memory=("mlek", "mlek-off"), optimise=("Size", "Performance")
    )
    keys = [request.key for request in planned(options)]
    assert len(set(keys)) == len(keys)
    assert {key.npu for key in keys} == {"ethos-u55-32", "ethos-u65-256"}
    assert len(keys) == 2 * len({key.vela for key in keys}) * 2 * 2
    assert {key.vela_options for key in keys} == {"--optimise Size", "--optimise Performance"}
    assert {(key.image_size, key.recipe) for key in keys} == {(0, "")}


def test_an_executable_is_a_vela_by_its_name_and_not_by_its_place(model: Path, tmp_path: Path) -> None:
    own = bsp_vela(tmp_path / "vela")
    published, found = planned(ExploreOptions(model=(model,), velas=f"{installed_version()},{own}"))
    assert published.key.vela == installed_version()
    assert found.key.vela.startswith(f"{installed_version()}-")
    assert str(own) not in found.key.name


def test_without_axes_there_is_one_cell_of_the_installed_vela_and_the_default_npu(model: Path) -> None:
    (request,) = planned(ExploreOptions(model=(model,)))
    assert (request.key.npu, request.key.vela, request.key.memory) == ("ethos-u65-256", installed_version(), "")


def test_two_files_of_one_name_are_told_apart(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / model.name
    other.parent.mkdir()
    other.write_bytes(tiny.detector("NONE"))
    names = {request.key.model for request in planned(ExploreOptions(model=(model, other)))}
    assert len(names) == 2
    assert all(name.startswith("detector-") for name in names)


def test_a_file_says_the_same_as_the_command_line_which_counts_more(model: Path) -> None:
    written = model.with_name("explore.toml")
    written.write_text('model = ["detector.tflite"]\nnpu = ["ethos-u55-64"]\nmax_latency = 33\nmin_map = 0.5\nvelas = "5.2"\n')
    options = with_file(ExploreOptions(), written)
    assert (options.model, options.npu) == ((model,), ("ethos-u55-64",))
    assert (options.limits.latency_us, options.limits.map50_95) == (33e3, 0.5)
    assert with_file(ExploreOptions(npu=("ethos-u85-256",)), written).npu == ("ethos-u85-256",)


@pytest.mark.parametrize("content", ['modle = ["a"]', "npu = 3", "this is no TOML", 'imgsz = ["large"]'])
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "explore.toml"
    path.write_text(content)
    with pytest.raises(UsageError, match="exploration"):
        planned(with_file(ExploreOptions(), path))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"model": ()}, "no model to explore"),
        ({"model": (Path("gone.tflite"),)}, "does not exist"),
        ({"npu": ("ethos-u99",)}, "ethos-u99"),
        ({"velas": "9.9"}, "9.9"),
        ({"memory": ("quick",)}, "quick"),
        ({"seeded": ("yolo99",)}, "yolo99"),
        ({"recipe": ("magic",)}, "magic"),
        ({"images": 0}, "--images 0"),
        ({"max_sram": "a lot"}, "--max-sram"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_cell(model: Path, changed: dict[str, object], complaint: str) -> None:
    with pytest.raises(EthosBenchError, match=complaint):
        planned(ExploreOptions(**{"model": (model,), **changed}))  # type: ignore[arg-type]


@pytest.mark.convert
def test_a_size_that_does_not_suit_the_strides_is_refused() -> None:
    with pytest.raises(UsageError, match="image size 100 does not suit"):
        planned(ExploreOptions(seeded=("level3_relu",), imgsz=(96, 100)))
