"""Checkpoints: what they are, and that nothing in a file or a yaml is run or fetched."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, UnidentifiedImageError

from conversion.checkpoint import _ultralytics_tasks, find_checkpoints, load_checkpoint, packaged_images
from conversion.steps import Origin, facts_of
from conversion.variants import BY_NAME, CLASSES, VARIANTS
from core.errors import CheckpointError, UsageError
from core.records.checkpoint_facts import CheckpointFacts
from tests.checkout import CHECKOUT
from tests.conftest import require_convert
from tests.conversion.real_data import real_model

convert = pytest.mark.convert
SaveCheckpoint = Callable[..., Path]


@pytest.fixture(scope="module")
def seeded() -> Callable[[str], Any]:
    """A seeded model of a variant, built once."""
    require_convert()
    import functools

    from conversion.checkpoint import build_seeded

    return functools.cache(lambda name: build_seeded(BY_NAME[name]))


@pytest.fixture(scope="module")
def save(seeded: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> SaveCheckpoint:
    """Writes a checkpoint as ultralytics does, with changes of its content."""
    import copy

    import torch

    def write(variant: str = "level2_relu", change: Callable[[Any], None] | None = None, **content: Any) -> Path:
        module = copy.deepcopy(seeded(variant).module)
        if change:
            change(module)
        path = tmp_path_factory.mktemp("checkpoint") / "best.pt"
        torch.save({"model": module, "train_args": {"imgsz": 416}, **content}, path)
        return path

    return write


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that appears when a hostile file has run code."""
    return tmp_path / "canary"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class RunsACommand:
    """Pickles into a call of os.system."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return (os.system, (self.command,))


def through_the_worker(checkpoint: Path, **environment: str) -> CheckpointFacts:
    """The facts as a user's run gets them: from a worker process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return facts_of(Origin("mine", checkpoint=checkpoint), lambda _: None)


# --- what a checkpoint is ---


@convert
def test_a_checkpoint_gives_the_facts_of_its_graph(save: SaveCheckpoint, seeded: Callable[[str], Any]) -> None:
    path = save("level2_leaky")
    facts = load_checkpoint(path).facts
    assert facts.activation == "leaky"
    assert facts.classes == CLASSES
    assert facts.parameters == 3_354_829
    assert (facts.image_size, facts.strides, facts.regression_bins, facts.trained) == (416, (8, 16, 32), 16, True)
    assert facts.file == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts.weights == seeded("level2_leaky").facts.weights, "the same weights are the same model, saved or not"


@convert
@pytest.mark.parametrize(
    ("variant", "parameters", "activation"),
    [(v.name, v.parameters, v.activation) for v in VARIANTS],
    ids=[v.name for v in VARIANTS],
)
def test_our_architectures_have_the_documented_parameters_and_the_activation_of_their_name(
    seeded: Callable[[str], Any], variant: str, parameters: int, activation: str
) -> None:
    facts = seeded(variant).facts
    assert facts.activation == activation
    assert facts.parameters == (parameters or 2_592_765)
    assert facts.trained is False
    assert facts.file == ""


@convert
def test_the_activation_is_read_from_the_graph_and_not_from_the_yaml(save: SaveCheckpoint) -> None:
    import torch

    def silu_inside(module: Any) -> None:
        for block in module.modules():
            if hasattr(block, "act"):
                block.act = torch.nn.SiLU()

    assert load_checkpoint(save("level2_relu", silu_inside)).facts.activation == "silu"


@convert
def test_one_changed_weight_is_another_model_and_another_activation_too(save: SaveCheckpoint) -> None:
    import torch

    def nudge(module: Any) -> None:
        with torch.no_grad():
            next(module.parameters()).view(-1)[0] += 1e-3

    def soften(module: Any) -> None:
        for block in module.modules():
            if type(getattr(block, "act", None)).__name__ == "LeakyReLU":
                block.act.negative_slope = 0.2

    plain = load_checkpoint(save("level2_leaky")).facts.weights
    changed = [load_checkpoint(save("level2_leaky", change)).facts.weights for change in (nudge, soften)]
    assert len({plain, *changed}) == 3


