"""Everything that can go wrong in the simulator, one type per cause; all are SimulatorError."""

from __future__ import annotations


class SimulatorError(Exception):
    """The simulator refused or could not go on; nothing that it returned before may be used."""


class ContainerError(SimulatorError):
    """The file is not a model that Vela compiled, or is damaged."""


class InputError(SimulatorError):
    """An input is missing, or has another shape or dtype than the model asks for."""


class MemoryFault(SimulatorError):
    """A command reaches outside its region, or more memory than the limit is asked for."""


class WeightStreamError(SimulatorError):
    """A compressed weight stream runs dry, is too long, or breaks its own format."""


class StreamError(SimulatorError):
    """A command stream that no Ethos-U would accept; `address` is the byte offset of the word, as Vela prints it."""

    def __init__(self, what: str, address: int | None = None) -> None:
        super().__init__(what if address is None else f"0x{address:06x}: {what}")
        self.address = address


class NotModelled(SimulatorError):
    """Something that the hardware does and this simulator does not; never passed over in silence."""

    def __init__(self, opcode: str, field: str, address: int | None = None) -> None:
        where = "" if address is None else f"0x{address:06x}: "
        super().__init__(f"{where}{opcode}: not modelled: {field}")
        self.opcode = opcode
        self.field = field
        self.address = address
