"""The reference of a run: the bytes that TFLite Micro gives, image by image, or as one sequence where a model keeps state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.files import sha256
from core.records.artefact import ModelFile
from core.tflite.graph import parse
from harness.workbench.reference import reference_outputs
from targets.tflite_micro import run_micro
from targets.tflite_parts import keeps_state
from tests.conversion.tflite_builder import all_on_the_npu
from tests.ethosu_simulator import subgraphs
from tests.ethosu_simulator.generator.cases import parse as case


@pytest.mark.parametrize("repeated", [1, 2])
def test_a_model_with_variables_sees_its_images_as_one_sequence(
    repeated: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    content, path = case("lstm-INT8-u55-128-3").build(), tmp_path / "lstm.tflite"
    path.write_bytes(content)
    graph = parse(content, "lstm")
    images = [(np.full(graph.inputs[0].shape, 60, np.int8),)] * 2
    file = ModelFile(path, sha256(content))
    for _ in range(repeated):
        first, second = reference_outputs(file, graph, images, 2, lambda _: None)
    assert first[0].tobytes() != second[0].tobytes()
    expected = run_micro(content, images, 1, 1 << 20, "lstm")
    assert [outputs[0].tobytes() for outputs in (first, second)] == [outputs[0].tobytes() for outputs in expected]


def test_state_is_seen_in_tensors_and_in_handles() -> None:
    assert keeps_state(case("lstm-INT8-u55-128-3").build())
    assert keeps_state(subgraphs.streaming(start=0))
    assert not keeps_state(all_on_the_npu())
