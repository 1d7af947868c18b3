"""A bit-exact functional simulator of Arm Ethos-U55, U65 and U85: `ethosu_simulator.load("model_vela.tflite").run([array])`."""

from ethosu_simulator.arena import Arena, new_arena
from ethosu_simulator.errors import (
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
from ethosu_simulator.limits import Limits
from ethosu_simulator.model import Model
from ethosu_simulator.npu_operator import NpuOperator
from ethosu_simulator.opening import load
from ethosu_simulator.pte.program import Program
from ethosu_simulator.trace import Executed

__all__ = [
    "Arena",
    "ConfigurationError",
    "ContainerError",
    "Executed",
    "InputError",
    "Limits",
    "MemoryFault",
    "Model",
    "NotModelled",
    "NpuOperator",
    "Program",
    "SimulatorError",
    "StreamError",
    "WeightStreamError",
    "WorkLimitError",
    "load",
    "new_arena",
]
