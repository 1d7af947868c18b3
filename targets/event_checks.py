"""One validation of what a runner says, before anything is made of it: types, finite numbers, ranges, names, sizes.

A board may be broken or somebody else's. What is wrong is said by event and field, and the run fails; nothing is mended.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.safe_paths import is_safe_name
from targets.runner.protocol import EVENTS, Done, Event, Files, Loaded, NpuSigns, Output, Sample, State, Summary, TensorFacts

LONGEST_US = 1e10
"""Of one inference: nearly three hours."""
MOST_BYTES = 1 << 40
MOST_COUNT = (1 << 64) - 1
MOST_TENSOR_BYTES = 1 << 30
DTYPES = frozenset({"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float16", "float32", "float64"})
HEX = frozenset("0123456789abcdef")

Complaint = Iterator[tuple[str, bool]]
"""What has to hold, in words, and whether it does."""


def checked(event: Event) -> Event:
    """The event itself; ValueError says what of it cannot be."""
    try:
        _adapter(event.kind).validate_json(json.dumps(asdict(event)), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"`{event.kind}`: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for wanted, holds in RULES.get(type(event), lambda _: iter(()))(event):
        if not holds:
            raise ValueError(f"`{event.kind}`: {wanted}: {json.dumps(asdict(event))[:200]}")
    return event


def is_time_us(value: object) -> bool:
    """Whether a value is the time of an inference in microseconds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 < value <= LONGEST_US


def is_count(value: object, most: int = MOST_COUNT) -> bool:
    """Whether a value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def tensor_bytes(tensor: TensorFacts) -> int:
    """The bytes of a tensor."""
    return math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(EVENTS[kind])


def _sample(event: Sample) -> Complaint:
    yield "us is a finite number of microseconds above 0", is_time_us(event.us)


def _summary(event: Summary) -> Complaint:
    given = [value for value in (event.first, event.max) if value is not None]
    yield "times are finite and above 0", all(map(is_time_us, (event.min, event.avg, *given)))
    yield "count is a whole number from 1", is_count(event.count, 1 << 32) and event.count > 0
    yield "min <= avg <= max", event.min <= event.avg <= (event.avg if event.max is None else event.max)
    yield "std is finite and no less than 0", event.std is None or (math.isfinite(event.std) and event.std >= 0)


def _loaded(event: Loaded) -> Complaint:
    yield "sha256 is one", len(event.sha256) == 64 and set(event.sha256) <= HEX
    yield "load_us is finite and no less than 0", event.load_us is None or 0 <= event.load_us < math.inf
    for tensor in (*event.inputs, *event.outputs):
        yield f"`{tensor.dtype}` is a type of tensors", tensor.dtype in DTYPES
        yield "dimensions are whole numbers from 0", all(is_count(size, 1 << 31) for size in tensor.shape)
        yield f"a tensor has at most {MOST_TENSOR_BYTES} bytes", tensor_bytes(tensor) <= MOST_TENSOR_BYTES


def _output(event: Output) -> Complaint:
    yield "input is a whole number from 0", is_count(event.input, 1 << 32)
    yield "files are names of files", all(map(is_safe_name, event.files))


def _files(event: Files) -> Complaint:
    yield "files are names of files", all(map(is_safe_name, event.sizes))
    yield "every file has a size and a sha256", event.sizes.keys() == event.sha256.keys()
    yield f"sizes are from 0 to {MOST_TENSOR_BYTES}", all(is_count(size, MOST_TENSOR_BYTES) for size in event.sizes.values())


def _npu(event: NpuSigns) -> Complaint:
    yield "counters are whole numbers from 0", all(map(is_count, event.counters))
    yield "interrupts are a whole number from 0", is_count(event.interrupts)


def _done(event: Done) -> Complaint:
    yield (
        "peak_memory_bytes is a whole number from 0",
        event.peak_memory_bytes is None or is_count(event.peak_memory_bytes, MOST_BYTES),
    )
    yield "elapsed_us is finite and no less than 0", event.elapsed_us is None or 0 <= event.elapsed_us < math.inf


def _state(event: State) -> Complaint:
    yield "frequency_khz is a whole number from 0", is_count(event.frequency_khz)
    yield "temperature_mc is one", event.temperature_mc is None or -300_000 < event.temperature_mc < 10_000_000


RULES: dict[type[Event], Callable[[Any], Complaint]] = {
    Sample: _sample, Summary: _summary, Loaded: _loaded, Output: _output, Files: _files, NpuSigns: _npu, Done: _done,
    State: _state,
}  # fmt: skip
