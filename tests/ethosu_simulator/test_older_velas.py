"""Streams of older Velas: what they leave in the registers of pools and 32-bit outputs means what the hardware makes of it."""

from __future__ import annotations

import struct
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import ethosu_simulator
from targets.tflite_micro import run_micro
from tests.conversion.tflite_builder import TinyModel
from tests.ethosu_simulator.assembler import ARENA_BYTES, Assembler
from tests.ethosu_simulator.generator.cases import parse
from tests.ethosu_simulator.generator.compare import EQUAL, compare, compiled, inputs_of, reference
from tests.ethosu_simulator.older import PAGE, compared, line
from tests.ethosu_simulator.velas import CI_VERSIONS, VERSIONS, missing, small_set
from tests.lanes import skip_reason

SHAPE = (1, 6, 6, 16)
GLOBAL, PER_CHANNEL = 1, 0
SCALE_MODE_BIT = 8
NINTH = (1 << 32) // 9 + 1, 32
NINTH_U85 = (1 << 31) // 9 + 1, 31


def pooling(kind: str, padding: str) -> bytes:
    model = TinyModel()
    image = model.tensor(SHAPE, "image")
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = 3
    options.strideH = options.strideW = 1
    options.padding = getattr(schema.Padding, padding)
    side = 6 if padding == "SAME" else 4
    return model.finish([image], [model.operator(kind, [image], [model.tensor((1, side, side, 16), "pooled")], options)])


