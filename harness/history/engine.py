"""Opens the database of a history, and says in our words what a database says in its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from core.errors import HistoryError, HistoryUnavailable, ToolMissing, UsageError
from core.files import storage_errors
from core.installation import install_line
from core.redaction import is_secret_name, redacted

ENVIRONMENT = "ETHOS_BENCH_HISTORY"
DEFAULT_NAME = "history.db"
WAIT_S = 30
"""Seconds that a writer waits for another one, and for a server to answer."""
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def history_url(given: str, folder: Path) -> URL:
    """The database that was named (a URL, or a path of a SQLite file), else the environment's, else `folder`/history.db."""
    text = given or os.environ.get(ENVIRONMENT, "") or str(folder / DEFAULT_NAME)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise UsageError(f"`{redacted(text)}` is no database URL", "a path, or postgresql://user@host/database") from error
    kind = url.get_backend_name()
    if kind not in DRIVERS:
        raise UsageError(f"no history on `{kind}`", "sqlite or postgresql", "--history postgresql://user@host/database")
    return url.set(drivername=DRIVERS[kind])


def shown(url: URL) -> str:
    """A URL for people: a path for SQLite, and never a password."""
    return str(url.database) if url.drivername == "sqlite" else redacted(url.set(drivername="postgresql").render_as_string())


def secret_free(url: URL) -> URL:
    """The URL without its passwords, wherever they stand in it: what names the history."""
    return url.set(password=None).difference_update_query([name for name in url.query if is_secret_name(name)])


def open_engine(url: URL, *, writing: bool, wait_s: float = WAIT_S) -> Engine:
    """An engine whose transactions take SQLite's write lock at once when `writing`, so that no transaction fails half-way."""
    if url.drivername == "sqlite":
        return _sqlite(url, writing=writing, wait_s=wait_s)
    try:
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": max(2, round(wait_s))})
    except ModuleNotFoundError as error:
        raise ToolMissing("the driver psycopg is not installed", "the extra `postgres`", install_line("postgres")) from error


def _sqlite(url: URL, *, writing: bool, wait_s: float) -> Engine:
    path = Path(str(url.database))
    if writing:
        with _file_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        raise HistoryError(f"there is no history at `{path}`", "a history with runs in it", "ethos-bench run")
    mode = "rwc" if writing else _reading_mode(path)
    address = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": mode, "uri": "true"})
    engine = create_engine(address, poolclass=NullPool, connect_args={"timeout": wait_s})

    @event.listens_for(engine, "connect")
    def by_hand(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late for DDL and for the write lock
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _reading_mode(path: Path) -> str:
    """Writable where it can be: a writer that was killed left a journal, and only who may write can roll it back."""
    return "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"


@contextlib.contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    with storage_errors(f"write the history `{path}`", "a writable folder", kind=HistoryUnavailable):
        yield


@contextlib.contextmanager
def database_errors(url: URL) -> Iterator[None]:
    """Turn what the database raises into HistoryUnavailable (may pass: locked, full, gone) or HistoryError (will not)."""
    try:
        yield
    except DatabaseError as error:
        raise _in_our_words(url, error) from error
    except SQLAlchemyError as error:
        raise HistoryError(f"the history `{shown(url)}` cannot be used: {_first_line(error)}") from error


SQLITE_WORDS = (
    ("locked", HistoryUnavailable, "is locked by another process", "a writer that ends", ""),
    ("readonly", HistoryUnavailable, "is read-only", "a writable file in a writable folder", ""),
    ("disk is full", HistoryUnavailable, "cannot grow: the disk is full", "space on the disk", ""),
    ("unable to open", HistoryUnavailable, "cannot be opened", "a file that may be read and written", ""),
    ("disk i/o", HistoryUnavailable, "cannot be read or written: the disk reports an error", "a healthy disk", ""),
    ("not a database", HistoryError, "is no SQLite database", "a history of ethos-bench, or no file", ""),
    ("malformed", HistoryError, "is damaged", "an intact SQLite database", "sqlite3 history.db .recover"),
    ("append-only", HistoryError, "is append-only", "what was written stays", ""),
)
"""What SQLite's message holds -> the error, what was found, what was expected, a hint."""


def _in_our_words(url: URL, error: DatabaseError) -> HistoryError:
    message, name = _first_line(error), shown(url)
    if url.drivername == "sqlite":
        for word, kind, found, expected, hint in SQLITE_WORDS:
            if word in message.lower():
                return kind(f"the history `{name}` {found}", expected, hint)
        return HistoryError(f"the history `{name}` cannot be used: {message}")
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return HistoryUnavailable(f"the history {name} does not answer: {message}", "a PostgreSQL server that takes our writes")
    return HistoryError(f"the history {name} refuses: {message}")


def _first_line(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return redacted(lines[0]) if lines else type(cause).__name__
