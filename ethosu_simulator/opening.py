"""`load`: whatever kind of file Vela's work lies in, as a model that runs."""

from __future__ import annotations

from pathlib import Path

from ethosu_simulator import raw
from ethosu_simulator.container import parse
from ethosu_simulator.errors import ConfigurationError
from ethosu_simulator.limits import Limits
from ethosu_simulator.model import Model
from ethosu_simulator.npu_operator import NpuOperator
from ethosu_simulator.pte.program import Program
from ethosu_simulator.pte.program_file import is_program, parse_data, parse_program


def load(path: str | Path, *, npu: str | None = None, limits: Limits | None = None, signature: str | None = None) -> Model:
    """The model in a file that Vela wrote, TFLite or raw npz, or an ExecuTorch program (.pte) with delegates for the NPU.

    With `npu`, such as `ethos-u65-256`, it must be for that one. Of several signatures (methods) the first, or the one of that
    name. Named data of a program are taken from the .ptd of its own name beside it.
    """
    file, limits = Path(path), limits or Limits()
    data = file.read_bytes()
    model: Model
    if is_program(data):
        beside = file.with_suffix(".ptd")
        model = Program(parse_program(data, signature, parse_data(beside.read_bytes()) if beside.is_file() else None), limits)
    else:
        model = Model(raw.parse(data, limits) if data[:4] == raw.MAGIC else parse(data, signature), limits)
    for operator in model.operators:
        if npu is not None and isinstance(operator, NpuOperator) and operator.config.name != npu:
            raise ConfigurationError(f"the command stream is for {operator.config.name}: expected {npu}")
    return model
