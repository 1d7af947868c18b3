"""Options of Vela go whole from the command line to the compiler, and into the identity of what it compiles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conversion.compilations import compiled
from conversion.pipeline import model_file as file_of
from conversion.profile_files import load_profile
from conversion.vela_options import INSTALLED, VelaOptions
from core.option_fields import option
from harness.cli.options import gathered
from harness.workbench.options import BenchOptions
from tests.conversion.tflite_builder import all_on_the_npu


@dataclass(frozen=True, kw_only=True)
class Sized(VelaOptions):
    """What a further option looks like: a field, and what it adds to the command."""

    for_size: bool = option("--optimise-size", "compile for memory instead of speed", False)

    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments(), *(("--optimise", "Size") if self.for_size else ()))


def test_a_further_option_reaches_vela_and_is_another_entry_of_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "model.tflite"
    path.write_bytes(all_on_the_npu())
    plain, small = (
        compiled(file_of(path), load_profile("ethos-u55-128"), vela, lambda _: None)
        for vela in (INSTALLED, Sized(for_size=True))
    )
    assert "--optimise" not in plain.command
    assert small.command[-2:] == ("--optimise", "Size")
    assert small.compiled.path.parent != plain.compiled.path.parent


def test_a_command_gets_all_of_them_as_one() -> None:
    @click.command()
    @gathered(Sized, "vela")
    def command(vela: Sized) -> None:
        click.echo(f"{vela.vela} {vela.arguments()}")

    assert CliRunner().invoke(command, []).output == " ()\n"
    assert CliRunner().invoke(command, ["--vela", "bsp", "--optimise-size"]).output == "bsp ('--optimise', 'Size')\n"


def test_a_session_holds_them() -> None:
    assert isinstance(BenchOptions(vela="bsp"), VelaOptions)
    assert INSTALLED.arguments() == ()
