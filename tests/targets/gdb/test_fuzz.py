"""Neither a hostile server nor a hostile guest gets anything out of us but a typed error, or makes us wait or grow.

The same few hundred of each in every run; `ETHOS_BENCH_FUZZ_SECONDS` says for how long instead, and the counts are printed.
"""

from __future__ import annotations

import collections
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from core.errors import RunError
from ethosu_simulator import MemoryFault
from targets.fvp.npu_device import NpuDevice
from targets.fvp.npu_registers import PRODUCTS, REGISTERS
from targets.fvp.npu_streams import StreamCache
from targets.gdb.client import Gdb
from targets.gdb.errors import GdbError
from targets.gdb.link import Link
from targets.gdb.packets import escaped, framed
from targets.gdb.thumb import decode
from tests.targets.gdb.scripted import honest

SECONDS = float(os.environ.get("ETHOS_BENCH_FUZZ_SECONDS", "0"))
RUNS = 300
REQUEST_S = 0.02
Counts = collections.Counter[str]


def seeds() -> Iterator[int]:
    """1, 2, 3 ...: as many as there are runs, or until the time is over."""
    end, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < end if SECONDS else number < RUNS:
        number += 1
        yield number


def mutated(random_: random.Random, said: bytes) -> bytes:
    """An answer that was true before one to four things happened to it."""
    content = bytearray(said)
    for _ in range(random_.randint(1, 4)):
        at = random_.randint(0, len(content))
        kind = random_.randrange(6)
        if kind == 0 and content:
            content[at % len(content)] = random_.randrange(256)
        elif kind == 1:
            content[at:at] = random_.randbytes(random_.randint(1, 8))
        elif kind == 2:
            del content[at : at + random_.randint(1, 9)]
        elif kind == 3:
            content[at:at] = random_.choice([b"$", b"#00", b"}", b"*~", b"%x#78", b"+", b"-", b"O4141", b"E01", b"l", b"m"])
        elif kind == 4:
            content *= random_.randint(1, 3)
        else:
            return framed(escaped(bytes(content[2:-3])))
    return bytes(content)


def answers(random_: random.Random, request: bytes, trust: float) -> bytes:
    """What a hostile server sends: the truth, a damaged truth, any packet, any bytes, nothing."""
    truth = honest(request) or b""
    if random_.random() < trust:
        return truth
    kind = random_.randrange(12)
    if kind < 6:
        return truth
    if kind < 9:
        return mutated(random_, truth)
    if kind == 9:
        return b"+" + framed(escaped(random_.randbytes(random_.randint(0, 200))))
    return random_.randbytes(random_.randint(0, 300)) if kind == 10 else b""


def serve(end: socket.socket, random_: random.Random) -> None:
    """Answers whatever comes, whole packets or not, until the client goes or it has no wish any more."""
    trust = random_.choice((0.0, 0.5, 0.9, 0.97))
    with end:
        try:
            while data := end.recv(65536):
                if random_.random() < 0.01 * (1 - trust):
                    return
                request = data.strip(b"+").partition(b"$")[2].partition(b"#")[0]
                end.sendall(answers(random_, request, trust) or b"+")
        except OSError:
            return


def session(gdb: Gdb, random_: random.Random) -> None:
    """Some requests of every kind."""
    requests: list[Callable[[], object]] = [
        lambda: gdb.registers, lambda: gdb.register("r0"), lambda: gdb.set_register("pc", random_.randrange(1 << 32)),
        lambda: gdb.read(random_.randrange(1 << 32), random_.randint(1, 3000)), lambda: gdb.write(64, random_.randbytes(2000)),
        lambda: gdb.set_point("access", 64, 4), lambda: gdb.remove_point("write", 64, 4),
        lambda: gdb.step(), lambda: gdb.reason(),
        lambda: gdb.resume(REQUEST_S), lambda: gdb.monitor("reset halt", REQUEST_S),
    ]  # fmt: skip
    for _ in range(12):
        random_.choice(requests)()


