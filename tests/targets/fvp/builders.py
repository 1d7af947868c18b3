"""What the tests of the FVP target share: profiles, launches, compiled models."""

from __future__ import annotations

from pathlib import Path

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from conversion.vela_options import VelaOptions
from core.processes import Finished
from core.records.artefact import Artefact
from targets.fvp.command import Launch
from targets.fvp.log import RunnerLog
from targets.fvp.platforms import corstone, platform_of

LOGS = Path(__file__).parent / "logs"
"""What Arm's inference runner 26.03.0 for SSE-300 and Ethos-U55 printed under QEMU, recorded with stand_in.py."""


def launch(profile: str = "ethos-u55-128", platform: str = "", limit_s: int = 60) -> Launch:
    found = load_profile(profile)
    where = Path("/opt/fvp/models/FVP"), Path("/fw/runner.axf")
    return Launch(
        platform=platform_of(found, platform), executable=where[0], firmware=where[1], macs=found.macs,
        layout=corstone(found), limit_s=limit_s, output_bytes=4096,
    )  # fmt: skip


def recorded(name: str) -> str:
    return (LOGS / f"{name}.log").read_text(errors="replace")


def log_of(text: str) -> RunnerLog:
    log = RunnerLog()
    for line in text.splitlines():
        log.listen(line)
    return log


def finished(returncode: int = 0, stderr: str = "", *, timed_out: bool = False) -> Finished:
    return Finished(returncode, "", stderr, timed_out)


def artefact(path: Path, content: bytes, profile: str = "ethos-u55-128") -> Artefact:
    path.write_bytes(content)
    return compile_source(tflite_source(path), load_profile(profile), VelaOptions(), lambda _: None)
