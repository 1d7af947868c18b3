"""`python -m tests.boards.faults_table COUNT`: make every fault COUNT times and write docs/reference/faults.md."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from tests.boards.boards import Lab, missing
from tests.boards.fault_scene import fault_scene
from tests.boards.faults import FAULTS, LIMIT_S, make_fault

TABLE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
HEAD = """# Faults

What happens to a board while it works, made for real on a test board (`tests/boards`: a real sshd in namespaces of its own,
Vela's file through a stand-in delegate into the simulator). Written by `make faults`; each is made once in CI
(tests/boards/test_faults.py), those of the farm in tests/boards/test_farm.py.

After each: no hang over {limit:.0f} s, no sample lost that had arrived, no wrong number recorded (bytes equal those of an
undisturbed run, every sample there and plausible, or an error instead of any figure), no process and no file of the job left on
the board.

{when}, {machine}, {count} times each. Seconds are of this machine, emulating the board, and say nothing of a board.

| fault | times | losses | longest s |
|---|---|---|---|
"""


def main(count: int) -> int:
    """Make the faults; 1 when anything was lost, hung, wrong or left over."""
    if why := missing():
        sys.stderr.write(f"{why}\n")
        return 3
    rows, failures = [], []
    with tempfile.TemporaryDirectory() as name, Lab(Path(name) / "lab") as lab:
        scene = fault_scene(lab, Path(name))
        for fault, inject in FAULTS.items():
            took, lost = [0.0], 0
            for number in range(count):
                started = time.monotonic()
                try:
                    took.append(make_fault(fault, scene))
                except Exception as error:  # the count of every kind of failure is the result
                    lost += 1
                    failures.append(f"{fault} {number}: {error}")
                sys.stdout.write(f"{fault} {number + 1}/{count}: {time.monotonic() - started:.1f} s, {lost} losses\n")
                sys.stdout.flush()
            rows.append(f"| {inject.__doc__} | {count} | {lost} | {max(took):.0f} |")
    when = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    head = HEAD.format(limit=LIMIT_S, when=when, machine=f"{platform.system()} {platform.machine()}", count=count)
    TABLE.write_text(head + "\n".join(rows) + "\n")
    sys.stdout.write("\n".join(failures) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
