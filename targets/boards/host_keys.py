"""Host keys: strict, unless --trust-on-first-use lets a key that nobody has seen yet in."""

from __future__ import annotations

import contextlib
from pathlib import Path

import paramiko
from fabric import Connection

from core.errors import TargetUnavailable

DEFAULT_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
SYSTEM_FILE = Path("/etc/ssh/ssh_known_hosts")


def guard_host_key(connection: Connection, trust_on_first_use: bool) -> None:
    """Make a connection and its hops refuse host keys that are not known; fabric itself takes any."""
    if isinstance(connection.gateway, Connection):
        guard_host_key(connection.gateway, trust_on_first_use)
    files = [Path(name).expanduser() for name in connection.ssh_config.get("userknownhostsfile", DEFAULT_FILES).split()]
    client = connection.client
    client.set_missing_host_key_policy(FirstUse(files[0], connection.host) if trust_on_first_use else Refuse(connection.host))
    for path in (SYSTEM_FILE, *files):
        with contextlib.suppress(OSError):
            client.load_system_host_keys(str(path))


class Refuse(paramiko.MissingHostKeyPolicy):
    """An unknown key is an error with its fingerprint, so that it can be compared on the board."""

    def __init__(self, host: str) -> None:
        self.host = host

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Refuse."""
        raise TargetUnavailable(
            f"nobody has seen the host key of `{hostname}` yet: {key.get_name()} {key.fingerprint}",
            "a key in known_hosts; compare the fingerprint on the board: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
            f"ssh {self.host} true, or --trust-on-first-use",
        )


class FirstUse(paramiko.MissingHostKeyPolicy):
    """An unknown key is added to the first known_hosts file; a key that differs from a known one is refused all the same."""

    def __init__(self, file: Path, host: str) -> None:
        self.file = file
        self.host = host

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Keep the key for the next time."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")
