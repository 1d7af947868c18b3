"""What is checked on a board before anything runs there: one line per finding, and how to fix it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.errors import TargetUnavailable
from targets.boards.link import Link
from targets.boards.targets_file import Board
from targets.runner.protocol import RUNTIMES

Level = Literal["ok", "warning", "problem"]
NEEDED_BYTES = 64_000_000
HOT_MC = 85_000
STEADY_GOVERNORS = ("performance", "userspace", "unknown")

SCRIPT = r"""
say() { printf '%s=%s\n' "$1" "$2"; }
first() { head -n 1 "$1" 2>/dev/null; }
umask 077
work=WORK; delegate=DELEGATE; device=DEVICE; python=PYTHON; benchmark=BENCHMARK
mkdir -p "$work/blobs" 2>/dev/null && [ -w "$work" ] && say work "$(cd "$work" && pwd)"
set -- $(df -Pk "$work" 2>/dev/null | tail -n 1); say free_kb "$4"
while read -r key value _; do [ "$key" = MemAvailable: ] && say memory_kb "$value"; done < /proc/meminfo
say machine "$(uname -m)"; say kernel "$(uname -r)"
say cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
say soc "$(tr -d '\0' < /proc/device-tree/model 2>/dev/null)"
command -v sha256sum >/dev/null && say sha256sum yes
[ -f "$delegate" ] && set -- $(sha256sum "$delegate") && say delegate "$1"
if [ -c "$device" ]; then
  say device character
  set -- $(stat -c '%t %T' "$device")
  say driver "$(basename "$(readlink -f "/sys/dev/char/$((0x$1)):$((0x$2))/device/driver")")"
elif [ -e "$device" ]; then say device other; fi
[ -e "$device" ] && { [ -r "$device" ] && [ -w "$device" ]; } && say device_open yes
say governor "$(first /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor)"
for zone in /sys/class/thermal/thermal_zone*/temp; do say temperature_mc "$(first "$zone")"; done
say load "$(first /proc/loadavg)"
command -v "$benchmark" >/dev/null && say benchmark_model "$(command -v "$benchmark")"
command -v "$python" >/dev/null && "$python" -c '
import importlib.util, sys
print("python=%d.%d.%d" % sys.version_info[:3])
for name in MODULES:
    if importlib.util.find_spec(name): print("module=" + name)'
say end yes
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, whether that will do, and what fixes it."""

    name: str
    level: Level
    found: str
    fix: str = ""


WHOLE = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class BoardFacts:
    """What a board said of itself; a key may come several times."""

    values: dict[str, list[str]]

    def first(self, key: str) -> str:
        """The first value of a key, "" when the board did not say."""
        return next(iter(self.values.get(key, [])), "")

    def number(self, key: str) -> int:
        """The largest value of a key as a number, 0 when there is none."""
        return max((int(value) for value in self.values.get(key, []) if WHOLE.fullmatch(value)), default=0)

    @property
    def runtimes(self) -> list[str]:
        """The TFLite runtimes that its Python can import."""
        return [name for name in RUNTIMES if name in self.values.get("module", [])]


def environment_of(board: Board) -> str:
    """The board's environment as a prefix of a shell command."""
    return "".join(f"{key}={shlex.quote(value)} " for key, value in board.environment.items())


def ask_board(link: Link) -> BoardFacts:
    """What the board says of itself, in one round trip."""
    board = link.board
    names = {
        "WORK": board.work, "DELEGATE": board.delegate, "DEVICE": board.device, "PYTHON": board.python,
        "BENCHMARK": board.benchmark_model,
    }  # fmt: skip
    script = SCRIPT.replace("MODULES", json.dumps(["numpy", *RUNTIMES]))
    for key, value in names.items():
        script = script.replace(f"={key}", f"={shlex.quote(value)}", 1)
    said = link.run(f"{environment_of(board)}sh -s", stdin=[script.encode()], limit_s=60)
    values: dict[str, list[str]] = {}
    for line in said.stdout.decode(errors="replace").splitlines():
        key, separator, value = line.partition("=")
        if separator and value.strip():
            values.setdefault(key, []).append(value.strip())
    if "end" not in values:
        raise TargetUnavailable(
            f"{link.name} has no shell that runs commands: {said.stderr.strip()[:200] or f'exit code {said.code}'}",
            "a POSIX sh over ssh",
            f"ssh {board.host} true",
        )
    return BoardFacts(values)


def findings(board: Board, facts: BoardFacts) -> Iterator[Finding]:
    """Every check in the order in which a job meets them."""
    yield _work(board, facts)
    yield _memory(facts)
    yield from _runtime(board, facts)
    yield from _npu(board, facts)
    yield from _steadiness(facts)


