"""The harness's side of a farm: an agent process that outlives a kill, and the place that it holds."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.errors import TargetUnavailable, ToolMissing, UsageError
from core.installation import install_line

VARIABLE = "LG_COORDINATOR"
END_S = 10.0
CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A farm's place while it is ours: its labgrid name and tags, where its board answers, whether it can be switched."""

    place: str
    tags: dict[str, str]
    address: str
    port: int
    username: str
    power: bool


class FarmRefused(TargetUnavailable):
    """What the farm said no to; `kind` is none, busy, empty (then `place` is its name) or broken."""

    kind: str = ""
    place: str = ""


class FarmAgent:
    """The agent while it runs; when we end, it lets go of whatever it holds."""

    def __init__(self, name: str) -> None:
        self.name = name
        address = os.environ.get(VARIABLE, "")
        if not address:
            raise UsageError(
                f"{name}: no labgrid coordinator is named", f"{VARIABLE}=HOST:20408", f"export {VARIABLE}=lab:20408"
            )
        if find_spec("labgrid") is None:
            raise ToolMissing(f"{name} needs labgrid", "the extra `farm`", install_line("farm"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "targets.boards.farm_agent", address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
            cwd=CHECKOUT,
        )  # fmt: skip

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """The agent's answer; FarmRefused when it says no."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"op": operation, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise TargetUnavailable(f"{self.name}: the farm's agent has ended", "an agent that runs as long as we do")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            refused = FarmRefused(f"{self.name}: {reply['error']}", "a free place with these tags", "labgrid-client places")
            refused.kind, refused.place = reply["kind"], reply["place"]
            raise refused
        return reply

    def close(self) -> None:
        """End the agent; it goes on by itself when it has to wait for the coordinator to give a place back."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        if self._process.stdout:
            self._process.stdout.close()
