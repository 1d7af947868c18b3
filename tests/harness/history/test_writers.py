"""Many writers at once, one of them killed: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.errors import HistoryUnavailable
from harness.history.engine import history_url, open_engine
from harness.history.sending import send, send_waiting
from harness.history.spool import Spool
from harness.history.store import History
from tests.checkout import CHECKOUT
from tests.harness.history.conftest import Server
from tests.harness.history.runs import run

WRITERS = 8
RUNS = 3


def start(url: str, folder: Path, number: int) -> subprocess.Popen[str]:
    arguments = [url, str(folder), str(number * RUNS), str(RUNS)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.harness.history.writer", *arguments], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )


def write_with_one_killed(url: str, folder: Path) -> None:
    """Eight writers of three runs each into a store that is not there yet; one is killed in its second run and starts again."""
    processes = [start(url, folder, number) for number in range(WRITERS)]
    victim = processes[3]
    assert victim.stdout
    assert "()" in victim.stdout.readline()
    time.sleep(0.005)
    os.kill(victim.pid, signal.SIGKILL)
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process is victim or (process.returncode == 0 and output.count("()") == RUNS), output
    again = start(url, folder, 3)
    assert again.wait(timeout=120) == 0
    again.communicate()


def require_everything_once(history: History) -> None:
    found = history.runs()
    assert [listed.id for listed in found] == [f"run-{number:04d}" for number in range(WRITERS * RUNS)]
    assert {listed.records for listed in found} == {206}
    with open_engine(history.url, writing=False).begin() as connection:
        count = connection.execute(text("SELECT count(*) FROM records")).scalar()
    assert count == 206 * WRITERS * RUNS


@pytest.mark.slow
def test_eight_writers_of_one_file_with_one_killed_lose_nothing_and_write_nothing_twice(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    write_with_one_killed(str(file), tmp_path)
    history = History(history_url(str(file), tmp_path))
    assert send_waiting(history, Spool.of(tmp_path, history.url)).problems == ()
    require_everything_once(history)


@pytest.mark.slow
@pytest.mark.postgres
class TestPostgres:
    def test_eight_writers_with_one_killed_lose_nothing_and_write_nothing_twice(self, database: str, tmp_path: Path) -> None:
        write_with_one_killed(database, tmp_path)
        history = History(history_url(database, tmp_path))
        assert send_waiting(history, Spool.of(tmp_path, history.url)).problems == ()
        require_everything_once(history)

    def test_a_run_comes_out_as_it_went_in(self, database: str, tmp_path: Path) -> None:
        history = History(history_url(database, tmp_path))
        assert history.add(run())
        assert not history.add(run())
        assert history.run(run().id).written == run().written
        history.set_baseline(run().id)
        assert history.find("baseline") == run().id

    @pytest.mark.parametrize("statement", ["UPDATE runs SET folder = ''", "DELETE FROM records", "TRUNCATE baselines"])
    def test_the_server_itself_refuses_to_change_what_was_written(self, database: str, tmp_path: Path, statement: str) -> None:
        history = History(history_url(database, tmp_path))
        history.add(run())
        with (
            pytest.raises(DBAPIError, match="append-only"),
            open_engine(history.url, writing=True).begin() as connection,
        ):
            connection.execute(text(statement))

    def test_a_server_that_goes_in_the_middle_leaves_the_run_in_the_spool_and_gets_it_once_when_it_is_back(
        self, server: Server, database: str, tmp_path: Path
    ) -> None:
        history = History(history_url(database, tmp_path), wait_s=2)
        spool = Spool.of(tmp_path, history.url)
        assert send(run(1), history, spool).new
        server.stop()
        try:
            sent = send(run(2), history, spool)
            assert isinstance(sent.problems[0], HistoryUnavailable)
            assert len(spool) == 1
            with pytest.raises(HistoryUnavailable, match="does not answer"):
                history.runs()
        finally:
            server.start()
        assert send(run(3), history, spool).new == ("20260102-run", "20260103-run")
        assert [listed.id for listed in history.runs()] == ["20260101-run", "20260102-run", "20260103-run"]
