"""Histories for tests: a SQLite file, and Debian's PostgreSQL started for the session."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.history.engine import history_url
from harness.history.store import History
from tests.lanes import skip_reason

PROGRAMS = "/usr/lib/postgresql/*/bin"
UNPRIVILEGED = "postgres"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(history_url(str(tmp_path / "results" / "history.db"), tmp_path))


class Server:
    """A PostgreSQL of its own, on a socket in its folder and on no network."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"

    def create(self) -> None:
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={UNPRIVILEGED}", "--pgdata", str(self._data))

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}' -c fsync=off"
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self._folder / "log"), "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", str(self._data))

    def database(self, name: str) -> str:
        self._run("createdb", "-h", str(self._folder), "-U", UNPRIVILEGED, name)
        return f"postgresql://{UNPRIVILEGED}@/{name}?host={self._folder}"

    def _run(self, program: str, *arguments: str) -> None:
        user = UNPRIVILEGED if os.geteuid() == 0 else None
        done = subprocess.run(
            [str(self._programs / program), *arguments], user=user, cwd=self._folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stderr}"


def _missing() -> str:
    if not list(Path("/").glob(PROGRAMS.lstrip("/"))):
        return "no PostgreSQL server (Debian: apt-get install postgresql)"
    return "" if importlib.util.find_spec("psycopg") else "psycopg is not installed (extra `postgres`)"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    why = skip_reason("postgres", _missing)
    if why:
        pytest.skip(why)
    found = sorted(Path("/").glob(PROGRAMS.lstrip("/")))
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/ethos-bench-pg-XXXXXX"], text=True).strip())
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
    made = Server(found[-1], folder)
    try:
        made.create()
        made.start()
        yield made
        made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server: Server, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database."""
    return server.database(f"test_{abs(hash(request.node.nodeid))}")
