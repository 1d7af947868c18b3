#!/usr/bin/env python3
"""A stand-in for TFLite's `benchmark_model`, which no package has: same options, same lines, on the board's runtime."""

import argparse
import re
import sys
import time

import numpy
from tflite_runtime.interpreter import Interpreter, load_delegate


def main() -> None:
    """Run as benchmark_model does."""
    parser = argparse.ArgumentParser()
    for name in ["graph", "input_layer", "input_layer_shape", "input_layer_value_files", "external_delegate_path"]:
        parser.add_argument("--" + name, default="")
    for name in ["external_delegate_options", "output_filepath", "min_secs", "warmup_min_secs"]:
        parser.add_argument("--" + name, default="")
    for name in ("num_threads", "num_runs", "warmup_runs"):
        parser.add_argument("--" + name, type=int)
    given = parser.parse_args()
    options = dict(part.split(":", 1) for part in given.external_delegate_options.split(";") if part)
    delegates = [load_delegate(given.external_delegate_path, options)] if given.external_delegate_path else []
    interpreter = Interpreter(given.graph, experimental_delegates=delegates, num_threads=given.num_threads)
    interpreter.allocate_tensors()
    if delegates:
        sys.stderr.write(
            "Explicitly applied EXTERNAL delegate, and the model graph will be completely executed by the delegate.\n"
        )
    name, path = re.split(r"(?<!:):(?!:)", given.input_layer_value_files)
    (entry,) = interpreter.get_input_details()
    assert entry["name"] == name.replace("::", ":") == given.input_layer
    shape = [int(side) for side in given.input_layer_shape.split(",")]
    interpreter.set_tensor(entry["index"], numpy.fromfile(path, entry["dtype"]).reshape(shape))
    for count in (given.warmup_runs, given.num_runs):
        times = []
        for _ in range(count):
            started = time.perf_counter()
            interpreter.invoke()
            times.append((time.perf_counter() - started) * 1e6)
        if times:
            least, most, mean = min(times), max(times), sum(times) / len(times)
            sys.stderr.write(
                "count=%d first=%d curr=%d min=%d max=%d avg=%g std=%d\n" % (count, times[0], times[-1], least, most, mean, 0)
            )
    with open(given.output_filepath, "wb") as file:
        for detail in interpreter.get_output_details():
            file.write(interpreter.get_tensor(detail["index"]).tobytes())


if __name__ == "__main__":
    main()
