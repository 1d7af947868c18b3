"""Cells on all processors of this computer, or on a Dask cluster: Dask schedules and retries; we say what depends on what."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.errors import EthosBenchError, StorageError, TargetUnavailable, ToolMissing, UsageError
from core.installation import install_line
from core.progress import Progress
from harness.explore import work
from harness.explore.accuracy import judged_part, known_accuracy, part_count, scored, without_figures
from harness.explore.exploration import Cell, Figure
from harness.explore.requests import AccuracyRequest, CellRequest

if TYPE_CHECKING:
    from distributed import Client, Future

LOOPBACK = "127.0.0.1"
CONNECT_S = 20
WORKERS_S = 60
DEATHS = 2
"""Workers that a cell may bring down before it counts as failed: it may be the cell's own doing."""
ENDED = f"{DEATHS + 1} workers ended while they computed it (out of memory?)"
CONVERSIONS = "conversions"
"""The resource that quantising takes, where workers declare it: `dask worker --resources conversions=1`."""
SSH = "ssh:"
HOST = re.compile(r"([^\s*-][^\s*]*)(?:\*([1-9]\d{0,2}))?")
"""A host, and how many workers it gets."""
HINT = "ethos-bench explore --cluster tcp://HOST:8786"


Accuracies = Mapping[AccuracyRequest, tuple[Figure, ...]]


@dataclass(frozen=True)
class Found:
    """A cell that has come, and how many of all have by then."""

    cell: Cell
    done: int
    of: int


def explored(requests: Sequence[CellRequest], cluster: str, tell: Progress) -> Iterator[Found]:
    """The cells as they come: those that are known first, without a cluster; then what `cluster` computes.

    `cluster` is "" for all processors of this computer, `tcp://host:port` of a scheduler, or `ssh:host,host` (the first one
    schedules). TargetUnavailable when it is not there or is lost on the way: what had come by then is kept.
    """
    waiting, done = [], 0
    found = {one: known_accuracy(one) for one in {request.accuracy for request in requests}}
    known = {one: figures for one, figures in found.items() if figures is not None}
    for request in requests:
        cell, figures = work.known(request), known.get(request.accuracy)
        if cell is None or figures is None:
            waiting.append(request)
        else:
            done += 1
            yield Found(_with_accuracy(cell, figures), done, len(requests))
    if not waiting:
        return
    with _client(cluster, tell) as client:
        for cell in _computed(client, waiting, known):
            done += 1
            yield Found(cell, done, len(requests))


def _with_accuracy(cell: Cell, figures: Sequence[Figure]) -> Cell:
    """The cell with what its model reaches; a cell that failed has no figures."""
    return cell if cell.failed else replace(cell, figures=(*cell.figures, *figures))


def _computed(client: Client, requests: Sequence[CellRequest], known: Accuracies) -> Iterator[Cell]:
    """Each cell as soon as it and the accuracy of its model are there."""
    submitted = submit(client, requests, known)
    accuracy, held = dict(known), defaultdict[AccuracyRequest, list[Cell]](list)
    try:
        for future in _as_they_come(client, [*submitted.cells, *submitted.accuracy]):
            if future in submitted.cells:
                request = submitted.cells[future]
                held[request.accuracy].append(_cell_of(future, request))
                judged = request.accuracy
            else:
                judged = submitted.accuracy[future]
                accuracy[judged] = _figures_of(future, judged)
            if judged in accuracy:
                yield from (_with_accuracy(cell, accuracy[judged]) for cell in held.pop(judged, ()))
    finally:
        with contextlib.suppress(Exception):  # the cluster may be gone
            client.cancel([*submitted.cells, *submitted.accuracy])


@dataclass(frozen=True)
class Submitted:
    """Cells that are on their way, and what is judged once for several of them."""

    cells: dict[Future, CellRequest]
    accuracy: dict[Future, AccuracyRequest]


