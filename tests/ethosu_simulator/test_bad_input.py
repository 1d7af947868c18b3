"""Bad input of every kind gets a typed error that says where, what was found, and what was expected."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import ethosu_simulator
from ethosu_simulator import container
from ethosu_simulator.lookup_tables import Table
from ethosu_simulator.model import Model
from ethosu_simulator.ops.output_stage import check_reach
from tests.ethosu_simulator.assembler import ARENA_BYTES, Assembler
from tests.ethosu_simulator.fuzz.targets import TARGETS, compiled_models

PRODUCTS = ("u55", "u65", "u85")


def _model() -> Path:
    return next((Path(__file__).parent / "golden").glob("add-INT8-u55-*"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model_vela.tflite"
    path.write_bytes(np.load(_model())["compiled"].tobytes())
    return path


def _inputs(model: ethosu_simulator.Model) -> list[NDArray[Any]]:
    return [np.zeros(tensor.shape, tensor.dtype) for tensor in model.inputs]


@pytest.mark.parametrize("product", PRODUCTS)
def test_an_assembled_operation_runs(product: str) -> None:
    arena, trace = Assembler(product).do("ELEMENTWISE", elementwise_mode="MAX").run(np.full(ARENA_BYTES, 5, np.uint8))
    assert arena[1024] == 5
    assert [executed.name for executed in trace] == ["NPU_OP_ELEMENTWISE ELEMENTWISE_MODE_MAX"]


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_region_overrun_names_the_operation_its_address_and_the_bytes(product: str) -> None:
    stream = Assembler(product).put("OFM_BASE0", addr=ARENA_BYTES)
    place = stream.address
    with pytest.raises(ethosu_simulator.MemoryFault, match=f"NPU_OP_ELEMENTWISE: region 1: bytes {ARENA_BYTES}") as caught:
        stream.do("ELEMENTWISE", elementwise_mode="ADD").run()
    assert caught.value.address == place


def test_what_is_not_modelled_names_opcode_field_and_address() -> None:
    stream = Assembler("u85")
    place = stream.address
    with pytest.raises(ethosu_simulator.NotModelled) as caught:
        stream.do("RESIZE", resize_mode="REPLICATE").run()
    assert (caught.value.opcode, caught.value.field, caught.value.address) == ("NPU_OP_RESIZE", "resize_mode REPLICATE", place)


def test_a_branch_is_not_modelled() -> None:
    with pytest.raises(ethosu_simulator.NotModelled, match="NPU_OP_BRANCH"):
        Assembler("u85").do("BRANCH", branch_cond="ALWAYS").run()


def test_accumulators_that_nobody_kept_are_refused() -> None:
    stream = Assembler("u85").put("ACC_FORMAT", acc_input="KEEP")
    with pytest.raises(ethosu_simulator.StreamError, match="acc_input KEEP"):
        stream.do("POOL", pooling_mode="SUM").run()


def test_a_register_that_was_never_set_is_named() -> None:
    stream = Assembler("u55")
    stream.words = []
    with pytest.raises(ethosu_simulator.StreamError, match="NPU_SET_OFM_HEIGHT_M1 is used but was never set"):
        stream.do("ELEMENTWISE", elementwise_mode="ADD").run()


def test_a_stream_for_another_npu_is_refused(file: Path) -> None:
    with pytest.raises(ethosu_simulator.ConfigurationError, match=r"ethos-u55-\d+: expected ethos-u85-256"):
        ethosu_simulator.load(file, npu="ethos-u85-256")


def test_work_beyond_the_limit_is_refused_before_it_is_done(file: Path) -> None:
    model = ethosu_simulator.load(file, limits=ethosu_simulator.Limits(work=3))
    with pytest.raises(ethosu_simulator.WorkLimitError, match="expected at most 3"):
        model.run(_inputs(model))


def test_an_arena_beyond_the_limit_is_refused(file: Path) -> None:
    with pytest.raises(ethosu_simulator.MemoryFault, match="bytes: expected at most"):
        ethosu_simulator.load(file, limits=ethosu_simulator.Limits(memory_bytes=1))


def test_a_missing_input_is_refused(file: Path) -> None:
    model = ethosu_simulator.load(file)
    with pytest.raises(ethosu_simulator.InputError, match=r"\d inputs: expected"):
        model.run(_inputs(model)[:-1])


@pytest.mark.parametrize("change", [lambda a: a.astype(np.int16), lambda a: a.reshape(-1), lambda a: a[..., :0]])
def test_a_wrong_dtype_or_shape_is_refused(file: Path, change) -> None:  # type: ignore[no-untyped-def]
    model = ethosu_simulator.load(file)
    first, *rest = _inputs(model)
    with pytest.raises(ethosu_simulator.InputError, match="expected int8"):
        model.run([change(first), *rest])


@pytest.mark.parametrize("cut", [0, 3, 7, 100])
def test_a_truncated_file_is_refused(file: Path, cut: int, tmp_path: Path) -> None:
    short = tmp_path / "short.tflite"
    short.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(ethosu_simulator.ContainerError):
        ethosu_simulator.load(short)


def test_a_file_that_is_no_tflite_names_what_it_is(tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(b"\x08\x00\x00\x00ONNX" + bytes(64))
    with pytest.raises(ethosu_simulator.ContainerError, match=r"b'ONNX': expected b'TFL3'"):
        ethosu_simulator.load(other)


def test_a_weight_stream_that_runs_dry_is_refused_with_its_place() -> None:
    path = next((Path(__file__).parent / "golden").glob("conv-INT8-u55-*"))
    data = bytearray(np.load(path)["compiled"].tobytes())
    parsed = container.parse(bytes(data))
    constants = next(op for op in parsed.operators if op.name == "ethos-u").inputs[1]
    start = bytes(data).find(bytes(parsed.tensors[constants].data))
    data[start : start + len(parsed.tensors[constants].data)] = b"\xff" * len(parsed.tensors[constants].data)
    model = Model(container.parse(bytes(data)), ethosu_simulator.Limits())
    with pytest.raises(ethosu_simulator.WeightStreamError, match=r"0x0.*NPU_OP_CONV"):
        model.run(_inputs(model))


@pytest.mark.parametrize(("low", "high"), [(127, -7041), (-129, 127), (-128, 128)])
def test_a_clip_range_that_reaches_outside_the_table_is_refused(low: int, high: int) -> None:
    with pytest.raises(ethosu_simulator.NotModelled, match="a table of 256"):
        check_reach(Table(np.zeros(256, np.int32), 128), low, high)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 400), st.lists(st.tuples(st.integers(0, 2**24 - 1), st.integers(0, 2**32 - 1)), max_size=6))
def test_changed_models_run_or_are_refused(seed: int, edits: list[tuple[int, int]]) -> None:
    seeds = compiled_models()
    data = struct.pack("<H", seed % len(seeds)) + b"".join(
        struct.pack("<II", a, b)[:3] + struct.pack("<I", b) for a, b in edits
    )
    TARGETS["run"](data)
