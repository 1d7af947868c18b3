"""Runs one TFLite file on the machine it lies on, with the TFLite runtime there: protocol.py has the job and the events.

Events are said while it works, so that a lost link keeps what was said so far.
"""

import hashlib
import os
import platform
import resource
import time
from importlib import import_module
from typing import Any, List, Set, Tuple

from targets.runner.npu_signs import Printed, device_node, interrupts, state
from targets.runner.protocol import (
    RUNTIMES,
    Delegate,
    Delegated,
    Done,
    Failed,
    Loaded,
    NpuSigns,
    Output,
    RunnerJob,
    RuntimeFound,
    Sample,
    TensorFacts,
)
from targets.runner.reporting import say

CLOCK_TOLERANCE_NS = 50000000


def find_runtime(wanted: str) -> Tuple[str, Any]:
    """(name, module) of the TFLite interpreter that was asked for, or of the first that is installed."""
    names = RUNTIMES if wanted == "auto" else (wanted,)
    for name in names:
        try:
            return name, import_module(name + ".interpreter")
        except ImportError:
            continue
    raise RuntimeError("no TFLite runtime here: looked for " + ", ".join(names))


def version_of(name: str) -> str:
    """The installed version of a runtime, "unknown" when it does not say."""
    try:
        from importlib.metadata import version

        return version(name.replace("_", "-"))
    except Exception:
        return str(getattr(import_module(name), "__version__", "unknown"))


def tensors(details: Any) -> List[TensorFacts]:
    """What the host must know of tensors to read their raw bytes."""
    return [TensorFacts(d["name"], [int(n) for n in d["shape"]], d["dtype"].__name__) for d in details]


def load(job: RunnerJob) -> Any:
    """An allocated interpreter; says which runtime it is, how long loading took and what a delegate took over."""
    name, module = find_runtime(job.runtime)
    python, machine = platform.python_version(), platform.machine()
    say(RuntimeFound(name=name, version=version_of(name), python=python, machine=machine))
    with open(job.model, "rb") as file:
        content = file.read()
    wanted = job.delegate
    started = time.perf_counter_ns()
    delegates = [module.load_delegate(wanted.path, wanted.options)] if wanted else []
    kernels = {"experimental_op_resolver_type": module.OpResolverType.BUILTIN_REF} if job.kernels == "reference" else {}
    interpreter = module.Interpreter(
        model_content=content, num_threads=job.threads, experimental_delegates=delegates, **kernels
    )
    if wanted:
        # Before allocate_tensors: the delegates that TFLite applies by itself (XNNPACK) join there.
        report_placement(interpreter)
    interpreter.allocate_tensors()
    load_us = (time.perf_counter_ns() - started) / 1000
    details = interpreter.get_input_details(), interpreter.get_output_details()
    digest = hashlib.sha256(content).hexdigest()
    say(Loaded(sha256=digest, inputs=tensors(details[0]), outputs=tensors(details[1]), load_us=load_us))
    return interpreter


def report_placement(interpreter: Any) -> None:
    """Say which operators of the file the delegate took over."""
    nodes = interpreter._get_ops_details()
    own = [node for node in nodes if node["op_name"] != "DELEGATE"]
    taken = {index for node in nodes if node["op_name"] == "DELEGATE" for index in enclosed(node, own)}
    named = [[node["op_name"] for node in own if (node["index"] in taken) == wanted] for wanted in (True, False)]
    say(Delegated(operators=len(own), by_delegate=named[0], left=named[1]))


def enclosed(kernel: Any, own: List[Any]) -> Set[int]:
    """The operators that a delegate's kernel stands for: what lies between its outputs and its inputs."""
    by_output = {int(tensor): node for node in own for tensor in node["outputs"]}
    borders = {int(tensor) for tensor in kernel["inputs"]}
    found: Set[int] = set()
    pending = [int(tensor) for tensor in kernel["outputs"]]
    while pending:
        node = by_output.get(pending.pop())
        if node is not None and node["index"] not in found:
            found.add(node["index"])
            pending += [int(tensor) for tensor in node["inputs"] if int(tensor) not in borders]
    return found