def submit(client: Client, requests: Sequence[CellRequest], known: Accuracies) -> Submitted:
    """Everything as tasks: a source's conversion first, then its cells and, where it is not known, its accuracy."""
    expected = work.worker_identity()
    sources = list(dict.fromkeys(request.source for request in requests))
    conversions = {
        source: client.submit(work.converted, source, expected, pure=False, resources=_conversion_resources(client))
        for source in sources
    }
    missing = dict.fromkeys(request.accuracy for request in requests if request.accuracy not in known)
    accuracy = {_submit_accuracy(client, one, expected, conversions[one.source]): one for one in missing}
    cells = {
        client.submit(work.computed, request, expected, conversions[request.source], pure=False): request
        for request in requests
    }
    return Submitted(cells, accuracy)


def _submit_accuracy(client: Client, one: AccuracyRequest, expected: str, conversion: Future) -> Future:
    """A task for each part of the images, and the one that scores them together."""
    count = part_count(one, sum(client.nthreads().values()))
    parts = [client.submit(judged_part, one, (part, count), expected, conversion, pure=False) for part in range(count)]
    return client.submit(scored, one, parts, expected, conversion, pure=False)


def _conversion_resources(client: Client) -> dict[str, int] | None:
    """What a conversion takes: nothing where no worker says that it has it, for it would wait for ever."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return {CONVERSIONS: 1} if any(CONVERSIONS in worker["resources"] for worker in workers) else None


def _as_they_come(client: Client, futures: Sequence[Future]) -> Iterator[Future]:
    from distributed import as_completed

    with _lost(client):
        for future in as_completed(futures, loop=client.loop, raise_errors=False):
            if future.status in ("cancelled", "lost"):
                raise _is_lost(client)
            yield future


def _cell_of(future: Future, request: CellRequest) -> Cell:
    """The cell of a task that has ended; one that brought its workers down is a cell that failed."""
    from distributed import KilledWorker

    try:
        cell: Cell = future.result()
    except KilledWorker:
        return Cell(
            key=request.key, weights=request.source.model.weights, identity={},
            failed=ENDED,
        )  # fmt: skip
    return cell


def _figures_of(future: Future, request: AccuracyRequest) -> tuple[Figure, ...]:
    """What a model reaches, or why that is not known this time; a disk that is full ends everything."""
    from distributed import KilledWorker

    try:
        figures: tuple[Figure, ...] = future.result()
    except StorageError:
        raise
    except EthosBenchError as error:
        return without_figures(request, error.found)
    except KilledWorker:
        return without_figures(request, ENDED)
    return figures


@contextlib.contextmanager
def _client(cluster: str, tell: Progress) -> Iterator[Client]:
    """A client of the cluster whose workers all have our code; a local cluster ends with it."""
    dask, distributed = _libraries()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    settings = {"distributed.scheduler.allowed-failures": DEATHS, "distributed.comm.timeouts.connect": f"{CONNECT_S}s"}
    with dask.config.set(settings), contextlib.ExitStack() as stack:
        address = stack.enter_context(_started(cluster, distributed, tell)) if not cluster.startswith("tcp") else cluster
        try:
            client = stack.enter_context(distributed.Client(address, timeout=CONNECT_S, set_as_default=False))
        except (OSError, TimeoutError, asyncio.TimeoutError, ValueError) as error:
            raise TargetUnavailable(f"no scheduler answers at `{cluster}`", "a Dask scheduler that runs", HINT) from error
        _require_workers(client)
        yield client


def _libraries() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ToolMissing("the extra `explore` is not installed", "dask and distributed", install_line("explore")) from error
    return dask, distributed


def _started(cluster: str, distributed: Any, tell: Progress) -> contextlib.AbstractContextManager[Any]:
    """A cluster of our own: the processors of this computer, or of hosts that SSH reaches."""
    if cluster.startswith(SSH):
        hosts = ssh_hosts(cluster)
        tell(f"starting {len(hosts)} workers on {', '.join(dict.fromkeys(hosts))}")
        return _by_ssh(hosts, distributed)
    if cluster:
        raise UsageError(f"--cluster {cluster}: no cluster is written so", "tcp://host:port, ssh:host,host or nothing", HINT)
    count = local_workers()
    tell(f"starting {count} workers on this computer")
    return local_cluster(count)


def local_workers() -> int:
    """A process for each processor that this one may use: a cell is one thread's work."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def local_cluster(count: int) -> contextlib.AbstractContextManager[Any]:
    """A cluster of `count` processes here, which nobody else can reach."""
    _, distributed = _libraries()
    cluster: contextlib.AbstractContextManager[Any] = distributed.LocalCluster(
        n_workers=count, threads_per_worker=1, processes=True, host=LOOPBACK, dashboard_address=None,
        scheduler_kwargs={"dashboard_address": f"{LOOPBACK}:0"}, silence_logs=logging.CRITICAL, memory_limit=0,
    )  # fmt: skip
    return cluster