def edited(path: Path, mode: int | None, scale: tuple[int, int] | None) -> ethosu_simulator.Model:
    """The compiled file with another scale_mode, and another OFM_SCALE or none."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (operator,) = ethosu_simulator.load(path).operators
    assert isinstance(operator, ethosu_simulator.NpuOperator)
    buffer = model.buffers[model.subgraphs[0].tensors[int(model.subgraphs[0].operators[0].inputs[0])].buffer]
    data = bytearray(bytes(buffer.data))
    start = len(data) - 4 * _words(operator)
    for command in operator.commands:
        at = start + command.address
        if command.register.name == "SET_OFM_PRECISION" and mode is not None:
            word = struct.unpack_from("<I", data, at)[0] & ~(1 << 16 + SCALE_MODE_BIT) | mode << 16 + SCALE_MODE_BIT
            struct.pack_into("<I", data, at, word)
        elif command.register.name == "SET_OFM_SCALE" and scale is not None:
            word = struct.unpack_from("<I", data, at)[0]
            struct.pack_into("<II", data, at, word & ~(63 << 16) | scale[1] << 16, scale[0])
    buffer.data = np.frombuffer(bytes(data), np.uint8)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    changed = path.with_name("edited.tflite")
    changed.write_bytes(bytes(builder.Output()))
    return ethosu_simulator.load(changed)


def _words(operator: ethosu_simulator.NpuOperator) -> int:
    last = operator.commands[-1]
    return last.address // 4 + 1 + last.register.kind


# kind, padding, configuration, scale_mode, OFM_SCALE: the compilers that leave these
LEFT = [
    pytest.param("MAX_POOL_2D", "SAME", "u55-128", PER_CHANNEL, None, id="max of Vela 3.9 to 4.2 on U55"),
    pytest.param("MAX_POOL_2D", "VALID", "u65-256", GLOBAL, NINTH, id="max of Vela 5.0 on U65"),
    pytest.param("AVERAGE_POOL_2D", "SAME", "u55-128", PER_CHANNEL, (77, 3), id="padded average of Vela 3.9 to 4.2 on U55"),
    pytest.param("AVERAGE_POOL_2D", "SAME", "u65-256", GLOBAL, NINTH, id="padded average of Vela 5.0 on U65"),
    pytest.param("AVERAGE_POOL_2D", "VALID", "u85-256", GLOBAL, NINTH_U85, id="average of Vela 4.0 to 5.0 on U85"),
    pytest.param(
        "AVERAGE_POOL_2D", "VALID", "u85-256", GLOBAL, (1 << 30, 30), id="average of Vela 5.2 on U85, 1 written large"
    ),
    pytest.param("AVERAGE_POOL_2D", "SAME", "u85-256", GLOBAL, NINTH_U85, id="padded average of Vela 4.0 to 5.0 on U85"),
]


@pytest.mark.parametrize(("kind", "padding", "config", "mode", "scale"), LEFT)
def test_what_older_compilers_leave_in_ofm_scale_of_a_pool_changes_no_byte(
    kind: str, padding: str, config: str, mode: int, scale: tuple[int, int] | None, tmp_path: Path
) -> None:
    content, path = pooling(kind, padding), tmp_path / "pool.tflite"
    path.write_bytes(content)
    model = edited(compiled(path, config, tmp_path / config), mode, scale)
    image = np.random.default_rng(3).integers(-128, 128, SHAPE, dtype=np.int8)
    ((expected,),) = run_micro(content, [[image]], 1, 1 << 20, "pool")
    (found,) = model.run([image])
    np.testing.assert_array_equal(found, expected)
    (operator,) = model.operators
    assert isinstance(operator, ethosu_simulator.NpuOperator)
    (interpreted,) = operator.interpret([image])
    np.testing.assert_array_equal(interpreted, found)


@pytest.mark.parametrize(
    ("config", "scale"), [("u85-256", (3, 1)), ("u85-256", ((1 << 31) // 4, 31)), ("u55-128", (5, 0))], ids=str
)
def test_an_average_that_divides_itself_with_a_scale_that_no_compiler_leaves_is_refused(
    config: str, scale: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "pool.tflite"
    path.write_bytes(pooling("AVERAGE_POOL_2D", "SAME"))
    model = edited(compiled(path, config, tmp_path / config), None, scale)
    with pytest.raises(ethosu_simulator.NotModelled, match=r"NPU_SET_OFM_SCALE: .*the hardware divides by the window itself"):
        model.run([np.zeros(SHAPE, np.int8)])


@pytest.mark.parametrize(("product", "expected"), [("u55", 5), ("u65", 5), ("u85", 5 + 100)])
def test_a_zero_point_is_added_to_32_bit_outputs_on_u85_only(product: str, expected: int) -> None:
    stream = Assembler(product)
    stream.put("OFM_PRECISION", activation_type="SIGNED", activation_precision="B32", scale_mode="GLOBAL")
    stream.put("OFM_ZERO_POINT", zero_point=100)
    stream.put("ACTIVATION_MAX", clip_boundary=0x7FFF)
    arena = np.zeros(ARENA_BYTES, np.uint8)
    arena[0] = 5
    stream.do("POOL", pooling_mode="SUM" if product == "u85" else "AVERAGE")
    stream.run(arena)
    assert arena[1024:1028].view(np.int32)[0] == expected


KEPT = sorted((Path(__file__).parent / "fuzz" / "files" / "older").glob("*.tflite"))


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_a_kept_file_of_an_older_vela_gives_the_reference_s_bytes(file: Path, tmp_path: Path) -> None:
    case, source = parse(file.stem.partition("-vela-")[0]), tmp_path / "source.tflite"
    source.write_bytes(case.build())
    sets = inputs_of(case.build(), case.seed)
    model, (_, expected) = ethosu_simulator.load(file), reference(case.build(), source, sets)
    for inputs, wanted in zip(sets, expected, strict=True):
        (found,) = model.run(inputs)
        np.testing.assert_array_equal(found.reshape(-1), wanted.reshape(-1))


def require(version: str) -> None:
    if why := skip_reason("velas", lambda: f"make velas VELAS={version}" if missing((version,)) else ""):
        pytest.skip(why)


@pytest.mark.slow
@pytest.mark.parametrize("version", CI_VERSIONS)
def test_pools_and_softmax_of_an_older_vela_give_the_reference_s_bytes(version: str, tmp_path: Path) -> None:
    require(version)
    for case in small_set(version):
        result = compare(parse(f"{case}@{version}"), tmp_path)
        assert result.status == EQUAL, result


@pytest.mark.nightly
@pytest.mark.parametrize("version", VERSIONS)
def test_graphs_of_every_older_vela_differ_where_the_page_says_and_nowhere_else(version: str) -> None:
    require(version)
    shown = next(row for row in PAGE.read_text().splitlines(keepends=True) if row.startswith(f"| {version} |"))
    assert line(version, compared(version)).split("|")[-2] == shown.split("|")[-2]
