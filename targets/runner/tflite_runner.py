"""Runs one TFLite file on the machine it lies on: standard library plus the TFLite runtime there, Python 3.8 or newer.

    python tflite_runner.py JOB.json         runs the job
    python tflite_runner.py --board          takes the job as the first line of stdin and supervises it

where the job is
    {"model": path, "inputs": [path of raw bytes, ...], "outputs": folder, "repeats": n, "warmup": n, "threads": n,
     "runtime": "ai_edge_litert" | "tflite_runtime" | "auto",
     "delegate": {"path", "options": {}, "device"}}                  only to run on an NPU
and on a board also {"work": folder, "job": name, "silence_s": n, "wait_s": n, "keep_bytes": n}, "outputs" left out.

Reports JSON lines on stdout while it works, so that a lost link keeps what was said so far:
    {"event": "runtime", "name", "version", "python", "machine"}     which runtime was found
    {"event": "loaded", "load_us", "sha256", "inputs", "outputs"}    of the model file; tensors: name, shape, dtype
    {"event": "delegated", "operators": n, "by_delegate": [...], "left": [...]}   operators of the file and where they are
    {"event": "state", "when", ...}                                  governor, frequency, temperature, throttling, load
    {"event": "output", "input": i, "files": [...]}                  raw bytes of every output of input i
    {"event": "sample", "us": t}                                     one inference, without pre- and postprocessing
    {"event": "npu", "counters": [...], "interrupts": n, "device": kind}   what the NPU showed of itself
    {"event": "done", "peak_memory_bytes": n, "elapsed_us": t}
    {"event": "error", "message": text}                              and exit code 1
and on a board also
    {"event": "waiting"} {"event": "alive"} {"event": "files", "sizes": {...}, "sha256": {...}}

On a board a parent process supervises: it ends the job when its master's heartbeat (any byte on stdin) stays away, and removes
the job's folder in every case. One job at a time: the others wait for the lock of the work folder.
"""

import contextlib
import ctypes
import fcntl
import glob
import hashlib
import json
import os
import platform
import re
import resource
import select
import shutil
import signal
import stat
import sys
import time
from importlib import import_module
from typing import Any, Dict, List, Optional, Tuple

RUNTIMES = ("tflite_runtime", "ai_edge_litert")
COUNTER = re.compile(r"cycle counter:\s*(\d+)", re.IGNORECASE)
INTERRUPT = re.compile(r"ethos|\bnpu|\baccel", re.IGNORECASE)  # and not every "input"
ALIVE_EVERY_S = 2.0  # at most: a quarter of the silence that is allowed
CLOCK_TOLERANCE_NS = 50000000
KEPT_LOG_BYTES = 4 << 20

output = 1
"""Descriptor that events go to; libraries print to 1."""


def say(event: str, **facts: Any) -> None:
    """Write one event as a JSON line at once."""
    os.write(output, (json.dumps(dict(event=event, **facts)) + "\n").encode())


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


def tensors(details: Any) -> List[Any]:
    """What the host must know of tensors to read their raw bytes."""
    return [{"name": d["name"], "shape": [int(n) for n in d["shape"]], "dtype": d["dtype"].__name__} for d in details]


def load(job: Dict[str, Any]) -> Any:
    """An allocated interpreter; says which runtime it is, how long loading took and what a delegate took over."""
    name, module = find_runtime(job["runtime"])
    say("runtime", name=name, version=version_of(name), python=platform.python_version(), machine=platform.machine())
    with open(job["model"], "rb") as file:
        content = file.read()
    wanted = job.get("delegate")
    started = time.perf_counter_ns()
    delegates = [module.load_delegate(wanted["path"], wanted["options"])] if wanted else []
    interpreter = module.Interpreter(model_content=content, num_threads=job["threads"], experimental_delegates=delegates)
    if wanted:
        # Before allocate_tensors: the delegates that TFLite applies by itself (XNNPACK) join there.
        report_placement(interpreter)
    interpreter.allocate_tensors()
    load_us = (time.perf_counter_ns() - started) / 1000
    details = interpreter.get_input_details(), interpreter.get_output_details()
    digest = hashlib.sha256(content).hexdigest()
    say("loaded", load_us=load_us, sha256=digest, inputs=tensors(details[0]), outputs=tensors(details[1]))
    return interpreter


