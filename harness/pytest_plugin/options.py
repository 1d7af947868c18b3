"""The options of `pytest benchmarks/` and the session they ask for."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from core.errors import UsageError
from harness.workbench.options import DEFAULT_PROFILE, DEFAULT_TARGET, BenchOptions

LARGEST_STRIDE = 32
"""Of every YOLO head: an image size has to be a multiple of it."""


def add_options(parser: pytest.Parser) -> None:
    """Add every option to pytest's command line."""
    group = parser.getgroup("ethos-bench", "ethos-bench: models, NPUs, targets")
    add = group.addoption
    add("--target", action="append", metavar="SPEC", help=f"where to run; repeatable (default {DEFAULT_TARGET})")
    add("--npu", action="append", metavar="NAME|FILE.toml", help=f"NPU profile; repeatable (default {DEFAULT_PROFILE})")
    add("--variant", action="append", metavar="NAME", help="only these models; repeatable (default all)")
    add("--checkpoints", type=Path, metavar="DIR", help="folder that holds the six documented training folders")
    add("--checkpoint", type=Path, metavar="FILE", help="any ultralytics detector with a Detect head")
    add("--model", type=Path, metavar="FILE.tflite", help="any full-integer TFLite file")
    add("--base-model", type=Path, metavar="FILE", help="trained checkpoint of the plain model to compare with")
    add("--data", type=Path, metavar="data.yaml", help="data set: calibration from its train split, accuracy on its test split")
    add("--images", type=int, metavar="N", help="accuracy on N images of the split (another identity than the whole split)")
    add("--calibration-images", type=int, metavar="N", help="images that the quantiser sees (default: the recipe's)")
    add("--recipe", default="", metavar="NAME", help="quantisation recipe (default: the best known; `fast` is the plain route)")
    add("--imgsz", metavar="N|auto", help="pixels (default: the checkpoint's own; 320 for seeded weights; auto: what fits)")
    add("--cut", choices=("raw", "decoded"), default="raw", help="where the graph ends: raw head maps, or decoded boxes")
    add("--repeats", type=int, default=50, metavar="N", help="latency samples per model (default 50)")
    add("--threads", type=int, default=2, metavar="N", help="threads of CPU targets (default 2)")
    add("--vela", default="", metavar="EXECUTABLE", help="another Vela, such as a board support package's")
    add("--fvp-engine", choices=("arm", "open"), default="", help="target fvp: Arm's FVP, or our simulator")
    add("--fvp", type=Path, metavar="PATH", help="target fvp: Arm's executable, or the folder of an installation")
    add("--fvp-firmware", type=Path, metavar="FILE", help="target fvp: a runner of your own (default: Arm's prebuilt one)")
    add("--fvp-seconds", type=int, default=900, metavar="N", help="target fvp: longest time of one start (default 900)")
    add("--targets", dest="targets_file", type=Path, metavar="FILE", help="boards by name (default ./targets.toml)")
    add("--accuracy-on-target", action="store_true", help="run every image of the split on targets with an NPU")
    add("--record", type=Path, metavar="DIR", help="keep everything that boards say; --target replay:DIR runs from it")
    add("--trust-on-first-use", action="store_true", help="accept the host key of a board that nobody has seen yet")
    add("--results", type=Path, metavar="DIR", help="results folder (default results/<run id>)")
    add("--history", default="", metavar="URL", help="history of runs: file or URL (default history.db beside the results)")
    add("--acceptance", type=Path, metavar="FILE", help="thresholds that fail the run when they are not met (TOML)")
    add("--no-report", action="store_true", help="write no report.html, which takes some seconds")
    add("--strict-claims", action="store_true", help="a claim that is refuted or falls short fails the run")
    add("--allow-missing-target", action="store_true", help="skip a named target that is not there instead of failing")


def parse_options(config: pytest.Config) -> BenchOptions:
    """The checked options of this session."""
    option = config.option
    given = {name: getattr(option, name) for name in (field.name for field in fields(BenchOptions)) if hasattr(option, name)}
    given |= {
        "targets": tuple(dict.fromkeys(option.target or (DEFAULT_TARGET,))),
        "profiles": tuple(dict.fromkeys(option.npu or (DEFAULT_PROFILE,))),
        "variants": tuple(dict.fromkeys(option.variant or ())),
        "image_size": _image_size(option.imgsz),
    }
    options = BenchOptions(**given)
    options.check()
    return options


def _image_size(text: str | None) -> int | str | None:
    if text is None or text == "auto":
        return text
    if not text.isdigit() or int(text) < 1 or int(text) % LARGEST_STRIDE:
        raise UsageError(f"--imgsz {text}", "a size in pixels, a multiple of 32, or `auto`", "--imgsz 320")
    return int(text)
