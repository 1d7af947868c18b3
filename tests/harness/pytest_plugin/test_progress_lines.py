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


PLANNED = """
from harness.pytest_plugin.progress_lines import ProgressLines
from harness.pytest_plugin.session_progress import Step

def test_x(request):
    config = request.config
    lines = ProgressLines(config)
    config.pluginmanager.register(lines)
    lines.plan(["a", "b"], lambda test: Step("execution", test), ["a", "b"])
    lines.pytest_runtest_logstart("b")
    lines("b: running on sim")
"""


@pytest.mark.parametrize(
    ("columns", "shown"),
    [(80, "s  execution, model 2 of 2: b: running on sim"), (40, "\x1b[2Kexecution 2/2: b: running on sim")],
)
def test_a_terminal_of_any_width_has_one_line_that_says_stage_and_model(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, columns: int, shown: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setenv("COLUMNS", str(columns))
    pytester.makepyfile(PLANNED)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--color=yes")
    written = [line for line in done.outlines if "running on sim" in line]
    assert shown in written[0]
    assert len(written[0].replace("\x1b[2K", "")) < columns
