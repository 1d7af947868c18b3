"""The options of the suite and of commands: one declaration each, from which the front doors and the page are made.

Covers conversion.options, harness.cli.options, targets.boards.options, targets.fvp.options.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest

import harness.workbench.options as session_options
from core.option_fields import METADATA, options_of
from harness.cli import main
from harness.pytest_plugin.options import SuiteOptions, add_options, parse_options
from harness.pytest_plugin.options_page import PAGE, SECTIONS, page
from targets.kinds import TARGETS, TargetChoices, TargetOptions
from tests.checkout import CHECKOUT

SHARED = {one.declared.flag: one for one in options_of(SuiteOptions)}
OTHER_MEANING = {
    ("convert", "--images"),  # of the quantiser
    ("export-onnx", "--input"),  # the checkpoint
    *((command, "--npu") for command in ("compare", "bisect")),  # of `velas`: one profile
    ("disassemble", "--npu"),  # what a TOSA graph is compiled for
    *(("explore", flag) for flag in ("--npu", "--imgsz", "--frontend")),  # every value of a grid
    ("explore", "--history"),  # where cells are kept; without it nowhere
    ("estimate", "--npu"),  # without one it is read from a compiled file
    *((command, "--npu") for command in ("compare", "bisect", "disassemble")),  # the one that a file is compiled for
    *((command, "--history") for command in ("history", "show", "report", "compare", "set")),  # which one is read
    *((command, flag) for command in ("recommend", "show") for flag in ("--npu", "--variant", "--target")),  # what is shown
}
"""Options of commands that have a word in common with the suite's and mean another thing."""


def config(*arguments: str) -> pytest.Config:
    """A pytest configuration with the plugin's options and these arguments."""
    made = pytest.Config.fromdictargs({}, [])
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    made.option = parser.parse(list(arguments))
    return made


def test_the_page_of_options_is_the_one_that_the_declarations_make() -> None:
    assert page() == (CHECKOUT / "docs" / "reference" / "options.md").read_text(), f"python -m {page.__module__}"
    assert PAGE.is_file()


def test_every_option_stands_on_the_page_in_one_section() -> None:
    assert all(len(re.findall(rf"\| `{flag}[ `]", page())) == 1 for flag in SHARED)
    assert {one.group for one in SHARED.values()} == set(SECTIONS)


def test_every_field_of_the_sessions_options_can_be_given() -> None:
    assert [field.name for field in fields(SuiteOptions) if METADATA not in field.metadata] == []


def test_without_arguments_a_session_has_the_declared_defaults() -> None:
    assert parse_options(config()) == SuiteOptions()


def test_each_option_arrives_in_its_field(tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    file.touch()
    given: dict[str, Any] = {}
    arguments: list[str] = []
    for flag, one in SHARED.items():
        if flag in ("--checkpoints", "--model", "--record", "--recipe", "--input", "--tosa"):  # the last two need --model
            continue
        if flag == "--frontend":  # it needs an environment of its own: the test below
            continue
        value = {bool: True, int: 7, Path: file, str: one.choices[-1] if one.choices else "text"}[one.kind]
        value = {"--target": "host", "--imgsz": "96", "--preprocess": "mean=0,std=1,resize=crop,order=rgb"}.get(flag, value)
        arguments += [flag] if one.kind is bool else [flag, str(value)]
        given[one.field] = {"--imgsz": 96}.get(flag, (value,) if one.repeatable else value)
    assert parse_options(config(*arguments)) == SuiteOptions(**given)


def test_a_repeatable_option_keeps_its_order_and_each_value_once() -> None:
    assert parse_options(config("--target", "host", "--target", "sim", "--target", "host")).targets == ("host", "sim")


def test_a_repeatable_option_of_few_values_arrives_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_options, "executorch_python", lambda: Path("python"))
    assert parse_options(config("--frontend", "executorch")).frontends == ("executorch",)
    assert parse_options(config("--frontend", "tflite", "--frontend", "executorch")).frontends == ("tflite", "executorch")


@pytest.mark.parametrize("size", ["0", "33", "large", "-32"])
def test_a_size_that_no_head_has_is_refused(size: str) -> None:
    with pytest.raises(Exception, match=f"--imgsz {size}") as caught:
        parse_options(config(f"--imgsz={size}"))
    assert caught.value.expected == "a size in pixels, a multiple of 32, or `auto`"  # type: ignore[attr-defined]


def commands() -> list[tuple[str, click.Option]]:
    """Every option of every command."""
    found = []
    pending: list[tuple[str, click.Command]] = [("", main)]
    while pending:
        name, command = pending.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            children = [command.get_command(context, name) for name in command.list_commands(context)]
            pending += [(child.name or "", child) for child in children if child]
        found += [(name, one) for one in command.params if isinstance(one, click.Option)]
    return found


def test_commands_take_what_the_suite_has_too_from_its_declaration() -> None:
    assert main.list_commands(click.Context(main))
    own = [
        (name, flag)
        for name, one in commands()
        for flag in one.opts
        if flag in SHARED and (name, flag) not in OTHER_MEANING and one.name != SHARED[flag].field
    ]
    assert own == []


def test_what_a_target_is_opened_with_holds_every_choice_of_the_command_line() -> None:
    choices = {one.field for one in options_of(TargetChoices)}
    assert choices <= {field.name for field in fields(TargetOptions)}
    assert choices <= {one.field for one in options_of(SuiteOptions)}


def test_the_help_of_target_names_every_kind() -> None:
    assert all(f"`{kind}" in SHARED["--target"].declared.help for kind in TARGETS)
