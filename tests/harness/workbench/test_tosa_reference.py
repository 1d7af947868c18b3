"""Bytes of TOSA graphs and of what was compiled from them are held against the TOSA reference model, or the reason is said.

Covers harness.workbench.tosa_reference, targets.tosa.in_place.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from conversion.profile_files import load_profile
from conversion.vela import compile_tosa
from core.errors import ToolMissing, UsageError
from core.progress import to_nobody
from core.records.unavailable import Unavailable
from harness.workbench.case import Case
from harness.workbench.options import BenchOptions
from harness.workbench.reference import Equality
from harness.workbench.workbench import Workbench
from tests.ethosu_simulator.pte_files import DELEGATE
from tests.ethosu_simulator.test_pte import ABS, delegated
from tests.harness.cli.test_inspect_compiled import written
from tests.targets.tosa.test_tosa import program_of
from tests.targets.tosa.tosa_files import max_pool

U85 = "ethos-u85-256"


def only_case(**options: object) -> Case:
    bench = Workbench(BenchOptions(**options), to_nobody)  # type: ignore[arg-type]
    (key,) = bench.cases()
    return Case(bench, key)


def equality(case: Case) -> Equality | Unavailable:
    try:
        return case.bench.executions.equality(case.key)
    except ToolMissing as error:
        pytest.skip(f"no reference model: {error.found.splitlines()[0]}")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A max pool as a TOSA graph, as Vela's npz, and as the program that holds its stream; and another pool."""
    folder = tmp_path_factory.mktemp("pool")
    graph, other = folder / "pool.tosa", folder / "other.tosa"
    graph.write_bytes(max_pool())
    other.write_bytes(max_pool(4, 16))
    raw = compile_tosa(graph, load_profile(U85), folder / "out")
    (folder / "pool.pte").write_bytes(program_of(raw).write())
    return {"tosa": graph, "npz": raw, "pte": folder / "pool.pte", "other": other}


@pytest.mark.slow
def test_a_graph_is_its_own_reference(pool: dict[str, Path]) -> None:
    case = only_case(model=pool["tosa"], profiles=(U85,))
    found = equality(case)
    assert isinstance(found, Equality)
    assert (found.images, found.equal, found.difference) == (4, 4, "")
    assert found.reference.startswith("TOSA reference model")
    assert case.artefact.compilation.placement.count("executed") == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["npz", "pte"])
def test_what_was_compiled_has_the_bytes_of_its_graph_and_not_of_another(pool: dict[str, Path], kind: str) -> None:
    found = equality(only_case(model=pool[kind], tosa=pool["tosa"]))
    assert isinstance(found, Equality)
    assert found.equal == found.images == 4
    wrong = equality(only_case(model=pool[kind], tosa=pool["other"]))
    assert isinstance(wrong, Equality)
    assert wrong.equal < wrong.images


def test_without_a_graph_bytes_are_not_compared_and_the_reason_is_said(tmp_path: Path) -> None:
    case = only_case(model=written(tmp_path, delegated(ABS)))
    assert list(case.bench.profiles) == ["ethos-u55-128"]
    found = case.bench.executions.equality(case.key)
    assert isinstance(found, Unavailable)
    assert found.reason == "no reference: --tosa FILE names the graph that the ExecuTorch program was made of"
    assert isinstance(case.bench.models.activation(case.key.variant), Unavailable)


def test_several_delegates_have_no_single_graph(tmp_path: Path) -> None:
    graph = tmp_path / "pool.tosa"
    graph.write_bytes(max_pool())
    program = delegated(ABS)
    program.values.append(program.values[-1])
    program.instructions.append((DELEGATE, 1, [1, 2]))
    program.blobs, program.outputs = program.blobs * 2, [2]
    case = only_case(model=written(tmp_path, program), tosa=graph)
    found = case.bench.executions.equality(case.key)
    assert isinstance(found, Unavailable)
    assert "has 2 streams, and --tosa names one graph" in found.reason


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "another NPU": ({"profiles": (U85,)}, "is compiled for ethos-u55-128"),
    "two NPUs": ({"profiles": ("ethos-u55-128", U85)}, "2 profiles are named"),
    "the host": ({"targets": ("host",)}, "--target host does not run files of the kind `ExecuTorch program`"),
    "a Corstone": ({"targets": ("fvp",)}, "--target fvp does not run"),
    "rules": ({"rules": ("ethos-n78",)}, "no layers of TFLite to judge"),
    "an activation": ({"expect_activation": "relu"}, "does not name its activations"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_compiled_file_cannot_have_is_a_usage_error(tmp_path: Path, what: str) -> None:
    options, message = REFUSED[what]
    path = written(tmp_path, delegated(ABS))
    with pytest.raises(UsageError, match=message):
        only_case(model=path, **options).identity()


def test_a_graph_beside_a_tflite_file_is_refused(tmp_path: Path) -> None:
    path, graph = tmp_path / "model.tflite", tmp_path / "pool.tosa"
    path.write_bytes(b"TFL3" * 4)
    graph.write_bytes(max_pool())
    with pytest.raises(UsageError, match="no compiled file that it was made into"):
        only_case(model=path, tosa=graph)
