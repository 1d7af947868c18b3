"""Cells on a real cluster: a scheduler and two workers as processes of their own, one of which is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import TargetUnavailable, ToolMissing, UsageError
from core.progress import to_nobody
from harness.explore.accuracy import judged_part, scored
from harness.explore.engine import explored, ssh_hosts
from harness.explore.exploration import Figure
from harness.explore.plan import ExploreOptions, planned
from harness.explore.requests import AccuracyRequest, CellRequest
from harness.explore.work import worker_identity
from tests.benchmarks import tiny

pytest.importorskip("distributed", reason="the extra `explore`")
pytestmark = pytest.mark.slow
NPUS = ("ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u85-128")


@pytest.fixture
def requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[CellRequest, ...]:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "detector.tflite"
    path.write_bytes(tiny.detector())
    return planned(ExploreOptions(model=(path,), npu=NPUS))


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def wait_until_it_listens(port: int) -> None:
    """On a busy machine a scheduler's imports take longer than a client waits for one."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


@contextmanager
def scheduler() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with process("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard") as running:
        wait_until_it_listens(port)
        yield f"tcp://127.0.0.1:{port}", running


def worker(address: str) -> list[str]:
    return ["distributed.cli.dask_worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]


def judged_here(request: AccuracyRequest, folder: Path) -> set[Figure]:
    """What all images in one piece come to, in an empty cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETHOS_BENCH_CACHE", str(folder / "other"))
        expected = worker_identity()
        figures = set(scored(request, [judged_part(request, (0, 1), expected)], expected))
    assert figures
    return figures


def test_a_worker_that_is_killed_loses_nothing_and_nothing_comes_twice(
    requests: tuple[CellRequest, ...], tmp_path: Path
) -> None:
    (tmp_path / "judged.tflite").write_bytes(tiny.detector("NONE"))
    data = tiny.write_data(tmp_path / "data", 64)
    requests = (*requests, *planned(ExploreOptions(model=(tmp_path / "judged.tflite",), data=data)))
    with scheduler() as (address, _), process(*worker(address)) as first, process(*worker(address)):
        found = []
        for one in explored(requests, address, to_nobody):
            found.append(one)
            if len(found) == 1:
                os.kill(first.pid, signal.SIGKILL)
    assert Counter(one.cell.key for one in found) == Counter(request.key for request in requests)
    assert [one.done for one in found] == list(range(1, len(requests) + 1))
    assert not [one.cell.failed for one in found if one.cell.failed]
    (cell,) = [one.cell for one in found if one.cell.key.model == "judged"]
    assert judged_here(requests[-1].accuracy, tmp_path) <= set(cell.figures)
    start = time.monotonic()
    again = [one.cell for one in explored(requests, "tcp://127.0.0.1:9", to_nobody)]  # nothing to compute: nobody is asked
    assert sorted(again, key=str) == sorted((one.cell for one in found), key=str)
    assert time.monotonic() - start < 60


def test_a_scheduler_that_is_lost_is_said_and_what_came_is_kept(requests: tuple[CellRequest, ...]) -> None:
    with scheduler() as (address, running), process(*worker(address)):
        cells = explored(requests, address, to_nobody)
        first = next(cells)
        running.kill()
        with pytest.raises(TargetUnavailable, match="gone"):
            list(cells)
    assert next(explored(requests, "", to_nobody)) == first


def test_a_worker_with_other_code_is_refused_before_its_first_cell(
    requests: tuple[CellRequest, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with scheduler() as (address, _), process(*worker(address)):
        monkeypatch.setattr("harness.explore.work.worker_identity", lambda: "other code, Vela 1.0.0")
        with pytest.raises(ToolMissing, match=r"the worker at .* runs other code"):
            list(explored(requests, address, to_nobody))


def test_a_cluster_that_is_not_there_is_said(requests: tuple[CellRequest, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.explore.engine.CONNECT_S", 2)
    with pytest.raises(TargetUnavailable, match="no scheduler answers"):
        list(explored(requests, "tcp://127.0.0.1:9", to_nobody))
    with pytest.raises(UsageError, match="no cluster is written so"):
        list(explored(requests, "kubernetes", to_nobody))
    monkeypatch.setattr("harness.explore.engine.CONNECT_S", 20)
    monkeypatch.setattr("harness.explore.engine.WORKERS_S", 1)
    with scheduler() as (address, _), pytest.raises(TargetUnavailable, match="has no worker after 1 s"):
        list(explored(requests, address, to_nobody))


def test_hosts_of_ssh_get_as_many_workers_as_is_said() -> None:
    assert ssh_hosts("ssh:alpha*3,beta") == ["alpha", "alpha", "alpha", "beta"]
    for wrong in ("ssh:", "ssh:alpha,,beta", "ssh:alpha*0", "ssh:alpha*many", "ssh:*4", "ssh:-oProxyCommand=x"):
        with pytest.raises(UsageError, match="no hosts are written so"):
            ssh_hosts(wrong)
