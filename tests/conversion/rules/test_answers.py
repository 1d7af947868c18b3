"""The hardware's own answers: every layer and every table of the reference, where the real data is."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from conversion.rules.devices import load_rules
from conversion.rules.judgement import judged
from conversion.rules.relay_functions import relay_functions
from conversion.rules.rows import judged_rows, row_refusal
from tests.checkout import CHECKOUT
from tests.conversion.real_data import real_model

pytestmark = pytest.mark.data


def answers(name: str) -> Path:
    folder = Path(os.environ.get("ETHOS_BENCH_TEST_DATA") or CHECKOUT.parent / "shared")
    path = folder / "reference" / "ethos-n78" / name
    if not path.is_file():
        pytest.skip(f"needs {path}: set ETHOS_BENCH_TEST_DATA to the folder of the real data")
    return path


@pytest.mark.parametrize(("name", "count"), [("named.jsonl", 76), ("random.jsonl", 2609)])
def test_every_layer_gets_the_librarys_answer(name: str, count: int) -> None:
    rows = list(judged_rows(answers(name)))
    assert len(rows) == count
    assert [(row.line, row.supported, row.refusal) for row in rows if row.differs] == []


def test_rows_with_a_field_gone_or_of_another_type_are_refused_and_never_a_crash() -> None:
    generator = random.Random(5)
    for line in generator.sample(answers("random.jsonl").read_text().splitlines(), 200):
        row = json.loads(line)
        for tensor in [*row.get("inputs", []), row.get("output", {})]:
            if tensor:
                key = generator.choice(sorted(tensor))
                tensor[key] = generator.choice([None, "x", [], {}, -1, [0, 0, 0, 0], float("nan")])
        row["options"] = {key: generator.choice([value, None, "x", []]) for key, value in row["options"].items()}
        assert isinstance(row_refusal(row), str)


PUBLISHED = {
    "level2_relu": ("ethos-n78-1tops-2ple", 104, {"clip": 56, "reshape": 30, "concatenate": 19, "max_pool2d": 3}),
    "level3_relu": ("ethos-n78-1tops-2ple", 101, {"clip": 57, "reshape": 25, "concatenate": 19, "max_pool2d": 3}),
    "level4_relu": ("ethos-n78-1tops-2ple", 101, {"clip": 57, "reshape": 25, "concatenate": 19, "max_pool2d": 3}),
    "level3_leaky": ("ethos-n78-1tops-2ple", 45, {"reshape": 25, "concatenate": 19, "max_pool2d": 3}),
    "level4_leaky": ("ethos-n78-1tops-2ple", 45, {"reshape": 25, "concatenate": 19, "max_pool2d": 3}),
}


@pytest.mark.parametrize("variant", PUBLISHED)
def test_the_functions_of_the_npu_report_are_counted_again(variant: str) -> None:
    rules, functions, operators = PUBLISHED[variant]
    data = real_model(f"published/{variant}_full_integer_quant.tflite").read_bytes()
    found = relay_functions(data, variant, load_rules(rules))
    assert (found.functions, found.operators) == (functions, operators)


@pytest.mark.parametrize(("variant", "functions"), [("level3_relu", 103), ("level3_leaky", 47)])
def test_a_larger_variant_takes_two_functions_more(variant: str, functions: int) -> None:
    data = real_model(f"published/{variant}_full_integer_quant.tflite").read_bytes()
    assert relay_functions(data, variant, load_rules("ethos-n78-4tops-4ple")).functions == functions


@pytest.mark.parametrize(
    ("variant", "taken", "operators"),
    [
        ("level2_relu", 136, 183),
        ("level3_relu", 115, 142),
        ("level4_relu", 115, 142),
        ("level3_leaky", 172, 199),
        ("level4_leaky", 172, 199),
    ],
)
def test_the_published_files_have_the_shares_of_the_reference(variant: str, taken: int, operators: int) -> None:
    data = real_model(f"published/{variant}_full_integer_quant.tflite").read_bytes()
    judgement = judged(data, variant, load_rules("ethos-n78"))
    assert (judgement.taken, len(judgement.operators)) == (taken, operators)
