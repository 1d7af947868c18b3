"""A bit-exact functional simulator of Arm Ethos-U55, U65 and U85: `simulator.load("model_vela.tflite").run([array])`."""

from simulator.errors import (
    ConfigurationError,
    ContainerError,
    InputError,
    MemoryFault,
    NotModelled,
    SimulatorError,
    StreamError,
    WeightStreamError,
    WorkLimitError,
)
from simulator.limits import Limits
from simulator.model import Model, NpuOperator, load
from simulator.trace import Executed

__all__ = [
    "ConfigurationError",
    "ContainerError",
    "Executed",
    "InputError",
    "Limits",
    "MemoryFault",
    "Model",
    "NotModelled",
    "NpuOperator",
    "SimulatorError",
    "StreamError",
    "WeightStreamError",
    "WorkLimitError",
    "load",
]
