"""Serves TFLite Micro's reference kernels in a process of its own: a kernel that refuses aborts the process.

`python micro_runner.py`: JSON requests on stdin, a line each; answers on stdout, a line each; ends with its stdin. Models stay
open, so that variables live on from one request to the next.

    {"open": NAME, "model": FILE, "arena_bytes": [LEAST, MOST]}     -> {"arena_bytes": what was enough}
    {"run": NAME, "inputs": [FILE.npy, ...], "outputs": [FILE.npy, ...]}  -> {}
    {"reset": true}    variables of every open model get their first value -> {}

An arena that is too small is doubled. Exit code 1 and a message on stderr when TFLite Micro refuses.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy
from tflite_micro.python.tflite_micro import runtime


def opened(path: str, least: int, most: int) -> tuple[Any, int]:
    """(an interpreter of the file, the bytes of its arena); RuntimeError when `most` bytes are not enough either."""
    size = least
    while True:
        try:
            return runtime.Interpreter.from_file(path, arena_size=size), size
        except RuntimeError:
            if size >= most:
                raise
            size = min(2 * size, most)


def answer(request: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request; `models` are the interpreters by name."""
    if "open" in request:
        models[request["open"]], size = opened(request["model"], *request["arena_bytes"])
        return {"arena_bytes": size}
    if "run" in request:
        interpreter = models[request["run"]]
        for number, path in enumerate(request["inputs"]):
            interpreter.set_input(numpy.load(path), number)
        interpreter.invoke()
        for number, path in enumerate(request["outputs"]):
            numpy.save(path, interpreter.get_output(number))
    elif "reset" in request:
        for interpreter in models.values():
            interpreter.reset()
    return {}


def main() -> None:
    """Answer until the input ends."""
    models: dict[str, Any] = {}
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line), models)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
