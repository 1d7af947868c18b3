"""A checkpoint lowered by ExecuTorch is a TOSA graph with the scales of its program, or the reason why not is said.

Covers conversion.executorch.lowering, conversion.executorch.child, conversion.executorch.__main__, conversion.export_program.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from conversion.compiled_files import compiled_graph
from conversion.executorch import child
from conversion.executorch.lowering import LOCK, executorch_python, lowered_source, with_scales
from conversion.file_kinds import TOSA
from conversion.pipeline import Settings, Source
from conversion.profile_files import load_profile
from conversion.steps import Origin
from conversion.tosa_graph import read_tosa
from core.errors import ConversionError, ToolMissing
from core.files import file_sha256
from core.progress import to_nobody
from harness.workbench.session import FRONT_END
from tests.conversion.executorch.stand_ins import CALIBRATION, FACTS, LOWERED, lowered_without_executorch


def lowered(layout: str = "nchw") -> Source:
    profile = load_profile("ethos-u65-256")
    return lowered_source(Origin("mine"), FACTS, Settings("accurate"), CALIBRATION, profile, layout, to_nobody)


def test_the_source_is_the_tosa_graph_that_the_lowering_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = lowered_without_executorch(monkeypatch, tmp_path)
    source = lowered()
    assert source == lowered()
    assert (source.kind, source.recipe, source.image_size) == (TOSA, "pt2e", 64)
    assert source.int8.sha256 == file_sha256(LOWERED["tosa"])
    assert all(len(tensor.scales) == 1 for tensor in (*source.graph.inputs, *source.graph.outputs))
    assert len(asked) == 1, "the second call is the entry of the first"
    assert (asked[0]["layout"], asked[0]["target"]) == ("nchw", "ethos-u65-256")


def test_memory_formats_are_lowered_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = lowered_without_executorch(monkeypatch, tmp_path)
    assert lowered("nchw").int8.path != lowered("nhwc").int8.path
    assert [one["layout"] for one in asked] == ["nchw", "nhwc"]


def test_a_model_in_two_parts_is_refused_with_what_stands_between_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered_without_executorch(monkeypatch, tmp_path, parts=2)
    with pytest.raises(ConversionError, match=r"into 2 parts .* 2 aten.topk"):
        lowered()


def test_scales_are_those_of_the_program_around_the_delegate() -> None:
    program = compiled_graph(LOWERED["pte"])
    graph = with_scales(read_tosa(LOWERED["tosa"]), program)
    (delegate,) = [operator for operator in program.operators if operator.custom]
    assert graph.inputs[0].scales == program.tensors[delegate.inputs[0]].scales
    assert graph.outputs[0].zero_points == program.tensors[delegate.outputs[0]].zero_points
    assert graph.tensors[graph.outputs[0].index] == graph.outputs[0]


def test_without_the_environment_the_line_to_type_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    with pytest.raises(ToolMissing) as told:
        executorch_python()
    assert told.value.hint == "make executorch"
    assert not list(tmp_path.iterdir()), "nothing is installed unasked"


def test_the_front_end_that_records_name_is_the_one_that_the_lock_installs() -> None:
    name, version = FRONT_END.split()
    assert f"{name.lower()}=={version}" in LOCK.read_text("utf-8")


def test_the_child_needs_nothing_of_ours() -> None:
    child = LOCK.with_name("child.py")
    done = subprocess.run([sys.executable, "-I", "-c", f"import runpy; runpy.run_path({str(child)!r})"], check=False)
    assert done.returncode == 0


def test_an_activation_whose_limit_the_lowering_loses_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered_without_executorch(monkeypatch, tmp_path, unlimited=["relu_23 (zero point -13)"])
    (finding,) = lowered().findings
    assert "1 ReLU (relu_23 (zero point -13))" in finding


def node(name: str, target: str, *arguments: object) -> SimpleNamespace:
    made = SimpleNamespace(name=name, target=target, args=arguments, users=[])
    for argument in arguments:
        if isinstance(argument, SimpleNamespace):
            argument.users.append(made)
    return made


@pytest.mark.parametrize(
    ("before", "kind", "zero_point", "lost"),
    [
        ("aten.conv2d.default", "aten.relu.default", -13, ["act (zero point -13)"]),
        ("aten.conv2d.default", "aten.relu.default", -128, []),  # int8 saturates at 0
        ("aten.conv2d.default", "aten.leaky_relu.default", -13, []),
        ("aten.add.Tensor", "aten.relu.default", -13, []),  # stays an operator of its own
    ],
)
def test_an_activation_loses_its_limit_where_it_is_joined_and_zero_is_not_the_least_integer(
    before: str, kind: str, zero_point: int, lost: list[str]
) -> None:
    first = node("first", before, node("image", "placeholder"))
    activation = node("act", kind, first)
    last = node("q", "quantized_decomposed.quantize_per_tensor.default", activation, 0.1, zero_point, -128, 127)
    assert child.unlimited([first, activation, last]) == lost