@convert
def test_activations_that_are_one_object_or_one_per_block_are_the_same_model(save: SaveCheckpoint) -> None:
    import torch

    def apart(module: Any) -> None:
        for block in module.modules():
            if type(getattr(block, "act", None)).__name__ == "LeakyReLU":
                block.act = torch.nn.LeakyReLU(block.act.negative_slope, inplace=block.act.inplace)

    plain, changed = (load_checkpoint(save("level2_leaky", change)).facts.weights for change in (None, apart))
    assert plain == changed


@convert
def test_the_averaged_weights_are_taken_where_a_checkpoint_has_both(save: SaveCheckpoint, seeded: Callable[[str], Any]) -> None:
    path = save("level3_relu", ema=seeded("level2_relu").module)
    assert load_checkpoint(path).facts.parameters == 3_354_829


@convert
def test_half_precision_checkpoints_are_read_as_float32(save: SaveCheckpoint) -> None:
    import torch

    loaded = load_checkpoint(save("level2_relu", lambda module: module.half()))
    assert {parameter.dtype for parameter in loaded.module.parameters()} == {torch.float32}


@convert
@pytest.mark.slow
def test_seeded_weights_are_the_same_in_every_process(cache: Path, seeded: Callable[[str], Any]) -> None:
    found = facts_of(Origin("level2_relu", seeded="level2_relu"), lambda _: None)
    assert found.weights == seeded("level2_relu").facts.weights


@convert
def test_seeded_variants_of_one_architecture_have_weights_of_their_own(seeded: Callable[[str], Any]) -> None:
    weights = {variant.name: seeded(variant.name).facts.weights for variant in VARIANTS}
    assert len(set(weights.values())) == len(VARIANTS)


@convert
@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relu", "leaky"])
def test_published_level_4_is_level_3_of_the_same_activation(kind: str) -> None:
    require_convert()
    third, fourth = (
        load_checkpoint(real_model(f"checkpoints/training/{BY_NAME[f'level{level}_{kind}'].folder}/weights/best.pt"))
        for level in (3, 4)
    )
    assert third.facts.weights == fourth.facts.weights
    assert third.facts.parameters == fourth.facts.parameters == 3_565_389
    assert third.facts.activation == kind
    second = real_model(f"checkpoints/training/{BY_NAME[f'level2_{kind}'].folder}/weights/best.pt")
    assert load_checkpoint(second).facts.weights != third.facts.weights


