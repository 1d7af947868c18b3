"""Runs one TFLite file on the machine it lies on: standard library plus the TFLite runtime there, Python 3.8 or newer.

`python tflite_runner.py JOB.json`, where the job is
    {"model": path, "inputs": [path of raw bytes, ...], "outputs": folder, "repeats": n, "warmup": n, "threads": n,
     "runtime": "ai_edge_litert" | "tflite_runtime" | "auto"}

Reports JSON lines on stdout while it works, so that a lost link keeps what was said so far:
    {"event": "runtime", "name", "version", "python", "machine"}     which runtime was found
    {"event": "loaded", "load_us", "sha256", "inputs", "outputs"}   of the model file; tensors: name, shape, dtype
    {"event": "output", "input": i, "files": [...]}                 raw bytes of every output of input i
    {"event": "sample", "us": t}                                    one inference, without pre- and postprocessing
    {"event": "done", "peak_memory_bytes": n}
    {"event": "error", "message": text}                             and exit code 1
"""

import hashlib
import json
import os
import platform
import resource
import sys
import time
from importlib import import_module
from typing import Any, Dict, List, Tuple

RUNTIMES = ("tflite_runtime", "ai_edge_litert")


def say(event: str, **facts: Any) -> None:
    """Print one event as a JSON line at once."""
    sys.stdout.write(json.dumps(dict(event=event, **facts)) + "\n")
    sys.stdout.flush()


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
    """An allocated interpreter; says which runtime it is and how long loading took."""
    name, module = find_runtime(job["runtime"])
    say("runtime", name=name, version=version_of(name), python=platform.python_version(), machine=platform.machine())
    with open(job["model"], "rb") as file:
        content = file.read()
    started = time.perf_counter_ns()
    interpreter = module.Interpreter(model_content=content, num_threads=job["threads"])
    interpreter.allocate_tensors()
    load_us = (time.perf_counter_ns() - started) / 1000
    details = interpreter.get_input_details(), interpreter.get_output_details()
    digest = hashlib.sha256(content).hexdigest()
    say("loaded", load_us=load_us, sha256=digest, inputs=tensors(details[0]), outputs=tensors(details[1]))
    return interpreter


def feed(interpreter: Any, path: str) -> None:
    """Set the model's input to the raw bytes of a file."""
    import numpy

    detail = interpreter.get_input_details()[0]
    with open(path, "rb") as file:
        data = numpy.frombuffer(file.read(), dtype=detail["dtype"])
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


def main(path: str) -> int:
    """Run the job; 0 when everything was done."""
    with open(path) as file:
        job = json.load(file)
    try:
        interpreter = load(job)
        for index, source in enumerate(job["inputs"]):
            feed(interpreter, source)
            interpreter.invoke()
            say("output", input=index, files=write_outputs(interpreter, index, job["outputs"]))
        if job["repeats"]:
            feed(interpreter, job["inputs"][0])
            for _ in range(job["warmup"]):
                interpreter.invoke()
        for _ in range(job["repeats"]):
            started = time.perf_counter_ns()
            interpreter.invoke()
            say("sample", us=(time.perf_counter_ns() - started) / 1000)
    except Exception as error:
        say("error", message="%s: %s" % (type(error).__name__, error))
        return 1
    say("done", peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
