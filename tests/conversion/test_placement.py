"""Where operators go, and that contradictions between Vela's outputs never pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.placement import placement
from conversion.profile_files import load_profile
from conversion.vela import compile_model
from conversion.vela_outputs import DebugDatabase, Reasons, cpu_reasons, read_debug_database
from core.errors import CompileError
from core.records.artefact import Compilation
from core.records.placement import Placement
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph, parse
from tests.conversion.conftest import Compile
from tests.conversion.real_data import real_model
from tests.conversion.tflite_builder import TinyModel

PROFILES = ("ethos-u55-256", "ethos-u65-256", "ethos-u85-256")
ModelPath = Callable[[str], Path]


def places(compilation: Compilation) -> list[tuple[str, str]]:
    return [(operator.operator, operator.where) for operator in compilation.placement.operators]


@pytest.mark.parametrize("profile", PROFILES)
def test_padding_and_activations_are_fused_and_reshapes_elided(compiled: Compile, profile: str) -> None:
    assert places(compiled("all_on_the_npu", profile)) == [
        ("PAD", "fused"),
        ("CONV_2D", "executed"),
        ("LEAKY_RELU", "fused"),
        ("RESHAPE", "elided"),
    ]
    found = compiled("all_on_the_npu", profile).placement
    assert (found.operator_share, found.mac_share, found.cycle_share, found.crossings) == (1.0, 1.0, 1.0, 0)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_operator_has_its_cycles_with_and_without_memory_and_the_staging_memory_it_needs(
    compiled: Compile, profile: str
) -> None:
    _, convolution, activation, reshape = compiled("all_on_the_npu", profile).placement.operators
    cycles, alone, staged = (convolution.npu_cycles, convolution.compute_cycles, convolution.staging_bytes)
    assert isinstance(cycles, int)
    assert isinstance(alone, int)
    assert isinstance(staged, int)
    assert 0 < alone <= cycles
    assert staged > 0 if profile == "ethos-u55-256" else staged >= 0  # the others keep feature maps in DRAM
    assert reshape.compute_cycles == reshape.staging_bytes == 0
    assert activation.to_json()["staging_bytes"] == activation.staging_bytes


@pytest.mark.parametrize("profile", PROFILES)
def test_a_cpu_operator_in_the_middle_costs_two_crossings(compiled: Compile, profile: str) -> None:
    found = compiled("cpu_in_the_middle", profile).placement
    assert [(operator.operator, operator.name, operator.reason) for operator in found.cpu] == [
        ("FLOOR", "floor", "Unsupported opType")
    ]
    assert found.crossings == 2
    assert found.operator_share == pytest.approx(4 / 5)
    assert found.mac_share == 1.0


def test_a_float_island_lies_on_the_cpu_with_velas_constraint_text(compiled: Compile) -> None:
    found = compiled("island_between_convolutions", "ethos-u65-256").placement
    assert [operator.operator for operator in found.cpu] == ["DEQUANTIZE", "LEAKY_RELU", "QUANTIZE"]
    assert found.cpu[1].reason.startswith("Operation has tensor with unsupported DataType Float32 (dq) · Feature-map dataTypes")
    assert found.crossings == 2


def test_the_cycles_of_the_operators_are_those_of_the_summary(compiled: Compile) -> None:
    compilation = compiled("cpu_in_the_middle", "ethos-u65-256")
    assert compilation.placement.npu_cycles == compilation.estimate.cycles
    assert all(operator.npu_cycles == 0 for operator in compilation.placement.cpu)


def test_velas_spelling_of_an_operator_is_no_obstacle_to_its_reason(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8))
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    inputs = [model.conv(image, 8), model.constant(np.array([1], np.int32))]
    output = model.operator("ARG_MAX", inputs, [model.tensor((1, 8, 8), "where", "INT32", None)], options)
    (cpu,) = compile_bytes(model.finish([image], [output]), tmp_path).placement.cpu
    assert cpu.reason.startswith("Axis is 1, but number of input dimensions is 4.")


def test_an_operator_that_no_output_depends_on_is_elided(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8))
    model.conv(image, 8, 3, name="dead")
    found = compile_bytes(model.finish([image], [model.conv(image, 8)]), tmp_path).placement
    assert [operator.where for operator in found.operators] == ["elided", "executed"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_sparse_looking_weights_of_few_channels_do_not_halve_the_macs(tmp_path: Path, channels: int, profile: str) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, channels))
    found = compile_bytes(model.finish([image], [model.conv(image, 8, 3)]), tmp_path, profile)
    assert found.placement.macs == 8 * 8 * 8 * 9 * channels


def test_a_dilation_that_vela_fills_with_zeros_is_no_contradiction(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8))
    output = model.conv(image, 8, 3)
    model.operators[-1].builtinOptions.dilationHFactor = model.operators[-1].builtinOptions.dilationWFactor = 5
    found = compile_bytes(model.finish([image], [output]), tmp_path)
    assert found.placement.macs == 8 * 8 * 8 * 9 * 8
    assert isinstance(found.estimate.macs, int)
    assert found.estimate.macs > found.placement.macs


@pytest.mark.parametrize("adjoint", [False, True])
def test_grouped_convolutions_and_matrix_products_count_as_in_vela(tmp_path: Path, adjoint: bool) -> None:
    model = TinyModel()
    options = schema.BatchMatMulOptionsT()
    options.adjX = adjoint
    image = model.tensor((1, 8, 8, 8))
    other = model.tensor((1, 8, 8, 8))
    product = model.operator("BATCH_MATMUL", [model.conv(image, 8, 3, groups=4), other], [model.tensor((1, 8, 8, 8))], options)
    found = compile_bytes(model.finish([image, other], [product]), tmp_path).placement
    assert found.macs == 8 * 8 * 8 * 9 * 2 + 8 * 8 * 8 * 8


def compile_bytes(data: bytes, folder: Path, profile: str = "ethos-u55-256", extra: tuple[str, ...] = ()) -> Compilation:
    path = folder / "model.tflite"
    path.write_bytes(data)
    return compile_model(path, load_profile(profile), folder / "out", extra=extra)


@pytest.fixture(scope="module")
def legacy(model_file: ModelPath, tmp_path_factory: pytest.TempPathFactory) -> Placement:
    """The placement by Vela's older Python core."""
    extra = ("--debug-force-legacy-core",)
    folder = tmp_path_factory.mktemp("legacy")
    return compile_model(model_file("cpu_in_the_middle"), load_profile("ethos-u55-256"), folder, extra=extra).placement


