"""Constants behind a flatbuffer, as LiteRT writes them: no Vela loses them, and one that would is said to.

Covers conversion.compilation_findings, conversion.rewrites.
"""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import ethosu_simulator
from conversion.compilation_findings import compilation_findings
from conversion.profile_files import load_profile
from conversion.rewrites import BUFFER_ALIGNMENT, constants_behind, self_contained
from conversion.vela import compile_model
from conversion.velas.environments import executable_of
from core.tflite.graph import parse
from targets.tflite_micro import cpu_operators
from tests.conversion.tflite_builder import TinyModel
from tests.ethosu_simulator.velas import missing
from tests.lanes import skip_reason

OLDER = "4.2.0"
SHAPE = (1, 16, 16, 3)


def inside() -> bytes:
    model = TinyModel()
    image = model.tensor(SHAPE, "image")
    return model.finish([image], [model.conv(model.conv(image, 8, 3), 5, 3, name="last")])


def behind() -> bytes:
    """The same file, every constant moved behind the flatbuffer."""
    model = schema.ModelT.InitFromPackedBuf(inside(), 0)
    contents = [None if buffer.data is None else bytes(bytearray(buffer.data)) for buffer in model.buffers]
    packed = b""
    for _ in range(2):  # the places of the first round are those of the second: every field is there in both
        at, place = len(packed), b""
        for buffer, content in zip(model.buffers, contents, strict=True):
            if content:
                buffer.data, buffer.offset, buffer.size = None, at + len(place) or 2, len(content)
                place += content
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        packed = bytes(builder.Output())
    return packed + place


def test_a_file_is_made_whole_without_a_change_to_its_graph_and_aligned() -> None:
    whole = self_contained(behind())
    assert (constants_behind(behind()), constants_behind(whole), constants_behind(inside())) == (4, 0, 0)
    assert parse(whole, "a") == parse(behind(), "a") == parse(inside(), "a")
    assert self_contained(whole) == whole
    model = schema.Model.GetRootAs(whole, 0)
    places = [model.Buffers(index)._tab for index in range(model.BuffersLength()) if model.Buffers(index).DataLength()]
    assert len(places) == 4
    assert not any(place.Vector(place.Offset(4)) % BUFFER_ALIGNMENT for place in places)


@pytest.mark.slow
def test_an_older_vela_gets_the_constants_and_the_reader_is_told(tmp_path: Path) -> None:
    if why := skip_reason("velas", lambda: f"make velas VELAS={OLDER}" if missing((OLDER,)) else ""):
        pytest.skip(why)
    profile, path = load_profile("ethos-u55-128"), tmp_path / "behind.tflite"
    path.write_bytes(behind())
    older = compile_model(path, profile, tmp_path / "older", str(executable_of(OLDER)))
    ours = compile_model(path, profile, tmp_path / "ours")
    assert [len(made.placement.cpu) for made in (older, ours)] == [0, 0]
    (finding,) = compilation_findings(older)
    assert "4 constants of the file lie behind its flatbuffer" in finding
    assert compilation_findings(ours) == ()
    image = np.random.default_rng(5).integers(-128, 128, SHAPE).astype(np.int8)
    outputs = [
        ethosu_simulator.load(made.compiled.path).run([image], None, cpu_operators(made.compiled.path))[0]
        for made in (older, ours)
    ]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert len(np.unique(outputs[0])) > 2
