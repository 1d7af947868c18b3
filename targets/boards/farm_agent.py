"""Holds a place of a labgrid farm for one harness, and gives it back however the harness ends.

`python -m targets.boards.farm_agent COORDINATOR`, a process of its own: requests come as JSON lines on stdin, answers go to
stdout. When stdin ends (the harness has ended, or was killed) it releases what it holds, for minutes if it must: a coordinator
may be restarting. Signals meant for the harness pass it by.

    {"op": "places"}    -> {"places": {name: {"tags", "acquired", "available"}}}
    {"op": "acquire", "tags": {...}, "wait_s": n, "avoid": [names]}
                        -> {"place", "tags", "address", "port", "username", "power"}
    {"op": "release"}   -> {}
    {"op": "power"}     -> {}

An answer with "error" says why not, and in "kind" whether nothing fits ("none"), all are busy ("busy"), the place given has
no board now ("empty", and its name in "place"), or it broke ("broken"). Every place has the tag `name`, as labgrid has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

POLL_S = 0.2
CALL_S = 15.0
RELEASE_S = 300.0
POWER_S = 120.0
USER_PREFIX = "ethos-bench"
Reply = dict[str, Any]


class Refused(Exception):
    """An answer that says why not."""

    def __init__(self, kind: str, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.place = place


class Agent:
    """The requests of one harness; every one opens a session of its own, so that a restarted coordinator is no matter."""

    def __init__(self, address: str, user: str) -> None:
        self.address = address
        self.owner = f"{socket.gethostname()}/{user}"
        self.place = ""
        self.master = os.getppid()
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)  # where gRPC looks for it
        os.environ["LG_USERNAME"], os.environ["LG_HOSTNAME"] = user, socket.gethostname()

    @contextlib.contextmanager
    def session(self) -> Iterator[Any]:
        """A session with the coordinator; Refused when there is none."""
        from labgrid.remote.client import ServerError, start_session

        try:
            session = start_session(self.address, loop=self.loop)
        except (ServerError, OSError) as error:
            raise Refused("broken", f"the coordinator {self.address} does not answer: {error}") from error
        try:
            yield session
        finally:
            with contextlib.suppress(Exception):  # a session that broke may fail in any way while it closes
                self._call(session.stop())
            with contextlib.suppress(Exception):
                self._call(session.close())

    def _call(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, CALL_S))

    def places(self) -> Reply:
        """Every place with its tags, who has it, and whether its resources are there."""
        with self.session() as session:
            self._release_the_dead(session)
            return {"places": {name: self._described(session, place) for name, place in session.places.items()}}

    @staticmethod
    def _described(session: Any, place: Any) -> Reply:
        return {"tags": _tags(place), "acquired": place.acquired or "", "available": bool(_network(session, place))}

    def _release_the_dead(self, session: Any) -> None:
        """Release places whose harness and agent on this machine were both killed."""
        from labgrid.remote.generated import labgrid_coordinator_pb2 as messages

        for name, place in session.places.items():
            host, _, user = (place.acquired or "").partition("/")
            if host == socket.gethostname() and user.startswith(USER_PREFIX) and not _alive(user):
                request = messages.ReleasePlaceRequest(placename=name, fromuser=place.acquired)
                self._call(session.stub.ReleasePlace(request))

    def acquire(self, tags: dict[str, str], wait_s: float, avoid: list[str]) -> Reply:
        """Reserve a place with these tags, take it, and check that it has a board; Refused with the reason."""
        deadline = time.monotonic() + wait_s
        while True:
            try:
                self.release()  # a place that could not be given back when its job ended
                return self._acquire(tags, deadline, set(avoid))
            except Refused as error:
                if error.kind != "broken" or time.monotonic() > deadline:
                    raise
                time.sleep(1.0)

    def _acquire(self, tags: dict[str, str], deadline: float, avoid: set[str]) -> Reply:
        with self.session() as session:
            fitting = {n for n, place in session.places.items() if tags.items() <= _tags(place).items()}
            if not fitting - avoid:
                why = f"all that fit were set aside: {', '.join(sorted(fitting))}" if fitting else "no place has these tags"
                raise Refused("none", why)
            reserved: list[str] = []
            try:
                name = self._reserved(session, tags, deadline, avoid, reserved)
                return self._taken(session, name)
            finally:
                for token in reserved:
                    self._cancel(session, token)

    def _reserved(self, session: Any, tags: dict[str, str], deadline: float, avoid: set[str], reserved: list[str]) -> str:
        """The name of a place that was given to us; one that is to be avoided stays reserved until another is given."""
        from labgrid.remote.common import Reservation, ReservationState
        from labgrid.remote.generated import labgrid_coordinator_pb2 as messages

        while True:
            filters = {"main": messages.Reservation.Filter(filter=tags)}
            answer = self._coordinator(
                session.stub.CreateReservation(messages.CreateReservationRequest(filters=filters, prio=0))
            )
            found = Reservation.from_pb2(answer.reservation)
            reserved.append(found.token)
            while found.state is ReservationState.waiting:
                if time.monotonic() > deadline:
                    raise Refused("busy", "no place became free in time")
                time.sleep(POLL_S)
                if os.getppid() != self.master:
                    raise Refused("none", "the harness has ended")
                poll = messages.PollReservationRequest(token=found.token)
                found = Reservation.from_pb2(self._coordinator(session.stub.PollReservation(poll)).reservation)
            if found.state is not ReservationState.allocated:
                raise Refused("broken", f"the reservation is {found.state.name}")
            name = str(found.allocations["main"][0])
            if name not in avoid:
                return name

    def _taken(self, session: Any, name: str) -> Reply:
        from labgrid.remote.generated import labgrid_coordinator_pb2 as messages

        self._coordinator(session.stub.AcquirePlace(messages.AcquirePlaceRequest(placename=name)))
        self.place = name
        self._call(session.sync_with_coordinator())
        place = session.places[name]
        network = _network(session, place)
        if network is None:
            self._release(session)
            raise Refused("empty", f"the place {name} has no NetworkService now: its exporter is not there", name)
        return {
            "place": name, "tags": _tags(place), "address": network["address"], "port": int(network.get("port") or 22),
            "username": network.get("username", ""), "power": _has_power(session, place),
        }  # fmt: skip

    def release(self) -> Reply:
        """Give the place back."""
        if self.place:
            with self.session() as session:
                self._release(session)
        return {}

    def _release(self, session: Any) -> None:
        from labgrid.remote.generated import labgrid_coordinator_pb2 as messages

        self._coordinator(session.stub.ReleasePlace(messages.ReleasePlaceRequest(placename=self.place, fromuser=self.owner)))
        self.place = ""

    def _cancel(self, session: Any, token: str) -> None:
        from labgrid.remote.generated import labgrid_coordinator_pb2 as messages

        with contextlib.suppress(Refused):
            self._coordinator(session.stub.CancelReservation(messages.CancelReservationRequest(token=token)))

    def _coordinator(self, call: Any) -> Any:
        """The answer to a call; Refused when the coordinator breaks off or says no."""
        import grpc

        try:
            return self._call(call)
        except (grpc.aio.AioRpcError, TimeoutError, asyncio.TimeoutError) as error:
            details = error.details() if isinstance(error, grpc.aio.AioRpcError) else "no answer in time"
            raise Refused("broken", f"the coordinator {self.address}: {details}") from error

    def power(self) -> Reply:
        """Switch the board off and on through the place's power port."""
        client = Path(sys.executable).with_name("labgrid-client")
        command = [str(client) if client.exists() else shutil.which("labgrid-client") or "labgrid-client"]
        command += ["-x", self.address, "-p", self.place, "power", "cycle", "--delay", "1"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=POWER_S, check=False)
        if done.returncode:
            raise Refused("broken", f"power cycle of {self.place}: {done.stderr.strip()[-300:]}")
        return {}

    def answer(self, request: dict[str, Any]) -> Reply:
        """The reply to one request."""
        operations: dict[str, Callable[..., Reply]] = {
            "places": self.places, "acquire": self.acquire, "release": self.release, "power": self.power,
        }  # fmt: skip
        try:
            return operations[request.pop("op")](**request)
        except Refused as error:
            return {"error": str(error), "kind": error.kind, "place": error.place}

    def let_go(self) -> None:
        """Release what is held, trying for as long as a coordinator may need to come back."""
        deadline = time.monotonic() + RELEASE_S
        while self.place and time.monotonic() < deadline:
            with contextlib.suppress(Refused):
                self.release()
                return
            time.sleep(1.0)


