"""Labelled inputs of a classifier: a folder for each class, a table of files and labels, or arrays with labels."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DatasetError, UsageError
from core.files import file_sha256, read_regular, sha256
from harness.tasks.classify.arrays import Arrays, open_arrays
from harness.tasks.detect.data_yaml import SUFFIXES
from harness.tasks.images import image_size
from harness.tasks.spacing import evenly

EXPECTED = "a folder with a folder for each class, a CSV of `file,label`, or an .npz with `inputs` and `labels`"
LABEL_FILES = ("labels.txt", "classes.txt")
JUDGED, TRAINING = ("test", "val"), "train"
MOST_BYTES = 1 << 28


@dataclass(frozen=True, eq=False)
class LabelledInputs:
    """Inputs in order with the class of each, `labels` int64 (n,): image files, or rows of an array.

    `digests` are the SHA-256 of each input's bytes; `of` is how many the whole set has.
    """

    name: str
    class_names: tuple[str, ...]
    labels: NDArray[np.int64]
    digests: tuple[str, ...]
    of: int
    files: tuple[Path, ...] = ()
    arrays: NDArray[Any] | None = None

    @property
    def identity(self) -> str:
        """SHA-256 over class names, inputs and labels, independent of where the files lie."""
        return sha256("\0".join([*self.class_names, "labels", *map(str, self.labels.tolist()), "inputs", *self.digests]))

    @property
    def count(self) -> int:
        """Number of inputs."""
        return len(self.labels)

    def take(self, positions: Sequence[int]) -> LabelledInputs:
        """The inputs at these positions, under another identity."""
        return LabelledInputs(
            name=self.name,
            class_names=self.class_names,
            labels=self.labels[list(positions)],
            digests=tuple(self.digests[i] for i in positions),
            of=self.of,
            files=tuple(self.files[i] for i in positions) if self.files else (),
            arrays=None if self.arrays is None else self.arrays[list(positions)],
        )


def load_inputs(data: Path, images: int | None, classes: Sequence[str] = ()) -> LabelledInputs:
    """The labelled inputs that a path names, at most `images` of them, evenly spaced; `classes` are the model's own names."""
    if images is not None and images < 1:
        raise UsageError(f"{images} inputs of `{data}` were asked for", "1 or more", "--images 32")
    if data.is_dir():
        rows, names = _folder(_split(data), classes)
    elif data.suffix == ".csv":
        rows, names = _table(data, classes)
    elif data.suffix in (".npy", ".npz"):
        return _of_arrays(open_arrays(data), data, images, classes)
    else:
        problem = "is no data set of a classifier" if data.exists() else "does not exist"
        raise DatasetError(f"`{data}` {problem}", EXPECTED)
    chosen = rows if images is None else [rows[i] for i in evenly(len(rows), images)]
    for file, _ in chosen:
        image_size(file)
    return LabelledInputs(
        name=data.name,
        class_names=names,
        labels=np.array([label for _, label in chosen], np.int64),
        digests=tuple(file_sha256(file) for file, _ in chosen),
        of=len(rows),
        files=tuple(file for file, _ in chosen),
    )


def training_files(data: Path, count: int) -> tuple[Path, ...]:
    """At most `count` images of a folder's `train`, evenly spaced: what a checkpoint is calibrated with."""
    place = data / TRAINING
    if not place.is_dir():
        found = f"`{data}` has no `{TRAINING}` folder: nothing to calibrate with but what the model is judged on"
        raise DatasetError(found, f"`{place}` with a folder for each class")
    rows, _ = _folder(place, ())
    return tuple(rows[i][0] for i in evenly(len(rows), count))


def _split(data: Path) -> Path:
    """The folder that holds the classes: `test`, else `val`, where the data set has splits."""
    return next((data / split for split in JUDGED if (data / split).is_dir()), data)


