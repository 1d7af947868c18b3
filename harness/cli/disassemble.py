"""`ethos-bench disassemble`: the NPU's command streams in a compiled file, as Vela prints them."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conversion.file_kinds import PROGRAM, TOSA, file_kind
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.vela_options import VelaOptions
from core.errors import ModelError, UsageError
from harness.cli.compiled_file import compiled_tosa
from harness.cli.failing import exits_cleanly
from harness.cli.saying import say

if TYPE_CHECKING:
    from ethosu_simulator import Model

EXPECTED = "a file that Vela compiled: TFLite, raw npz or ExecuTorch program; or a TOSA graph"


@click.command("disassemble")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--npu", default="", help=f"Profile name or TOML file that a TOSA graph is compiled for. Default: {DEFAULT_PROFILE}."
)
@exits_cleanly
def disassemble_command(file: Path, form: str, npu: str) -> None:
    """Print the command streams of FILE (TFLite, npz, .pte; .tosa is compiled): address, words, name and fields of each."""
    from ethosu_simulator import NpuOperator
    from ethosu_simulator.disassemble import data, text

    if not file.is_file():
        raise UsageError(f"`{file}` does not exist", EXPECTED)
    is_tosa = file_kind(file) == TOSA
    if npu and not is_tosa:
        raise UsageError(f"--npu {npu}: `{file.name}` is compiled, and its NPU is in its stream", "no --npu")
    with compiled_tosa(file, load_profile(npu or DEFAULT_PROFILE), VelaOptions()) if is_tosa else nullcontext(file) as compiled:
        model = _loaded(compiled, file.name)
        streams = [operator for operator in model.operators if isinstance(operator, NpuOperator)]
    part = "delegate" if file_kind(file) == PROGRAM else "stream"
    if form == "json":
        document = [
            {"stream": number, "npu": stream.config.name, "commands": data(stream.commands)}
            for number, stream in enumerate(streams, 1)
        ]
        say(json.dumps(document, indent=1))
        return
    for number, stream in enumerate(streams, 1):
        say(f"# {part} {number} of {len(streams)}: {stream.config.name}, {len(stream.commands)} commands")
        say(text(stream.commands), nl=False)


def _loaded(file: Path, name: str) -> Model:
    import ethosu_simulator

    try:
        return ethosu_simulator.load(file)
    except ethosu_simulator.SimulatorError as error:
        raise ModelError(
            f"`{name}` cannot be disassembled: {error}",
            EXPECTED,
            "ethos-bench convert --checkpoint best.pt --calibration data.yaml",
        ) from error