def _tags(place: Any) -> dict[str, str]:
    """A place's tags, its name among them."""
    return {**place.tags, "name": str(place.name)}


def _network(session: Any, place: Any) -> dict[str, Any] | None:
    """The parameters of the place's NetworkService, None when it is not there now."""
    for _, entry in _entries(session, place):
        if entry.cls == "NetworkService" and entry.avail:
            return dict(entry.args)
    return None


def _has_power(session: Any, place: Any) -> bool:
    return any("Power" in entry.cls and entry.avail for _, entry in _entries(session, place))


def _entries(session: Any, place: Any) -> Iterator[tuple[str, Any]]:
    """The resources that match a place."""
    for exporter, groups in session.resources.items():
        for group, resources in groups.items():
            for name, entry in resources.items():
                if place.hasmatch((exporter, group, entry.cls, name)):
                    yield name, entry


def _alive(user: str) -> bool:
    """Whether the agent of a user name like `ethos-bench-PID-TOKEN` still runs."""
    pid = user.removeprefix(f"{USER_PREFIX}-").partition("-")[0]
    if not pid.isdigit():
        return True
    try:
        return "farm_agent" in Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except OSError:
        return False


def main(address: str) -> None:
    """Serve requests until stdin ends, then let go."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    agent = Agent(address, f"{USER_PREFIX}-{os.getpid()}-{os.urandom(3).hex()}")
    for line in sys.stdin:
        reply = agent.answer(json.loads(line))
        try:
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()
        except OSError:
            break
    agent.let_go()


if __name__ == "__main__":
    main(sys.argv[1])