def test_a_hostile_server_gets_nothing_but_typed_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("targets.gdb.client.STOP_S", REQUEST_S)
    monkeypatch.setattr("targets.gdb.link.CONNECT_S", REQUEST_S)
    counts: Counts = Counts()
    longest, seed = 0.0, 0
    for seed in seeds():
        random_ = random.Random(seed)
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=serve, args=(theirs, random.Random(-seed)), daemon=True)
        thread.start()
        started = time.monotonic()
        try:
            with ours:
                session(Gdb(Link("the server", ours), request_s=REQUEST_S), random_)
            counts["whole sessions"] += 1
        except GdbError as error:
            counts[type(error).__name__] += 1
        longest = max(longest, time.monotonic() - started)
        thread.join()
    with capsys.disabled():
        print(f"\n{seed} hostile servers, the longest session {longest:.2f} s: {dict(counts)}")  # noqa: T201  # the lane shows it
    assert sum(counts.values()) > 10


class HostileMemory:
    """A guest's memory that is random, short, or not there."""

    def __init__(self, random_: random.Random, stream: bytes) -> None:
        self._random, self._stream = random_, stream

    def read(self, address: int, length: int) -> bytes:
        if length > 1 << 22 or self._random.random() < 0.05:
            raise MemoryFault("no memory there")
        if address == 0x1000:
            return self._stream[:length].ljust(length, b"\0")
        return self._random.randbytes(length)

    def write(self, address: int, data: bytes) -> None:
        if self._random.random() < 0.05:
            raise MemoryFault("no memory there")


def hostile_stream(random_: random.Random) -> bytes:
    """Words that mostly begin as commands do."""
    words = [random_.choice((0x0130, 0x4000, 0x0105, 0x0002, 0x0010, 0x4030, 0x010F)) | random_.randrange(1 << 16) << 16
             for _ in range(random_.randint(0, 60))]  # fmt: skip
    return b"".join(word.to_bytes(4, "little") for word in words) + random_.choice((b"", b"\0\0\xff\xff"))


def test_a_hostile_guest_gets_nothing_but_typed_errors(capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counts = Counts()
    seed = 0
    offsets = [row.offset + 4 * number for row in REGISTERS for number in range(row.count)]
    for seed in seeds():
        random_ = random.Random(seed)
        stream = hostile_stream(random_)
        product, macs = random_.choice((("ethos-u55", 128), ("ethos-u65", 512)))
        device = NpuDevice(
            product=PRODUCTS[product], macs=macs, memory=HostileMemory(random_, stream), interrupt=lambda *, high: None,
            streams=StreamCache(), counts=lambda _: {"cycles": 1 << 33, "axi0_read": 5},
        )  # fmt: skip
        for _ in range(40):
            offset = random_.choice(offsets) if random_.random() < 0.9 else random_.randrange(0x1000)
            width = 4 if random_.random() < 0.95 else random_.choice((1, 2))
            try:
                if random_.random() < 0.5:
                    assert 0 <= device.read(offset, width) < 1 << 32
                else:
                    device.write(offset, width, random_.randrange(1 << 32))
                counts["accesses"] += 1
            except RunError as error:
                counts[type(error).__name__] += 1
        for offset, value in ((0x10, 0x1000), (0x14, 0), (0x20, len(stream)), (0x8, 1)):
            device.write(offset, 4, value)
        counts["streams that ran"] += len(device.runs)
        for fault in device.faults:
            counts[type(fault).__name__] += 1
        try:
            decode(random_.randrange(1 << 16), random_.randrange(1 << 16))
            counts["decoded"] += 1
        except RunError:
            counts["refused instructions"] += 1
    with capsys.disabled():
        print(f"\n{seed} hostile guests: {dict(counts)}")  # noqa: T201  # the lane shows it
    assert sum(counts.values()) > 10