@convert
@pytest.mark.parametrize("name", ["base_silu", "level2_relu", "level4_leaky"])
def test_outputs_of_seeded_models_depend_on_the_image(seeded: Callable[[str], Any], name: str) -> None:
    import torch

    from conversion.checkpoint import fused
    from conversion.export import RawHead

    module = RawHead(fused(seeded(name))).eval()
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        first, second = (module(torch.rand(1, 3, 64, 64, generator=random)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert 0.01 < float(one.std()) < 100
        assert float((one - other).abs().mean()) > 0.005


@convert
def test_an_image_that_is_none_installs_nothing(tmp_path: Path) -> None:
    """ultralytics replaces Pillow's open by one that installs packages when it does not know a file."""
    require_convert()
    _ultralytics_tasks()
    (tmp_path / "none.png").write_text("this is no image")
    with pytest.raises(UnidentifiedImageError):
        Image.open(tmp_path / "none.png")
    assert Image.open.__module__ == "PIL.Image"


@convert
def test_there_are_photographs_to_calibrate_with() -> None:
    require_convert()
    images = packaged_images()
    assert images
    assert all(image.is_file() for image in images)


# --- finding checkpoints ---


def place(root: Path, *parts: str) -> Path:
    path = root.joinpath(*parts, "weights", "best.pt")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    return path


def test_checkpoints_are_found_anywhere_below_the_folder(tmp_path: Path) -> None:
    second = place(tmp_path, "results", "training", "v3", BY_NAME["level2_relu"].folder)
    third = place(tmp_path, BY_NAME["level3_leaky"].folder)
    assert find_checkpoints(tmp_path) == {"level2_relu": second, "level3_leaky": third}


def test_the_folder_of_one_training_is_enough(tmp_path: Path) -> None:
    path = place(tmp_path, BY_NAME["level4_relu"].folder)
    assert find_checkpoints(path.parents[1]) == {"level4_relu": path}


def test_two_checkpoints_of_one_variant_are_a_question_to_the_user(tmp_path: Path) -> None:
    for copy in ("a", "b"):
        place(tmp_path, copy, BY_NAME["level2_relu"].folder)
    with pytest.raises(UsageError, match="2 checkpoints for level2_relu"):
        find_checkpoints(tmp_path)


def test_a_folder_without_checkpoints_and_one_that_is_missing_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint below"):
        find_checkpoints(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        find_checkpoints(tmp_path / "nowhere")


# --- what is refused ---


def test_a_checkpoint_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.pt` does not exist"):
        load_checkpoint(tmp_path / "nowhere.pt")
    with pytest.raises(CheckpointError, match=r"nowhere\.pt` does not exist"):
        facts_of(Origin("mine", checkpoint=tmp_path / "nowhere.pt"), lambda _: None)


@pytest.mark.parametrize("name", ["model.yaml", "model.onnx", "model"])
def test_a_file_of_another_kind_is_no_checkpoint(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("nc: 15\nactivation: torch.nn.ReLU()\n")
    with pytest.raises(CheckpointError, match=f"{name}` is not a checkpoint"):
        load_checkpoint(path)


@convert
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused_by_name(save: SaveCheckpoint, tmp_path: Path, kept: float) -> None:
    content = save().read_bytes()
    path = tmp_path / "cut.pt"
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CheckpointError, match=r"cut\.pt` cannot be loaded"):
        load_checkpoint(path)


@convert
@pytest.mark.parametrize("content", [b"\x00" * 64, bytes(range(256)) * 40, b"PK\x03\x04 no zip", b"\x80\x04."])
def test_random_bytes_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    require_convert()
    path = tmp_path / "yolo11n.pt"  # a name that ultralytics would download
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"yolo11n\.pt` cannot be loaded"):
        load_checkpoint(path)
    assert path.read_bytes() == content


@convert
@pytest.mark.parametrize("content", [{}, {"model": None}, {"model": {"layers": 1}}, [1, 2], {"state_dict": {}}], ids=repr)
def test_a_file_without_a_model_is_refused_by_name(tmp_path: Path, content: Any) -> None:
    torch = pytest.importorskip("torch")
    require_convert()
    torch.save(content, tmp_path / "empty.pt")
    with pytest.raises(CheckpointError, match=r"empty\.pt` (holds no model|cannot be loaded)"):
        load_checkpoint(tmp_path / "empty.pt")


@convert
@pytest.mark.parametrize(
    ("architecture", "head"),
    [
        ("yolo11n-seg.yaml", "Segment"),
        ("yolo11n-pose.yaml", "Pose"),
        ("yolo11n-obb.yaml", "OBB"),
        ("yolov8n-rtdetr.yaml", "RTDETRDecoder"),
    ],
)
def test_another_head_is_refused_by_its_name(tmp_path: Path, architecture: str, head: str) -> None:
    torch = pytest.importorskip("torch")
    require_convert()
    tasks = _ultralytics_tasks()
    kinds = {"Segment": "SegmentationModel", "Pose": "PoseModel", "OBB": "OBBModel", "RTDETRDecoder": "RTDETRDetectionModel"}
    module = getattr(tasks, kinds.get(head, "DetectionModel"))(architecture, verbose=False)
    path = tmp_path / "other.pt"
    torch.save({"model": module, "train_args": {}}, path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert f"other.pt` has a {head} head" in caught.value.found
    assert caught.value.expected == "a Detect or a Classify head"
    assert caught.value.hint == "ethos-bench run --model exported.tflite --task none"


@convert
@pytest.mark.parametrize("size", ["large", None, [], {"a": 1}], ids=repr)
def test_a_training_size_that_is_no_number_is_refused_by_name(save: SaveCheckpoint, size: Any) -> None:
    with pytest.raises(CheckpointError, match=r"best\.pt` .*imgsz"):
        load_checkpoint(save(train_args={"imgsz": size}))


# --- hostile files ---


@convert
def test_a_pickled_command_is_not_run(tmp_path: Path, canary: Path, cache: Path) -> None:
    torch = pytest.importorskip("torch")
    require_convert()
    path = tmp_path / "hostile.pt"
    torch.save({"model": RunsACommand(f"touch {canary}")}, path)
    for load in (load_checkpoint, through_the_worker):
        with pytest.raises(CheckpointError, match=r"hostile\.pt` cannot be loaded") as caught:
            load(path)
        assert "nothing in it was run" in caught.value.expected
        assert not canary.exists()
    torch.load(path, weights_only=False)
    assert canary.exists(), "the file is as hostile as it should be"


@convert
@pytest.mark.parametrize("form", ["pickle", "zip"])
def test_a_pickled_command_is_not_run_in_any_container(tmp_path: Path, canary: Path, form: str) -> None:
    require_convert()
    path = tmp_path / "hostile.pt"
    payload = pickle.dumps({"model": RunsACommand(f"touch {canary}")}, protocol=2)
    if form == "pickle":
        path.write_bytes(payload)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", payload)
            archive.writestr("archive/version", "3\n")
    with pytest.raises(CheckpointError, match=r"hostile\.pt` cannot be loaded"):
        load_checkpoint(path)
    assert not canary.exists()


@convert
@pytest.mark.slow
def test_a_hostile_activation_in_a_checkpoints_yaml_is_not_evaluated(save: SaveCheckpoint, canary: Path, cache: Path) -> None:
    def hostile(module: Any) -> None:
        module.yaml = {**module.yaml, "activation": f"__import__('os').system('touch {canary}')"}

    path = save("level2_relu", hostile, activation=f"__import__('os').system('touch {canary}')")
    assert load_checkpoint(path).facts.activation == "relu"
    assert through_the_worker(path).activation == "relu"
    assert not canary.exists()


@convert
@pytest.mark.slow
def test_a_hostile_yaml_given_as_a_checkpoint_is_refused_and_not_evaluated(tmp_path: Path, canary: Path, cache: Path) -> None:
    require_convert()
    architecture = BY_NAME["level2_relu"].architecture.read_text()
    hostile = f"activation: __import__('os').system('touch {canary}')\n"
    path = tmp_path / "model.yaml"
    path.write_text(hostile + architecture)
    with pytest.raises(CheckpointError, match="is not a checkpoint") as caught:
        through_the_worker(path)
    assert "never built from outside" in caught.value.expected
    renamed = tmp_path / "model.pt"
    renamed.write_text(hostile + architecture)
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        through_the_worker(renamed)
    assert not canary.exists()


# --- no network ---


@convert
@pytest.mark.slow
def test_nothing_is_fetched_while_checkpoints_are_loaded_whole_or_broken(
    save: SaveCheckpoint, tmp_path: Path, cache: Path
) -> None:
    """Every attempt to look up a host or to connect, of any process, is written down and refused."""
    log = tmp_path / "attempts"
    (tmp_path / "sitecustomize.py").write_text(
        textwrap.dedent(f"""
            import socket, sys
            def refused(event, arguments):
                if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
                    if not (event == "socket.connect" and isinstance(arguments[1], (str, bytes))):
                        with open({str(log)!r}, "a") as file:
                            file.write(f"{{event}} {{arguments[1:]}}\\n")
                        raise OSError("no network in this test")
            sys.addaudithook(refused)
        """)
    )
    broken = tmp_path / "yolo11n.pt"
    broken.write_bytes(b"PK\x03\x04 no zip")
    code = f"""
        from pathlib import Path
        import socket
        from conversion.steps import Origin, facts_of
        from core.errors import CheckpointError
        print(facts_of(Origin("mine", checkpoint=Path({str(save())!r})), print).activation)
        try:
            facts_of(Origin("broken", checkpoint=Path({str(broken)!r})), print)
        except CheckpointError as error:
            print("refused:", error.found)
        assert not Path({str(log)!r}).exists()
        try:
            socket.create_connection(("192.0.2.1", 9), timeout=1)
        except OSError as error:
            print(error)
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{tmp_path}:{CHECKOUT}")
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr + (log.read_text() if log.exists() else "")
    assert "relu" in done.stdout
    assert "refused:" in done.stdout
    assert "no network in this test" in done.stdout, "the guard was in place"
