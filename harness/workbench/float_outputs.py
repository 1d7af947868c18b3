"""What a target gave for a lowered model, in the form of the float graph that the model was lowered from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conversion.pipeline import Source
from core.records.unavailable import Unavailable

TO_NCHW = (0, 3, 1, 2)


def float_outputs(
    outputs: Sequence[Sequence[NDArray[Any]]], source: Source, layout: str
) -> list[list[NDArray[np.float32]]] | Unavailable:
    """Each output as the program's own dequantize gives it, maps in the float graph's NCHW.

    A TOSA graph has no scales: those of its source's graph are from the program that lowering wrote. Unavailable without them.
    """
    formats = source.graph.outputs
    if source.floating is None or not all(len(tensor.scales) == 1 for tensor in formats):
        return Unavailable(f"{source.kind}: it says no scales of its outputs")
    turned = layout == "nhwc"
    return [
        [
            _float(values.reshape(tensor.shape), tensor.scales[0], tensor.zero_points[0], turned=turned)
            for values, tensor in zip(image, formats, strict=True)
        ]
        for image in outputs
    ]


def _float(values: NDArray[Any], scale: float, zero_point: int, *, turned: bool) -> NDArray[np.float32]:
    """(integer - zero point) * scale in float32; channels behind the batch where they lie last."""
    real: NDArray[np.float32] = (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
    return real.transpose(TO_NCHW) if turned and real.ndim == len(TO_NCHW) else real
