"""The target `sim`: what runs where, what its trace proves, and what it refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from conversion.vela_options import VelaOptions
from core.errors import RunError, UsageError
from core.records.artefact import Artefact
from core.records.job import Job
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from core.tflite.graph import parse
from targets.kinds import TargetOptions, open_target
from targets.simulator import simulator_digest
from targets.tflite_micro import NAME, run_micro
from targets.tflite_parts import cut
from tests.conversion.tflite_builder import TinyModel, all_on_the_npu

SHAPE = (1, 16, 16, 8)
IMAGES = tuple(np.random.default_rng(seed).integers(-128, 128, SHAPE, dtype=np.int8) for seed in range(3))
Compile = Callable[[str, bytes], Artefact]


def reverse(model: TinyModel, source: int, name: str) -> int:
    """REVERSE_V2 along the rows, which Vela leaves to the CPU."""
    output = model.tensor(tuple(model.tensors[source].shape), name)
    return model.operator("REVERSE_V2", [source, model.constant(np.array([1], np.int32))], [output])


def cpu_in_the_middle() -> bytes:
    """Three operators on the NPU (two of them with one command), one on the CPU between them."""
    model = TinyModel()
    image = model.tensor(SHAPE, "image")
    turned = reverse(model, model.conv(image, 16, 3, name="first", activation="RELU"), "turned")
    return model.finish([image], [model.leaky(model.conv(turned, 8, 3, name="second"), name="last")])


def two_islands() -> bytes:
    """NPU, two CPU operators, NPU, one CPU operator; a value of the first island is read after the second NPU part."""
    model = TinyModel()
    image = model.tensor(SHAPE, "image")
    turned = reverse(model, model.conv(image, 16, 3, name="first", activation="RELU"), "turned")
    axis, options = model.constant(np.array(1, np.int32)), schema.CumsumOptionsT()
    summed = model.operator("CUMSUM", [turned, axis], [model.tensor((1, 16, 16, 16), "summed")], options)
    second = model.conv(summed, 16, 3, name="second")
    last = reverse(model, model.binary("ADD", second, turned, "sum", schema.AddOptionsT()), "last")
    return model.finish([image], [last, second])


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    def make(name: str, content: bytes) -> Artefact:
        folder = tmp_path_factory.mktemp(name)
        path = folder / f"{name}.tflite"
        path.write_bytes(content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ETHOS_BENCH_CACHE", str(folder / "cache"))
            return compile_source(tflite_source(path), load_profile("ethos-u65-256"), VelaOptions(), lambda _: None)

    return make


@pytest.fixture(scope="module")
def divided(compiled: Compile) -> Artefact:
    return compiled("middle", cpu_in_the_middle())


def run(artefact: Artefact, progress: Callable[[str], None] = lambda _: None) -> Run:
    with open_target("sim", TargetOptions(threads=1, progress=progress)) as target:
        return target.run(Job(artefact, IMAGES, repeats=5))


def require_reference_bytes(artefact: Artefact, found: Run) -> None:
    """The outputs are those of TFLite Micro on the file that Vela was given."""
    content, count = artefact.source.path.read_bytes(), len(found.outputs[0])
    expected = run_micro(content, [[image] for image in IMAGES], count, 1 << 20, "the source")
    for outputs, wanted in zip(found.outputs, expected, strict=True):
        for output, one in zip(outputs, wanted, strict=True):
            np.testing.assert_array_equal(output, one)


def test_cpu_operators_between_npu_operators_run_in_tflite_micro_and_the_run_says_so(divided: Artefact) -> None:
    said: list[str] = []
    found = run(divided, said.append)
    require_reference_bytes(divided, found)
    assert found.notes[0].startswith("NPU: ")
    assert found.notes[0].endswith(f"in 2 streams; CPU ({NAME}): REVERSE_V2")
    assert found.fingerprint["cpu"] == NAME
    assert "middle: REVERSE_V2 on the CPU" in said
    assert "middle: 3 of 3 images simulated" in said


def test_several_cpu_operators_in_a_row_and_values_that_skip_the_cpu_give_the_reference_s_bytes(compiled: Compile) -> None:
    artefact = compiled("islands", two_islands())
    found = run(artefact)
    require_reference_bytes(artefact, found)
    assert "REVERSE_V2, CUMSUM, REVERSE_V2" in found.notes[0]


def test_the_trace_proves_the_share_of_operators_that_the_npu_executed(divided: Artefact) -> None:
    proof = run(divided).proof
    assert isinstance(proof, Proof)
    assert (proof.executed_operators, proof.all_operators) == (3, 4)
    assert "2 of 2 commands of the placement in the trace" in proof.sign


def test_a_model_that_is_all_npu_needs_no_cpu(compiled: Compile) -> None:
    artefact = compiled("whole", all_on_the_npu())
    found = run(artefact)
    require_reference_bytes(artefact, found)
    assert "cpu" not in found.fingerprint
    assert found.fingerprint["simulator"] == simulator_digest()


def test_an_operator_that_was_placed_on_the_npu_and_not_executed_there_fails_the_run(divided: Artefact) -> None:
    placement = divided.compilation.placement
    promised = dataclasses.replace(placement.operators[0], commands=((1, 4096),))
    changed = dataclasses.replace(placement, operators=(promised, *placement.operators[1:]))
    lying = dataclasses.replace(divided, compilation=dataclasses.replace(divided.compilation, placement=changed))
    with pytest.raises(RunError, match=r"did not execute 1 operators .* such as `first`") as caught:
        run(lying)
    assert "0x001000 of stream 1" in caught.value.expected


def test_a_stream_for_another_npu_than_the_profile_s_is_refused(divided: Artefact) -> None:
    other = dataclasses.replace(divided.compilation, profile=load_profile("ethos-u85-256"))
    with pytest.raises(RunError, match="a command stream for ethos-u65-256") as caught:
        run(dataclasses.replace(divided, compilation=other))
    assert caught.value.expected == "one for ethos-u85-256"


def test_a_file_in_which_the_npu_would_execute_nothing_is_refused(divided: Artefact) -> None:
    plain = dataclasses.replace(divided.compilation, compiled=divided.source)
    with pytest.raises(RunError, match="no ethos-u operator in the file"):
        run(dataclasses.replace(divided, compilation=plain))


def test_the_simulator_offers_no_latency_and_says_why(divided: Artefact) -> None:
    found = run(divided)
    assert isinstance(found.latency_us, Unavailable)
    assert "has no clock" in found.latency_us.reason


def test_sim_takes_no_argument() -> None:
    with pytest.raises(UsageError, match="target `sim:u55`"):
        open_target("sim:u55", TargetOptions(threads=1))


def test_a_segment_holds_its_operators_constants_and_nothing_else(compiled: Compile) -> None:
    content = compiled("cut", two_islands()).compilation.compiled.path.read_bytes()
    whole = parse(content, "whole")
    positions = [operator.index for operator in whole.operators if operator.kind in ("REVERSE_V2", "CUMSUM")][:2]
    found = cut(content, positions)
    part = parse(found.content, "part")
    assert found.kinds == ("REVERSE_V2", "CUMSUM") == tuple(operator.kind for operator in part.operators)
    assert [whole.tensors[index].name for index in found.outputs] == ["turned", "summed"]
    assert len(found.inputs) == len(part.inputs) == 1
    assert len(part.tensors) == 5


def test_what_tflite_micro_refuses_is_an_error_with_its_words() -> None:
    model = TinyModel()
    image = model.tensor(SHAPE, "image")
    content = model.finish([image], [model.unary("FLOOR", image, "floor")])
    with pytest.raises(RunError, match=r"`floor\.tflite` does not run in TFLite Micro, which ended with 1: .*kTfLiteFloat32"):
        run_micro(content, [[IMAGES[0]]], 1, 1 << 20, "floor.tflite")
    with pytest.raises(RunError, match=r"`broken\.tflite` is not a TFLite file"):
        run_micro(b"\x00\x00\x00\x00TFL3 and then nothing", [[IMAGES[0]]], 1, 1 << 20, "broken.tflite")


def weights_behind_the_flatbuffer(content: bytes) -> bytes:
    """The same model as ai-edge-quantizer lays it out: large constants behind the flatbuffer, found by offset."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    outside = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data) > 64]
    blobs = [buffer.data.tobytes() for buffer in outside]
    for buffer, blob in zip(outside, blobs, strict=True):
        buffer.data, buffer.offset, buffer.size = None, 2, len(blob)
    at = len(_packed(model))
    for buffer, blob in zip(outside, blobs, strict=True):
        buffer.offset, at = at, at + len(blob)
    return _packed(model) + b"".join(blobs)


def _packed(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_weights_behind_the_flatbuffer_are_not_taken_for_zeros(compiled: Compile) -> None:
    content = weights_behind_the_flatbuffer(all_on_the_npu())
    assert len(content) != len(all_on_the_npu())
    (inside,), (outside,) = (run_micro(model, [[IMAGES[0]]], 1, 1 << 20, "a") for model in (all_on_the_npu(), content))
    assert len(np.unique(inside[0])) > 16
    np.testing.assert_array_equal(outside[0], inside[0])
    artefact = compiled("behind", content)
    require_reference_bytes(artefact, run(artefact))
