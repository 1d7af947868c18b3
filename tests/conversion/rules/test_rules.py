"""The rule table, on layers at its boundaries.

Covers conversion.rules.clamps, conversion.rules.operators, conversion.rules.tensors_of_file.
"""

from __future__ import annotations

import pytest

from conversion.rules.table import RULES, form, refusal
from tests.conversion.rules.boundaries import CASES
from tests.conversion.rules.good_layers import DEVICE, GOOD, Case, changed, layer, tensor


@pytest.mark.parametrize("kind", RULES)
def test_layers_at_the_boundaries_of_a_kind_get_the_answers_of_the_table(kind: str) -> None:
    cases = [case for case in CASES if form(case.layer) == kind]
    wrong = {case.name: found for case in cases if not agrees(case, found := refusal(case.layer, case.device))}
    assert cases
    assert wrong == {}


def agrees(case: Case, found: str) -> bool:
    """Whether a reason is the one that the case expects."""
    return case.refusal in found and bool(case.refusal) == bool(found)


def test_every_row_of_the_table_has_a_layer_that_it_takes() -> None:
    assert set(GOOD) == set(RULES)
    assert {form(good) for good in GOOD.values()} == set(RULES)


@pytest.mark.parametrize("kind", ["slice", "gather", "softmax", "batch_matmul", "", "CONV_2D"])
def test_an_unknown_kind_of_layer_is_refused_by_name(kind: str) -> None:
    assert refusal(layer(kind, [tensor(1, 2, 2, 2)], [tensor(1, 2, 2, 2)]), DEVICE) == f"there is no `{kind}` on this NPU"


def test_a_layer_without_its_options_or_tensors_is_refused_and_says_what_is_missing() -> None:
    assert "its stride is not known" in refusal(changed(GOOD["conv"], stride=None), DEVICE)
    assert "2 inputs: it has to have 3" in refusal(layer("conv", list(GOOD["conv"].inputs[:2]), []), DEVICE)
    assert "0 outputs: it has to have 1 or more" in refusal(layer("split", [tensor(1, 2, 2, 2)], [], axis=3), DEVICE)
    assert "tensor of 3 dimensions" in refusal(layer("relu", [tensor(1, 2, 2)], [tensor(1, 2, 2)], bounds=(0, 1)), DEVICE)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    assert "have to be above 0" in refusal(changed(GOOD["requant"], outputs={0: {"scales": (scale,)}}), DEVICE)
