"""`python -m tests.ethosu_simulator.fuzz.statistics SECONDS`: every target in turn; `--write` puts the figures into the docs.

`--only TARGET` (repeatable) shares SECONDS among these targets alone, and renews their rows of the page that is there.
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
        f"Written {_made(command)} What the targets do: tests/ethosu_simulator/fuzz/targets.py.",
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


def renewed(text: str, rows: list[str], command: str) -> str:
    """The page with the rows of some targets instead of those it has, or behind them, and how these were made."""
    lines = text.splitlines()
    for row in rows:
        name = f"|{row.split('|')[1]}|"
        places = [at for at, line in enumerate(lines) if line.startswith(name)]
        if places:
            lines[places[0]] = row
        else:
            lines.insert(1 + max(at for at, line in enumerate(lines) if line.startswith("| ")), row)
    names = " and ".join(f"`{row.split('|')[1].strip()}`" for row in rows)
    kept = [line for line in lines if not line.startswith(f"{names}: ")]
    return "\n".join([*kept, "", f"{names}: {_made(command)}"]).replace("\n\n\n", "\n\n") + "\n"


def _made(command: str) -> str:
    today = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"
    return f"by `{command}` on {today}, Python {platform.python_version()}, one core."


def shared(seconds: int, only: list[str]) -> dict[str, int]:
    """Target -> its part of the seconds; all targets when none is named."""
    chosen = {target: share for target, share in SHARES.items() if target in only or not only}
    return {target: max(2, int(seconds * share / sum(chosen.values()))) for target, share in chosen.items()}


def main() -> int:
    """0 when no target crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=int)
    parser.add_argument("--only", choices=SHARES, action="append", default=[])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows, codes = [], []
    for target, seconds in shared(options.seconds, options.only).items():
        code, printed = fuzz(target, f"-max_total_time={seconds}")
        codes.append(code)
        rows.append(row(target, seconds, code, figures(printed)))
        if code:
            sys.stdout.write(printed[-6000:])
    only = "".join(f" --only {target}" for target in options.only)
    command = (
        f"python -m tests.ethosu_simulator.fuzz.statistics {options.seconds}{only}"
        if only
        else f"make fuzz SECONDS={options.seconds}"
    )
    text = renewed(PAGE.read_text("utf-8"), rows, command) if only else page(rows, command)
    sys.stdout.write(text)
    if options.write:
        PAGE.write_text(text, "utf-8")
    return int(any(codes))


if __name__ == "__main__":
    raise SystemExit(main())
