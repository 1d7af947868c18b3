"""Where Vela's stream and TFLite's reference kernels ask for different bytes, and by how much (sources: docs/decisions)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Departure:
    """The largest difference that is explained, for an operator and element type."""

    operator: str
    dtype: str
    most: int
    why: str


DEPARTURES = (
    Departure("sum", "INT8", 1, "Vela rounds NATURAL, TFLite Micro twice"),
    Departure("sum", "INT16", 1, "Vela rounds NATURAL, TFLite Micro twice"),
    Departure("mul", "INT16", 1, "Vela's multiplier comes from a float32 quotient, TFLite Micro's from a double"),
    Departure("leaky_relu", "INT16", 1, "Vela's multiplier comes from a float32 quotient, TFLite Micro's from a double"),
    Departure("fully_connected", "UINT8", 1, "Vela multiplies uint8 scales in float32, TFLite in double"),
    Departure("conv", "UINT8", 1, "Vela multiplies uint8 scales in float32, TFLite in double"),
    Departure("depthwise", "UINT8", 1, "Vela multiplies uint8 scales in float32, TFLite in double"),
    Departure("softmax", "INT16", 1, "TFLite Micro departs from TFLite's own kernel, which gives the NPU's bytes"),
    Departure("log", "INT16", 1, "Vela's table of 512 slopes against TFLite's float"),
    Departure("relu", "INT16", 1, "Vela's multiplier comes from a float32 quotient, TFLite Micro's from a double"),
)


def departure(operator: str, dtype: str) -> Departure | None:
    """The explained departure of that operator and type, if there is one."""
    return next((found for found in DEPARTURES if (found.operator, found.dtype) == (operator, dtype)), None)
