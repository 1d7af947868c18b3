"""`python -m tests.simulator.fuzz.statistics SECONDS`: every target in turn; `--write` puts the figures into the docs."""

from __future__ import annotations

import datetime
import platform
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
PAGE = CHECKOUT / "docs" / "reference" / "fuzzing.md"
SHARES = {"decoder": 0.15, "weights": 0.15, "file": 0.15, "run": 0.3, "plan": 0.25}
WANTED = {
    "number_of_executed_units": "executed inputs",
    "average_exec_per_sec": "per second",
    "new_units_added": "inputs kept",
    "slowest_unit_time_sec": "slowest, s",
    "peak_rss_mb": "peak memory, MB",
}


def fuzz(target: str, seconds: int) -> tuple[int, str]:
    """(exit code, what the fuzzer printed)."""
    command = [sys.executable, "-m", "tests.simulator.fuzz", target, f"-max_total_time={seconds}"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout + done.stderr


def figures(printed: str) -> dict[str, str]:
    """The statistics in libFuzzer's output, and the edges covered."""
    found = {name: next(iter(re.findall(rf"stat::{name}:\s*(\d+)", printed)), "?") for name in WANTED}
    covered = re.findall(r"cov: (\d+)", printed)
    return {**found, "edges": covered[-1] if covered else "?"}


def page(rows: list[tuple[str, int, int, dict[str, str]]], seconds: int) -> str:
    """The page of a run."""
    head = ["target", "seconds", "crashes", *WANTED.values(), "edges covered"]
    lines = [
        "# Fuzzing the simulator",
        "",
        f"Written by `make fuzz SECONDS={seconds}` on {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}, "
        f"Python {platform.python_version()}, one core. What the targets do: tests/simulator/fuzz/targets.py.",
        "",
        "Coverage-guided by atheris (libFuzzer); numba's loops run as Python, so that their branches and bounds count.",
        "Anything but a result or a SimulatorError, and 120 seconds or 1,500 MB for one input, end the run as a crash.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    for target, share, code, found in rows:
        lines.append("| " + " | ".join([target, str(share), "0" if code == 0 else f"exit {code}", *found.values()]) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """0 when no target crashed."""
    seconds, rows = int(sys.argv[1]), []
    for target, share in SHARES.items():
        code, printed = fuzz(target, max(2, int(seconds * share)))
        rows.append((target, int(seconds * share), code, figures(printed)))
        if code:
            sys.stdout.write(printed[-6000:])
    text = page(rows, seconds)
    sys.stdout.write(text)
    if "--write" in sys.argv:
        PAGE.write_text(text)
    return int(any(code for _, _, code, _ in rows))


if __name__ == "__main__":
    raise SystemExit(main())
