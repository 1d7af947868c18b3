"""ExecuTorch itself lowers a small graph for each NPU, and our Vela's file of it gives the TOSA reference model's bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conversion.executorch import lowering
from conversion.executorch.lowering import lowered_source
from conversion.pipeline import Settings, compile_source
from conversion.profile_files import load_profile
from conversion.steps import Origin
from conversion.vela_options import VelaOptions
from core.progress import to_nobody
from core.records.job import Job
from harness.workbench.inputs import of_noise
from harness.workbench.reference import compare
from harness.workbench.tosa_reference import tosa_reference
from targets.simulator import Simulator
from tests.conversion.executorch.lane import require_executorch
from tests.conversion.executorch.make_tiny import NPUS, lowered
from tests.conversion.executorch.stand_ins import CALIBRATION, FACTS
from tests.conversion.executorch.test_tiny_programs import equality, with_another_weight


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """The folder with the exported program of three layers, where the float reference would lie too."""
    torch = pytest.importorskip("torch")
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, stride=2, padding=1), torch.nn.LeakyReLU(0.1), torch.nn.Conv2d(8, 6, 1)
    ).eval()
    with torch.no_grad():
        torch.export.save(torch.export.export(layers, (torch.zeros(1, 3, 64, 64),), strict=False), tmp_path / "float.pt2")
    (tmp_path / "float.onnx").write_bytes(b"not read")
    return tmp_path


@pytest.mark.slow
@pytest.mark.convert
def test_a_tiny_model_lowered_for_each_npu_gives_the_reference_models_bytes_and_a_changed_one_is_seen(tmp_path: Path) -> None:
    """One test, since one process of ExecuTorch lowers for all NPUs: the programs by its own Vela, the graphs by ours."""
    require_executorch()
    pytest.importorskip("torch")
    for npu, folder in lowered(tmp_path).items():
        program, graph = folder / "model.pte", folder / "model.tosa"
        for found in (equality(model=program, tosa=graph), equality(model=graph, profiles=(npu,))):
            assert found.images > 0
            assert (found.equal, found.difference) == (found.images, ""), npu
    changed = with_another_weight(graph, tmp_path / "changed.tosa")
    assert "bytes differ" in equality(model=program, tosa=changed).difference


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.convert
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("npu", NPUS.values())
def test_a_graph_is_lowered_and_gives_the_reference_models_bytes(
    graph: Path, monkeypatch: pytest.MonkeyPatch, npu: str, layout: str
) -> None:
    require_executorch()
    for name in ("exported", "exported_program"):
        monkeypatch.setattr(lowering, name, lambda *_: graph)
    facts, profile = replace(FACTS, weights=f"three layers of {graph}"), load_profile(npu)
    source = lowered_source(Origin("mine"), facts, Settings(""), CALIBRATION, profile, layout, to_nobody)
    artefact = compile_source(source, profile, VelaOptions(), to_nobody)
    feeds = of_noise(2, source.graph).feeds
    run = Simulator().run(Job(artefact, feeds, 1))
    found = compare(run.outputs, tosa_reference(source, source.int8.path, feeds, to_nobody).outputs, ["out"])
    assert (found.equal, found.difference) == (2, "")
