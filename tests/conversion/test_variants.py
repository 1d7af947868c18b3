"""The rows of variants.py are what the documents say."""

from __future__ import annotations

import pytest
import yaml

from conversion.variants import ARCHITECTURES, BY_NAME, CLASSES, VARIANTS, activation_name, expected_activation


def test_the_seven_models_are_there_and_the_plain_one_is_first() -> None:
    assert [variant.name for variant in VARIANTS] == [
        "base_silu", "level2_relu", "level2_leaky", "level3_relu", "level3_leaky", "level4_relu", "level4_leaky",
    ]  # fmt: skip
    assert set(BY_NAME) == {path.stem for path in ARCHITECTURES.glob("*.yaml")}


def test_levels_2_and_3_have_their_documented_parameters() -> None:
    assert {variant.level: variant.parameters for variant in VARIANTS} == {0: 0, 2: 3_354_829, 3: 3_565_389, 4: 3_565_389}


def test_every_variant_but_the_plain_one_has_a_documented_folder_of_its_own() -> None:
    folders = [variant.folder for variant in VARIANTS]
    assert folders[0] == ""
    assert all(folders[1:])
    assert len(set(folders)) == len(folders)


def test_there_are_fifteen_classes() -> None:
    assert len(set(CLASSES)) == 15


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_an_architecture_is_what_its_level_is_defined_as(variant: object) -> None:
    found = next(row for row in VARIANTS if row is variant)
    content = yaml.safe_load(found.architecture.read_text())
    blocks = [layer[2] for layer in content["backbone"] + content["head"]]
    assert ("C3k2" in blocks) == (found.level == 0)
    assert ("C2f" in blocks) == (found.level > 0)
    assert ("C2PSA" in blocks) == (found.level < 3)
    assert ("activation" in content) == (found.activation != "silu")


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("level2_relu", "relu"), ("level2_leaky", "leaky"), ("base_silu", "silu"), ("older_level3_leakyrelu", "leaky"),
        ("Level4-LeakyReLU_int8", "leaky"), ("my_leaky_relu", None),
        ("mobilefacenet_prelu_int8", None), ("level2_reluctant", None), ("yolo11n", None), ("best", None),
    ],
)  # fmt: skip
def test_a_name_promises_an_activation_or_none(name: str, activation: str | None) -> None:
    assert expected_activation(name) == activation


@pytest.mark.parametrize(
    ("kinds", "name"),
    [
        (["RELU"], "relu"), (["RELU6", "RELU"], "relu"), (["LEAKY_RELU"], "leaky"), (["SILU"], "silu"),
        (["RELU", "LEAKY_RELU"], "leaky+relu"), (["HARD_SWISH"], "hard_swish"), ([], "none"),
    ],
)  # fmt: skip
def test_activations_of_a_graph_have_the_names_that_variants_carry(kinds: list[str], name: str) -> None:
    assert activation_name(kinds) == name
