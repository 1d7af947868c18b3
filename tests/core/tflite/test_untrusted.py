"""Whatever bytes `parse` gets, it answers with a graph or a BrokenModel, soon."""

from __future__ import annotations

import pickle
import random
import time
from typing import Any

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tflite.graph import BrokenModel, parse
from tests.conversion.real_data import real_model
from tests.conversion.tflite_builder import all_on_the_npu, cpu_in_the_middle, island_between_convolutions
from tests.core.tflite.test_graph import external_weights

WHOLE = (cpu_in_the_middle(), island_between_convolutions(), all_on_the_npu(), external_weights())
HOSTILE = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\0\0\0\x80", b"\x01\0\0\0")
SECONDS = 5.0


def survives(data: bytes) -> None:
    """Parse and look at everything; only BrokenModel may come out."""
    try:
        graph = parse(data, "mutated")
    except BrokenModel:
        return
    graph.full_integer_problem()
    assert graph.live <= set(range(len(graph.operators)))
    assert sum(graph.activations.values()) <= len(graph.operators)


def mutated(data: bytes, choose: random.Random) -> bytes:
    """A copy with a few bytes, words or the end changed."""
    changed = bytearray(data)
    for _ in range(choose.randint(1, 12)):
        at = choose.randrange(len(changed))
        if choose.random() < 0.5:
            changed[at] = choose.randrange(256)
        else:
            changed[at : at + 4] = choose.choice((*HOSTILE, (len(data) // 4).to_bytes(4, "little")))
    return bytes(changed[: choose.randrange(len(changed))] if choose.random() < 0.1 else changed)


@given(st.binary(max_size=400))
def test_garbage_is_a_broken_model(data: bytes) -> None:
    with pytest.raises(BrokenModel):
        parse(data, "garbage")


@given(st.binary(max_size=400))
def test_garbage_behind_the_right_mark_is_a_broken_model_or_a_graph(tail: bytes) -> None:
    survives(tail[:4].ljust(4, b"\x10") + b"TFL3" + tail[4:])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WHOLE), st.randoms(use_true_random=False))
def test_mutated_files_never_crash_and_never_hang(data: bytes, choose: random.Random) -> None:
    started = time.monotonic()
    survives(mutated(data, choose))
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("data", WHOLE[:3])
def test_every_truncation_is_a_broken_model_or_a_graph(data: bytes) -> None:
    for length in range(0, len(data), max(len(data) // 200, 1)):
        survives(data[:length])


def test_a_file_cut_before_its_external_weights_is_a_broken_model() -> None:
    with pytest.raises(BrokenModel, match=r"ends at byte 4128 of 4100"):
        parse(external_weights()[:4100], "cut")


def with_a_second_graph(kind: str = "") -> bytes:
    """The first graph calls the second one by `kind`, or does not."""
    model = schema.ModelT.InitFromPackedBuf(cpu_in_the_middle(), 0)
    model.subgraphs.append(schema.SubGraphT())
    model.subgraphs[1].name = b"body"
    if kind:
        model.operatorCodes[model.subgraphs[0].operators[1].opcodeIndex].builtinCode = getattr(schema.BuiltinOperator, kind)
    return packed(model)


@pytest.mark.parametrize("kind", ["IF", "WHILE"])
def test_control_flow_is_refused_by_its_name(kind: str) -> None:
    with pytest.raises(BrokenModel, match=f"runs other subgraphs by {kind}"):
        parse(with_a_second_graph(kind), "loop")


def test_graphs_that_the_first_one_does_not_run_are_named() -> None:
    assert parse(with_a_second_graph(), "two").others == ("body",)
    assert parse(with_a_second_graph("CALL_ONCE"), "variables").others == ()


def test_a_graph_of_a_signature_has_the_signatures_name() -> None:
    model = schema.ModelT.InitFromPackedBuf(with_a_second_graph(), 0)
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"embed", 1
    model.signatureDefs = [signature]
    assert parse(packed(model), "two").others == ("embed",)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"DWN1" + bytes(32), "Edge TPU"),
        (b"PK\x03\x04" + bytes(32), "ZIP archive"),
        (b"\n\x0fPlaceholder" + bytes(32), "GraphDef"),
        (b"\x08\x07\x12\x07pytorch" + bytes(32), "ONNX"),
        (bytes(4) + b"ET12" + bytes(32), "ExecuTorch"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_is(data: bytes, says: str) -> None:
    with pytest.raises(BrokenModel, match=says):
        parse(data, "other")


def test_an_unknown_operator_code_is_named() -> None:
    model = schema.ModelT.InitFromPackedBuf(cpu_in_the_middle(), 0)
    model.operatorCodes[0].builtinCode = 4000
    with pytest.raises(BrokenModel, match="operator code 4000"):
        parse(packed(model), "newer")


def test_a_tensor_that_does_not_exist_is_named_with_its_operator() -> None:
    model = schema.ModelT.InitFromPackedBuf(cpu_in_the_middle(), 0)
    model.subgraphs[0].operators[1].inputs = [999]
    with pytest.raises(BrokenModel, match=r"inputs of operator 1 \(FLOOR\) name tensor 999"):
        parse(packed(model), "dangling")


def sharing(operators: int, elements: int) -> bytes:
    """A file whose operators all name the same vector of inputs, which is stored once."""
    builder = flatbuffers.Builder(1024)
    schema.OperatorStartInputsVector(builder, elements)
    for _ in range(elements):
        builder.PrependInt32(-1)
    shared = builder.EndVector()
    schema.OperatorCodeStart(builder)
    code = schema.OperatorCodeEnd(builder)
    made = []
    for _ in range(operators):
        schema.OperatorStart(builder)
        schema.OperatorAddInputs(builder, shared)
        made.append(schema.OperatorEnd(builder))
    listed = vector(builder, made)
    schema.SubGraphStart(builder)
    schema.SubGraphAddOperators(builder, listed)
    subgraphs = vector(builder, [schema.SubGraphEnd(builder)])
    codes = vector(builder, [code])
    schema.ModelStart(builder)
    schema.ModelAddOperatorCodes(builder, codes)
    schema.ModelAddSubgraphs(builder, subgraphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def vector(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def test_a_vector_may_be_shared_but_not_to_make_a_small_file_endless_work() -> None:
    assert len(parse(sharing(3, 1000), "shared").operators) == 3
    started = time.monotonic()
    with pytest.raises(BrokenModel, match="refers to more data than it holds"):
        parse(sharing(20_000, 100_000), "bomb")
    assert time.monotonic() - started < SECONDS


def packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_a_broken_model_survives_the_trip_between_processes() -> None:
    error = pickle.loads(pickle.dumps(BrokenModel("found", "expected")))
    assert (error.found, error.expected) == ("found", "expected")


@pytest.mark.data
@pytest.mark.parametrize("name", ["ad01_int8", "kws_micronet_m", "pretrainedResnet_quant", "vww_96_int8"])
def test_mutated_real_files_never_crash_and_never_hang(name: str) -> None:
    data = real_model(f"tiny/{name}.tflite").read_bytes()
    choose = random.Random(name)
    started = time.monotonic()
    for _ in range(100):
        survives(mutated(data, choose))
    assert time.monotonic() - started < 100 * SECONDS
