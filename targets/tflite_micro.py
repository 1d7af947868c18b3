"""TFLite Micro's reference kernels, in a child process: the reference for equality, and the CPU beside a simulated NPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from core.errors import RunError
from core.versions import version_of
from ethosu_simulator.container import Operator
from ethosu_simulator.errors import NotModelled
from targets.micro_process import MicroProcess
from targets.tflite_parts import Segment, cut, self_contained

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]

RUNNER_MODULE = "targets.runner.micro_runner"
"""The runner's name: no import leads from here to what runs in a process of its own."""
NAME = f"TFLite Micro {version_of('tflite-micro')}"
START_SECONDS = 60.0
SECONDS_PER_IMAGE = 300.0
MODEL = "model"
TFLITE = b"TFL3"


def run_micro(model: bytes, images: Sequence[Sequence[Array]], outputs: int, tensor_bytes: int, what: str) -> list[list[Array]]:
    """The `outputs` output tensors of a TFLite file for each image, an image being all input tensors in subgraph order.

    The images are one sequence: variables have their first value before the first image and live on from there. `tensor_bytes`
    is about what activations take together; the arena grows from there until the model fits. `what` names the model in a
    RunError, raised when TFLite Micro refuses the file, its inputs or an operator.
    """
    try:
        model = self_contained(model)
    except Exception as error:  # the schema's generated code raises whatever a broken file leads it to
        raise RunError(f"`{what}` is not a TFLite file: {type(error).__name__} {error}", "an intact TFLite file") from error
    with MicroProcess() as process:
        process.open(MODEL, model, tensor_bytes, START_SECONDS, what)
        return [process.run(MODEL, image, outputs, SECONDS_PER_IMAGE, what) for image in images]


class CpuOperators:
    """Runs operators of one file that Vela left to the CPU, by `cpu` of `ethosu_simulator.Model.run`; a context manager.

    A process starts with the first operator and keeps their variables until `reset`.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._process: MicroProcess | None = None
        self._segments: dict[tuple[int, int], Segment] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __call__(self, operator: Operator, inputs: Sequence[Array | None]) -> list[Array]:
        """The operator's outputs; RunError when TFLite Micro refuses it."""
        if self._content[4:8] != TFLITE:
            raise NotModelled(operator.name, "a kernel of a program: TFLite Micro has none of them")
        place = operator.graph, operator.position
        what = f"CPU operator {operator.name}"
        name = f"operator-{operator.graph}-{operator.position}"
        if self._process is None:
            self._process = MicroProcess()
        if place not in self._segments:
            segment = cut(self._content, [operator.position], operator.graph)
            self._process.open(name, segment.content, segment.tensor_bytes, START_SECONDS, what)
            self._segments[place] = segment
        segment = self._segments[place]
        given = dict(zip(operator.inputs, inputs, strict=True))
        read = [given[index] for index in segment.inputs]
        found = self._process.run(name, [one for one in read if one is not None], len(segment.outputs), SECONDS_PER_IMAGE, what)
        return [found[segment.outputs.index(index)] for index in operator.outputs if index >= 0]

    def reset(self) -> None:
        """Variables of all operators have their first value again."""
        if self._process is not None:
            self._process.reset(START_SECONDS)

    def close(self) -> None:
        """End the process; the next operator starts another."""
        if self._process is not None:
            self._process.close()
        self._process, self._segments = None, {}


def cpu_operators(path: str | Path) -> CpuOperators:
    """What `ethosu_simulator.load(path).run(inputs, cpu=...)` takes for the operators of that file that are not the NPU's."""
    return CpuOperators(Path(path).read_bytes())
