"""What a session needs before its first test: a data set, an extra, a compiler, its targets."""

from __future__ import annotations

from conversion.vela import vela_executable, vela_version
from core.errors import TargetUnavailable, ToolMissing
from core.installation import install_line
from core.versions import ABSENT, version_of
from harness.workbench.workbench import Workbench


def check_inputs(bench: Workbench) -> None:
    """Raise what would fail every test: a data set, an extra, a compiler or a target that is not there."""
    _require_convert(bench)
    _ = bench.session.dataset
    bench.rulings.cases()
    vela_version(vela_executable(bench.options.vela))
    for spec in bench.options.targets:
        try:
            for profile in bench.profiles:
                bench.targets.require(profile, spec)
        except TargetUnavailable:
            if not bench.options.allow_missing_target:
                raise


def _require_convert(bench: Workbench) -> None:
    """Raise ToolMissing once for a session with a model to convert, where the extra is not installed."""
    if not any(model.origin for model in bench.models.values()):
        return
    missing = [package for package in ("torch", "ultralytics-opencv-headless") if version_of(package) == ABSENT]
    if missing:
        found = f"checkpoints and seeded models need the extra `convert`: there is no {' and no '.join(missing)}"
        raise ToolMissing(found, "torch and ultralytics, or `--model FILE.tflite`", install_line("convert"))
