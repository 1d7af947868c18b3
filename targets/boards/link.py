"""The link to a board: paramiko under fabric's reading of ~/.ssh/config, with strict host keys and a limit on every wait."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import paramiko
from fabric import Config, Connection

from core.errors import RunError, TargetUnavailable
from targets.boards.host_keys import guard_host_key
from targets.boards.targets_file import Board

PIECE = 1 << 16
KEEPALIVE_S = 5
MOST_LINE_BYTES = 16 << 20
MOST_BYTES = 64 << 20
"""Of one line that a board says, and of what one command may print when nothing else is said: more is no answer of ours."""


class LinkLost(Exception):
    """The link broke or went silent; what had arrived is the caller's."""


class HostKeyChanged(TargetUnavailable):
    """Another machine answers, or the board was installed anew: waiting does not mend it."""


@dataclass(frozen=True)
class CommandResult:
    """How a command on the board ended and what it printed."""

    code: int
    stdout: bytes
    stderr: str


@dataclass
class Link:
    """One SSH connection; reconnects when asked. Every wait is limited by the board's `silence_s`."""

    name: str
    board: Board
    trust_on_first_use: bool = False
    _: KW_ONLY
    port: int = 0
    user: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    """Marks the uploads of this link, so that one that hangs on the board after the link broke can be ended."""
    _connection: Connection | None = field(default=None, repr=False)

    def __enter__(self) -> Link:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def open(self) -> None:
        """Connect; TargetUnavailable with the reason when the board cannot be reached or does not let us in."""
        self.close()
        connection = self._configured()
        try:
            guard_host_key(connection, self.trust_on_first_use)
            for hop in _chain(connection):
                hop.open()
                self._limit_silence(hop.transport)
        except paramiko.BadHostKeyException as error:
            connection.close()
            raise HostKeyChanged(
                f"{self.name} cannot be reached: its host key has changed: it shows {error.key.get_name()} "
                f"{_fingerprint(error.key)}, known is {_fingerprint(error.expected_key)}",
                "the key of the known_hosts file: another machine answers there, or the board was installed anew",
                f"ssh-keygen -R {connection.host}",
            ) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            connection.close()
            raise self._unreachable(
                _why(error), "a board that ssh reaches without a question", f"ssh {self.board.host}"
            ) from error
        self._connection = connection

    def close(self) -> None:
        """End the connection and every hop before it."""
        if self._connection is not None:
            for hop in reversed(list(_chain(self._connection))):
                with contextlib.suppress(Exception):  # a broken link may fail in any way while it closes
                    hop.close()
            self._connection = None

    def reopen(self, until: float) -> None:
        """Connect anew, trying until the monotonic time `until`; TargetUnavailable when it stays away or is another."""
        while True:
            try:
                self.open()
                return
            except HostKeyChanged:
                raise
            except TargetUnavailable:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.5)

    def run(
        self, command: str, *, stdin: Iterable[bytes] = (), limit_s: float = 0, most_bytes: int = MOST_BYTES
    ) -> CommandResult:
        """Run a shell command and return all that it printed; LinkLost when the link is silent for too long.

        `limit_s` is how long the command itself may be silent, default the board's `silence_s`. RunError when it prints more
        than `most_bytes`.
        """
        with self.channel(command) as channel:
            channel.settimeout(limit_s or self.board.silence_s)
            with link_errors():
                for piece in stdin:
                    channel.sendall(piece)
                channel.shutdown_write()
                output = _drain(channel, most_bytes)
                return CommandResult(channel.recv_exit_status(), *output)

    @contextlib.contextmanager
    def channel(self, command: str) -> Iterator[paramiko.Channel]:
        """A channel on which `command` runs; closed in every case."""
        if self._connection is None or self._connection.transport is None:
            raise LinkLost("not connected")
        with link_errors():
            channel = self._connection.transport.open_session(timeout=self.board.silence_s)
        try:
            with link_errors():
                channel.exec_command(command)  # nosec B601  # every caller quotes
            yield channel
        finally:
            with contextlib.suppress(Exception):
                channel.close()

    def upload(self, source: Path | bytes, name: str, digest: str) -> None:
        """Put a file into the board's blobs: to a temporary name, its hash checked there, then renamed."""
        folder = f"{self.board.work}/blobs"
        quoted, final = shlex.quote(folder), shlex.quote(f"{folder}/{digest}")
        command = (
            f'umask 077; mkdir -p {quoted} && t={quoted}/.upload.{self.token}.$$ && trap \'rm -f "$t"\' EXIT && cat > "$t" && '
            f'set -- $(sha256sum "$t") && if [ "$1" = {digest} ]; then mv "$t" {final}; '
            'else echo "arrived as $1" >&2; exit 9; fi'
        )
        said = self.run(command, stdin=_pieces(source))
        if said.code == 9:
            raise LinkLost(f"`{name}` was corrupted on its way to {self.name}: {said.stderr.strip()}")
        if said.code:
            reason = said.stderr.strip().splitlines()[-1:] or [f"exit code {said.code}"]
            raise RunError(
                f"cannot write `{name}` to {self.name}: {reason[0]}",
                f"a work folder with space, now `{self.board.work}`",
                f"ethos-bench targets check {self.name.partition(':')[2] or self.name}",
            )

    def _configured(self) -> Connection:
        """A connection as ~/.ssh/config describes it, not opened."""
        overrides = {"timeouts": {"connect": int(self.board.connect_s)}}
        config = Config(
            overrides=overrides,
            runtime_ssh_path=self.board.ssh_config or None,
            system_ssh_path="/etc/ssh/ssh_config",
            lazy=False,
        )
        return Connection(
            self.board.host,
            user=self.user or None,
            port=self.port or None,
            config=config,
            connect_kwargs={"banner_timeout": self.board.connect_s, "auth_timeout": self.board.connect_s},
        )

    def _limit_silence(self, transport: Any) -> None:
        """Make a dead link show: keepalives find it, and the kernel gives up on data that nobody acknowledges."""
        transport.set_keepalive(KEEPALIVE_S)
        with contextlib.suppress(OSError, AttributeError):  # a hop through another has no socket of its own
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.board.silence_s * 1000))

    def _unreachable(self, reason: str, expected: str, hint: str) -> TargetUnavailable:
        return TargetUnavailable(f"{self.name} cannot be reached: {reason}", expected, hint)


