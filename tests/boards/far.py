"""A link with a long way: a relay in front of a test board that hands every byte on a while later.

A kernel's netem would do the same on the board's own link, but not every kernel has it.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator

from tests.boards.boards import Lab, TestBoard

PIECE = 1 << 16


@contextlib.contextmanager
def far(lab: Lab, board: TestBoard, name: str, delay_s: float) -> Iterator[None]:
    """The board under another name too, `delay_s` away in each direction; known to ssh and in the lab's targets file."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_accept, args=(server, board, delay_s), daemon=True).start()
        known = lab.folder / "known_hosts"
        known.write_text(known.read_text() + board.known_host.replace(board.address, f"[127.0.0.1]:{port}"))
        config = lab.folder / "ssh_config"
        config.write_text(
            f"{config.read_text()}Host {name}\n  HostName 127.0.0.1\n  Port {port}\n  User board\n"
            f"  IdentityFile {board.key}\n  UserKnownHostsFile {known}\n"
        )
        table = lab.targets.read_text().partition(f"[boards.{board.name}]\n")[2].partition("\n[")[0]
        lab.targets.write_text(f"{lab.targets.read_text()}\n[boards.{name}]\n{table}")
        try:
            yield
        finally:
            lab.write()


def _accept(server: socket.socket, board: TestBoard, delay_s: float) -> None:
    with contextlib.suppress(OSError):
        while True:
            near, _ = server.accept()
            beyond = socket.create_connection((board.address, 22))
            for source, sink in ((near, beyond), (beyond, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                threading.Thread(target=_read, args=(source, pieces, delay_s), daemon=True).start()
                threading.Thread(target=_write, args=(sink, pieces), daemon=True).start()


def _read(source: socket.socket, pieces: queue.SimpleQueue[tuple[float, bytes]], delay_s: float) -> None:
    data = b"-"
    while data:
        try:
            data = source.recv(PIECE)
        except OSError:
            data = b""
        pieces.put((time.monotonic() + delay_s, data))


def _write(sink: socket.socket, pieces: queue.SimpleQueue[tuple[float, bytes]]) -> None:
    with contextlib.suppress(OSError), sink:
        while True:
            due, data = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                return
            sink.sendall(data)
