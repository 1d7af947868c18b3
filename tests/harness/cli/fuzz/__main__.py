"""`python -m tests.harness.cli.fuzz SECONDS [--seed N] [--write]`: every command on mutated files; the figures, into the docs.

A file that made a traceback, a hang or a wrong exit code is kept in .fuzz/commands/ with the command's line.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import platform
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from click.testing import CliRunner

from core.errors import EthosBenchError
from harness.cli import main as commands
from tests.checkout import CHECKOUT
from tests.harness.cli.fuzz.kinds import KINDS, put, write_good
from tests.harness.cli.fuzz.mutations import mutated
from tests.harness.cli.fuzz.readers import READERS

PAGE = CHECKOUT / "docs" / "reference" / "fuzzing-commands.md"
FINDINGS = Path(".fuzz") / "commands"
PINNED = {0, 1, 2, 3}
LONGEST_S = 10
"""Of the processor's time; of the clock's, which a busy machine stretches, it may be many times as much."""
WAITED_S = 300
EVERY = 5
WARM = ("estimate {}/compiled.tflite", "report {}/run --no-history --output {}/warm.html")


class Hang(BaseException):
    """A command that does not end."""


@dataclass
class Figures:
    """What came of a run of the fuzzer; `bad` are the commands that were not as promised, with the reason."""

    cases: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    slowest_s: float = 0.0
    bad: list[str] = field(default_factory=list)


def fuzz(seed: int, cases: int = 0, seconds: float = 0) -> Figures:
    """The figures of so many cases, or of so many seconds."""
    found, chance = Figures(), random.Random(seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ethos-bench-fuzz-") as name:
        good = Path(name) / "good"
        good.mkdir()
        write_good(good)
        for command in WARM:  # the first use of a library is no hang
            CliRunner().invoke(commands, command.replace("{}", str(good)).split())
        for kind in order():
            if sum(found.cases.values()) >= cases and time.monotonic() - started >= seconds:
                break
            content = mutated((good / KINDS[kind].file).read_bytes(), chance)
            folder = Path(name) / "case"
            shutil.copytree(good, folder, symlinks=True)
            put(kind, content, folder)
            for command in chance.sample(KINDS[kind].commands, 1):
                _run(command, folder, kind, content, found)
            shutil.rmtree(folder)
    return found


def order() -> Iterator[str]:
    """Every kind in turn without end, the slow ones once in `EVERY` rounds."""
    for number in itertools.count():
        yield from (name for name, kind in KINDS.items() if not kind.slow or number % EVERY == 0)


def _run(command: str, folder: Path, kind: str, content: bytes, found: Figures) -> None:
    before = time.process_time()
    _watch(LONGEST_S, WAITED_S)
    try:
        code, error, said = _outcome(command, folder)
    except Hang as hang:
        code, error, said = -1, hang, ""
    finally:
        _watch(0, 0)
    found.cases[kind] += 1
    found.codes[code] += 1
    found.slowest_s = max(found.slowest_s, time.process_time() - before)
    if error is not None or code not in PINNED or "Traceback (most" in said:
        FINDINGS.mkdir(parents=True, exist_ok=True)
        (FINDINGS / f"{len(found.bad)}-{kind.replace(' ', '-')}").write_bytes(content)
        where = traceback.format_exception(error)[-3:] if error else []
        found.bad.append(f"{command}: exit {code}: {error!r:.300} {''.join(where)[-600:]}")


def _outcome(command: str, folder: Path) -> tuple[int, BaseException | None, str]:
    """(exit code, what was raised that should not have been, what was printed) of a command, or of a reader of the suite."""
    reader = command.removeprefix("read: ")
    if reader in READERS:
        try:
            READERS[reader](folder)
        except EthosBenchError as error:
            return 2, None, str(error)
        except Exception as error:
            return -1, error, ""
        return 0, None, ""
    done = CliRunner().invoke(commands, command.replace("{}", str(folder)).split())
    raised = None if isinstance(done.exception, SystemExit) else done.exception
    return done.exit_code, raised, done.output


def _watch(busy_s: int, waited_s: int) -> None:
    for timer, number, limit in ((signal.ITIMER_PROF, signal.SIGPROF, busy_s), (signal.ITIMER_REAL, signal.SIGALRM, waited_s)):
        signal.signal(number, _expired)
        signal.setitimer(timer, limit)


def _expired(number: int, frame: FrameType | None) -> None:
    raise Hang


def page(found: Figures, seconds: int, seed: int) -> Iterator[str]:
    """The lines of the page."""
    yield "# Fuzzing the commands"
    yield ""
    today = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"
    yield f"Written by `python -m tests.harness.cli.fuzz {seconds} --seed {seed} --write` on {today}, Python"
    yield f"{platform.python_version()}: every command, and what the suite reads before it runs anything, on mutated files of"
    yield "every kind (tests/harness/cli/fuzz). Promised: no traceback, exit code 0 to 3, ten seconds of the processor at most."
    yield ""
    yield "| kind of file | cases |"
    yield "|---|---|"
    for kind, count in found.cases.items():
        yield f"| {kind} | {count:,} |"
    yield ""
    codes = ", ".join(f"{code}: {count:,}" for code, count in sorted(found.codes.items()))
    own, children = (resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    yield f"{sum(found.cases.values()):,} cases; exit codes {codes}; slowest {found.slowest_s:.1f} s;"
    yield f"peak memory {own:,} MB, of a child (Vela, a worker that loads a checkpoint) {children:,} MB;"
    yield f"tracebacks, hangs and wrong exit codes: {len(found.bad)}."


def main() -> int:
    """0 when every command was as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    found = fuzz(given.seed, seconds=given.seconds)
    text = "\n".join(page(found, given.seconds, given.seed)) + "\n"
    sys.stdout.write("\n".join([*found.bad, text]))
    if given.write:
        PAGE.write_text(text, "utf-8")
    return 1 if found.bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
