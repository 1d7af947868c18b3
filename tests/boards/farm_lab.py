"""A labgrid farm for tests: a real coordinator and a real exporter on loopback, with the lab's boards as places."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from targets.boards.farm_lease import FarmAgent, FarmRefused
from tests.boards.boards import Lab, TestBoard

BIN = Path(sys.executable).parent
START_S = 150.0
AS_SYSTEMD_DOES = 'while "$@"; [ $? = 100 ]; do sleep 0.5; done'
"""An exporter that loses its coordinator ends with 100, to be started anew by whoever watches over it."""


@dataclass
class FarmLab:
    """Coordinator, exporter and a power switch for boards of a lab."""

    lab: Lab
    folder: Path
    boards: list[TestBoard]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    dead_switch: bool = False
    """Whether the power switch only says that it switched."""

    def __enter__(self) -> FarmLab:
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._switch = HTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._switch.serve_forever, daemon=True).start()
        self.start_coordinator()
        self.start_exporter()
        self.write()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.stop(name)
        self._switch.shutdown()
        self._switch.server_close()

    def start_coordinator(self) -> None:
        """Start the coordinator; its places are those of the folder's places.yaml."""
        if not (self.folder / "places.yaml").exists():
            places = {
                board.name: {
                    "aliases": [], "comment": "", "tags": {"board": "farm-test", "npu": "ethos-u65"},
                    "matches": [{"exporter": "*", "group": board.name, "cls": "*", "name": None, "rename": None}],
                    "acquired": None, "allowed": [], "created": 0.0, "changed": 0.0, "reservation": None,
                }
                for board in self.boards
            }  # fmt: skip
            (self.folder / "places.yaml").write_text(yaml.safe_dump(places))
        self._start("coordinator", BIN / "labgrid-coordinator", "--listen", self.address)
        self._wait(lambda: self._listening())

    def _listening(self) -> bool:
        host, _, port = self.address.partition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False

    def start_exporter(self) -> None:
        """Start the exporter of all boards."""
        port = self._switch.server_address[1]
        config = {
            board.name: {
                "NetworkService": {"address": board.address, "username": "board"},
                "NetworkPowerPort": {
                    "model": "simplerest", "host": f"http://127.0.0.1:{port}/{{index}}/{{value}}", "index": board.index,
                },
            }
            for board in self.boards
        }  # fmt: skip
        (self.folder / "exporter.yaml").write_text(yaml.safe_dump(config))
        exporter = (BIN / "labgrid-exporter", "-c", self.address, "-n", "lab", self.folder / "exporter.yaml")
        self._start("exporter", "sh", "-c", AS_SYSTEMD_DOES, "sh", *exporter)
        self._wait(lambda: all(place["available"] for place in self.places().values()))

    def stop(self, name: str, number: int = signal.SIGKILL) -> None:
        """Kill a process of the farm."""
        process = self.processes.pop(name, None)
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            process.wait()

    def places(self) -> dict[str, dict[str, Any]]:
        """Every place, as the coordinator says."""
        with self.agent() as agent:
            try:
                found: dict[str, dict[str, Any]] = agent.ask("places")["places"]
                return found
            except FarmRefused:
                return {"": {"available": False, "acquired": ""}}

    @contextlib.contextmanager
    def agent(self) -> Iterator[FarmAgent]:
        """An agent of a harness of its own."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LG_COORDINATOR", self.address)
            agent = FarmAgent("farm:test")
        try:
            yield agent
        finally:
            agent.close()

    def acquired(self) -> list[str]:
        """Who holds places."""
        return [place["acquired"] for place in self.places().values() if place["acquired"]]

    def write(self, **changes: object) -> None:
        """Let the lab describe its boards under the farm's tag too."""
        self.lab.write(**{"wait_s": 60, "silence_s": 6, "connect_s": 15, **changes})  # type: ignore[arg-type]  # `known` is no setting
        config = self.lab.folder / "ssh_config"
        first = self.boards[0]
        extra = f"Host 10.77.*\n  IdentityFile {first.key}\n  UserKnownHostsFile {self.lab.folder / 'known_hosts'}\n"
        config.write_text(config.read_text() + extra)
        text = self.lab.targets.read_text()
        table = text.split("[boards.", 2)[1].partition("]\n")[2]
        self.lab.targets.write_text(f"{text}\n[boards.farm-test]\n{table}")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        boards = {str(board.index): board for board in self.boards}
        farm = self

        class Switch(BaseHTTPRequestHandler):
            """A power switch with a REST interface: GET reads, GET /INDEX/0 and /1 switch."""

            def do_GET(self) -> None:
                index, _, value = self.path.strip("/").partition("/")
                board = boards[index]
                if value and farm.dead_switch:
                    pass
                elif value == "0":
                    board.off()
                elif value == "1":
                    board.on()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"1" if list(board._pids()) else b"0")

            do_PUT = do_POST = do_GET  # noqa: N815  # the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                """Say nothing."""

        return Switch

    def _start(self, name: str, *command: str | Path) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(part) for part in command], cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def _wait(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if done():
                return
            time.sleep(0.2)
        raise RuntimeError(f"the farm does not start: {[p.read_text()[-500:] for p in self.folder.glob('*.log')]}")
