"""`python -m tests.boards.faults_table COUNT`: make every fault COUNT times and write docs/reference/faults.md.

Each process has a lab, a board and (one of them) a farm of its own; nearly all of a fault's time is waiting for limits.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from queue import Empty
from typing import Any

import click

from tests.boards import farm_faults, faults
from tests.boards.boards import Lab, missing
from tests.boards.farm_lab import FarmLab
from tests.boards.fault_scene import Scene, fault_scene
from tests.checkout import CHECKOUT

TABLE = CHECKOUT / "docs" / "reference" / "faults.md"
HEAD = """# Faults

What happens to a board and to a farm while they work, made for real on test boards (`tests/boards`: a real sshd in namespaces
of its own, Vela's file through a stand-in delegate into the simulator; a real labgrid coordinator and exporter). Written by
`make faults`; each is made once in CI (tests/boards/test_faults.py).

After each: no hang over {limit:.0f} s, no sample lost that had arrived, no wrong number recorded (bytes equal those of an
undisturbed run, every sample there and plausible, or an error instead of any figure), no process and no file of the job left on
the board, no place left acquired, no agent left.

{when}, {machine}, {count} times each, {losses} losses. Seconds are of this machine, emulating the boards in {labs} labs at
a time beside other work, and say nothing of a board.

| fault | times | losses | longest s |
|---|---|---|---|
"""
Found = tuple[str, float, str]
"""A fault's name, the seconds it took, and what was lost, "" for nothing."""


@dataclass(frozen=True)
class Kind:
    """Faults of one kind of scene."""

    faults: Mapping[str, Callable[[Any], None]]
    swept_by_next: Sequence[str]


BOARD = Kind(faults.FAULTS, faults.SWEPT_BY_NEXT)
FARM = Kind(farm_faults.FARM_FAULTS, farm_faults.SWEPT_BY_NEXT)
ALL = {**BOARD.faults, **FARM.faults}


def work(names: Any, found: Any, *, farm: bool) -> None:
    """Make the faults that a queue names, one after the other, in a lab of this process."""
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder) / "lab") as lab:
        scene = fault_scene(lab, Path(folder))
        if not farm:
            _make(BOARD, names, found, scene)
            return
        boards = [lab.add(f"farm-{letter}", "native") for letter in "ab"]
        with FarmLab(lab, Path(folder) / "farm", boards) as opened:
            os.environ["LG_COORDINATOR"] = opened.address
            _make(FARM, names, found, farm_faults.farm_scene(opened, scene))


def _make(kind: Kind, names: Any, found: Any, scene: Scene) -> None:
    while (name := names.get()) is not None:
        started, lost = time.monotonic(), ""
        try:
            faults.make_fault(kind.faults[name], scene, swept_by_next=name in kind.swept_by_next)
        except Exception as error:  # the count of every kind of failure is the result
            lost = f"{type(error).__name__}: {error}"
        found.put((name, time.monotonic() - started, lost))


def gather(count: int, boards: int, farms: int, only: Sequence[str]) -> list[Found]:
    """Every fault `count` times, in so many processes with a board and with a farm."""
    context = multiprocessing.get_context("spawn")
    found, queues = context.Queue(), [context.Queue(), context.Queue()]
    workers, expected = [], 0
    for kind, number, names in zip((BOARD, FARM), (boards, farms), queues, strict=True):
        wanted = [name for _ in range(count) for name in kind.faults if not only or name in only]
        for name in [*wanted, *[None] * number]:
            names.put(name)
        expected += len(wanted)
        if wanted:
            workers += [context.Process(target=work, args=(names, found), kwargs={"farm": kind is FARM}) for _ in range(number)]
    for worker in workers:
        worker.start()
    results: list[Found] = []
    while len(results) < expected:
        try:
            results.append(found.get(timeout=1))
        except Empty:
            if not any(worker.is_alive() for worker in workers):
                break
            continue
        name, seconds, lost = results[-1]
        sys.stdout.write(f"{len(results)}/{expected} {name}: {seconds:.1f} s {lost}\n")
        sys.stdout.flush()
    for worker in workers:
        worker.join()
    return results


Row = tuple[int, int, int]
"""Times, losses and the longest seconds of a fault."""


def _rows(results: Sequence[Found], before: Mapping[str, Row]) -> dict[str, Row]:
    """A row for each fault, by its words; those that were not made now as they were before."""
    rows: dict[str, Row] = {}
    for name, inject in ALL.items():
        of_it = [(seconds, lost) for found, seconds, lost in results if found == name]
        longest = round(max((seconds for seconds, _ in of_it), default=0))
        now = (len(of_it), sum(bool(lost) for _, lost in of_it), longest)
        rows[str(inject.__doc__)] = now if of_it else before.get(str(inject.__doc__), now)
    return rows


def _table() -> dict[str, Row]:
    """The rows of the table as it is."""
    cells = [line.strip("| ").split(" | ") for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    return {words: (int(times), int(losses), int(longest)) for words, times, losses, longest in cells[1:]}


@click.command()
@click.argument("count", type=click.IntRange(1))
@click.option("--boards", default=3, show_default=True, help="Labs with a board that work at a time.")
@click.option("--farms", default=2, show_default=True, help="Labs with a farm that work at a time.")
@click.option("--only", multiple=True, type=click.Choice(list(ALL)), help="These faults; the other rows of the table stay.")
def main(count: int, boards: int, farms: int, only: tuple[str, ...]) -> None:
    """Make the faults; 1 when anything was lost, hung, wrong, left over or not made."""
    if why := missing():
        raise click.ClickException(why)
    results = gather(count, boards, farms, only)
    losses = [f"{name}: {lost}" for name, _, lost in results if lost]
    rows = _rows(results, _table() if only else {})
    head = HEAD.format(
        limit=faults.LIMIT_S, when=f"{datetime.now(timezone.utc):%Y-%m-%d}", count=count, labs=boards + farms,
        losses=sum(row[1] for row in rows.values()) or "no",
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )  # fmt: skip
    lines = [f"| {words} | {' | '.join(map(str, row))} |" for words, row in rows.items()]
    TABLE.write_text(head + "\n".join(lines) + "\n")
    sys.stdout.write("\n".join([*losses, f"{len(results)} faults made, {len(losses)} losses"]) + "\n")
    sys.exit(1 if losses or (not only and len(results) < count * len(ALL)) else 0)


if __name__ == "__main__":
    main()
