"""What goes on while pytest works is a line in a log, and nothing where nobody reads it."""

from __future__ import annotations

import re

import pytest

from tests.checkout import CHECKOUT

pytest_plugins = ["pytester"]
SUITE = """
from harness.pytest_plugin.progress_lines import ProgressLines

def test_x(request):
    config = request.config
    lines = ProgressLines(config)
    config.pluginmanager.register(lines)
    lines("first: converting")
    lines("first: compiling")
"""


@pytest.mark.parametrize(("options", "shown"), [([], 2), (["-q"], 0)])
def test_each_step_is_a_line_with_its_time_unless_the_session_is_quiet(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str], shown: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    pytester.makepyfile(SUITE)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
    lines = [line for line in done.outlines if re.search(r"\d\.\d s  first: (converting|compiling)$", line)]
    assert len(lines) == shown
    assert done.ret == 0
