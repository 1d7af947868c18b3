"""TOSA graphs: read within bounds, compiled, and their bytes held against the reference model.

Covers conversion.vela, conversion.tosa_graph, core.tool_environment, harness.cli.compiled_file, targets.tosa.reference,
targets.tosa.child.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from conversion import tosa_graph
from conversion.profile_files import load_profile
from conversion.tosa_graph import read_tosa
from conversion.vela import compile_tosa
from core.errors import EthosBenchError, RunError, ToolMissing
from core.tool_environment import tool_python
from harness.cli.disassemble import disassemble_command
from harness.cli.estimate import estimate_command
from harness.cli.inspect import inspect_command
from targets.tosa.reference import tosa_outputs
from tests.ethosu_simulator.pte_files import DELEGATE, Pte, Value, _places, blocks_of
from tests.targets.tosa.tosa_files import max_pool

U55 = "ethos-u55-128"


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "pool.tosa"
    path.write_bytes(max_pool())
    return path


def inspect(*arguments: str | Path) -> Result:
    return CliRunner().invoke(inspect_command, [*map(str, arguments)], catch_exceptions=False)


def test_a_graph_is_read_as_its_operators_inputs_and_outputs(graph: Path) -> None:
    found = read_tosa(graph)
    assert dict(found.kinds) == {"MAX_POOL2D": 1}
    assert [(tensor.name, tensor.shape, tensor.dtype) for tensor in (*found.inputs, *found.outputs)] == [
        ("x", (1, 8, 8, 16), "int8"), ("y", (1, 4, 4, 16), "int8"),
    ]  # fmt: skip


def test_multiply_accumulates_are_counted_by_the_definition_of_each_operator() -> None:
    of = tosa_graph._macs
    assert of("CONV2D", [(1, 8, 8, 3), (16, 3, 3, 3)], [(1, 8, 8, 16)]) == 8 * 8 * 16 * 27
    assert of("DEPTHWISE_CONV2D", [(1, 8, 8, 4), (3, 3, 4, 1)], [(1, 8, 8, 4)]) == 8 * 8 * 4 * 9
    assert of("TRANSPOSE_CONV2D", [(1, 4, 4, 3), (16, 2, 2, 3)], [(1, 8, 8, 16)]) == 4 * 4 * 3 * 16 * 4
    assert of("MATMUL", [(1, 5, 7), (1, 7, 3)], [(1, 5, 3)]) == 5 * 3 * 7
    assert of("ADD", [(1, 8), (1, 8)], [(1, 8)]) == 0


def test_damaged_graphs_end_in_typed_errors(graph: Path) -> None:
    content, chance = graph.read_bytes(), random.Random(5)
    refused: list[str] = []
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(8, len(damaged))] = chance.randrange(256)
        graph.write_bytes(bytes(damaged[: chance.randrange(9, len(damaged) + 1)]))
        try:
            read_tosa(graph)
        except EthosBenchError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all("pool.tosa" in said for said in refused)


@pytest.mark.slow
def test_a_graph_is_compiled_and_told_for_each_npu(graph: Path) -> None:
    result = inspect(graph, "--npu", U55, "--npu", "ethos-u85-256")
    assert result.exit_code == 0, result.output
    assert result.output.count("made of     1 MAX_POOL2D") == 2
    assert "not compared: --tosa FILE names the graph" in result.output
    assert [one["npu"] for one in json.loads(inspect(graph, "--npu", U55, "--npu", "ethos-u85-256", "--json").output)] == [
        U55, "ethos-u85-256",
    ]  # fmt: skip


@pytest.mark.slow
def test_estimate_and_disassemble_compile_a_graph(graph: Path) -> None:
    chosen = [str(graph), "--npu", "ethos-u85-256"]
    estimated = CliRunner().invoke(estimate_command, [*chosen, "--json"], catch_exceptions=False)
    document = json.loads(estimated.output)
    assert (document["npu"], document["file"]) == ("ethos-u85-256", str(graph))
    assert document["active_cycles"] > 0
    listed = CliRunner().invoke(disassemble_command, chosen, catch_exceptions=False).output
    assert listed.startswith("# stream 1 of 1: ethos-u85-256")
    assert "NPU_OP_POOL" in listed


def program_of(raw: Path) -> Pte:
    """A program whose only delegate is what Vela wrote."""
    from ethosu_simulator import NpuOperator, load

    (operator,) = load(raw).operators
    assert isinstance(operator, NpuOperator)
    with np.load(raw) as kept:
        content = {
            "vela_bin_stream": b"", "cmd_data": kept["cmd_data"].tobytes(), "weight_data": kept["weight_data"].tobytes(),
            "scratch_size": int(kept["scratch_size"]).to_bytes(4, "little"), "inputs": _places(operator.inputs),
            "outputs": _places(operator.outputs), "vela_end_stream": b"",
        }  # fmt: skip
    return Pte(
        values=[Value(shape=(1, 8, 8, 16)), Value(shape=(1, 4, 4, 16))], inputs=[0], outputs=[1],
        instructions=[(DELEGATE, 0, [0, 1])], blobs=[blocks_of(content, {})],
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("npu", [U55, "ethos-u65-256", "ethos-u85-256"])
def test_bytes_equal_the_reference_models_and_a_changed_graph_is_seen(graph: Path, tmp_path: Path, npu: str) -> None:
    try:
        tosa_outputs(graph, read_tosa(graph), [[np.zeros((1, 8, 8, 16), np.int8)]])
    except ToolMissing as error:
        pytest.skip(f"no reference model: {error.found.splitlines()[0]}")
    path = tmp_path / "pool.pte"
    path.write_bytes(program_of(compile_tosa(graph, load_profile(npu), tmp_path / "out")).write())
    good = inspect(path, "--tosa", graph)
    assert good.exit_code == 0, good.output
    assert "equal: 512 bytes of 2 inputs of noise, against the TOSA reference model" in good.output
    other = tmp_path / "other.tosa"
    other.write_bytes(max_pool(4, 16))
    bad = inspect(path, "--tosa", other)
    assert bad.exit_code == 1
    assert "differ of 512 bytes" in bad.output
    assert "the NPU's bytes differ from the reference model's" in bad.output


def test_inputs_of_another_size_are_refused_by_name(graph: Path) -> None:
    with pytest.raises(RunError, match=r"`pool\.tosa` takes int8 of 1024 elements, not int8 of 3"):
        tosa_outputs(graph, read_tosa(graph), [[np.zeros(3, np.int8)]])


def test_an_environment_that_cannot_be_made_says_what_pip_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock = tmp_path / "tool.lock"
    lock.write_text("no-such-tool==1.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(ToolMissing, match="no-such-tool"):
        tool_python("tool", lock, lambda _: None)
    assert not [path for path in (tmp_path / "cache" / "environments").iterdir() if path.is_dir()]
