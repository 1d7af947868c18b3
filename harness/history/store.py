"""The history: runs go in once and whole, and come out as they went in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import URL, ColumnElement, Connection, Engine, Select, Table, and_, func, select, tuple_

from core.errors import HistoryError, UsageError
from core.files import sha256
from core.metrics import metric_of
from core.records.failure import Failure
from core.records.measurement import Measurement
from core.records.sample_group import SampleGroup
from core.records.verdict import Verdict
from harness.history.database_tables import BASELINES, FAILURES, IDENTITIES, RECORDS, RUNS, SAMPLES, VERDICTS, insert_into
from harness.history.engine import WAIT_S, database_errors, open_engine, shown
from harness.history.last_records import changed_records
from harness.history.rows import record_of, row_of
from harness.history.run_list import RunSummary, run_list
from harness.history.schema import migrate, require_current
from harness.results.older_files import with_kind
from harness.results.stored_run import StoredRun, canonical, stored_run

Figure = tuple[str, str, str]
"""(metric, stat, graph)."""
POINTS = (
    select(RECORDS, IDENTITIES.c.content.label("identity_content"), RUNS.c.started, RUNS.c.commit, RUNS.c.dirty)
    .join(IDENTITIES)
    .join(RUNS)
    .order_by(RUNS.c.started, RUNS.c.id, RECORDS.c.position)
)
FEWEST_LETTERS = 4
"""Of a run's id that name it."""


@dataclass(frozen=True)
class Point:
    """One figure of one run."""

    run: str
    started: str
    commit: str
    dirty: bool
    figure: Measurement