def feed(interpreter: Any, paths: List[str]) -> None:
    """Set every input of the model to the raw bytes of a file, each in its own type and shape."""
    import numpy

    details = interpreter.get_input_details()
    if len(details) != len(paths):
        raise RuntimeError("the job has %d input tensors, the model %d" % (len(paths), len(details)))
    for number, path in enumerate(paths):
        detail = details[number]
        data = numpy.frombuffer(input_bytes(path), dtype=detail["dtype"])
        interpreter.set_tensor(detail["index"], data.reshape([int(n) for n in detail["shape"]]))


def input_bytes(path: str) -> bytes:
    """The bytes of a file; one that is named by its hash must have it."""
    with open(path, "rb") as file:
        content = file.read()
    name = os.path.basename(path)
    if len(name) == 64 and hashlib.sha256(content).hexdigest() != name:
        raise RuntimeError("the input %s was damaged on the board's disk" % name[:12])
    return content


def write_outputs(interpreter: Any, index: int, folder: str) -> List[str]:
    """Write every output of input `index` as raw bytes; returns the files' names."""
    files = []
    for number, detail in enumerate(interpreter.get_output_details()):
        name = "output-%d-%d.bin" % (index, number)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(interpreter.get_tensor(detail["index"]).tobytes())
        files.append(name)
    return files


def measure(job: RunnerJob, interpreter: Any) -> None:
    """Every input once for its outputs, then the first input as often as asked for the clock."""
    for index, source in enumerate(job.inputs):
        feed(interpreter, source)
        interpreter.invoke()
        say(Output(input=index, files=write_outputs(interpreter, index, job.outputs)))
    if job.repeats:
        feed(interpreter, job.inputs[0])
        for _ in range(job.warmup):
            interpreter.invoke()
    for _ in range(job.repeats):
        raw, started = raw_clock_ns(), time.perf_counter_ns()
        interpreter.invoke()
        elapsed = time.perf_counter_ns() - started
        require_steady(elapsed, raw_clock_ns() - raw)
        say(Sample(us=elapsed / 1000))


def raw_clock_ns() -> int:
    """A clock that nobody sets or slews, where the kernel has one."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) if hasattr(time, "CLOCK_MONOTONIC_RAW") else time.perf_counter_ns()


def require_steady(elapsed: int, raw: int) -> None:
    """Refuse a sample during which the clock jumped: the two clocks disagree."""
    if elapsed <= 0 or abs(elapsed - raw) > CLOCK_TOLERANCE_NS + raw // 20:
        raise RuntimeError("the board's clock jumped in a measurement: %d ns on one clock, %d ns on another" % (elapsed, raw))


def main(path: str) -> int:
    """Run the job in a file; 0 when everything was done."""
    with open(path) as file:
        return run_job(RunnerJob.from_json(file.read()))


def run_job(job: RunnerJob) -> int:
    """Run a job; 0 when everything was done."""
    started = time.perf_counter_ns()
    try:
        if job.delegate:
            run_delegated(job, job.delegate)
        else:
            measure(job, load(job))
    except Exception as error:
        say(Failed("%s: %s" % (type(error).__name__, error)))
        return 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    say(Done(peak_memory_bytes=peak, elapsed_us=(time.perf_counter_ns() - started) / 1000))
    return 0


def run_delegated(job: RunnerJob, delegate: Delegate) -> None:
    """Run a job with its delegate, and say what the NPU showed of itself."""
    printed, before = Printed(), interrupts()
    interpreter = load(job)
    if delegate.device:
        say(state("before"))
    measure(job, interpreter)
    say(state("after"))
    device, driver = device_node(delegate.device)
    say(NpuSigns(counters=printed.counters(), interrupts=interrupts() - before, device=device, driver=driver))
