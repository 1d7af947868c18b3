"""The lab that all tests of a session share: brought up by the first test that needs it, taken down at the end."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

from tests.boards.boards import Kind, Lab, TestBoard, missing
from tests.boards.farm_lab import FarmLab
from tests.lanes import skip_reason


def reason() -> str:
    """Why boards cannot be tested here, "" when they can; fails where the lane is required."""
    return skip_reason("boards", missing)


@functools.cache
def lab() -> Lab:
    """The session's lab."""
    folder = Path(tempfile.mkdtemp(prefix="eb-lab-", dir=os.environ.get("ETHOS_BENCH_LAB_DIR")))
    opened = Lab(folder).__enter__()
    atexit.register(opened.__exit__)
    return opened


def board(kind: Kind) -> TestBoard:
    """The session's board of a kind, called `native-test` or `arm64-test`."""
    name = f"{kind}-test"
    found = lab().boards.get(name)
    return found or lab().add(name, kind)


def ssh_row(kind: Kind) -> str:
    """Make `ssh:KIND-test` available to the contract; returns why it is not."""
    if why := reason():
        return why
    board(kind)
    os.environ["ETHOS_BENCH_TARGETS"] = str(lab().targets)
    return ""


@functools.cache
def farm() -> FarmLab:
    """The session's farm of two native boards, under $LG_COORDINATOR."""
    boards = [lab().boards.get(name) or lab().add(name, "native") for name in ("farm-a", "farm-b")]
    opened = FarmLab(lab(), lab().folder / "farm", boards).__enter__()
    atexit.register(opened.__exit__)
    return opened


def farm_row() -> str:
    """Make `farm:board=farm-test` available to the contract; returns why it is not."""
    if why := reason():
        return why
    os.environ["LG_COORDINATOR"] = farm().address
    farm().write()
    os.environ["ETHOS_BENCH_TARGETS"] = str(lab().targets)
    return ""


@functools.cache
def replay_spec() -> str:
    """The spec of the session's recording, which `replay_row` makes."""
    return f"replay:{tempfile.gettempdir()}/eb-recorded-{os.getpid()}"


@functools.cache
def replay_row() -> str:
    """Record the contract's jobs on a real board, once; returns why that cannot be done here."""
    if why := ssh_row("native"):
        return why
    from tests.contract.recorded import record_contract

    folder = Path(replay_spec().partition(":")[2])
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    record_contract(folder, lab().targets)
    return ""
