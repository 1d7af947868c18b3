"""What a TFLite file's own metadata says of its input and of its classes.

The format is TFLite's metadata schema (`TFLITE_METADATA`): a flatbuffer in a buffer of the file, and the files that belong to
it in a ZIP archive behind it. Nothing of it is trusted: what cannot be read says nothing.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema
from flatbuffers import encode, number_types, packer
from flatbuffers.table import Table

from core.files import read_regular
from harness.tasks.classify.preprocess import Preprocess

NAME = "TFLITE_METADATA"
MOST_CHANNELS, MOST_LABELS_BYTES, MOST_BYTES = 3, 1 << 20, 1 << 30
SUBGRAPHS, INPUTS, UNITS, KIND, OPTIONS, NORMALIZATION, MEAN, STD = 3, 2, 4, 0, 1, 1, 0, 1
"""Fields of ModelMetadata, SubGraphMetadata, TensorMetadata, ProcessUnit, the union's number, and NormalizationOptions."""
_BROKEN = (struct.error, IndexError, ValueError, TypeError, OverflowError, UnicodeDecodeError, AttributeError)


def metadata_preprocess(path: Path) -> Preprocess | None:
    """The normalisation that the metadata of a file names for its first input; None when it names none."""
    try:
        found = _normalisation(read_regular(path, MOST_BYTES))
    except (OSError, *_BROKEN):
        return None
    if found is None or not all(found[1]) or not all(1 <= len(side) <= MOST_CHANNELS for side in found):
        return None
    return Preprocess(*found)


def metadata_labels(path: Path) -> tuple[str, ...]:
    """The class names in the one label file behind a model, () when there is none, or several."""
    try:
        with zipfile.ZipFile(io.BytesIO(read_regular(path, MOST_BYTES))) as archive:
            files = [each for each in archive.infolist() if "label" in each.filename and each.file_size < MOST_LABELS_BYTES]
            lines = archive.read(files[0]).decode("utf-8").splitlines() if len(files) == 1 else []
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, *_BROKEN):
        return ()
    return tuple(line.strip() for line in lines if line.strip())


def _normalisation(content: bytes) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and standard deviation of the first input's first normalisation."""
    model = schema.Model.GetRootAs(content, 0)
    rows = [model.Metadata(number) for number in range(model.MetadataLength())]
    buffers = [row.Buffer() for row in rows if row.Name() == NAME.encode()]
    if not buffers:
        return None
    data = bytes(model.Buffers(buffers[0]).DataAsNumpy())
    root = Table(data, encode.Get(packer.uoffset, data, 0))
    (tensor, *_) = _tables(_tables(root, SUBGRAPHS)[0], INPUTS)
    for unit in _tables(tensor, UNITS):
        offset = unit.Offset(4 + 2 * KIND)
        if offset and unit.Get(number_types.Uint8Flags, offset + unit.Pos) == NORMALIZATION:
            options = Table(data, 0)
            unit.Union(options, unit.Offset(4 + 2 * OPTIONS))
            return _floats(options, MEAN), _floats(options, STD)
    return None


def _tables(parent: Table, field: int) -> list[Table]:
    """The tables of a vector."""
    offset = parent.Offset(4 + 2 * field)
    if not offset:
        return []
    start, count = parent.Vector(offset), min(parent.VectorLen(offset), 64)
    return [Table(parent.Bytes, parent.Indirect(start + 4 * number)) for number in range(count)]


def _floats(parent: Table, field: int) -> tuple[float, ...]:
    """The numbers of a vector of floats."""
    offset = parent.Offset(4 + 2 * field)
    if not offset:
        return ()
    start, count = parent.Vector(offset), min(parent.VectorLen(offset), MOST_CHANNELS + 1)
    return tuple(parent.Get(number_types.Float32Flags, start + 4 * number) for number in range(count))
