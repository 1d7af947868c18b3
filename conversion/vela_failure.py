"""Why Vela failed: what it printed last, and which operator of the file that was about."""

from __future__ import annotations

import re
import signal

from core.errors import CompileError
from core.tflite.graph import TfliteGraph

LAST_LINES = 6
KINDS_SHOWN = 6


def vela_failure(model: str, code: int, log: str, graph: TfliteGraph | None) -> CompileError:
    """The error for a Vela that ended with `code`; OSError when its disk was full. `graph` is that of the file it was given."""
    if "No space left on device" in log:
        raise OSError(28, "No space left on device", model)
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"failed (exit {code})"
    lines = [line.strip() for line in log.splitlines() if line.strip() and not line.startswith((" ", "\t", "Traceback"))]
    said = "\n".join(f"    {line}" for line in lines[-LAST_LINES:])
    about = f"; {suspect(graph, log)}" if graph else ""
    return CompileError(f"Vela {how} on `{model}`{about}" + (f":\n{said}" if said else "; it printed nothing"))


def suspect(graph: TfliteGraph, log: str) -> str:
    """The operator that Vela named last; where it named none, the kinds that the file holds, the rarest first."""
    found = [(at, operator) for operator in graph.operators if (at := _last_named(operator.output_name, log)) >= 0]
    if found:
        _, operator = max(found, key=lambda one: one[0])
        return f"the last operator that it named is #{operator.index} {operator.kind} `{operator.output_name}`"
    rarest = sorted(graph.kinds.items(), key=lambda one: (one[1], one[0]))[:KINDS_SHOWN]
    return f"it named no operator; the file holds {', '.join(f'{count} {kind}' for kind, count in rarest)}"


def _last_named(name: str, log: str) -> int:
    """Where a name stands last as a word of its own, -1 when it does not; one letter or a number is no name."""
    if len(name) < 2 or name.isdigit():
        return -1
    return max((found.start() for found in re.finditer(rf"(?<![\w/]){re.escape(name)}(?![\w/])", log)), default=-1)