def _folder(folder: Path, classes: Sequence[str]) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """Every image with the number of its class; the folders' names are the classes, in the order of the label file."""
    found = sorted(place.name for place in folder.iterdir() if place.is_dir())
    names = _named(folder, classes, found)
    strange = [name for name in found if name not in names]
    if strange:
        raise DatasetError(f"folder `{folder / strange[0]}` is no class", f"one of {', '.join(names[:20])}")
    rows = [
        (file, number)
        for number, name in enumerate(names)
        for file in sorted((folder / name).rglob("*"))
        if file.suffix.lower() in SUFFIXES
    ]
    if not rows:
        raise DatasetError(f"no image in `{folder}`", EXPECTED)
    return rows, names


def _named(folder: Path, classes: Sequence[str], found: Sequence[str]) -> tuple[str, ...]:
    """Class names in the model's order: of a label file beside the data, of the model where it has the same, else sorted.

    Names that are numbers are sorted as numbers.
    """
    for file in (folder / name for name in LABEL_FILES):
        if file.is_file():
            return tuple(line.strip() for line in _text(file).splitlines() if line.strip())
    if classes and set(found) <= set(classes):
        return tuple(classes)
    return tuple(sorted(found, key=int) if all(name.isdecimal() for name in found) else found)


def _table(path: Path, classes: Sequence[str]) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """Every file with the number of its class; files are named from where the table lies."""
    rows = [row for row in csv.reader(io.StringIO(_text(path))) if any(cell.strip() for cell in row)]
    if rows and [cell.strip().lower() for cell in rows[0][:2]] == ["file", "label"]:
        rows = rows[1:]
    broken = next((number for number, row in enumerate(rows, 1) if len(row) < 2), 0)
    if broken or not rows:
        raise DatasetError(f"`{path}`{f', row {broken}' if broken else ''} has no file and label", "rows of `file,label`")
    cells = [(row[0].strip(), row[1].strip()) for row in rows]
    numbers, names = numbered([label for _, label in cells], _named(path.parent, classes, ()), str(path))
    return [(path.parent / file, number) for (file, _), number in zip(cells, numbers, strict=True)], names


def numbered(labels: Sequence[str], names: Sequence[str], where: str) -> tuple[list[int], tuple[str, ...]]:
    """Labels as numbers, with the class names: labels are names, or numbers of classes."""
    if all(label.isdecimal() for label in labels):
        numbers = [int(label) for label in labels]
        known = tuple(names) or tuple(map(str, range(max(numbers) + 1)))
    else:
        known = tuple(names) or tuple(sorted(set(labels)))
        strange = next((label for label in labels if label not in known), None)
        if strange is not None:
            raise DatasetError(f"`{where}` has label `{strange}`", f"one of {', '.join(known[:20])}")
        numbers = [known.index(label) for label in labels]
    if max(numbers) >= len(known):
        raise DatasetError(f"`{where}` has label {max(numbers)}", f"0 to {len(known) - 1}")
    return numbers, known


def _of_arrays(found: Arrays, path: Path, images: int | None, classes: Sequence[str]) -> LabelledInputs:
    """The rows of an array with their labels."""
    numbers, names = numbered(found.labels, _named(path.parent, classes, ()), str(path))
    chosen = list(range(len(numbers))) if images is None else evenly(len(numbers), images)
    values = found.inputs[chosen]
    return LabelledInputs(
        name=path.name,
        class_names=names,
        labels=np.array(numbers, np.int64)[chosen],
        digests=tuple(_digests(values)),
        of=len(numbers),
        arrays=values,
    )


def _digests(values: NDArray[Any]) -> Iterable[str]:
    for row in values:
        yield hashlib.sha256(f"{row.dtype}{row.shape}".encode() + np.ascontiguousarray(row).tobytes()).hexdigest()


def _text(path: Path) -> str:
    try:
        return read_regular(path, MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"`{path}` cannot be read: {error}", "text in UTF-8") from error
