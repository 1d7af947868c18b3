"""Test boards: a real sshd in network, mount, process and host-name namespaces of its own, on a root file system from Debian
packages, native or arm64 through qemu-user, with a stand-in NPU.

Nothing of it can reach outside: a board's namespace has no default route, and the test network is unreachable but through the
boards' own links. Milliseconds taken here mean nothing; plumbing, faults and numbers of samples do.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["native", "arm64"]
HERE = Path(__file__).parent
NETWORK = "10.77.0.0/16"
LOCKS = Path("/run/lock/ethos-bench-boards")
START_S = 60.0
DEBIAN = {"native": "amd64", "arm64": "arm64"}
COMPILERS = {"native": "gcc", "arm64": "aarch64-linux-gnu-gcc"}
TOOLS = ("ip", "unshare", "ssh-keygen", "mmdebstrap", "gcc", "aarch64-linux-gnu-gcc", "update-binfmts")
PACKAGES = (
    "iproute2 util-linux openssh-client mmdebstrap gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross "
    "qemu-user-static binfmt-support"
)
BOOT = """#!/bin/sh
hostname {name}
mount -t proc proc /proc
mount -t tmpfs -o size=16m tmpfs /run
mount -t tmpfs -o size=1m tmpfs /dev
for node in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
  set -- $node; mknod -m 666 /dev/$1 c $2 $3
