"""Files that came compiled as a graph and a compilation: what is in them is told, what Vela knew is not made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conversion.compiled_files import compiled_already, compiled_graph, compiled_npu
from conversion.estimates import estimated
from conversion.file_kinds import COMPILED, PROGRAM, RAW, TFLITE, file_kind
from conversion.pipeline import compile_source, given_source, model_file
from conversion.profile_files import load_profile
from conversion.vela_options import VelaOptions
from core.errors import ModelError, UsageError
from core.progress import to_nobody
from core.records.unavailable import Unavailable
from tests.ethosu_simulator.test_pte import ABS, SCALE, ZERO, between_floats, delegated, two_delegates
from tests.harness.cli.test_inspect_compiled import raw_npz, written

U55 = "ethos-u55-128"


def test_kinds_are_told_by_bytes_and_not_by_names(tmp_path: Path) -> None:
    program = written(tmp_path, delegated(ABS)).rename(tmp_path / "named.tflite")
    assert [file_kind(path) for path in (program, raw_npz(tmp_path), tmp_path / "absent")] == [PROGRAM, RAW, TFLITE]


def test_a_program_is_its_streams_operations_and_its_kernels(tmp_path: Path) -> None:
    path = written(tmp_path, two_delegates())
    compilation = compiled_already(model_file(path), load_profile(U55))
    placed = compilation.placement
    assert [(one.where, one.operator) for one in placed.operators] == [
        ("executed", "ELEMENTWISE"), ("cpu", "aten::neg.out"), ("executed", "ELEMENTWISE"),
    ]  # fmt: skip
    assert [one.index for one in placed.operators] == [0, 1, 2]
    assert [stream for one in placed.operators for stream, _ in one.commands] == [1, 2]
    assert placed.crossings == 2
    assert placed.mac_share == Unavailable("the multiply-accumulates of aten::neg.out are not known")
    assert "delegated" in placed.cpu[0].reason


def test_what_vela_knew_is_unavailable_and_our_model_still_estimates(tmp_path: Path) -> None:
    compilation = compiled_already(model_file(raw_npz(tmp_path)), load_profile(U55))
    assert isinstance(compilation.npu_estimated_us, Unavailable)
    assert "compiled already" in compilation.npu_estimated_us.reason
    found = estimated(compilation, tell=to_nobody).found
    assert not isinstance(found, Unavailable)
    assert found.active_cycles > 0
    assert compilation.estimate.arena_bytes > 0


def test_kernels_that_only_convert_numbers_multiply_nothing_and_give_the_scales(tmp_path: Path) -> None:
    path = written(tmp_path, between_floats("conv-INT8-u65-256-0-4"))
    assert compiled_already(model_file(path), load_profile("ethos-u65-256")).placement.mac_share == 1.0
    graph = compiled_graph(path)
    assert [operator.kind for operator in graph.operators] == ["QUANTIZE", "ethos-u", "DEQUANTIZE"]
    assert graph.inputs[0].dtype == "float32"
    quantised = graph.tensors[graph.operators[0].outputs[0]]
    assert (quantised.scales, quantised.zero_points) == ((SCALE,), (ZERO,))


def test_the_npu_is_read_from_the_stream_and_another_profile_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, delegated(ABS))
    assert compiled_npu(path) == U55
    with pytest.raises(UsageError, match="is compiled for ethos-u55-128"):
        compiled_already(model_file(path), load_profile("ethos-u85-256"))


def test_a_file_that_came_compiled_is_its_own_artefact(tmp_path: Path) -> None:
    source = given_source(written(tmp_path, delegated(ABS)))
    assert source.kind in COMPILED
    artefact = compile_source(source, load_profile(U55), VelaOptions(), to_nobody)
    assert artefact.compilation.compiled == artefact.source == source.int8
    with pytest.raises(ModelError, match="has changed"):
        compiled_already(replace(source.int8, sha256="0" * 64), load_profile(U55))


def test_other_constants_are_other_weights(tmp_path: Path) -> None:
    first, second = (given_source(written(tmp_path, delegated(name))).graph.weights for name in (
        "conv-INT8-u65-256-0-4", "add-INT8-u65-256-0-4",
    ))  # fmt: skip
    assert first != second
