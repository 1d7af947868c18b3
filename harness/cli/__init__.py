"""The command line: one file per command, which is imported only when the command is used."""

from __future__ import annotations

import ast
import importlib
import io
import re
import sys
import warnings
from pathlib import Path

import click

from core.processes import end_on_sigterm
from core.progress import Notice

MODULES = {
    "ab": "ab", "baseline": "baseline", "bundle": "bundle", "cache": "cache", "check": "check", "compare": "compare",
    "compare-models": "compare_models", "convert": "convert", "diff": "diff", "disassemble": "disassemble",
    "doctor": "doctor", "estimate": "estimate", "explore": "explore", "export": "export", "export-onnx": "export_onnx",
    "fvp": "fvp", "history": "history", "init": "init", "inspect": "inspect", "profiles": "profiles", "recommend": "recommend",
    "report": "report", "run": "run", "targets": "targets", "velas": "velas",
    "verify": "bundle",
}  # fmt: skip
"""Command -> the module of this folder that has it as `<name>_command`."""


class CommandFiles(click.Group):
    """A group that imports a command when it is used, and lists all by what their sources say: torch-sized libraries wait."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None where there is none."""
        if cmd_name not in MODULES:
            return None
        module = importlib.import_module(f"harness.cli.{MODULES[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with the first sentence of its docstring."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _in_short(told(name))) for name in MODULES])


def told(name: str) -> str:
    """The docstring of a command's function, read from its source."""
    source = Path(__file__).with_name(f"{MODULES[name]}.py").read_text("utf-8")
    function = f"{name.replace('-', '_')}_command"
    found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == function]
    return ast.get_docstring(found[0]) or ""


def _in_short(docstring: str) -> str:
    """The first sentence, without what stands in brackets or behind a colon."""
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return re.split(r"[;:] |\.(?: |$)", re.sub(r" \([^)]*\)", "", paragraph))[0] + "."


@click.group(cls=CommandFiles)
@click.version_option(package_name="ethos-bench")
def main() -> None:
    """Prove what a vision model really does on an Arm Ethos-U NPU. The suite itself is `ethos-bench run`."""
    end_on_sigterm()
    warnings.simplefilter("ignore", Notice)  # commands print every line that they are told, and none is overwritten
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal of LANG=C gets a `?` where it has no letter, and no stack trace
