"""Progress lines while pytest works: one line that changes on a terminal, plain lines in a log."""

from __future__ import annotations

import time
from typing import Any

import pytest

from core.printable import printable

CLEAR_LINE = "\r\x1b[2K"


class ProgressLines:
    """Called with what is going on; writes it past pytest's capture. Silent in xdist workers, which have no terminal.

    Registered as a plugin, so that it can take its line away.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started = time.monotonic()
        self._shown = False

    def __call__(self, text: str) -> None:
        """Show one step."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self._config.option.verbose < 0 or hasattr(self._config, "workerinput"):
            return
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        elapsed = time.monotonic() - self._started
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            line = f"  {elapsed:6.1f} s  {printable(text)}"
            if not reporter.hasmarkup:
                reporter.write_line(line)
            else:
                reporter.write(f"{CLEAR_LINE}{line[: reporter._tw.fullwidth - 1]}")
                self._shown = True
            reporter.flush()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Take the line away before pytest writes the next result."""
        if self._shown:
            reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
            reporter.write(CLEAR_LINE)
            self._shown = False
