"""`ethos-bench disassemble`: the NPU's command streams in a compiled file, as Vela prints them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from core.errors import ModelError, UsageError
from harness.cli.failing import exits_cleanly
from harness.cli.saying import say


@click.command("disassemble")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@exits_cleanly
def disassemble_command(file: Path, form: str) -> None:
    """Print the command streams of FILE (TFLite, npz, .pte): address, words, name and fields of every command."""
    import ethosu_simulator
    from ethosu_simulator.disassemble import data, text

    if not file.is_file():
        raise UsageError(f"`{file}` does not exist", "a file that Vela compiled: TFLite, raw npz or ExecuTorch program")
    try:
        model = ethosu_simulator.load(file)
    except ethosu_simulator.SimulatorError as error:
        raise ModelError(
            f"`{file.name}` cannot be disassembled: {error}",
            "a file that Vela compiled: TFLite, raw npz or ExecuTorch program",
            "ethos-bench convert --checkpoint best.pt --calibration data.yaml",
        ) from error
    streams = [operator for operator in model.operators if isinstance(operator, ethosu_simulator.NpuOperator)]
    if form == "json":
        say(json.dumps([{"npu": stream.config.name, "commands": data(stream.commands)} for stream in streams], indent=1))
        return
    for number, stream in enumerate(streams, 1):
        say(f"# stream {number} of {len(streams)}: {stream.config.name}, {len(stream.commands)} commands")
        say(text(stream.commands), nl=False)
