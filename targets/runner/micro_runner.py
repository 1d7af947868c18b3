"""Runs one TFLite file in TFLite Micro's reference kernels, in a process of its own: a kernel that refuses aborts the process.

`python micro_runner.py FOLDER`, where FOLDER holds model.tflite, job.json {"arena_bytes": n, "inputs": n, "outputs": n,
"images": n} and input-IMAGE-NUMBER.npy; writes output-IMAGE-NUMBER.npy beside them. Exit code 1 and a message on stderr when
TFLite Micro refuses the file.
"""

import json
import os
import sys

import numpy
from tflite_micro.python.tflite_micro import runtime


def main(folder: str) -> int:
    """Run every image; 0 when all outputs are written."""
    with open(os.path.join(folder, "job.json")) as file:
        job = json.load(file)
    path = os.path.join(folder, "model.tflite")
    interpreter = runtime.Interpreter.from_file(path, arena_size=job["arena_bytes"])
    for image in range(job["images"]):
        for number in range(job["inputs"]):
            interpreter.set_input(numpy.load(os.path.join(folder, "input-%d-%d.npy" % (image, number))), number)
        interpreter.invoke()
        for number in range(job["outputs"]):
            numpy.save(os.path.join(folder, "output-%d-%d.npy" % (image, number)), interpreter.get_output(number))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
