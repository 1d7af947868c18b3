"""Vela's other outputs, raw npz and streams with regions of their own for inputs and outputs, give the same bytes.

Covers ethosu_simulator.builtins, ethosu_simulator.flatbuffer, ethosu_simulator.inference, ethosu_simulator.npu_operator.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

import ethosu_simulator
from ethosu_simulator import container, raw
from tests.ethosu_simulator.generator.cases import parse
from tests.ethosu_simulator.generator.golden import GOLDEN
from tests.ethosu_simulator.toolchain import random_inputs

VELA = "import sys; from ethosu.vela.vela import main; sys.exit(main(sys.argv[1:]))"
RAW = ("--output-format", "raw")
SEPARATE = ("--cop-format", "COP2", "--separate-io-regions")
OPTIONS = {"cop2": SEPARATE, "raw": RAW, "both": (*SEPARATE, *RAW)}
CASES = (
    pytest.param("add-INT8-u55-128-7-4", marks=pytest.mark.slow),
    pytest.param("softmax-INT8-u65-512-3-4", marks=pytest.mark.nightly),
    pytest.param("conv-INT8-u85-256-5-6", marks=pytest.mark.nightly),
)


def _compiled(model: Path, config: str, folder: Path, *options: str) -> ethosu_simulator.Model:
    command = [sys.executable, "-c", VELA, str(model), "--accelerator-config", f"ethos-{config}", "--output-dir", str(folder)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return ethosu_simulator.load(next(folder.glob("case_vela.*")), npu=f"ethos-{config}")


@pytest.mark.parametrize("case", CASES)
def test_every_output_of_vela_gives_the_same_bytes(case: str, tmp_path: Path) -> None:
    chosen, path = parse(case), tmp_path / "case.tflite"
    path.write_bytes(chosen.build())
    inputs = random_inputs(path, 1)
    plain = _compiled(path, chosen.config, tmp_path / "plain").run(inputs)
    for name, options in OPTIONS.items():
        model = _compiled(path, chosen.config, tmp_path / name, *options)
        got = model.run([values.reshape(tensor.shape) for values, tensor in zip(inputs, model.inputs, strict=True)])
        assert [a.tobytes() for a in got] == [b.tobytes() for b in plain], name


def test_another_npz_is_refused() -> None:
    other = io.BytesIO()
    np.savez(other, images=np.zeros(3))
    with pytest.raises(ethosu_simulator.ContainerError, match="cmd_data"):
        raw.parse(other.getvalue(), ethosu_simulator.Limits())


def test_an_npz_that_unpacks_beyond_the_limit_is_refused() -> None:
    large = io.BytesIO()
    np.savez_compressed(large, cmd_data=np.zeros(1 << 16))
    with pytest.raises(ethosu_simulator.ContainerError, match="bytes unpacked: expected at most 1024"):
        raw.parse(large.getvalue(), ethosu_simulator.Limits(memory_bytes=1024))


@pytest.mark.parametrize("shape", [[0, 2**31 - 1, 2**31 - 1, 2**31 - 1], [-1], [2**16, 2**16]])
def test_a_shape_that_numpy_cannot_hold_is_refused(shape: list[int]) -> None:
    with np.load(next(GOLDEN.glob("conv-INT8-u55-*.npz"))) as kept:
        compiled = schema.ModelT.InitFromPackedBuf(kept["compiled"].tobytes(), 0)
    compiled.subgraphs[0].tensors[int(compiled.subgraphs[0].outputs[0])].shape = shape
    builder = flatbuffers.Builder()
    builder.Finish(compiled.Pack(builder), b"TFL3")
    with pytest.raises(ethosu_simulator.ContainerError, match="shape"):
        container.parse(bytes(builder.Output()))


@given(st.binary(max_size=200))
def test_any_bytes_after_the_magic_are_refused(noise: bytes) -> None:
    with pytest.raises(ethosu_simulator.ContainerError):
        raw.parse(raw.MAGIC + noise, ethosu_simulator.Limits())