def report_placement(interpreter: Any) -> None:
    """Say which operators of the file the delegate took over: those that its kernels' inputs and outputs enclose."""
    nodes = interpreter._get_ops_details()
    kernels = [node for node in nodes if node["op_name"] == "DELEGATE"]
    own = [node for node in nodes if node["op_name"] != "DELEGATE"]
    producer = {int(tensor): node["index"] for node in own for tensor in node["outputs"]}
    by_index = {node["index"]: node for node in own}
    taken = set()
    for kernel in kernels:
        borders = {int(tensor) for tensor in kernel["inputs"]}
        pending = [int(tensor) for tensor in kernel["outputs"]]
        while pending:
            index = producer.get(pending.pop())
            if index is not None and index not in taken:
                taken.add(index)
                pending += [int(tensor) for tensor in by_index[index]["inputs"] if int(tensor) not in borders]
    named = [[node["op_name"] for node in own if (node["index"] in taken) == wanted] for wanted in (True, False)]
    say("delegated", operators=len(own), by_delegate=named[0], left=named[1])


def feed(interpreter: Any, path: str) -> None:
    """Set the model's input to the raw bytes of a file; a file that is named by its hash must have it."""
    import numpy

    detail = interpreter.get_input_details()[0]
    with open(path, "rb") as file:
        content = file.read()
    name = os.path.basename(path)
    if len(name) == 64 and hashlib.sha256(content).hexdigest() != name:
        raise RuntimeError("the input %s was damaged on the board's disk" % name[:12])
    data = numpy.frombuffer(content, dtype=detail["dtype"])
    interpreter.set_tensor(detail["index"], data.reshape([int(n) for n in detail["shape"]]))


def write_outputs(interpreter: Any, index: int, folder: str) -> List[str]:
    """Write every output of input `index` as raw bytes; returns the files' names."""
    files = []
    for number, detail in enumerate(interpreter.get_output_details()):
        name = "output-%d-%d.bin" % (index, number)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(interpreter.get_tensor(detail["index"]).tobytes())
        files.append(name)
    return files


def measure(job: Dict[str, Any], interpreter: Any) -> None:
    """Every input once for its outputs, then the first input as often as asked for the clock."""
    for index, source in enumerate(job["inputs"]):
        feed(interpreter, source)
        interpreter.invoke()
        say("output", input=index, files=write_outputs(interpreter, index, job["outputs"]))
    if job["repeats"]:
        feed(interpreter, job["inputs"][0])
        for _ in range(job["warmup"]):
            interpreter.invoke()
    for _ in range(job["repeats"]):
        raw, started = raw_clock_ns(), time.perf_counter_ns()
        interpreter.invoke()
        elapsed = time.perf_counter_ns() - started
        require_steady(elapsed, raw_clock_ns() - raw)
        say("sample", us=elapsed / 1000)


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
        return run_job(json.load(file))


def run_job(job: Dict[str, Any]) -> int:
    """Run a job; 0 when everything was done."""
    started = time.perf_counter_ns()
    try:
        printed = Printed() if job.get("delegate") else None
        device = job["delegate"]["device"] if job.get("delegate") else ""
        before = interrupts()
        interpreter = load(job)
        if device:
            say("state", when="before", **state())
        measure(job, interpreter)
        if printed:
            say("state", when="after", **state())
            counters = printed.counters()
            say("npu", counters=counters, interrupts=interrupts() - before, **device_node(device))
    except Exception as error:
        say("error", message="%s: %s" % (type(error).__name__, error))
        return 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    say("done", peak_memory_bytes=peak, elapsed_us=(time.perf_counter_ns() - started) / 1000)
    return 0


