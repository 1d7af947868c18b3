"""The options of `pytest benchmarks/` and the session they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.option_fields import Option, option, options_of
from harness.workbench.options import BenchOptions


@dataclass(frozen=True, kw_only=True)
class SuiteOptions(BenchOptions):
    """A session, and what becomes of its results."""

    results: Path | None = option("--results", "results folder", None, metavar="DIR", default_text="`results/<run id>`")
    history: str = option(
        "--history",
        "history that the run goes into: SQLite, or `postgresql://user@host/database`",
        "",
        metavar="FILE|URL",
        default_text="`history.db` beside the results folder",
    )
    acceptance: Path | None = option(
        "--acceptance", "thresholds that fail the run ([guide](../guides/acceptance.md))", None, metavar="FILE"
    )
    no_report: bool = option("--no-report", "write no `report.html`", False)


def add_options(parser: pytest.Parser) -> None:
    """Add every option to pytest's command line."""
    group = parser.getgroup("ethos-bench", "ethos-bench: models, NPUs, targets")
    for one in options_of(SuiteOptions):
        _add(group, one)


def _add(group: pytest.OptionGroup, one: Option) -> None:
    told = f"{one.plain_help}{'; repeatable' if one.repeatable else ''} (default {one.default_text})".replace("%", "%%")
    if one.kind is bool:
        group.addoption(one.declared.flag, dest=one.field, action="store_true", help=one.plain_help)
    else:
        action = "append" if one.repeatable else "store"
        default = None if one.repeatable else one.default
        written: dict[str, Any] = {"choices": one.choices} if one.choices else {"type": one.kind, "metavar": one.metavar}
        group.addoption(one.declared.flag, dest=one.field, action=action, default=default, help=told, **written)


def parse_options(config: pytest.Config) -> SuiteOptions:
    """The checked options of this session."""
    given: dict[str, Any] = {one.field: _value(one, getattr(config.option, one.field)) for one in options_of(SuiteOptions)}
    options = SuiteOptions(**given)
    options.check()
    return options


def _value(one: Option, given: object) -> object:
    if one.repeatable:
        return tuple(dict.fromkeys(given)) if isinstance(given, list) and given else one.default
    return one.declared.parse(given) if one.declared.parse and isinstance(given, str) else given
