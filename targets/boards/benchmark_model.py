"""Boards without Python: TFLite's own `benchmark_model`, its printed summary read as a transcript.

It gives the mean, least and greatest time of a loop and no single samples, so that median and p95 are unavailable there.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import RunError
from core.tflite.graph import TfliteGraph, parse
from targets.boards.execution import Execution
from targets.boards.link import CommandResult
from targets.boards.preflight import environment_of
from targets.runner.protocol import Delegated, Done, Event, Loaded, NpuSigns, Output, RuntimeFound, Summary, TensorFacts
from targets.transcript import Transcript

START_S = 60.0
COUNTER = re.compile(r"cycle counter:\s*(\d{1,20})", re.IGNORECASE)
SUMMARY = re.compile(r"^count=(\d{1,12})(.*)$", re.MULTILINE)
PARTS = re.compile(r"(first|min|max|avg|std)=([\d.eE+]+)")
COMPLETE = re.compile(r"model graph will be completely executed by the delegate")
PARTIAL = re.compile(r"model graph will be partially executed by the delegate w/ (\d{1,9}) delegate kernels")

SCRIPT = """cd {work} || exit 9
d=jobs/{job}; mkdir -p "$d" && trap 'rm -rf "$d"' EXIT
moved() {{ grep -Ei 'ethos|(^|[^a-z])npu|(^|[^a-z])accel' /proc/interrupts 2>/dev/null |
  while read -r _ n rest; do for w in $n $rest; do case $w in *[!0-9]*) break;; *) echo "$w";; esac; done; done |
  {{ t=0; while read -r n; do t=$((t + n)); done; echo "$t"; }}; }}