done
mkdir -p /run/sshd /dev/pts /dev/shm && chmod 1777 /dev/shm
mount -t devpts devpts /dev/pts -o newinstance,ptmxmode=0666,mode=620 && ln -s pts/ptmx /dev/ptmx
ln -s /proc/self/fd /dev/fd
ln -s /npu/device /dev/ethosu0
exec /usr/sbin/sshd -D -e -f /etc/ssh/board_sshd_config
"""
# No sysfs: the host's x86 topology in it crashes an aarch64 runtime under qemu-user.
SSHD = """Port 22
HostKey /etc/ssh/board_host_key
UsePAM no
PasswordAuthentication no
PermitRootLogin no
UseDNS no
PidFile none
MaxStartups 100
{sftp}
"""


def missing() -> str:
    """Why no test board can run here, with the one line that mends it; "" when it can."""
    if sys.platform != "linux":
        return "test boards need Linux's namespaces"
    install = f"apt-get install {PACKAGES}"
    if os.geteuid() != 0:
        return f"test boards need root for namespaces: sudo {install} && sudo -E .venv/bin/pytest -m boards"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return f"no {', '.join(absent)}: {install}"
    tried = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, text=True, check=False)
    return f"no namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


def rootfs(kind: Kind) -> Path:
    """The root file system of a kind of board, built at the first call of a machine; kept by its recipe."""
    recipe = HERE / "make_rootfs.sh"
    digest = hashlib.sha256(recipe.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("ETHOS_BENCH_TEST_BOARDS") or Path.home() / ".cache" / "ethos-bench-test-boards")
    folder = cache / f"{DEBIAN[kind]}-{digest}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"PYTHON": sys.executable}
        built = subprocess.run(
            [recipe, folder, DEBIAN[kind]], env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        if built.returncode:
            raise RuntimeError(f"cannot build the root file system of {kind} boards: {built.stderr.strip()[-2000:]}")
    return folder


def build_delegate(kind: Kind, folder: Path) -> Path:
    """The stand-in delegate, compiled for a kind of board."""
    found = folder / f"libstandin-{kind}.so"
    if not found.exists():
        flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
        subprocess.run([COMPILERS[kind], *flags, "-o", found, HERE / "standin_delegate.c"], check=True, timeout=60)
    return found


@dataclass
class TestBoard:
    """One board while it is up. `index` is its place in the test network: 10.77.INDEX.2, the machine 10.77.INDEX.1."""

    __test__ = False

    name: str
    index: int
    kind: Kind
    folder: Path
    key: Path
    device: Path
    sftp: bool = True
    disk_mb: int = 128
    lock: int = -1

    @property
    def address(self) -> str:
        """Where its sshd listens."""
        return f"10.77.{self.index}.2"

    @property
    def root(self) -> Path:
        """Its file system, seen from outside."""
        return self.folder / "root"

    @property
    def namespace(self) -> str:
        """Name of its network namespace: of this test process and board only."""
        return f"eb{os.getpid() % 100000}-{self.index}"

    def up(self) -> None:
        """Build the board and switch it on."""
        layers = self.folder / "layers"
        for path in (layers, self.root):
            path.mkdir(parents=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={self.disk_mb}m", "tmpfs", layers)
        for part in ("upper", "work"):
            (layers / part).mkdir()
        options = f"lowerdir={rootfs(self.kind)},upperdir={layers / 'upper'},workdir={layers / 'work'}"
        _run("mount", "-t", "overlay", "overlay", "-o", options, self.root)
        self._furnish()
        _run("ip", "route", "replace", "unreachable", NETWORK, "metric", "4096")
        _run("ip", "netns", "add", self.namespace)
        link = self.namespace
        _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        _run("ip", "address", "add", f"10.77.{self.index}.1/30", "dev", link)
        _run("ip", "link", "set", link, "up")
        inside = ("ip", "netns", "exec", self.namespace, "ip")
        _run(*inside, "address", "add", f"{self.address}/30", "dev", "eth0")
        _run(*inside, "link", "set", "lo", "up")
        self.mend()
        self.on()

    def _furnish(self) -> None:
        root = self.root
        (root / "boot.sh").write_text(BOOT.format(name=self.name))
        (root / "boot.sh").chmod(0o755)
        sftp = "Subsystem sftp internal-sftp" if self.sftp else ""
        (root / "etc/ssh/board_sshd_config").write_text(SSHD.format(sftp=sftp))
        (root / "npu").mkdir()
        (root / "npu/device").touch()
        _run("mount", "--bind", self.device, root / "npu/device")
        shutil.copy(build_delegate(self.kind, self.folder.parent), root / "opt/libethosu_delegate.so")
        authorized = root / "home/board/.ssh/authorized_keys"
        authorized.write_text(self.key.with_suffix(".pub").read_text())
        os.chown(authorized, 1000, 1000)
        self.new_host_key()

    def new_host_key(self) -> None:
        """Give the board another host key, as a new installation does."""
        key = self.root / "etc/ssh/board_host_key"
        for path in (key, key.with_suffix(".pub")):
            path.unlink(missing_ok=True)
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)

    @property
    def known_host(self) -> str:
        """Its line in known_hosts."""
        kind, key, *_ = (self.root / "etc/ssh/board_host_key.pub").read_text().split()
        return f"{self.address} {kind} {key}\n"

    def on(self) -> None:
        """Switch on, and wait till its sshd answers."""
        # `setsid --fork`: a board is no child of the tests, which look for processes that a target leaves behind.
        command = ["setsid", "--fork", "ip", "netns", "exec", self.namespace, "unshare", "--mount", "--uts", "--ipc", "--pid"]
        command += ["--fork", "--kill-child", "--propagation", "private", "chroot", str(self.root), "/boot.sh"]
        with (self.folder / "console.log").open("ab") as console:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=True)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((self.address, 22), timeout=2) as link:
                if link.recv(4) == b"SSH-":
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not boot: {(self.folder / 'console.log').read_text()[-500:]}")

    def off(self) -> None:
        """Cut the power: every process ends at once, files stay as they are."""
        deadline = time.monotonic() + START_S
        while pids := list(self._pids()):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} cannot be switched off: {pids}")
            time.sleep(0.02)

    def reboot(self) -> None:
        """Off and on."""
        self.off()
        self.on()

    def cut(self) -> None:
        """Pull the cable, on the board's side: on ours the route would vanish and packets would look for another."""
        _run("ip", "netns", "exec", self.namespace, "ip", "link", "set", "eth0", "down")

    def mend(self) -> None:
        """Put the cable back."""
        _run("ip", "netns", "exec", self.namespace, "ip", "link", "set", "eth0", "up")

    def slow(self, rate: str) -> None:
        """Limit both directions of the link, such as "2mbit"."""
        limit = ("root", "tbf", "rate", rate, "burst", "32kb", "latency", "400ms")
        _run("tc", "qdisc", "replace", "dev", self.namespace, *limit)
        _run("ip", "netns", "exec", self.namespace, "tc", "qdisc", "replace", "dev", "eth0", *limit)

    def fast(self) -> None:
        """Take the limit away."""
        for prefix, device in (((), self.namespace), (("ip", "netns", "exec", self.namespace), "eth0")):
            subprocess.run([*prefix, "tc", "qdisc", "del", "dev", device, "root"], capture_output=True, check=False)

    def processes(self) -> list[str]:
        """Command lines of the board's processes that belong to the user `board`, its sshd's apart."""
        found = []
        for pid in self._pids():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if "\nUid:\t1000" in status and "sshd" not in line and line:
                    found.append(line)
        return found

    def kill(self, pattern: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to the newest of the board's processes whose command line has `pattern`; its pid, 0 for none."""
        for pid in sorted(self._pids(), reverse=True):
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if pattern in line and "\nUid:\t1000" in Path(f"/proc/{pid}/status").read_text():
                    os.kill(pid, number)
                    return pid
        return 0

    def _pids(self) -> Iterator[int]:
        """Process ids, on this machine, of everything in the board's network namespace."""
        said = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True, check=False).stdout
        return (int(word) for word in said.split())

    def files(self, folder: str = "home/board/.ethos-bench") -> list[str]:
        """Files of the harness on the board, but for the content-keyed ones and the locks."""
        top = self.root / folder
        names = [str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()]
        return sorted(n for n in names if n not in ("lock", "sweeping") and not _is_blob(n))

    def down(self) -> None:
        """Take the board apart; nothing of it stays."""
        self.off()
        for mount in (self.root / "npu/device", self.root, self.folder / "layers"):
            subprocess.run(["umount", "-l", mount], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self.namespace], capture_output=True, check=False)
        if self.lock >= 0:
            os.close(self.lock)
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_blob(name: str) -> bool:
    folder, _, leaf = name.partition("/")
    return folder == "blobs" and len(leaf) == 64


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        raise RuntimeError(f"`{shlex.join(map(str, command))}`: {done.stderr.strip()}")


