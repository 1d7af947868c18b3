"""What a file's metadata says of its input and its classes is read; what is broken in it says nothing."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from harness.tasks.classify.metadata import metadata_labels, metadata_preprocess
from tests.harness.tasks.classify.colours import classifier


def _vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: flatbuffers.Builder, numbers: list[float]) -> int:
    builder.StartVector(4, len(numbers), 4)
    for number in reversed(numbers):
        builder.PrependFloat32(number)
    return int(builder.EndVector())


def _table(builder: flatbuffers.Builder, slots: int, offsets: dict[int, int], kind: int = 0) -> int:
    """A table with offsets in its slots; `kind` goes into slot 0 as the union's number."""
    builder.StartObject(slots)
    if kind:
        builder.PrependUint8Slot(0, kind, 0)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return int(builder.EndObject())


def metadata(mean: list[float], std: list[float], kind: int = 1) -> bytes:
    """TFLite metadata that normalises the first input of the first graph."""
    builder = flatbuffers.Builder(256)
    options = _table(builder, 2, {0: _floats(builder, mean), 1: _floats(builder, std)})
    unit = _table(builder, 2, {1: options}, kind)
    tensor = _table(builder, 7, {4: _vector(builder, [unit])})
    graph = _table(builder, 4, {2: _vector(builder, [tensor])})
    builder.Finish(_table(builder, 8, {3: _vector(builder, [graph])}), b"M001")
    return bytes(builder.Output())


def with_metadata(content: bytes) -> bytes:
    """The classifier of colours with these metadata."""
    model = schema.ModelT.InitFromPackedBuf(classifier(), 0)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(content)
    model.buffers.append(buffer)
    entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [entry]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_the_normalisation_of_the_input_is_the_preprocessing(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(metadata([127.5, 100, 1], [127.5, 2, 3])))
    found = metadata_preprocess(path)
    assert found is not None
    assert (found.mean, found.std) == ((127.5, 100, 1), (127.5, 2, 3))


@pytest.mark.parametrize(
    "content",
    [metadata([0], [0]), metadata([], []), metadata([0] * 4, [1] * 4), metadata([0], [1], kind=3), b"", b"\xff" * 64,
     metadata([0], [1])[:40]],
    ids=["no deviation", "no numbers", "four channels", "another unit", "empty", "garbage", "cut off"],
)  # fmt: skip
def test_what_names_no_normalisation_says_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(content))
    assert metadata_preprocess(path) is None


def test_class_names_are_the_lines_of_the_label_file_behind_the_model(tmp_path: Path) -> None:
    path, packed = tmp_path / "model.tflite", io.BytesIO(classifier())
    path.write_bytes(classifier())
    assert metadata_labels(path) == ()
    packed.seek(0, io.SEEK_END)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("labels.txt", "red\ngreen\n\nblue\n")
    path.write_bytes(packed.getvalue())
    assert metadata_labels(path) == ("red", "green", "blue")


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert metadata_preprocess(tmp_path / "absent.tflite") is None
    assert metadata_labels(tmp_path / "absent.tflite") == ()
