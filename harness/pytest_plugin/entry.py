"""The pytest plugin that an installation registers: it brings the suite's plugin in when a session names the suite.

Every pytest in that environment loads this module, so it does nothing else: a session about anything else has neither our
options nor our imports. `pytest --pyargs benchmarks` and the folder of the suite name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

PLUGIN = "harness.pytest_plugin.plugin"
SUITE = Path(__file__).parents[2] / "benchmarks"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: Sequence[str]) -> None:
    """Load the suite's plugin, once, before options are read."""
    if names_the_suite(args, Path(early_config.invocation_params.dir)):
        early_config.pluginmanager.import_plugin(PLUGIN)


def names_the_suite(arguments: Sequence[str], folder: Path) -> bool:
    """Whether one of pytest's arguments, given in `folder`, is the suite or in it."""
    if "--pyargs" in arguments and "benchmarks" in arguments:
        return True
    places = [folder / one.split("::")[0] for one in map(str, arguments) if one and not one.startswith("-")]
    return any(place.resolve().is_relative_to(SUITE) for place in places)
