"""What `ethos-bench inspect --rules` says of a file.

Covers harness.cli.inspect_rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli.inspect import inspect_command
from tests.conversion.rules.test_lowering import chunked
from tests.conversion.tflite_builder import TinyModel

ModelPath = Callable[[str], Path]


def inspect(*arguments: str | Path) -> Result:
    return CliRunner().invoke(inspect_command, [str(argument) for argument in arguments])


@pytest.fixture
def chunks(tmp_path: Path) -> Path:
    path = tmp_path / "chunks.tflite"
    path.write_bytes(chunked())
    return path


def test_operators_macs_and_pieces_are_told_together_with_each_reason_and_what_a_split_would_change(chunks: Path) -> None:
    result = inspect(chunks, "--rules", "ethos-n78")
    assert result.exit_code == 0
    assert "ethos-n78-4tops-4ple  by the rules of Ethos-N78 driver stack 25.03: nothing ran" in result.output
    assert "3 of 5 operators (60.0%), 100.00% of MACs, in 2 pieces" in result.output
    assert "refused  2 SLICE (#1): SLICE cannot run: the Support Library only estimates its cost" in result.output
    assert "Then 5 of the 5 operators are taken, 100.00% of MACs, in 1 piece: checked by rewriting a copy" in result.output


def test_without_the_option_no_rules_are_told(chunks: Path) -> None:
    assert "rules" not in inspect(chunks).output


def test_several_rules_profiles_stand_in_the_document(chunks: Path) -> None:
    result = inspect(chunks, "--rules", "ethos-n78", "--rules", "ethos-n78-1tops-2ple", "--json")
    rules = json.loads(result.output)["rules"]
    assert [found["rules"] for found in rules] == ["ethos-n78-4tops-4ple", "ethos-n78-1tops-2ple"]
    assert [found["evidence"] for found in rules] == ["rules", "rules"]
    assert rules[0]["placement"][1] == {
        "index": 1,
        "operator": "SLICE",
        "name": "half",
        "where": "refused",
        "macs": 0,
        "layers": 1,
        "layers_taken": 0,
        "reason": "SLICE cannot run: the Support Library only estimates its cost",
    }
    assert rules[0]["split_suggestion"]["operators_taken"] == 5


def test_a_file_that_vela_is_not_given_still_has_a_reason_for_each_operator(tmp_path: Path) -> None:
    model = TinyModel()
    source = model.tensor((1, 4, 4, 8), "image", "FLOAT32", None)
    path = tmp_path / "float.tflite"
    path.write_bytes(model.finish([source], [model.unary("LOGISTIC", source, dtype="FLOAT32", scale=None)]))
    result = inspect(path, "--rules", "ethos-n78")
    assert result.exit_code == 1
    assert "refused  1 LOGISTIC (#0): float32 tensor: the NPU computes in int8 and uint8" in result.output
    assert "has float32 input" in result.output
    document = inspect(path, "--rules", "ethos-n78", "--json").stdout
    assert json.loads(document)["rules"][0]["refused"] == {"LOGISTIC": 1}


def test_an_unknown_profile_is_a_usage_error(chunks: Path) -> None:
    result = inspect(chunks, "--rules", "ethos-n77")
    assert result.exit_code == 2
    assert "unknown rules profile `ethos-n77`" in result.output


def test_a_file_that_is_no_model_is_refused_as_before(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"nothing of the kind")
    assert inspect(path, "--rules", "ethos-n78").exit_code == inspect(path).exit_code == 1
