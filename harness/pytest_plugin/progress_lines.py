"""Progress lines while pytest works: one line that changes on a terminal, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from core.printable import printable
from harness.pytest_plugin.session_progress import SessionProgress, Step, remember_means, remembered_means

CLEAR_LINE = "\r\x1b[2K"
NARROW = 60
"""Columns of a terminal below which the time that has passed is left out, for what is still to come."""


class ProgressLines:
    """Called with what is going on; writes it past pytest's capture. Silent in xdist workers, which have no terminal.

    Registered as a plugin, so that it can take its line away, and knows which test runs.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started = time.monotonic()
        self._shown = False
        self._progress: SessionProgress | None = None
        self._step_of: Callable[[str], Step] = lambda _: Step("")
        self._step = Step("")
        self._seconds = 0.0

    def plan(self, tests: Sequence[str], step_of: Callable[[str], Step], models: Sequence[str]) -> None:
        """Take in what the session will run."""
        self._step_of = step_of
        self._progress = SessionProgress([step_of(test) for test in tests], models, remembered_means())

    def __call__(self, text: str) -> None:
        """Show one step."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self._config.option.verbose < 0 or hasattr(self._config, "workerinput"):
            return
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        elapsed = f"  {time.monotonic() - self._started:6.1f} s  "
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            if not reporter.hasmarkup:
                reporter.write_line(f"{elapsed}{self._where()}{printable(text)}")
            else:
                width = reporter._tw.fullwidth
                narrow = width < NARROW
                line = f"{'' if narrow else elapsed}{self._where(short=narrow)}{printable(text)}"
                reporter.write(f"{CLEAR_LINE}{line[: width - 1]}")
                self._shown = True
            reporter.flush()

    def _where(self, *, short: bool = False) -> str:
        """The place of the step in the session, "" while nothing is known of it."""
        where = self._progress.where(self._step, short=short) if self._progress and self._step.stage else ""
        return f"{where}: " if where else ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note which test runs."""
        self._step = self._step_of(nodeid)
        self._seconds = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the line away before pytest writes the next result."""
        if self._shown:
            reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
            reporter.write(CLEAR_LINE)
            self._shown = False
        self._seconds += report.duration
        if report.when == "teardown" and self._progress:
            self._progress.finished(self._step_of(report.nodeid), self._seconds)
            self._seconds = 0.0

    def pytest_sessionfinish(self) -> None:
        """Keep what the stages took, by which the next session says how long it will take."""
        if self._progress and not hasattr(self._config, "workerinput"):
            remember_means(self._progress.means())