class Printed:
    """What the delegate prints: descriptor 1 leads to memory from now on, so that a full disk loses nothing."""

    def __init__(self) -> None:
        self.file = os.memfd_create("printed")
        os.dup2(self.file, 1)

    def counters(self) -> List[int]:
        """The cycle counts in what was printed so far: one for each operator and inference."""
        ctypes.CDLL(None).fflush(None)
        return [int(number) for number in COUNTER.findall(os.pread(self.file, KEPT_LOG_BYTES, 0).decode("ascii", "replace"))]


def device_node(path: str) -> Dict[str, Any]:
    """What stands at the NPU's device path: a character device is real, anything else is a stand-in."""
    try:
        found = os.stat(path)
    except OSError:
        return {"device": "absent", "driver": ""}
    if not stat.S_ISCHR(found.st_mode):
        return {"device": "no character device", "driver": ""}
    number = "/sys/dev/char/%d:%d" % (os.major(found.st_rdev), os.minor(found.st_rdev))
    for link in (number + "/device/driver", number + "/subsystem"):
        if os.path.exists(link):
            return {"device": "character device", "driver": os.path.basename(os.path.realpath(link))}
    return {"device": "character device", "driver": ""}


def interrupts() -> int:
    """How many interrupts the NPU has raised since the board started; 0 where the kernel names none."""
    total = 0
    for line in read("/proc/interrupts").splitlines():
        if INTERRUPT.search(line):
            total += sum(int(word) for word in line.partition(":")[2].split() if word.isdigit() and len(word) < 12)
    return total


def read(path: str) -> str:
    """The content of a small file, "" when it is not there."""
    try:
        with open(path) as file:
            return file.read(65536).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def state() -> Dict[str, Any]:
    """How the board is: governor, frequency in kHz, hottest zone in m°C, cooling devices at work, load."""
    cpu = "/sys/devices/system/cpu/cpu0/cpufreq/"
    zones = [read(path) for path in glob.glob("/sys/class/thermal/thermal_zone*/temp")]
    cooling = [read(path) for path in glob.glob("/sys/class/thermal/cooling_device*/cur_state")]
    hot = [int(zone) for zone in zones if zone.lstrip("-").isdigit()]
    return {
        "governor": read(cpu + "scaling_governor") or "unknown",
        "frequency_khz": int(read(cpu + "scaling_cur_freq") or 0),
        "temperature_mc": max(hot) if hot else None,
        "throttled": any(level.isdigit() and int(level) > 0 for level in cooling),
        "load": read("/proc/loadavg").split(" ")[0],
    }


def supervise() -> int:
    """Run the job of stdin's first line in a child, and end it when the master is gone; nothing is left either way."""
    job = json.loads(first_line())
    jobs = os.path.join(job["work"], "jobs")
    folder = os.path.join(jobs, job["job"])
    child = 0
    try:
        os.makedirs(jobs, mode=0o700, exist_ok=True)
        with open(os.path.join(job["work"], "sweeping"), "w") as sweeping:
            fcntl.flock(sweeping, fcntl.LOCK_EX)
            os.mkdir(folder, 0o700)
            lease = lock_file(os.path.join(folder, "lease"))
            fcntl.flock(lease, fcntl.LOCK_EX)
            sweep(jobs)
        lock = lock_file(os.path.join(job["work"], "lock"))
        if not wait_for(lock, job):
            return 3
        child = start(dict(job, outputs=folder))
        code = watch(child, job["silence_s"])
        child = 0
        fcntl.flock(lock, fcntl.LOCK_UN)
        if code is None:
            return 4
        offer(folder)
        trim(os.path.join(job["work"], "blobs"), job["keep_bytes"])
        linger(job["silence_s"])
        return code
    except OSError as error:
        say("error", message="%s: %s" % (type(error).__name__, error))
        return 1
    finally:
        if child:
            end(child)
        shutil.rmtree(folder, ignore_errors=True)


