"""Vela and TFLite Micro, as the tests need them."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from ethosu_simulator import container
from targets.tflite_parts import self_contained

Array = NDArray[Any]
U55 = ("u55-32", "u55-64", "u55-128", "u55-256")
U65 = ("u65-256", "u65-512")
U85 = ("u85-128", "u85-256", "u85-512", "u85-1024", "u85-2048")
ALL = U55 + U65 + U85
TINY = ("ad01_int8", "kws_micronet_m", "pretrainedResnet_quant", "vww_96_int8")


@functools.cache
def vela(model: Path, config: str, folder: Path) -> tuple[Path, str]:
    """(the compiled file, what Vela printed) with Vela's default options."""
    output = folder / config
    code = "import sys; from ethosu.vela.vela import main; sys.exit(main(sys.argv[1:]))"
    options = ["--accelerator-config", f"ethos-{config}", "--output-dir", str(output), "--verbose-register-command-stream"]
    done = subprocess.run([sys.executable, "-c", code, str(model), *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return output / f"{model.stem}_vela.tflite", done.stdout


def random_inputs(model: Path, seed: int) -> list[Array]:
    """Inputs over the whole range of their types (odd seeds) or near the middle of it (even seeds)."""
    parsed, random, inputs = container.parse(model.read_bytes()), np.random.default_rng(seed), []
    for index in parsed.inputs:
        tensor = parsed.tensors[index]
        info = np.iinfo(tensor.dtype)
        wide = random.integers(info.min, info.max + 1, tensor.shape)
        narrow = np.clip(random.normal(0, info.max / 6, tensor.shape), info.min, info.max)
        inputs.append((wide if seed % 2 else narrow).astype(tensor.dtype))
    return inputs


def tflite_micro(model: Path, inputs: list[Array], arena_bytes: int = 64 << 20) -> list[Array]:
    """The outputs of TFLite Micro's reference kernels."""
    # It does not look behind the flatbuffer, where ai-edge-quantizer puts weights.
    interpreter = runtime.Interpreter.from_bytes(self_contained(model.read_bytes()), arena_size=arena_bytes)
    for index, values in enumerate(inputs):
        interpreter.set_input(values, index)
    interpreter.invoke()
    count = len(container.parse(model.read_bytes()).outputs)
    return [interpreter.get_output(index) for index in range(count)]