def ssh_hosts(cluster: str) -> list[str]:
    """The host of each worker: `ssh:alpha*8,beta` has eight on alpha, one on beta; UsageError for what names no host."""
    found = [HOST.fullmatch(part.strip()) for part in cluster.removeprefix(SSH).split(",")]
    if not all(found):
        raise UsageError(
            f"--cluster {cluster}: no hosts are written so", "ssh:HOST,HOST*WORKERS", "--cluster ssh:alpha*8,beta*4"
        )
    return [one[1] for one in found if one for _ in range(int(one[2] or 1))]


def _by_ssh(hosts: Sequence[str], distributed: Any) -> contextlib.AbstractContextManager[Any]:
    try:
        cluster: contextlib.AbstractContextManager[Any] = distributed.SSHCluster(
            [hosts[0], *hosts],
            worker_options={"nthreads": 1, "death_timeout": WORKERS_S},
            scheduler_options={"dashboard": False},
        )
    except ImportError as error:
        raise ToolMissing(
            "asyncssh, by which Dask starts workers, is not installed", "asyncssh", "pip install asyncssh"
        ) from error
    except Exception as error:  # whatever asyncssh or a remote Python says
        raise TargetUnavailable(f"no workers on {', '.join(hosts)}: {error}", "hosts with ethos-bench[explore]") from error
    return cluster


def _require_workers(client: Client) -> None:
    """Nothing, or an error that names the first worker that cannot take part: before its first cell."""
    _wait_for_one(client)
    with _lost(client):
        expected = work.worker_identity()
        for address, answer in client.run(_own_identity, on_error="return").items():
            if answer != expected:
                said = f"has no such ethos-bench ({answer})" if isinstance(answer, Exception) else f"runs other code ({answer})"
                raise ToolMissing(
                    f"the worker at {address} {said}; here it is {expected}", "the same ethos-bench on every machine"
                )


def _wait_for_one(client: Client) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except (TimeoutError, asyncio.TimeoutError) as error:
        address = client.scheduler.address if client.scheduler else "HOST"
        raise TargetUnavailable(
            f"the scheduler at {address} has no worker after {WORKERS_S} s", "a worker", f"dask worker {address} --nthreads 1"
        ) from error


def _own_identity() -> str:
    return work.worker_identity()


@contextlib.contextmanager
def _lost(client: Client) -> Iterator[None]:
    """Turns what Dask says when the scheduler is gone into our error."""
    try:
        yield
    except (OSError, TimeoutError, asyncio.TimeoutError, asyncio.CancelledError, RuntimeError) as error:
        raise _is_lost(client) from error


def _is_lost(client: Client) -> TargetUnavailable:
    return TargetUnavailable(
        f"the scheduler at {client.scheduler.address if client.scheduler else 'the cluster'} is gone",
        "a cluster that lasts; what was computed is kept, and the same command goes on there",
    )