@dataclass(frozen=True)
class History:
    """A store of runs. Nothing is held open between calls, so that any number of processes may use one store."""

    url: URL
    wait_s: float = WAIT_S

    def __str__(self) -> str:
        return shown(self.url)

    def upgrade(self) -> str:
        """Bring the schema to the newest, creating it where there is none; says which it was."""
        with self._writing() as connection:
            return migrate(connection)

    def add(self, run: StoredRun) -> bool:
        """Take a run in, all of it or nothing; False when it is here already.

        HistoryUnavailable when the store is locked, full, read-only or gone; HistoryError when another run has this id.
        """
        with self._writing() as connection:
            migrate(connection)
            return self._added(connection, run)

    def add_changed(self, run: StoredRun) -> StoredRun:
        """Take in those cases of a run that are not as the newest run with the case has them; gives the run that went in.

        One without records is not taken in. Errors are those of `add`.
        """
        with self._writing() as connection:
            migrate(connection)
            changed = replace(run, written=replace(run.written, records=changed_records(connection, run.written.records)))
            if changed.written.records:
                self._added(connection, changed)
            return changed

    def _added(self, connection: Connection, run: StoredRun) -> bool:
        if not _is_new(connection, run):
            self._require_same(connection, run)
            return False
        self._add_records(connection, run)
        lists: tuple[tuple[Table, Sequence[Verdict | Failure | SampleGroup]], ...] = (
            (VERDICTS, run.written.verdicts), (FAILURES, run.written.failures), (SAMPLES, run.samples)
        )  # fmt: skip
        for table, nouns in lists:
            rows = [{"run_id": run.id, "position": i, "content": noun.to_json()} for i, noun in enumerate(nouns)]
            if rows:
                connection.execute(table.insert(), rows)
        return True

    def _require_same(self, connection: Connection, run: StoredRun) -> None:
        kept = connection.execute(select(RUNS.c.digest).where(RUNS.c.id == run.id)).scalar()
        if kept != run.digest:
            raise HistoryError(
                f"run {run.id} is in the history {self} with other content: it was taken in before its end, or changed since",
                "each run once; what is in the history stays",
            )

    @staticmethod
    def _add_records(connection: Connection, run: StoredRun) -> None:
        identities: dict[str, object] = {}
        rows = []
        for position, figure in enumerate(run.written.records):
            content = figure.identity.to_json()
            digest = sha256(canonical(content))
            identities[digest] = content
            rows.append({"run_id": run.id, "position": position, "identity": digest, **row_of(figure)})
        if rows:
            # In one order everywhere, so that two writers never wait for each other crosswise.
            known = [{"digest": key, "content": identities[key]} for key in sorted(identities)]
            connection.execute(insert_into(connection, IDENTITIES).on_conflict_do_nothing(), known)
            connection.execute(RECORDS.insert(), rows)

    def runs(self) -> list[RunSummary]:
        """Every run, the oldest first."""
        with self._reading() as connection:
            return run_list(connection)

    def run(self, run_id: str) -> StoredRun:
        """One run, as it went in; HistoryError when there is none of this id."""
        with self._reading() as connection:
            header = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).first()
            if header is None:
                raise HistoryError(f"no run `{run_id}` in the history {self}", "a run of `ethos-bench history`")
            found = select(RECORDS, IDENTITIES.c.content.label("identity_content")).join(IDENTITIES)
            rows = connection.execute(found.where(RECORDS.c.run_id == run_id).order_by(RECORDS.c.position))
            content = {
                "schema": 1,
                "run": header.header,
                "records": [record_of(row) for row in rows],
                "verdicts": _contents(connection, VERDICTS, run_id),
                "failures": _contents(connection, FAILURES, run_id),
            }
            with _readable(f"run {run_id} in the history {self}"):
                return stored_run(content, _contents(connection, SAMPLES, run_id), Path(header.folder))

    def points(self, metric: str, **where: str) -> list[Point]:
        """The figures of one metric over all runs, the oldest first; `where` holds columns to fixed values."""
        held = {name: [value] for name, value in where.items()}
        if "stat" in held:
            held["stat"] = _as_written(metric, where["stat"])
        found = POINTS.where(RECORDS.c.metric == metric, *(RECORDS.c[name].in_(values) for name, values in held.items()))
        with self._reading() as connection:
            return _points(connection, found)

    def runs_of(self, variants: Iterable[str], figures: Sequence[Figure], until: str) -> list[str]:
        """Every run that started by `until` and has one of these figures of one of these variants, the oldest first."""
        found = (
            select(RUNS.c.id)
            .where(RUNS.c.started <= until, _any_of(figures), RECORDS.c.variant.in_(list(variants)))
            .join(RECORDS)
            .group_by(RUNS.c.id, RUNS.c.started)
            .order_by(RUNS.c.started, RUNS.c.id)
        )
        with self._reading() as connection:
            return list(connection.execute(found).scalars())

    def points_in(self, runs: Iterable[str], variants: Iterable[str], figures: Sequence[Figure]) -> list[Point]:
        """These figures of these variants in these runs, the oldest run first."""
        wanted = (RECORDS.c.run_id.in_(list(runs)), RECORDS.c.variant.in_(list(variants)), _any_of(figures))
        with self._reading() as connection:
            return _points(connection, POINTS.where(*wanted))

    def metrics(self) -> list[str]:
        """Every metric that some run has."""
        with self._reading() as connection:
            return list(connection.execute(select(RECORDS.c.metric).distinct().order_by(RECORDS.c.metric)).scalars())

    def find(self, name: str) -> str:
        """The id of the run that is meant: `latest`, `baseline`, `baseline:NAME`, an id or the unique beginning of one."""
        if name == "baseline" or name.startswith("baseline:"):
            return self.baseline(name.partition(":")[2] or "main")
        with self._reading() as connection:
            if name == "latest":
                newest = select(RUNS.c.id).order_by(RUNS.c.started.desc(), RUNS.c.id.desc()).limit(1)
                found = list(connection.execute(newest).scalars())
            else:
                ids = list(connection.execute(select(RUNS.c.id).order_by(RUNS.c.started)).scalars())
                begun = [run for run in ids if run.startswith(name) and len(name) >= FEWEST_LETTERS]
                found = [name] if name in ids else begun
        if not found:
            raise HistoryError(
                f"no run `{name}` in the history {self}", "a run's id, `latest` or `baseline`", "ethos-bench history"
            )
        if len(found) > 1:
            raise UsageError(f"`{name}` begins {len(found)} runs: {', '.join(found[:5])}", "one of them")
        return str(found[0])

    def set_baseline(self, run_id: str, name: str = "main") -> None:
        """Make a run what others are held against."""
        with self._writing() as connection:
            migrate(connection)
            number = (connection.execute(select(func.max(BASELINES.c.number))).scalar() or 0) + 1
            since = datetime.now(timezone.utc).isoformat(timespec="seconds")
            connection.execute(BASELINES.insert(), {"number": number, "name": name, "run_id": run_id, "since": since})

    def baseline(self, name: str = "main") -> str:
        """The run that is the baseline of this name; HistoryError when none was set."""
        names = self.baselines()
        if name not in names:
            raise HistoryError(
                f"no baseline `{name}` in the history {self}", "a run set as such", "ethos-bench baseline set latest"
            )
        return names[name][0]

    def baselines(self) -> dict[str, tuple[str, str]]:
        """Name -> (run, since) of every baseline that counts now."""
        with self._reading() as connection:
            rows = connection.execute(select(BASELINES).order_by(BASELINES.c.number))
            return {row.name: (row.run_id, row.since) for row in rows}

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        engine = open_engine(self.url, writing=True, wait_s=self.wait_s)
        with database_errors(self.url), _disposed(engine), engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        engine = open_engine(self.url, writing=False, wait_s=self.wait_s)
        with database_errors(self.url), _disposed(engine), engine.begin() as connection:
            require_current(connection)
            yield connection


