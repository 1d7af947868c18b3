"""`python -m tests.ethosu_simulator.fuzz.statistics SECONDS`: every target in turn; `--write` puts the figures into the docs.

`--only TARGET` renews one row of the page that is there, with the target's share of SECONDS.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys

from tests.checkout import CHECKOUT

PAGE = CHECKOUT / "docs" / "reference" / "fuzzing.md"
SHARES = {
    "decoder": 0.15, "weights": 0.1, "file": 0.1, "pte": 0.1, "run": 0.15, "plan": 0.1, "arena": 0.1, "older": 0.15,
    "timing": 0.05,
}  # fmt: skip
FRESH = ("/bin/sh", "-c", '"$@"; exit $?', "sh")
"""Linux hands a process's peak memory on to what it executes; from a shell's child the fuzzer's limit counts its own."""
WANTED = {
    "number_of_executed_units": "executed inputs",
    "average_exec_per_sec": "per second",
    "new_units_added": "inputs kept",
    "slowest_unit_time_sec": "slowest, s",
    "peak_rss_mb": "peak memory, MB",
}


def fuzz(target: str, *options: str) -> tuple[int, str]:
    """(exit code, what the fuzzer printed) with these options of libFuzzer."""
    command = [sys.executable, "-m", "tests.ethosu_simulator.fuzz", target, *options]
    done = subprocess.run(
        [*FRESH, *command], cwd=CHECKOUT, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True,
        errors="replace", check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def figures(printed: str) -> dict[str, str]:
    """The statistics in libFuzzer's output, and the edges covered."""
    found = {name: next(iter(re.findall(rf"stat::{name}:\s*(\d+)", printed)), "?") for name in WANTED}
    covered = re.findall(r"cov: (\d+)", printed)
    return {**found, "edges": covered[-1] if covered else "?"}


def row(target: str, seconds: int, code: int, found: dict[str, str]) -> str:
    """A line of the table."""
    return "| " + " | ".join([target, str(seconds), "0" if code == 0 else f"exit {code}", *found.values()]) + " |"


def page(rows: list[str], command: str) -> str:
    """The page of a run."""
    head = ["target", "seconds", "crashes", *WANTED.values(), "edges covered"]
    lines = [
        "# Fuzzing the simulator",
        "",
        f"Written by `{command}` on {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}, "
        f"Python {platform.python_version()}, one core. What the targets do: tests/ethosu_simulator/fuzz/targets.py.",
        "",
        "Coverage-guided by atheris (libFuzzer); numba's loops run as Python, so that their branches and bounds count. `plan`,",
        "`arena` and `older`, which need them compiled, mutate blindly: they have no edges and keep no inputs. They hold every",
        "plan against the interpreter: a departure ends the run as a crash.",
        "Anything but a result or a SimulatorError, and 120 seconds or 1,500 MB for one input, end the run as a crash.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *rows,
    ]
    return "\n".join(lines) + "\n"


def renewed(text: str, line: str) -> str:
    """The page with one target's line instead of the one it has."""
    name = line.split("|")[1]
    return "".join(f"{line}\n" if old.startswith(f"|{name}|") else old for old in text.splitlines(keepends=True))


def main() -> int:
    """0 when no target crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=int)
    parser.add_argument("--only", choices=SHARES)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows, codes = [], []
    for target in [options.only] if options.only else SHARES:
        seconds = max(2, int(options.seconds * SHARES[target]))
        code, printed = fuzz(target, f"-max_total_time={seconds}")
        codes.append(code)
        rows.append(row(target, seconds, code, figures(printed)))
        if code:
            sys.stdout.write(printed[-6000:])
    command = f"make fuzz SECONDS={options.seconds}"
    text = renewed(PAGE.read_text(), rows[0]) if options.only else page(rows, command)
    sys.stdout.write(text)
    if options.write:
        PAGE.write_text(text)
    return int(any(codes))


if __name__ == "__main__":
    raise SystemExit(main())
