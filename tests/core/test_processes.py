"""Child processes: limited in time, heard line by line, gone with all their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from core import processes
from core.processes import run_child
from tests.children import gone

GRANDPARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


@pytest.mark.parametrize("code", [0, 1, 77])
def test_the_exit_code_is_the_childs(code: int) -> None:
    finished = run_child(python(f"raise SystemExit({code})"), timeout_s=20)
    assert (finished.returncode, finished.timed_out) == (code, False)


def test_a_child_that_a_signal_ended_has_its_number_below_zero() -> None:
    finished = run_child(python("import os; os.kill(os.getpid(), 11)"), timeout_s=20)
    assert finished.returncode == -signal.SIGSEGV


def test_stdout_and_stderr_are_kept_apart() -> None:
    finished = run_child(python("import sys; print('out'); print('err', file=sys.stderr)"), timeout_s=20)
    assert (finished.stdout, finished.stderr) == ("out\n", "err\n")


def test_each_line_is_heard_when_it_is_said_and_not_at_the_end() -> None:
    heard: list[tuple[str, float]] = []
    code = "import time; print('one', flush=True); time.sleep(0.6); print('two', flush=True)"
    run_child(python(code), timeout_s=20, on_line=lambda line: heard.append((line, time.monotonic())))
    assert [line for line, _ in heard] == ["one", "two"]
    assert heard[1][1] - heard[0][1] > 0.4


def test_much_output_on_both_sides_blocks_nobody() -> None:
    code = "import sys\nfor _ in range(20000): print('x' * 50); print('y' * 50, file=sys.stderr)"
    finished = run_child(python(code), timeout_s=60)
    assert len(finished.stdout) == len(finished.stderr) == 20000 * 51


def test_bytes_that_are_no_text_are_no_error() -> None:
    finished = run_child(python("import sys; sys.stdout.buffer.write(b'\\xff\\xfe ok\\n')"), timeout_s=20)
    assert finished.stdout.endswith(" ok\n")


def test_when_time_runs_out_grandchildren_end_too() -> None:
    heard: list[str] = []
    started = time.monotonic()
    finished = run_child(python(GRANDPARENT), timeout_s=0.8, on_line=heard.append)
    assert finished.timed_out
    assert finished.returncode == -signal.SIGKILL
    assert time.monotonic() - started < 10
    assert gone(int(heard[0]))


def test_a_grandchild_that_outlives_its_parent_ends_with_it() -> None:
    code = """
        import subprocess, sys
        devnull = subprocess.DEVNULL
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=devnull, stderr=devnull)
        print(child.pid)
    """
    finished = run_child(python(code), timeout_s=20)
    assert finished.returncode == 0
    assert gone(int(finished.stdout))


def test_an_error_of_the_listener_ends_the_child() -> None:
    pids: list[int] = []

    def listen(line: str) -> None:
        pids.append(int(line))
        raise RuntimeError("the listener is broken")

    with pytest.raises(RuntimeError, match="the listener is broken"):
        run_child(python(GRANDPARENT), timeout_s=60, on_line=listen)
    assert gone(pids[0])


def test_ctrl_c_ends_the_child() -> None:
    pids: list[int] = []

    def listen(line: str) -> None:
        pids.append(int(line))
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        run_child(python(GRANDPARENT), timeout_s=60, on_line=listen)
    assert gone(pids[0])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_that_watches_its_parent_ends_when_that_is_killed(how: signal.Signals) -> None:
    computing = """
        import os, sys, time
        from core.processes import end_with_parent
        end_with_parent(int(sys.argv[1]))
        print(os.getpid(), flush=True)
        time.sleep(600)
    """
    ours = f"""
        import os, sys, textwrap
        from core.processes import run_child
        child = [sys.executable, "-c", textwrap.dedent({computing!r}), str(os.getpid())]
        run_child(child, timeout_s=600, on_line=lambda line: print(line, flush=True))
    """
    parent = subprocess.Popen(python(ours), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.send_signal(how)
    parent.wait()
    parent.stdout.close()
    assert gone(child)


def test_the_environment_is_ours_with_what_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "a")
    code = "import os; print(os.environ['FROM_OUTSIDE'], os.environ['ADDED'])"
    assert run_child(python(code), timeout_s=20, environment={"ADDED": "b"}).stdout == "a b\n"


def test_the_child_reads_an_empty_stdin_and_works_where_it_is_told(tmp_path: Path) -> None:
    finished = run_child(python("import os, sys; print(os.getcwd(), repr(sys.stdin.read()))"), timeout_s=20, cwd=tmp_path)
    assert finished.stdout.split() == [str(tmp_path), "''"]


def test_a_program_that_does_not_exist_is_an_os_error() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        run_child(["/no-such-program"], timeout_s=1)


def test_ctrl_c_while_a_child_starts_is_heard_once_the_child_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class InterruptedWhileStarting(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self.pid)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", InterruptedWhileStarting)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_child(python("import time; time.sleep(600)"), timeout_s=20)
    assert gone(started[0])
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_child_that_prints_without_end_is_ended_and_its_last_words_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MOST_LINE", 1000)
    endless = "import sys\nwhile True: sys.stdout.write('x' * 100)"
    done = run_child([sys.executable, "-c", endless], timeout_s=60)
    assert not done.timed_out
    assert done.returncode == -signal.SIGKILL
    assert "a line of 1000 characters" in done.stderr
    monkeypatch.setattr(processes, "MOST_OUTPUT", 5000)
    done = run_child([sys.executable, "-c", endless.replace("100)", "100 + chr(10))")], timeout_s=60)
    assert (done.timed_out, len(done.stdout)) == (False, 4949)


def test_sigterm_ends_what_was_started() -> None:
    ours = """
        import sys
        from core.processes import end_on_sigterm, run_child
        end_on_sigterm()
        child = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
        run_child([sys.executable, "-c", child], timeout_s=600, on_line=lambda line: print(line, flush=True))
    """
    parent = subprocess.Popen(python(ours), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.terminate()
    parent.wait(timeout=60)
    assert gone(child)
