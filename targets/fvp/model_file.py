"""A compiled file as the runner takes it, its one input checked, and the tensors in what the runner leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from core.files import sha256
from core.records.artefact import Artefact
from core.records.job import Tensors
from ethosu_simulator.command_stream import parse_payload
from ethosu_simulator.container import Container, parse
from ethosu_simulator.errors import SimulatorError

Array = NDArray[Any]
_PATTERN = bytes(0xA5 ^ (number * 29 & 0xFF) for number in range(256))


def read_compiled(artefact: Artefact) -> tuple[bytes, Container]:
    """The compiled file's bytes and contents; RunError when it is not the one that was compiled, or is broken."""
    compiled = artefact.compilation.compiled
    try:
        content = compiled.path.read_bytes()
        found = sha256(content)
        if found != compiled.sha256:
            raise RunError(f"`{compiled.path}` has changed: its SHA-256 is {found}", f"the compiled file, {compiled.sha256}")
        return content, parse(content)
    except OSError as error:
        raise RunError(f"`{compiled.path}` cannot be read: {error.strerror}", "the compiled file") from error
    except SimulatorError as error:
        raise RunError(f"`{compiled.path}` is no compiled TFLite file: {error}") from error


def only_input(container: Container, feed: Tensors, what: str) -> Array:
    """The tensor of the model's one input; RunError when it has another number of them, or one of another type or shape."""
    if len(container.inputs) != 1 or len(feed) != 1:
        raise RunError(f"`{what}` has {len(container.inputs)} inputs", "one input: an image", "--target sim")
    (image,) = feed
    tensor = container.tensors[container.inputs[0]]
    if image.shape != tensor.shape or str(image.dtype) != tensor.dtype:
        raise RunError(f"an input of `{what}` is {image.dtype} {image.shape}", f"{tensor.dtype} {tensor.shape}")
    return image


def output_bytes(container: Container) -> int:
    """Bytes of all output tensors together."""
    return sum(container.tensors[index].size_bytes for index in container.outputs)


def output_tensors(content: bytes, container: Container) -> tuple[Array, ...]:
    """The output tensors in bytes in which they lie one after the other."""
    found, start = [], 0
    for index in container.outputs:
        tensor = container.tensors[index]
        values = np.frombuffer(content, tensor.dtype, tensor.size_bytes // np.dtype(tensor.dtype).itemsize, start)
        found.append(values.reshape(tensor.shape))
        start += tensor.size_bytes
    return tuple(found)


def command_streams(container: Container) -> list[bytes]:
    """The NPU's command streams of a compiled file, in its order."""
    payloads = [container.tensors[one.inputs[0]].data for one in container.operators if one.name == "ethos-u"]
    return [np.array(parse_payload(payload).words, "<u4").tobytes() for payload in payloads]


def untouched(length: int) -> bytes:
    """A pattern that no model leaves behind, for where outputs will be read: a firmware that writes none is noticed."""
    return (_PATTERN * (length // len(_PATTERN) + 1))[:length]
