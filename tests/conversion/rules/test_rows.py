"""`python -m conversion.rules`: rows of layers, and rows that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conversion.rules.__main__ import main
from conversion.rules.rows import row_refusal

PLAIN = {"shape": [1, 8, 8, 16], "dtype": "int8", "scale": [0.1], "zero_point": 0}
VARIANT = "Ethos-N78_4TOPS_4PLE_RATIO"
RELU = {
    "variant": VARIANT,
    "op": "relu",
    "inputs": [PLAIN],
    "output": PLAIN,
    "options": {"lower": 0, "upper": 127},
    "supported": True,
}


def written(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_agreeing_rows_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = {**RELU, "options": {"lower": 5, "upper": 0}, "supported": False}
    assert main([written(tmp_path / "rows.jsonl", RELU, other)]) == 0
    assert capsys.readouterr().out == "0 of 2 differ\n"


def test_each_disagreement_is_printed_with_what_the_row_says_and_the_number_comes_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "rows.jsonl", {**RELU, "supported": False, "name": "clamp"}, RELU)
    assert main([file]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{file}:1: relu `clamp` on {VARIANT}: supported is false, we take it",
        "1 of 2 differ",
    ]


def test_rows_without_an_answer_are_judged_and_counted_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unanswered = {key: value for key, value in RELU.items() if key != "supported"}
    assert main([written(tmp_path / "rows.jsonl", unanswered, RELU)]) == 0
    assert capsys.readouterr().out == "1 rows say nothing of `supported`\n0 of 1 differ\n"


def test_kernels_and_strides_are_read_in_the_order_that_their_names_say() -> None:
    pool = {
        **RELU,
        "op": "pool",
        "options": {"kernel_x_y": [5, 1], "stride_x_y": [1, 1], "pad_top_bottom_left_right": [0, 0, 2, 2], "mode": "max"},
    }
    assert row_refusal(pool) == ""
    turned = {**pool["options"], "kernel_x_y": [1, 5]}  # type: ignore[dict-item]  # the options are a dict
    assert "kernel 5x1" in row_refusal({**pool, "options": turned})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"op": "softmax"}, "there is no `softmax`"),
        ({"op": None}, "there is no `None`"),
        ({"variant": "Ethos-N57"}, "no rules profile is the variant"),
        ({"variant": None}, "no rules profile is the variant"),
        ({"options": {}}, "its bounds is not known"),
        ({"options": []}, "its bounds is not known"),
        ({"options": 3}, "cannot be read"),
        ({"options": {"lower": "a", "upper": 1}}, "cannot be read"),
        ({"options": {"pad_top_bottom_left_right": [1, 2]}}, "cannot be read"),
        ({"inputs": []}, "0 inputs"),
        ({"inputs": [{}]}, "cannot be read"),
        ({"inputs": [None]}, "cannot be read"),
        ({"inputs": 4}, "cannot be read"),
        ({"output": None}, "cannot be read"),
        ({"inputs": [{**PLAIN, "shape": [1, 8, 8]}]}, "3 dimensions"),
        ({"inputs": [{**PLAIN, "shape": [1, 8, 8, 2, 2]}]}, "5 dimensions"),
        ({"inputs": [{**PLAIN, "shape": [1, -8, 8, 2]}]}, "above 0"),
        ({"inputs": [{**PLAIN, "dtype": "float32"}]}, "float32 activation"),
        ({"inputs": [{**PLAIN, "dtype": 8}]}, "8 activation"),
        ({"inputs": [{**PLAIN, "scale": []}]}, "activation with 0 scales"),
        ({"inputs": [{**PLAIN, "scale": [float("inf")], "zero_point": float("inf")}]}, "cannot be read"),
        ({"inputs": [{**PLAIN, "strange": 1}], "strange": {}}, ""),
    ],
)
def test_a_row_that_cannot_be_judged_is_refused_with_a_reason(change: dict[str, Any], said: str) -> None:
    found = row_refusal({**RELU, **change})
    assert said in found
    assert bool(said) == bool(found)


def test_an_empty_row_is_refused() -> None:
    assert row_refusal({}) != ""


@pytest.mark.parametrize("content", ["{", "[1]\n", "nonsense\n"])
def test_a_line_that_is_no_object_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(RELU) + "\n" + content)
    assert main([str(path)]) == 2
    assert f"error: `{path}`, line 2 is no JSON" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing.jsonl")]) == 2
    assert "missing.jsonl` cannot be read" in capsys.readouterr().err
    assert main([]) == 2
    assert "usage: python -m conversion.rules" in capsys.readouterr().err
