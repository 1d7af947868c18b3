"""The command line: one file per command."""

from __future__ import annotations

import click

from harness.cli.convert import convert_command
from harness.cli.doctor import doctor_command
from harness.cli.export_onnx import export_onnx_command
from harness.cli.inspect import inspect_command
from harness.cli.targets import targets_command


@click.group()
@click.version_option(package_name="ethos-bench")
def main() -> None:
    """Prove what a vision model really does on an Arm Ethos-U NPU. The suite itself is `pytest benchmarks/`."""


for command in (convert_command, doctor_command, export_onnx_command, inspect_command, targets_command):
    main.add_command(command)
