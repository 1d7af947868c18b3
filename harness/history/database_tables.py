"""The tables of the history, as the newest migration leaves them.

An identity stands once, under the SHA-256 of its JSON: hundreds of records share it. Values are JSON, so that what comes out
is what went in: 1 stays 1 and 1.0 stays 1.0.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Dialect, ForeignKey, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator

METADATA = MetaData()


class JsonText(TypeDecorator[Any]):
    """A number, truth value or string as JSON text; None is no value. SQLite makes 1 of a 1.0 in a column of type JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The text that is stored."""
        return None if value is None else json.dumps(value, allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value that was stored."""
        return None if value is None else json.loads(value)


RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(200), primary_key=True),
    Column("started", String(40), nullable=False, index=True),
    Column("commit", String(40), nullable=False),
    Column("dirty", Boolean, nullable=False),
    Column("header", JSON, nullable=False),
    Column("folder", Text, nullable=False),
    Column("digest", String(64), nullable=False),
)
"""One row per run: `header` is `run` of results.json, `folder` where its results lay, `digest` the SHA-256 of its content."""

IDENTITIES = Table(
    "identities", METADATA, Column("digest", String(64), primary_key=True), Column("content", JSON, nullable=False)
)


def _run_id() -> Column[str]:
    return Column("run_id", String(200), ForeignKey("runs.id"), primary_key=True)


def _position() -> Column[int]:
    """The place in the list of results.json."""
    return Column("position", Integer, primary_key=True, autoincrement=False)


RECORDS = Table(
    "records",
    METADATA,
    _run_id(),
    _position(),
    Column("variant", String(200), nullable=False),
    Column("profile", String(200), nullable=False),
    Column("target", String(200), nullable=False),
    Column("metric", String(100), nullable=False, index=True),
    Column("stat", String(200), nullable=False),
    Column("graph", String(10), nullable=False),
    Column("evidence", String(20), nullable=False),
    Column("unit", String(20), nullable=False),
    Column("value", JsonText),
    Column("unavailable", Text),
    Column("note", Text),
    Column("identity", String(64), ForeignKey("identities.digest"), nullable=False),
    Column("build", String(400), nullable=False, server_default=""),
    Column("replayed_from", Text),
    Column("unavailable_kind", String(40)),
    Column("unavailable_file", Text),
)

VERDICTS = Table("verdicts", METADATA, _run_id(), _position(), Column("content", JSON, nullable=False))
FAILURES = Table("failures", METADATA, _run_id(), _position(), Column("content", JSON, nullable=False))
SAMPLES = Table("samples", METADATA, _run_id(), _position(), Column("content", JSON, nullable=False))
"""Groups of latency samples: variant, profile, target, executed, latency_us in the order they were taken."""

BASELINES = Table(
    "baselines",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("run_id", String(200), ForeignKey("runs.id"), nullable=False),
    Column("since", String(40), nullable=False),
)
"""Every baseline that was ever set; of one name the last row counts."""


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
