"""Which schema a store has, and the way to the one that this version reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from core.errors import HistoryError
from core.installation import install_line
from harness.history.database_tables import METADATA

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_NUMBER = 0x6574686F73
"""PostgreSQL's advisory lock of our migrations ("ethos")."""


def revision_of(connection: Connection) -> str:
    """The revision of a store, "" when it is empty; HistoryError when the database is somebody else's."""
    names = inspect(connection).get_table_names()
    if "alembic_version" in names:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return str(found or "")
    ours = set(METADATA.tables) & set(names)
    if ours:
        raise HistoryError(
            f"the database has tables of these names that are not ours: {', '.join(sorted(ours))}",
            "an empty database, or a history of ethos-bench",
            "--history postgresql://user@host/another_database",
        )
    return ""


def known_revisions() -> list[str]:
    """Every revision that this version knows, oldest first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


def require_current(connection: Connection) -> None:
    """Raise HistoryError, saying how to go on, unless the store has the schema that this version reads."""
    found, known = revision_of(connection), known_revisions()
    if found == known[-1]:
        return
    _require_known(found, known)
    raise HistoryError(
        f"the history has schema {found or 'none'}",
        f"schema {known[-1]}, which this version reads",
        "ethos-bench history upgrade",
    )


def migrate(connection: Connection) -> str:
    """Bring a store to the newest schema, and say from where: "" for one that was empty, its own revision when nothing was due.

    Runs in the transaction of `connection`, so a cut leaves the old schema. Writers that open a store at once wait for each
    other: SQLite by its write lock, PostgreSQL by an advisory lock.
    """
    found, known = revision_of(connection), known_revisions()
    if found == known[-1]:
        return found
    _require_known(found, known)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
        found = revision_of(connection)
        if found == known[-1]:
            return found
    upgrade_to(connection, known[-1])
    return found


def upgrade_to(connection: Connection, revision: str) -> None:
    """Run the steps up to `revision`."""
    scripts = _scripts()

    def steps(current: str, context: Any) -> Sequence[Any]:
        return scripts._upgrade_revs(revision, current)

    with EnvironmentContext(_config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
        with environment.begin_transaction():
            environment.run_migrations()


def _require_known(found: str, known: Sequence[str]) -> None:
    if found and found not in known:
        raise HistoryError(
            f"the history has schema {found}, made by a newer ethos-bench",
            f"schema {known[-1]} or older",
            install_line(),
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
