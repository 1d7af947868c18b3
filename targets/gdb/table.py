"""`[gdb.NAME]` of targets.toml: a board behind a GDB server. docs/reference/targets-toml.md describes every key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from core.errors import UsageError
from targets.elf_file import find_symbol

Place = Annotated[str, StringConstraints(pattern=r"^(0[xX][0-9a-fA-F]{1,16}|[A-Za-z_][A-Za-z0-9_.$]*)$")]
Word = Annotated[str, StringConstraints(pattern=r"^0[xX][0-9a-fA-F]{1,8}$")]


class GdbBoard(BaseModel):
    """One board: where its server is, which firmware it runs, and where that takes model and input and leaves the output."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: str = Field(description="address of the GDB server, `host:port`, or a Unix socket's path")
    profile: str = Field("", description="NPU profile that the board has; other profiles are refused there")
    firmware: str = Field(description="ELF file of the firmware, whose symbols name places")
    load: bool = Field(True, description="write the firmware to the board; false: it is there, and is compared")
    vectors: Place | None = Field(None, description="vector table to start from; default: wherever the board stands")
    before: list[str] = Field(default_factory=list, description="monitor commands before each start, such as `reset halt`")
    after: list[str] = Field(default_factory=list, description="monitor commands after each start")
    model: Place = Field(description="where the firmware takes the model, an address or a symbol")
    model_bytes: int = Field(0, ge=0, description="room for the model; 0: the symbol's size")
    input: Place = Field(description="where it takes the input")
    input_bytes: int = Field(0, ge=0, description="room for the input; 0: the symbol's size")
    output: Place = Field(description="where it leaves the outputs, one behind the other")
    output_bytes: int = Field(0, ge=0, description="room for the outputs; 0: the symbol's size")
    stop: Place = Field("_exit", description="where the firmware stands when it is done")
    npu: Place = Field(description="the NPU's registers: without them nothing is proved")
    log: Place | None = Field(None, description="buffer into which the firmware prints, ended by a zero")
    log_bytes: int = Field(0, ge=0, description="room of that buffer; 0: the symbol's size")
    serial: str = Field("", description="serial port that it prints on instead: a device, or a URL of pyserial")
    baud: int = Field(115200, gt=0, description="speed of that port")
    pmu: bool = Field(True, description="read the NPU's counters after the run; false: they cannot be read then")
    breakpoints: int = Field(0, ge=0, description="hardware breakpoints that may be taken; 0: as many as the server grants")
    device_id_at: Place | None = Field(None, description="register that names the chip")
    device_id: Word | None = Field(None, description="what stands there: only then figures are `measured`")
    connect_s: float = Field(10, gt=0, description="limit for reaching the server")
    seconds: float = Field(60, gt=0, description="longest time of one start")

    @model_validator(mode="after")
    def _one_log(self) -> GdbBoard:
        if self.log is not None and self.serial:
            raise ValueError("`log` and `serial` are two logs: one of them")
        return self

    @field_validator("firmware")
    @classmethod
    def _home(cls, path: str) -> str:
        return str(Path(path).expanduser())

    def address(self, place: str) -> int:
        """The address of a place; UsageError for a symbol that the firmware has not."""
        return self._resolved(place)[0]

    def room(self, place: str, given_bytes: int) -> int:
        """The bytes at a place: those given, else the symbol's size; UsageError when neither says."""
        size = given_bytes or self._resolved(place)[1]
        if not size:
            raise UsageError(
                f"nothing says how much room there is at `{place}`", "`model_bytes`, `input_bytes`, `output_bytes`"
            )
        return size

    def _resolved(self, place: str) -> tuple[int, int]:
        if place[:2].lower() == "0x":
            return int(place, 16), 0
        found = find_symbol(Path(self.firmware), place)
        if found is None:
            raise UsageError(f"firmware `{self.firmware}` has no symbol `{place}`", "a symbol of it, or an address (0x...)")
        return found
