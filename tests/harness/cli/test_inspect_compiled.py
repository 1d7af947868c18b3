"""`inspect`, `estimate` and `disassemble` of ExecuTorch programs and raw npz files.

Covers harness.cli.compiled_file, harness.cli.inspect_compiled.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli.disassemble import disassemble_command
from harness.cli.estimate import estimate_command
from harness.cli.inspect import inspect_command
from tests.ethosu_simulator.pte_files import Pte, Value
from tests.ethosu_simulator.test_pte import ABS, between_floats, delegated, two_delegates
from tests.harness.cli.fuzz import models

COMMANDS = (inspect_command, estimate_command, disassemble_command)


def inspect(*arguments: str | Path) -> Result:
    return CliRunner().invoke(inspect_command, [*map(str, arguments)], catch_exceptions=False)


def written(tmp_path: Path, pte: Pte) -> Path:
    path = tmp_path / "program.pte"
    path.write_bytes(pte.write())
    return path


def raw_npz(tmp_path: Path) -> Path:
    path = tmp_path / "out_vela.npz"
    path.write_bytes(models.raw_npz())
    return path


def test_two_delegates_and_a_kernel_between_them_are_told_by_name_and_share(tmp_path: Path) -> None:
    path = written(tmp_path, two_delegates())
    result = inspect(path)
    assert result.exit_code == 0, result.output
    assert "2 streams, 1 operator left to the CPU: 66.7% of the program's 3 steps by count" in result.output
    assert "1 x aten::neg.out" in result.output
    assert "come on top and are in no figure" in result.output
    document = json.loads(inspect(path, "--json").output)
    assert document["npu"] == "ethos-u55-128"
    assert document["cpu_operators"] == {"aten::neg.out": 1}
    assert len(document["streams"]) == 2
    assert document["estimate"]["cpu_operators"] == 1


def test_estimate_and_disassemble_say_which_delegate_a_line_is_of(tmp_path: Path) -> None:
    path = written(tmp_path, two_delegates())
    estimated = CliRunner().invoke(estimate_command, [str(path)], catch_exceptions=False).output
    assert "stream 2 of 2" in estimated
    disassembled = CliRunner().invoke(disassemble_command, [str(path)], catch_exceptions=False).output
    assert [line[:19] for line in disassembled.splitlines() if line.startswith("#")] == [
        "# delegate 1 of 2: ", "# delegate 2 of 2: ",
    ]  # fmt: skip
    document = CliRunner().invoke(disassemble_command, [str(path), "--format", "json"], catch_exceptions=False).output
    assert [one["stream"] for one in json.loads(document)] == [1, 2]


def test_disassemble_takes_no_npu_for_a_file_that_is_compiled(tmp_path: Path) -> None:
    refused = CliRunner().invoke(disassemble_command, [str(written(tmp_path, delegated(ABS))), "--npu", "ethos-u55-128"])
    assert refused.exit_code == 2
    assert "its NPU is in its stream" in refused.output


def test_kernels_that_the_simulator_runs_itself_are_the_boards_cpu_too(tmp_path: Path) -> None:
    document = json.loads(inspect(written(tmp_path, between_floats(ABS)), "--json").output)
    assert sum(document["cpu_operators"].values()) == 2
    assert document["estimate"]["cpu_operators"] == 2


def test_an_npz_of_velas_is_inspected_as_the_program_that_holds_its_stream(tmp_path: Path) -> None:
    npz, pte = (json.loads(inspect(path, "--json").output) for path in (raw_npz(tmp_path), written(tmp_path, delegated(ABS))))
    assert npz["file"]["kind"] == "raw npz of Vela"
    assert npz["estimate"]["active_cycles"] == pte["estimate"]["active_cycles"]
    assert npz["streams"][0]["operations"] == pte["streams"][0]["operations"] == 1


def test_the_npu_is_read_from_the_stream_and_another_one_is_a_usage_error(tmp_path: Path) -> None:
    path = written(tmp_path, delegated(ABS))
    assert "ethos-u55-128, read from the stream" in inspect(path, "--npu", "ethos-u55-128").output
    refused = inspect(path, "--npu", "ethos-u85-256")
    assert refused.exit_code == 2
    assert "is compiled for ethos-u55-128, `--npu ethos-u85-256` is ethos-u85-256" in refused.output


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_takes_a_program_and_says_what_is_wrong_with_a_damaged_one(tmp_path: Path, command: object) -> None:
    path = written(tmp_path, delegated(ABS))
    good = CliRunner().invoke(command, [str(path)], catch_exceptions=False)  # type: ignore[arg-type]
    assert good.exit_code == 0, good.output
    path.write_bytes(path.read_bytes()[:200])
    bad = CliRunner().invoke(command, [str(path)], catch_exceptions=False)  # type: ignore[arg-type]
    assert bad.exit_code in (1, 2)
    assert "program.pte" in bad.output
    assert "expected" in bad.output


def test_names_from_a_program_do_not_move_the_cursor(tmp_path: Path) -> None:
    pte = two_delegates()
    pte.instructions[1] = (1, "aten::\x1b[2Jneg.out", [1, 2, 2])
    assert "\x1b[2J" not in inspect(written(tmp_path, pte)).output


def test_a_program_without_a_stream_for_the_npu_says_so(tmp_path: Path) -> None:
    pte = Pte(values=[Value(shape=(1,))], inputs=[0], outputs=[0], instructions=[], blobs=[])
    result = inspect(written(tmp_path, pte))
    assert result.exit_code != 0
    assert "no delegate of EthosUBackend" in result.output