@contextlib.contextmanager
def _disposed(engine: Engine) -> Iterator[None]:
    try:
        yield
    finally:
        engine.dispose()


def _is_new(connection: Connection, run: StoredRun) -> bool:
    """Insert the row of a run, unless its id is there; one statement, so that of two writers at once only one gets True."""
    header = run.header
    row = {"id": run.id, "started": header.started, "commit": header.commit, "dirty": header.dirty, "digest": run.digest}
    row |= {"header": header.to_json(), "folder": str(run.folder)}
    statement = insert_into(connection, RUNS).values(row).on_conflict_do_nothing().returning(RUNS.c.id)
    return connection.execute(statement).first() is not None


def _points(connection: Connection, found: Select[Any]) -> list[Point]:
    with _readable("the history"):
        return [
            Point(
                run=row.run_id,
                started=row.started,
                commit=row.commit,
                dirty=row.dirty,
                figure=with_kind(Measurement.from_json(record_of(row))),
            )
            for row in connection.execute(found)
        ]


@contextlib.contextmanager
def _readable(what: str) -> Iterator[None]:
    """HistoryError when a row is not of the form that this version knows."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise HistoryError(f"{what} cannot be read: {where}: {first['msg'][:200]}", "rows of this version") from error


def _any_of(figures: Sequence[Figure]) -> ColumnElement[bool]:
    """One of these figures; the metric stands apart too, because it has an index."""
    metrics = RECORDS.c.metric.in_(sorted({metric for metric, *_ in figures}))
    written = [(metric, own, graph) for metric, stat, graph in figures for own in _as_written(metric, stat)]
    return and_(metrics, tuple_(RECORDS.c.metric, RECORDS.c.stat, RECORDS.c.graph).in_(written))


def _as_written(metric: str, stat: str) -> list[str]:
    """A stat as rows have it: older versions left out the one that is meant where none is named."""
    return [stat, ""] if stat and stat == metric_of(metric).stat else [stat]


def _contents(connection: Connection, table: Table, run_id: str) -> list[Any]:
    found = select(table.c.content).where(table.c.run_id == run_id).order_by(table.c.position)
    return list(connection.execute(found).scalars())
