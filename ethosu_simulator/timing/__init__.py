"""The cycle model: `ethosu_simulator.timing.estimate("model_vela.tflite", memory="mlek")`; it observes and changes no value."""

from ethosu_simulator.timing.coverage import stated_errors
from ethosu_simulator.timing.estimate import estimate
from ethosu_simulator.timing.memories import Area, Memory, MemoryFileError, memory_for, names, read_memory
from ethosu_simulator.timing.result import Estimate, OperationEstimate
from ethosu_simulator.timing.streams import estimate_streams

__all__ = [
    "Area",
    "Estimate",
    "Memory",
    "MemoryFileError",
    "OperationEstimate",
    "estimate",
    "estimate_streams",
    "memory_for",
    "names",
    "read_memory",
    "stated_errors",
]
