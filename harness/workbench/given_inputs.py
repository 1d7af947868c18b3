"""`--input NAME=FILE.npy`: tensors that a user brings for a model's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UsageError
from core.files import file_sha256
from core.tflite.graph import TfliteGraph
from core.tflite.nodes import Tensor

FLAG = "--input"
FORM = "NAME=FILE.npy"


@dataclass(frozen=True)
class Given:
    """The tensors that a user brought, by the position of their input, and the SHA-256 of each file by the input's name."""

    tensors: dict[int, NDArray[Any]]
    digests: dict[str, str]


def require_form(given: Sequence[str]) -> None:
    """Nothing, or UsageError when an option is not written as it has to be, or one input has two files."""
    for one in given:
        name, separator, file = one.partition("=")
        if not (separator and name and file):
            raise UsageError(f"{FLAG} {one}", f"{FORM}: an input's name and a file", f"{FLAG} image=image.npy")
        if not Path(file).is_file():
            raise UsageError(f"{FLAG} {one}: `{file}` does not exist", "an .npy file, as numpy.save writes it")
    names = [one.partition("=")[0] for one in given]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise UsageError(f"{FLAG} {twice} was given {names.count(twice)} times", "one file for each input")


def given_inputs(given: Sequence[str], graph: TfliteGraph) -> Given:
    """The tensors for a graph's inputs; UsageError for a name that it does not have, or values that its input cannot take."""
    places = {tensor.name: place for place, tensor in enumerate(graph.inputs)}
    tensors, digests = {}, {}
    for one in given:
        name, _, file = one.partition("=")
        if name not in places:
            known = ", ".join(f"`{known}`" for known in places)
            raise UsageError(f"{FLAG} {one}: `{graph.name}` has no input `{name}`", f"one of {known}")
        path = Path(file)
        tensors[places[name]] = _loaded(path, graph.inputs[places[name]])
        digests[name] = file_sha256(path)
    return Given(tensors, digests)


def _loaded(path: Path, tensor: Tensor) -> NDArray[Any]:
    """A file's array, which is what the input takes."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"`{path}` is no array: {error}", "an .npy file, as numpy.save writes it") from error
    expected = f"{tensor.dtype} {list(tensor.shape)}, as input `{tensor.name}` takes it"
    if not isinstance(values, np.ndarray):
        raise UsageError(f"`{path}` holds several arrays", f"one array in an .npy file: {expected}")
    if values.dtype.name != tensor.dtype or values.shape != tensor.shape:
        raise UsageError(f"`{path}` holds {values.dtype.name} {list(values.shape)}", expected)
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        raise UsageError(f"`{path}` holds values that are not finite", "numbers only")
    return np.array(values, order="C")