class TestOlderVela:
    """Vela's legacy core writes what a BSP's Vela 3.x does: no performance table, other words for reasons."""

    def test_places_are_found_all_the_same(self, legacy: Placement) -> None:
        assert [operator.where for operator in legacy.operators] == ["executed", "cpu", "executed", "fused", "fused"]
        assert legacy.cpu[0].reason == "is a CPU only op"
        assert legacy.crossings == 2

    def test_what_it_does_not_write_is_unavailable_and_said(self, legacy: Placement) -> None:
        assert isinstance(legacy.cycle_share, Unavailable)
        assert all(isinstance(operator.npu_cycles, Unavailable) for operator in legacy.operators)
        assert "no performance table" in legacy.limits[0]


class TestContradictions:
    @pytest.fixture
    def parts(self, compiled: Compile, model_file: ModelPath) -> tuple[TfliteGraph, TfliteGraph, DebugDatabase, Reasons]:
        compilation = compiled("cpu_in_the_middle", "ethos-u55-256")
        assert compilation.debug_database is not None
        return (
            parse(model_file("cpu_in_the_middle").read_bytes(), "source"),
            parse(compilation.compiled.path.read_bytes(), "compiled"),
            read_debug_database(compilation.debug_database),
            cpu_reasons(compilation.log),
        )

    Parts = tuple[TfliteGraph, TfliteGraph, DebugDatabase, Reasons]

    def test_the_real_outputs_agree(self, parts: Parts) -> None:
        assert placement(*parts).count("cpu") == 1

    def test_a_cpu_operator_that_the_database_hides_is_found_in_the_compiled_file(self, parts: Parts) -> None:
        graph, compiled_graph, database, reasons = parts
        hidden = tuple(command for command in database.commands if command.operation != "Passthrough")
        with pytest.raises(CompileError, match=r"leaves 1 FLOOR to the CPU, Vela's debug database no operator"):
            placement(graph, compiled_graph, dataclasses.replace(database, commands=hidden), reasons)

    def test_macs_that_differ_by_more_than_a_thousandth_name_both_numbers(self, parts: Parts) -> None:
        graph, compiled_graph, database, reasons = parts
        fewer = tuple(dataclasses.replace(command, macs=int(command.macs * 0.998)) for command in database.commands)
        with pytest.raises(CompileError, match=r"589824 multiply-accumulates .* and 588644 by Vela's"):
            placement(graph, compiled_graph, dataclasses.replace(database, commands=fewer), reasons)

    def test_macs_within_a_thousandth_agree(self, parts: Parts) -> None:
        graph, compiled_graph, database, reasons = parts
        close = tuple(dataclasses.replace(command, macs=int(command.macs * 0.9995)) for command in database.commands)
        assert placement(graph, compiled_graph, dataclasses.replace(database, commands=close), reasons)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("name", "operators"),
    [("level2_relu", 183), ("level3_relu", 142), ("level3_leaky", 199), ("level4_leaky", 199), ("older_level3_relu", 256)],
)
def test_published_files_lie_on_the_npu_as_a_whole(tmp_path: Path, name: str, operators: int, profile: str) -> None:
    path = real_model(f"published/{name}_full_integer_quant.tflite")
    found = compile_model(path, load_profile(profile), tmp_path).placement
    assert len(found.operators) == operators
    assert (found.count("cpu"), found.operator_share, found.mac_share, found.crossings) == (0, 1.0, 1.0, 0)


@pytest.mark.data
@pytest.mark.slow
def test_the_older_compiler_leaves_four_transposes_to_the_cpu(tmp_path: Path) -> None:
    path = real_model("published/level3_leaky_full_integer_quant.tflite")
    found = compile_model(path, load_profile("ethos-u55-256"), tmp_path, extra=("--debug-force-legacy-core",)).placement
    assert [operator.operator for operator in found.cpu] == ["TRANSPOSE"] * 4
    assert found.operator_share == pytest.approx(195 / 199)
    assert found.crossings == 8
    assert all("permutation is" in operator.reason for operator in found.cpu)
