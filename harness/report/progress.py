"""Progress lines while pytest works: one line that changes on a terminal, plain lines in a log."""

from __future__ import annotations

import time
from typing import Any

import pytest

CLEAR_LINE = "\r\x1b[2K"
QUIET_SECONDS = 0.5
"""A terminal line is not redrawn more often than this."""


class ProgressLines:
    """Called with what is going on; writes it past pytest's capture. Silent in xdist workers, which have no terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started = time.monotonic()
        self._last = 0.0
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
            line = f"  {elapsed:6.1f} s  {text}"
            if not reporter.hasmarkup:
                reporter.write_line(line)
            elif elapsed - self._last > QUIET_SECONDS:
                self._last = elapsed
                reporter.write(f"{CLEAR_LINE}{line[: reporter._tw.fullwidth - 1]}{CLEAR_LINE if not text else ''}")
                reporter.currentfspath = None
                self._shown = True
            reporter.flush()
