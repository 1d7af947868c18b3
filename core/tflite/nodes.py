"""What a TFLite graph is made of: tensors and operators."""

from __future__ import annotations

from dataclasses import dataclass, field

OptionValue = int | float | bool | tuple[int, ...]

FLOAT_DTYPES = frozenset(
    {"float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128"}
)


class BrokenModel(ValueError):
    """A TFLite file that cannot be read: what was found and where, and what was expected."""

    def __init__(self, found: str, expected: str = "an intact full-integer .tflite file") -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected

    def __reduce__(self) -> tuple[type[BrokenModel], tuple[str, str]]:
        """Rebuild from both parts, so that the error survives the trip between processes."""
        return (type(self), (self.found, self.expected))


@dataclass(frozen=True)
class Tensor:
    """One tensor of the subgraph.

    `dtype` is TFLite's own name in lower case ("int8", "float32"). `scales` and `zero_points` are empty without quantisation,
    have one entry per tensor, or one per slice of `axis`. `constant` tells that its bytes are in the file, `dynamic` that a
    size behind the first is only known at run time (an open batch is the one that `shape` says).
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    constant: bool = False
    dynamic: bool = False

    @property
    def elements(self) -> int:
        """Number of elements, 1 for a scalar."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def is_float(self) -> bool:
        """Whether its elements are floating-point numbers."""
        return self.dtype in FLOAT_DTYPES


@dataclass(frozen=True)
class Operator:
    """One operator: `kind` is its builtin name ("CONV_2D") or its custom code ("ethos-u").

    `inputs` and `outputs` are tensor indices, -1 for an optional input that is absent. `output_name` is the name of the first
    output tensor, `macs` its multiply-accumulates (see tflite_macs.py), `fused_activation` TFLite's name of the activation in
    its options ("RELU"), "" without one. `options` are TFLite's own, numbers only.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    output_name: str
    macs: int = 0
    fused_activation: str = ""
    custom: bool = False
    options: dict[str, OptionValue] = field(default_factory=dict, compare=False)
