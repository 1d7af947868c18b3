"""docs/reference/options.md, made from the declarations: `python -m harness.pytest_plugin.options_page`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conversion.options import ConversionOptions
from conversion.vela_options import VelaOptions
from core.option_fields import Option, options_of
from harness.pytest_plugin.options import SuiteOptions
from harness.workbench.options import BenchOptions
from targets.boards.options import BoardOptions
from targets.fvp.options import FvpOptions
from targets.kinds import TargetChoices

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "options.md"
SECTIONS = {
    BenchOptions: "Models, data, NPUs and targets",
    ConversionOptions: "Conversion",
    VelaOptions: "Vela",
    SuiteOptions: "Results",
    TargetChoices: "All targets",
    FvpOptions: "Target `fvp`",
    BoardOptions: "Targets `ssh`, `farm` and `replay`",
}
HEAD = """# Options of `pytest benchmarks/`

<!-- Made by `python -m harness.pytest_plugin.options_page` from the options' declarations: change those. -->
"""
TABLE = """| option | default | meaning |
|---|---|---|"""
TAIL = """\
With none of `--checkpoints`, `--checkpoint` and `--model` the seven variants are built with seeded weights, calibrated on
photographs that come in a package. `pytest -n 2` spreads the models over processes. Environment: `ETHOS_BENCH_CACHE` (cache
folder), `ETHOS_BENCH_CACHE_LIMIT` (its size, 20GB: [cache](cache.md)), `ETHOS_BENCH_FVP` (folders with FVPs, separated by
`:`), `ETHOS_BENCH_HISTORY` (history when `--history` is not given), `ETHOS_BENCH_TARGETS` (targets file), `LG_COORDINATOR`
(labgrid farm), `ETHOS_BENCH_TEST_DATA` (real data for tests and `make bench`, default `../shared`).
"""


def page() -> str:
    """The page's text."""
    declared = options_of(SuiteOptions)
    sections = [_section(title, [one for one in declared if one.group is group]) for group, title in SECTIONS.items()]
    return "\n".join([HEAD, *sections, TAIL])


def _section(title: str, options: Iterable[Option]) -> str:
    return "\n".join([f"## {title}", "", TABLE, *map(_row, options), ""])


def _row(one: Option) -> str:
    written = f"{one.declared.flag} {one.metavar}".strip().replace("|", "\\|")
    repeatable = " (repeatable)" if one.repeatable else ""
    return f"| `{written}`{repeatable} | {one.default_text} | {one.declared.help} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
