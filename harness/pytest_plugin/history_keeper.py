"""Ends a session's run and brings it into the history: the part of the pytest plugin that does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from core.errors import EthosBenchError
from harness.history.sending import send, told
from harness.history.spool import Spool
from harness.history.store import History
from harness.results.store import Results

SESSION_WAIT_S = 10
"""Seconds that the end of a session waits for a history; the spool keeps the run longer."""


class HistoryKeeper:
    """Registered only in the process that writes the results."""

    def __init__(self, results: Results, url: URL, folder: Path) -> None:
        self._results = results
        self._history = History(url, wait_s=SESSION_WAIT_S)
        self._spool = Spool.of(folder, url)
        self.lines: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the run's end, then the run into the history; what cannot be written is said and never raised."""
        try:
            self._results.finish(int(exitstatus))
            sent = send(self._results.run(), self._history, self._spool)
            self.lines = list(told(sent, self._history, self._spool))
        except EthosBenchError as error:
            again = f"ethos-bench history --history {self._history} import {self._results.folder}"
            self.lines = [f"history: this run is not in it: {error.found}", f"hint: {again}"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the run went."""
        for line in self.lines:
            terminalreporter.write_line(line)
