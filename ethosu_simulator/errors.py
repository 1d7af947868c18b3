"""Everything that can go wrong in the simulator, one type per cause; all are SimulatorError."""

from __future__ import annotations


class SimulatorError(Exception):
    """The simulator refused or could not go on; nothing that it returned before may be used.

    `address` is the byte offset in the command stream, as Vela prints it, or None for what lies outside a stream.
    """

    def __init__(self, what: str, address: int | None = None) -> None:
        super().__init__(what if address is None else f"0x{address:06x}: {what}")
        self.what = what
        self.address = address


class ContainerError(SimulatorError):
    """The file is not a model that Vela compiled, or is damaged."""


class InputError(SimulatorError):
    """An input is missing, or has another shape or dtype than the model asks for."""


class MemoryFault(SimulatorError):
    """A command reaches outside its region, or needs more memory than the limit."""


class WorkLimitError(SimulatorError):
    """The stream asks for more work than the limit."""


class WeightStreamError(SimulatorError):
    """A compressed weight stream runs dry, is too long, or breaks its own format."""


class StreamError(SimulatorError):
    """A command stream that no Ethos-U would accept."""


class ConfigurationError(StreamError):
    """The stream was compiled for another NPU than the one asked for."""


class NotModelled(SimulatorError):
    """Something that the hardware does and this simulator does not; never passed over in silence."""

    def __init__(self, opcode: str, field: str, address: int | None = None) -> None:
        super().__init__(f"{opcode}: not modelled: {field}", address)
        self.opcode = opcode
        self.field = field
