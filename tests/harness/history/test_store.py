"""The history takes every run once and whole, gives it back as it went in, and says in its own words why it cannot.

Covers harness.history.migrations.versions.r0001_records, harness.history.migrations.versions.r0002_append_only,
harness.history.migrations.versions.r0003_builds_and_origins, harness.history.rows, harness.history.run_list.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.errors import HistoryError, HistoryUnavailable, UsageError
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.measurement import ABSENCE, Measurement
from core.records.unavailable import Unavailable
from harness.cli import main
from harness.history import schema
from harness.history.database_tables import METADATA, RECORDS
from harness.history.engine import history_url, open_engine, shown
from harness.history.sending import send, send_waiting, told
from harness.history.spool import Spool
from harness.history.store import History
from harness.history.trend import trends
from harness.results.stored_run import canonical, read_run
from tests.harness.builders import measurement
from tests.harness.history.runs import latency, run
from tests.harness.schema import problems
from tests.small_disk import mounted


def file_of(history: History) -> Path:
    return Path(str(history.url.database))


def test_a_run_comes_out_as_it_went_in_to_the_last_digit(history: History) -> None:
    made = run()
    history.add(made)
    found = history.run(made.id)
    assert canonical(found.written.to_json()) == canonical(made.written.to_json())
    assert (found.samples, found.folder) == (made.samples, made.folder)
    assert problems(found.written.to_json()) == []
    assert type(found.records[0].value) is float


def test_a_run_is_taken_in_once_and_another_of_its_name_is_refused(history: History) -> None:
    assert history.add(run())
    assert not history.add(run())
    assert len(history.runs()) == 1
    with pytest.raises(HistoryError, match="other content"):
        history.add(run(records=[latency(1.0)]))
    assert len(history.run(run().id).records) == 6


def test_runs_are_listed_with_the_oldest_first(history: History) -> None:
    for number in (2, 1):
        history.add(run(number))
    first = history.runs()[0]
    assert (first.id, first.records, first.failures) == ("20260101-run", 6, 1)
    assert (first.models, first.targets) == (("level2_relu",), ("host",))


def test_a_figure_is_found_over_all_runs(history: History) -> None:
    for number, value in ((2, 2.0), (1, 1.0)):
        history.add(run(number, [latency(value)]))
    points = history.points("latency_us", stat="median", variant="level2_relu")
    assert [(point.run, point.figure.value) for point in points] == [("20260101-run", 1.0), ("20260102-run", 2.0)]
    assert points[0].figure.identity.options == {"recipe": "fast"}
    assert history.points("latency_us", stat="p95") == []


def test_an_estimate_without_a_stat_was_velas_and_goes_on_with_its_line(history: History) -> None:
    def estimate(stat: str, value: float) -> Measurement:
        return measurement(metric="estimated_us", unit="us", stat=stat, value=value, evidence=Evidence.ESTIMATED)

    history.add(run(1, [estimate("", 1.0)]))
    history.add(run(2, [estimate("vela", 2.0), estimate("open", 3.0)]))
    found = [
        history.points("estimated_us", stat="vela"),
        history.points_in(["20260101-run", "20260102-run"], ["level2_relu"], [("estimated_us", "vela", "")]),
    ]
    for points in found:
        assert [(point.figure.stat, point.figure.value) for point in points] == [("vela", 1.0), ("vela", 2.0)]
    assert [point.figure.value for point in history.points("estimated_us", stat="open")] == [3.0]
    (trend,) = trends(found[0])
    assert len(trend.steps) == 2


def test_a_run_is_found_by_latest_by_the_beginning_of_its_id_and_as_baseline(history: History) -> None:
    for number in (1, 2):
        history.add(run(number))
    assert history.find("latest") == "20260102-run"
    assert history.find("20260101") == "20260101-run"
    with pytest.raises(UsageError, match="begins 2 runs"):
        history.find("202601")
    for unknown in ("2", "nothing"):
        with pytest.raises(HistoryError, match="no run"):
            history.find(unknown)
    with pytest.raises(HistoryError, match="no baseline `main`"):
        history.find("baseline")
    history.set_baseline("20260101-run")
    history.set_baseline("20260102-run", "other")
    history.set_baseline("20260102-run")
    assert history.find("baseline") == "20260102-run"
    assert set(history.baselines()) == {"main", "other"}


def test_a_baseline_is_a_run_of_this_history(history: History) -> None:
    with pytest.raises(HistoryError):
        history.set_baseline("nowhere")


KILLED = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 5")
connection.execute("BEGIN IMMEDIATE")
for number in range(2000):
    connection.execute("INSERT INTO identities VALUES (?, ?)", (f"{number:064d}", "{}" * 100))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_half_done_is_undone_by_the_next_reader(history: History) -> None:
    history.add(run())
    assert subprocess.run([sys.executable, "-c", KILLED, str(file_of(history))], check=False).returncode == -9
    journal = file_of(history).with_name("history.db-journal")
    assert journal.stat().st_size
    assert [listed.id for listed in history.runs()] == [run().id]
    assert not journal.exists()


def test_a_reader_cannot_write(history: History) -> None:
    history.add(run())
    with pytest.raises(DBAPIError, match="readonly"), open_engine(history.url, writing=False).begin() as connection:
        connection.execute(text("DROP TABLE records"))


def test_an_unknown_metric_is_answered_with_the_nearest(history: History) -> None:
    history.add(run())
    done = CliRunner().invoke(main, ["history", "--history", str(file_of(history)), "show", "latency_ms"])
    assert (done.exit_code, "hint: ethos-bench history show latency_us" in done.output) == (1, True)


@pytest.mark.parametrize("statement", ["UPDATE runs SET header = '{}'", "DELETE FROM records", "DELETE FROM baselines"])
def test_the_database_itself_refuses_to_change_what_was_written(history: History, statement: str) -> None:
    history.add(run())
    history.set_baseline(run().id)
    connection = sqlite3.connect(file_of(history))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


def test_the_migrations_make_the_tables_that_the_code_reads(history: History) -> None:
    history.upgrade()
    connection = sqlite3.connect(file_of(history))
    for table in METADATA.sorted_tables:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")]
        assert columns == [column.name for column in table.columns]


def test_an_older_store_is_migrated_with_everything_in_it(history: History) -> None:
    file_of(history).parent.mkdir()
    with open_engine(history.url, writing=True).begin() as connection:
        schema.upgrade_to(connection, "0001")
        connection.exec_driver_sql("INSERT INTO runs VALUES ('old', '2025-01-01', 'c', 0, '{}', '', 'd')")
    with pytest.raises(HistoryError, match="schema 0001") as caught:
        history.runs()
    assert caught.value.hint == "ethos-bench history upgrade"
    assert history.upgrade() == "0001"
    assert [run.id for run in history.runs()] == ["old"]
    history.add(run())
    assert len(history.runs()) == 2


def test_figures_of_an_older_store_are_read_after_the_migration(history: History) -> None:
    """The store of a version that knew neither builds nor where a figure was replayed from."""
    file_of(history).parent.mkdir()
    with open_engine(history.url, writing=True).begin() as connection:
        schema.upgrade_to(connection, "0002")
        head = json.dumps(run().header.to_json())
        connection.exec_driver_sql("INSERT INTO runs VALUES (?, '2026-01-01', 'c', 0, ?, '/x', 'd')", (run().id, head))
        connection.exec_driver_sql("INSERT INTO identities VALUES ('i', '{}')")
        row = (run().id, 0, "v", "p", "ssh:a", "latency_us", "median", "", "measured", "us", None, "does not fit: x", None, "i")
        connection.exec_driver_sql(f"INSERT INTO records VALUES ({', '.join('?' * len(row))})", row)
        connection.exec_driver_sql("INSERT INTO failures VALUES (?, 0, ?)", (run().id, '{"test": "a::t[x]", "message": "m"}'))
    assert history.upgrade() == "0002"
    (figure,) = history.run(run().id).records
    assert figure.case == CaseKey("v", "", "p", "ssh:a")
    assert (figure.value, figure.replayed_from) == (Unavailable("does not fit: x", "shortfall"), "")
    assert [point.figure for point in history.points("latency_us", build="")] == [figure]
    (failure,) = history.run(run().id).failures
    assert (failure.name, failure.case) == ("t", None)


def test_a_replayed_figure_is_known_as_one_in_the_history(history: History) -> None:
    history.add(run(records=[latency(replayed_from="recordings/board"), latency(variant="other", build="imgsz=320")]))
    replayed, built = history.run(run().id).records
    assert (replayed.replayed_from, built.replayed_from) == ("recordings/board", "")
    assert (replayed.build, built.build) == ("", "imgsz=320")
    assert [point.figure.replayed_from for point in history.points("latency_us", variant="level2_relu")] == ["recordings/board"]


def test_every_field_of_a_figure_has_a_column() -> None:
    columns = set(RECORDS.c.keys()) - {"run_id", "position"}
    assert columns == {field.name for field in fields(Measurement)} | set(ABSENCE)


def test_a_store_of_a_newer_version_is_left_alone(history: History) -> None:
    history.add(run())
    with sqlite3.connect(file_of(history)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for act in (history.runs, lambda: history.add(run(2)), history.upgrade):
        with pytest.raises(HistoryError, match="schema 9999, made by a newer ethos-bench"):
            act()


def test_a_file_that_is_no_history_is_named_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes\n" * 200)
    history = History(history_url(str(file), tmp_path))
    for act in (history.runs, lambda: history.add(run())):
        with pytest.raises(HistoryError, match=r"notes\.txt` is no SQLite database"):
            act()
    assert file.read_text() == "my notes\n" * 200


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "theirs.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE runs (distance REAL)")
    with pytest.raises(HistoryError, match="not ours: runs"):
        History(history_url(str(file), tmp_path)).add(run())


def test_a_history_that_is_not_there_is_no_empty_one(history: History) -> None:
    with pytest.raises(HistoryError, match="there is no history at"):
        history.runs()
    assert not file_of(history).exists()


def test_a_writer_that_does_not_end_is_waited_for_and_then_named(history: History) -> None:
    history.add(run())
    other = sqlite3.connect(file_of(history), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(HistoryUnavailable, match="locked by another process"):
        History(history.url, wait_s=0.2).add(run(2))
    other.execute("ROLLBACK")
    assert history.add(run(2))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path, "300k") as folder:
        yield folder


def test_a_full_disk_leaves_the_runs_that_are_there(small_disk: Path, tmp_path: Path) -> None:
    history = History(history_url(str(small_disk / "history.db"), small_disk))
    history.add(run())
    many = run(2, [latency(float(i), variant=f"v{i}" + "x" * 150) for i in range(2000)])
    sent = send(many, history, Spool.of(tmp_path, history.url))
    assert isinstance(sent.problems[0], HistoryUnavailable)
    assert "disk is full" in sent.problems[0].found
    assert [found.id for found in history.runs()] == [run().id]


def test_a_read_only_place_is_named(small_disk: Path, tmp_path: Path) -> None:
    history = History(history_url(str(small_disk / "history.db"), small_disk))
    history.add(run())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(HistoryUnavailable, match="read-only"):
        history.add(run(2))
    assert len(history.runs()) == 1, "reading goes on"


def test_what_cannot_be_sent_waits_in_the_spool_and_is_sent_later_once(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder has to be")
    history = History(history_url(str(tmp_path / "blocked" / "history.db"), tmp_path))
    spool = Spool.of(tmp_path, history.url)
    for number in (1, 2):
        sent = send(run(number), history, spool)
        assert isinstance(sent.problems[0], HistoryUnavailable)
    assert len(spool) == 2
    assert "2 run(s) wait" in list(told(sent, history, spool))[-1]
    (tmp_path / "blocked").unlink()
    history.add(run(1))
    assert send_waiting(history, spool).new == ("20260102-run",)
    assert len(spool) == 0
    assert [(found.id, found.records) for found in history.runs()] == [("20260101-run", 6), ("20260102-run", 6)]


def test_a_run_that_is_refused_for_good_does_not_keep_others_waiting(history: History, tmp_path: Path) -> None:
    history.add(run(1, [latency(1.0)]))
    spool = Spool.of(tmp_path, history.url)
    spool.keep(run(1))
    sent = send(run(2), history, spool)
    assert sent.new == ("20260102-run",)
    assert "other content" in sent.problems[0].found
    assert len(spool) == 1


DAMAGED = ("cut", "[]", '"text"', "NaN", "[" * 100_000, '{"content": {"run": {"id": "../x"}}}')


@pytest.mark.parametrize("damage", DAMAGED, ids=lambda text: text[:9])
def test_a_damaged_file_in_the_spool_is_put_aside_and_the_others_go_on(history: History, tmp_path: Path, damage: str) -> None:
    spool = Spool.of(tmp_path, history.url)
    path = spool.keep(run(1))
    path.write_text(path.read_text()[:100] if damage == "cut" else damage)
    os.utime(path, (0, 0))  # the first of all
    sent = send(run(2), history, spool)
    assert str(path) in sent.problems[0].found
    assert sent.new == ("20260102-run",)
    assert [file.name for file in spool.folder.iterdir()] == [f"{path.stem}.broken"]
    assert send_waiting(history, spool).problems == ()


@pytest.mark.parametrize("name", ["a#b.db", "a?mode=memory.db", "a%41.db", "ä b.db"])
def test_a_history_is_the_file_that_was_named(tmp_path: Path, name: str) -> None:
    History(history_url(str(tmp_path / name), tmp_path)).add(run())
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [name]
    assert len(History(history_url(str(tmp_path / name), tmp_path)).runs()) == 1


def test_a_history_has_a_spool_of_its_own_whatever_its_password(tmp_path: Path) -> None:
    urls = [history_url(f"postgresql://me:{word}@host/{name}", tmp_path) for word, name in (("a", "x"), ("b", "x"), ("a", "y"))]
    folders = [Spool.of(tmp_path, url).folder for url in urls]
    assert folders[0] == folders[1] != folders[2]


def test_no_password_is_ever_shown(tmp_path: Path) -> None:
    for given in ("postgresql://me:secret@host/x", "postgresql://host/x?password=secret&sslpassword=secret"):
        url = history_url(given, tmp_path)
        assert "secret" not in shown(url)
        assert Spool.of(tmp_path, url) == Spool.of(tmp_path, history_url(given.replace("secret", "other"), tmp_path))
    with pytest.raises(UsageError) as caught:
        history_url("postgresql://me:secret@host:no-port/x", tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("given", ["mysql://host/x", "://", "postgresql://host:port/x"])
def test_a_url_of_another_kind_is_a_usage_error(given: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        history_url(given, tmp_path)


def test_the_history_is_the_one_given_else_the_environments_else_beside_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ETHOS_BENCH_HISTORY", raising=False)
    assert history_url("", tmp_path).database == str(tmp_path / "history.db")
    monkeypatch.setenv("ETHOS_BENCH_HISTORY", "/team/history.db")
    assert history_url("", tmp_path).database == "/team/history.db"
    assert history_url("/mine.db", tmp_path).database == "/mine.db"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"schema": 1, "run": {"id"', "no whole JSON"),
        ("", "no whole JSON"),
        ("[]", "schema is 'list'"),
        ('{"schema": 7}', "schema is 7"),
        ('{"schema": 1}', "required property"),
    ],
)
def test_half_written_results_are_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        read_run(tmp_path)
    assert str(tmp_path) in caught.value.found


def test_half_written_samples_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(run().written.to_json()))
    line = json.dumps({"variant": "v", "profile": "p", "target": "t", "executed": "e", "index": 0, "latency_us": 1.0})
    (tmp_path / "samples.jsonl").write_text(f"{line}\n{line[:20]}\n{line}\n")
    with pytest.raises(UsageError, match="line 2"):
        read_run(tmp_path)
