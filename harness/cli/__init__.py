"""The command line: one file per command."""

from __future__ import annotations

import warnings

import click

from core.progress import Notice
from harness.cli.ab import ab_command
from harness.cli.baseline import baseline_command
from harness.cli.bundle import bundle_command, verify_command
from harness.cli.cache import cache_command
from harness.cli.compare import compare_command
from harness.cli.compare_models import compare_models_command
from harness.cli.convert import convert_command
from harness.cli.diff import diff_command
from harness.cli.disassemble import disassemble_command
from harness.cli.doctor import doctor_command
from harness.cli.estimate import estimate_command
from harness.cli.export import export_command
from harness.cli.export_onnx import export_onnx_command
from harness.cli.fvp import fvp_command
from harness.cli.history import history_command
from harness.cli.inspect import inspect_command
from harness.cli.recommend import recommend_command
from harness.cli.report import report_command
from harness.cli.targets import targets_command


@click.group()
@click.version_option(package_name="ethos-bench")
def main() -> None:
    """Prove what a vision model really does on an Arm Ethos-U NPU. The suite itself is `pytest benchmarks/`."""
    warnings.simplefilter("ignore", Notice)  # commands print every line that they are told, and none is overwritten


COMMANDS = (
    ab_command,
    baseline_command,
    bundle_command,
    cache_command,
    compare_command,
    compare_models_command,
    convert_command,
    diff_command,
    disassemble_command,
    doctor_command,
    estimate_command,
    export_command,
    export_onnx_command,
    fvp_command,
    history_command,
    inspect_command,
    recommend_command,
    report_command,
    targets_command,
    verify_command,
)

for command in COMMANDS:
    main.add_command(command)