def require_ready(name: str, board: Board, facts: BoardFacts) -> None:
    """Raise TargetUnavailable with the first problem."""
    problems = [finding for finding in findings(board, facts) if finding.level == "problem"]
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more: ethos-bench targets check)" if problems[1:] else ""
        raise TargetUnavailable(f"{name} is not ready: {first.name}: {first.found}{more}", hint=first.fix)


def _work(board: Board, facts: BoardFacts) -> Finding:
    free = facts.number("free_kb") * 1024
    if not facts.first("work"):
        return Finding("work folder", "problem", f"cannot write `{board.work}`", 'work = "/a/writable/folder" in targets.toml')
    if not facts.first("sha256sum"):
        return Finding("work folder", "problem", "no sha256sum: uploads cannot be checked", "install coreutils or busybox")
    if free < NEEDED_BYTES:
        found = f"{free // 1_000_000} MB free in `{facts.first('work')}`, {NEEDED_BYTES / 1e6:.0f} MB needed"
        return Finding("work folder", "problem", found, f"ssh {board.host} rm -rf {board.work}/blobs")
    return Finding("work folder", "ok", f"{facts.first('work')}, {free / 1e6:.0f} MB free")


def _memory(facts: BoardFacts) -> Finding:
    available = facts.number("memory_kb") * 1024
    level: Level = "ok" if available >= NEEDED_BYTES else "problem"
    return Finding("memory", level, f"{available / 1e6:.0f} MB available", "end other programs on the board")


def _runtime(board: Board, facts: BoardFacts) -> Iterator[Finding]:
    binary, python = facts.first("benchmark_model"), facts.first("python")
    if runs_benchmark_model(board, facts):
        yield Finding("runtime", "ok", f"{binary}: means only, no single samples")
        return
    if not python:
        fix = 'python = "/path/of/python3" in targets.toml, or put benchmark_model on the board\'s PATH'
        yield Finding("Python", "problem", f"`{board.python}` does not run, and no `{board.benchmark_model}`", fix)
        return
    old = tuple(int(part) for part in python.split(".")[:2]) < (3, 8)
    yield Finding("Python", "problem" if old else "ok", python, "Python 3.8 or newer")
    wanted = [board.runtime] if board.runtime != "auto" else list(RUNTIMES)
    found = [name for name in wanted if name in facts.runtimes]
    if not found:
        fix = "pip install -r requirements-board.lock on the board, or environment = { PYTHONPATH = ... } in targets.toml"
        yield Finding("runtime", "problem", f"no {' and no '.join(wanted)}", fix)
        return
    yield Finding("runtime", "ok", found[0])


def runs_benchmark_model(board: Board, facts: BoardFacts) -> bool:
    """Whether jobs go through TFLite's benchmark binary: asked for, or `auto` on a board without Python runtime."""
    binary = bool(facts.first("benchmark_model"))
    return binary and (board.runtime == "benchmark_model" or (board.runtime == "auto" and not facts.runtimes))


def _npu(board: Board, facts: BoardFacts) -> Iterator[Finding]:
    digest = facts.first("delegate")
    if digest:
        yield Finding("delegate", "ok", f"{board.delegate} {digest[:12]}")
    else:
        known = "/usr/lib/libethosu_delegate.so (NXP), /usr/lib/libteflon.so (Mesa)"
        yield Finding("delegate", "problem", f"no `{board.delegate}`", f"delegate = ... in targets.toml; known: {known}")
    kind = facts.first("device")
    if not kind:
        fix = "load the driver (modprobe ethosu), or device = ... in targets.toml"
        yield Finding("device", "problem", f"no `{board.device}`", fix)
    elif not facts.first("device_open"):
        yield Finding("device", "problem", f"`{board.device}` may not be opened", "add the user to the device's group")
    elif kind == "character":
        yield Finding("device", "ok", board.device)
    else:
        yield Finding("device", "warning", f"`{board.device}` is no device node: a stand-in, figures get evidence `host`")


def _steadiness(facts: BoardFacts) -> Iterator[Finding]:
    yield Finding("kernel", "ok", f"{facts.first('kernel')} {facts.first('machine')}")
    governor = facts.first("governor") or "unknown"
    level: Level = "ok" if governor in STEADY_GOVERNORS else "warning"
    fix = "echo performance > /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    yield Finding("governor", level, governor, fix)
    hot = facts.number("temperature_mc")
    found = f"{hot / 1000:.0f} °C" if hot else "unknown"
    yield Finding("temperature", "warning" if hot > HOT_MC else "ok", found, "let it cool: a hot board throttles")