before=$(moved)
{command} > "$d/said" 2>&1; code=$?
echo "code=$code moved=$(( $(moved) - before )) sha256=$(sha256sum {model} | cut -d' ' -f1)"
size=$(wc -c < "$d/out" 2>/dev/null || echo 0); said=$(wc -c < "$d/said")
echo "said=$said out=$size"
cat "$d/said"; [ "$size" = 0 ] || cat "$d/out"
"""


@dataclass
class BenchmarkModel:
    """One file on a board through its benchmark binary."""

    execution: Execution
    device: str
    driver: str

    def run(self) -> Transcript:
        """The transcript that the runner would have given, with a `summary` in the place of samples."""
        execution = self.execution
        transcript = Transcript(asked={Output: len(execution.inputs)})
        execution.upload_missing()
        graph = parse(execution.model.path.read_bytes(), execution.model.path.name)
        moved = 0
        counters: list[int] = []
        for index, feed in enumerate(execution.digests):
            timed = index == 0 and execution.repeats > 0
            head, text, content = self._run(graph, feed, execution.repeats if timed else 1, execution.warmup if timed else 0)
            if index == 0:
                self._begin(transcript, graph, head, text)
            moved += int(head.get("moved", 0))
            counters += [int(number) for number in COUNTER.findall(text)]
            self._outputs(transcript, graph, index, content)
            if timed:
                transcript.say(self._summary(text))
        transcript.say(NpuSigns(counters=counters, interrupts=moved, device=self.device, driver=self.driver))
        transcript.say(Done(peak_memory_bytes=None))
        return transcript

    def _run(self, graph: TfliteGraph, feed: Sequence[str], runs: int, warmup: int) -> tuple[dict[str, str], str, bytes]:
        """What the script says of one process: its head, what the binary printed, and the outputs' bytes."""
        execution = self.execution
        model = f"blobs/{execution.model.sha256}"
        job = secrets.token_hex(8)
        words = shlex.join(self._command(graph, model, feed, runs, warmup))
        command = f'{environment_of(execution.board)}{words} --output_filepath="$d/out"'
        script = SCRIPT.format(work=shlex.quote(execution.work), job=job, command=command, model=model)
        limit_s = START_S + execution.board.inference_s * (runs + warmup)
        said = execution.link.run("sh -s", stdin=[script.encode()], limit_s=limit_s)
        head, text, content = _split(said)
        if head.get("code") != "0":
            last = " | ".join(text.strip().splitlines()[-3:])
            why = last[:400] or said.stderr[:200]
            raise RunError(f"`{execution.model.path}` does not run on {execution.link.name}: {why}")
        return head, text, content

    def _command(self, graph: TfliteGraph, model: str, feed: Sequence[str], runs: int, warmup: int) -> Sequence[str]:
        board = self.execution.board
        names = ",".join(one.name for one in graph.inputs)
        shapes = ":".join(",".join(map(str, one.shape)) for one in graph.inputs)
        files = [f"{one.name.replace(':', '::')}:blobs/{digest}" for one, digest in zip(graph.inputs, feed, strict=True)]
        command = [
            board.benchmark_model, f"--graph={model}", f"--num_threads={self.execution.threads}", f"--num_runs={runs}",
            f"--warmup_runs={warmup}", "--min_secs=0", "--warmup_min_secs=0", f"--input_layer={names}",
            f"--input_layer_shape={shapes}", f"--input_layer_value_files={','.join(files)}",
        ]  # fmt: skip
        if self.execution.on_npu:
            options = ";".join(f"{key}:{value}" for key, value in board.delegate_options.items())
            command += [f"--external_delegate_path={board.delegate}", f"--external_delegate_options={options}"]
        return command

    def _begin(self, transcript: Transcript, graph: TfliteGraph, head: dict[str, str], text: str) -> None:
        """The events that a runner says before it measures."""
        outputs = [TensorFacts(tensor.name, list(tensor.shape), tensor.dtype) for tensor in graph.outputs]
        kinds = [operator.kind for operator in graph.operators]
        partial = PARTIAL.search(text)
        count = len(kinds) if COMPLETE.search(text) else int(partial[1]) if partial else 0
        own = [kind for kind in kinds if "ethos-u" in kind.lower()]
        taken = ["ethos-u"] * min(count, len(own)) if own else kinds[:count]
        said: tuple[Event, ...] = (
            RuntimeFound(name="benchmark_model", version="unknown", python="none", machine=""),
            Loaded(sha256=head.get("sha256", ""), inputs=[], outputs=outputs),
            Delegated(operators=len(kinds), by_delegate=taken, left=["ethos-u"] * (len(own) - count)),
        )
        for event in said:
            transcript.say(event)

    def _outputs(self, transcript: Transcript, graph: TfliteGraph, index: int, content: bytes) -> None:
        start, files = 0, []
        for number, tensor in enumerate(graph.outputs):
            size = int(np.prod(tensor.shape)) * np.dtype(tensor.dtype).itemsize
            name = f"output-{index}-{number}.bin"
            transcript.files[name] = content[start : start + size]
            start += size
            files.append(name)
        if start != len(content):
            raise RunError(
                f"{self.execution.link.name}: `{self.execution.board.benchmark_model}` gave {len(content)} bytes of outputs",
                f"{start} bytes: a benchmark_model that knows --output_filepath",
            )
        transcript.say(Output(index, files))

    def _summary(self, text: str) -> Summary:
        """The last loop's count and times in microseconds."""
        count, rest = (SUMMARY.findall(text) or [("0", "")])[-1]
        try:
            times = {key: float(value) for key, value in PARTS.findall(rest)}
        except ValueError:  # 1.2.3
            times = {}
        if not {"min", "avg"} <= times.keys():
            raise RunError(f"{self.execution.link.name}: no times in what benchmark_model printed", "`count=... avg=...`")
        return Summary(count=int(count), **times)


def _split(said: CommandResult) -> tuple[dict[str, str], str, bytes]:
    """Head lines, printed text and output bytes of the script."""
    first, _, rest = said.stdout.partition(b"\n")
    second, _, rest = rest.partition(b"\n")
    words = (first + b" " + second).decode(errors="replace").split()
    head = dict(word.split("=", 1) for word in words if "=" in word)
    for name in ("said", "moved"):
        if not re.fullmatch(r"-?\d{1,18}", head.get(name, "0")):
            raise RunError(f"the board says {name}={head[name][:40]}", "a whole number")
    size = int(head.get("said", 0))
    return head, rest[:size].decode(errors="replace"), rest[size:]