@dataclass
class Lab:
    """Boards of one session with their key, ssh configuration, targets file and the simulator behind their devices."""

    folder: Path
    boards: dict[str, TestBoard] = field(default_factory=dict)

    def __enter__(self) -> Lab:
        self.folder.mkdir(parents=True, exist_ok=True)
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "id")
        self._npu = subprocess.Popen(
            [sys.executable, "-m", "tests.boards.npu_device", self.folder / "npu.sock"],
            stdout=subprocess.PIPE, cwd=HERE.parents[1], start_new_session=True,
        )  # fmt: skip
        assert self._npu.stdout is not None
        if not self._npu.stdout.readline():
            raise RuntimeError("the simulated NPU does not start")
        return self

    def __exit__(self, *_: object) -> None:
        for board in self.boards.values():
            board.down()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._npu.pid, signal.SIGKILL)
        self._npu.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, name: str, kind: Kind, *, sftp: bool = True, disk_mb: int = 128) -> TestBoard:
        """A new board, switched on and known to ssh."""
        if kind == "arm64":
            _enable_emulation()
        index, lock = _free_place()
        board = TestBoard(name, index, kind, self.folder / name, self.folder / "id", self.folder / "npu.sock", sftp, disk_mb)
        board.lock = lock
        self.boards[name] = board
        board.up()
        self.write()
        return board

    def write(self, *, known: bool = True, **changes: object) -> None:
        """Write known_hosts, the ssh configuration and the targets file; `changes` go into every board's table."""
        (self.folder / "known_hosts").write_text("".join(b.known_host for b in self.boards.values()) if known else "")
        hosts = [
            f"Host {board.name}\n  HostName {board.address}\n  User board\n  IdentityFile {board.key}\n"
            f"  UserKnownHostsFile {self.folder / 'known_hosts'}\n"
            for board in self.boards.values()
        ]
        (self.folder / "ssh_config").write_text("".join(hosts))
        tables = []
        for board in self.boards.values():
            keys: dict[str, object] = {
                "delegate": "/opt/libethosu_delegate.so",
                "delegate_options": {"enable_cycle_counter": "true"},
                "environment": {"PYTHONPATH": "/opt/tflite_runtime"},
                "ssh_config": str(self.folder / "ssh_config"),
                "silence_s": 60 if board.kind == "arm64" else 6,  # emulated, Python alone takes seconds to start
                "reconnect_s": 20,
                "inference_s": 300,
                **changes,
            }
            tables.append(f"[boards.{board.name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items()))
        (self.folder / "targets.toml").write_text("\n".join(tables))

    @property
    def targets(self) -> Path:
        """The targets file that names the boards."""
        return self.folder / "targets.toml"


def _free_place() -> tuple[int, int]:
    """A number in the test network that no other test session uses, and the descriptor whose lock keeps it."""
    LOCKS.mkdir(exist_ok=True)
    for index in range(1, 250):
        lock = os.open(LOCKS / str(index), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear(index)
            return index, lock
        os.close(lock)
    raise RuntimeError("250 test boards are up on this machine")


def _clear(index: int) -> None:
    """Remove the network of a board whose test session was killed."""
    said = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for name in said.split():
        if name.startswith("eb") and name.endswith(f"-{index}"):
            for pid in subprocess.run(
                ["ip", "netns", "pids", name], capture_output=True, text=True, check=False
            ).stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _enable_emulation() -> None:
    """Let the kernel start arm64 programs through qemu-user."""
    place = Path("/proc/sys/fs/binfmt_misc")
    if not (place / "register").exists():
        _run("mount", "-t", "binfmt_misc", "binfmt_misc", place)
    if not (place / "qemu-aarch64").exists():
        _run("update-binfmts", "--enable", "qemu-aarch64")