def first_line() -> bytes:
    """The first line of stdin, and not one byte more: what follows is the master's heartbeat."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line


def start(job: Dict[str, Any]) -> int:
    """The process that runs the job; it dies with its parent, whatever kills that."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        os.close(0)  # the master's heartbeat is the parent's
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() == parent:
            code = run_job(job)
    finally:
        os._exit(code)


def end(child: int) -> None:
    """Kill the job's process with all that it started."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(child, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.waitpid(child, 0)


def watch(child: int, silence_s: float) -> Optional[int]:
    """The child's exit code; None when the master went away and the child was ended. Says "alive" while it runs."""
    heard = said = time.monotonic()
    every_s = min(ALIVE_EVERY_S, silence_s / 4)
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            if os.WIFSIGNALED(status):
                say("error", message="the job was killed by signal %d" % os.WTERMSIG(status))
                return 1
            return os.WEXITSTATUS(status)
        now = time.monotonic()
        if now - said > every_s:
            say("alive")
            said = now
        beat = hear(0.05)
        if beat is None or now - heard > silence_s:
            end(child)
            return None
        if beat:
            heard = now


def hear(wait_s: float) -> Optional[bool]:
    """Whether the master said anything within `wait_s`; None when it has gone."""
    ready, _, _ = select.select([0], [], [], wait_s)
    if not ready:
        return False
    return True if os.read(0, 4096) else None


def linger(silence_s: float) -> None:
    """Keep the outputs until the master has fetched them and closes, or is gone."""
    heard = said = time.monotonic()
    every_s = min(ALIVE_EVERY_S, silence_s / 4)
    while time.monotonic() - heard < silence_s:
        beat = hear(every_s)
        if beat is None:
            return
        if beat:
            heard = time.monotonic()
        if time.monotonic() - said > every_s:
            say("alive")
            said = time.monotonic()


def offer(folder: str) -> None:
    """Say which files there are to fetch, with size and hash."""
    sizes, digests = {}, {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".bin"):
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            sizes[name], digests[name] = len(content), hashlib.sha256(content).hexdigest()
    say("files", folder=folder, sizes=sizes, sha256=digests)


def lock_file(path: str) -> int:
    """A descriptor to lock; the lock lives as long as this process."""
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def wait_for(lock: int, job: Dict[str, Any]) -> bool:
    """Take the board's lock; False when the master goes away or patience ends before."""
    deadline = time.monotonic() + job["wait_s"]
    told = 0.0
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() > deadline:
                say("error", message="another harness has used the board for more than %d s" % job["wait_s"])
                return False
        if time.monotonic() - told > min(ALIVE_EVERY_S, job["silence_s"] / 4):
            say("waiting")
            told = time.monotonic()
        if hear(0.1) is None:
            return False


def sweep(jobs: str) -> None:
    """Remove what killed supervisors left: job folders whose lease nobody holds, and uploads without an end."""
    for name in os.listdir(jobs):
        folder = os.path.join(jobs, name)
        try:
            with open(os.path.join(folder, "lease")) as lease:
                fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, or just being made
    for path in glob.glob(os.path.join(os.path.dirname(jobs), "blobs", ".upload.*")):
        if time.time() - os.stat(path).st_mtime > 3600:
            os.unlink(path)


def trim(blobs: str, keep_bytes: int) -> None:
    """Remove the files that were not used for longest, until the rest fits into what may stay."""
    files = []
    for name in os.listdir(blobs):
        found = os.stat(os.path.join(blobs, name))
        files.append((found.st_mtime, found.st_size, name))
    excess = sum(size for _, size, _ in files) - keep_bytes
    for _, size, name in sorted(files):
        if excess <= 0:
            return
        if os.path.basename(__file__) != name:
            os.unlink(os.path.join(blobs, name))
            excess -= size


if __name__ == "__main__":
    if sys.argv[1] == "--board":
        output = os.dup(1)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
        sys.exit(supervise())
    sys.exit(main(sys.argv[1]))