@dataclass
class Heartbeat:
    """Tells the runner on the board that its master lives, as long as it is entered."""

    channel: paramiko.Channel
    every_s: float
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Heartbeat:
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _beat(self) -> None:
        while not self._stop.wait(self.every_s):
            try:
                self.channel.sendall(b"\n")
            except (OSError, EOFError):
                return


def stream_lines(channel: paramiko.Channel, silence_s: float, on_line: Callable[[str], bool]) -> None:
    """Feed each line to `on_line` as it comes until that returns True; LinkLost on silence or at an early end."""
    channel.settimeout(silence_s)
    pending = bytearray()
    with link_errors():
        while True:
            piece = channel.recv(PIECE)
            if not piece:
                raise LinkLost("the board ended the connection")
            head, *lines = piece.split(b"\n")
            pending += head
            if len(pending) > MOST_LINE_BYTES:
                raise RunError(f"the board says a line of more than {MOST_LINE_BYTES} bytes", "one event a line")
            for line in lines:
                if on_line(pending.decode(errors="replace")):
                    return
                pending = bytearray(line)


def _pieces(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), PIECE):
            yield source[start : start + PIECE]
        return
    with source.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _drain(channel: paramiko.Channel, most_bytes: int) -> tuple[bytes, str]:
    """Everything on stdout and stderr till the end; both are read in turn, so that neither can fill up and block the other."""
    streams: dict[str, list[bytes]] = {"out": [], "err": []}
    room = most_bytes

    def read_errors() -> None:
        room = MOST_LINE_BYTES
        with contextlib.suppress(OSError, EOFError):
            while piece := channel.recv_stderr(PIECE):
                if room > 0:
                    streams["err"].append(piece)
                room -= len(piece)

    reader = threading.Thread(target=read_errors, daemon=True)
    reader.start()
    while piece := channel.recv(PIECE):
        room -= len(piece)
        if room < 0:
            raise RunError(f"the board printed more than {most_bytes} bytes", "as much as was asked for")
        streams["out"].append(piece)
    reader.join(timeout=5)
    return b"".join(streams["out"]), b"".join(streams["err"]).decode(errors="replace")


def _chain(connection: Connection) -> Iterator[Connection]:
    """The hops of a connection, the first one first."""
    if isinstance(connection.gateway, Connection):
        yield from _chain(connection.gateway)
    yield connection


@contextlib.contextmanager
def link_errors() -> Iterator[None]:
    """Make LinkLost of everything that a broken connection can raise."""
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise LinkLost(_why(error)) from error


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError | socket.timeout):
        return "no answer in time"
    if isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        return "; ".join(sorted({str(getattr(one, "strerror", "") or one) for one in error.errors.values()}))
    return str(error) or type(error).__name__


def _fingerprint(key: paramiko.PKey) -> str:
    return str(key.fingerprint)
