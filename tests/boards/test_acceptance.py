"""A variant of the project, from weights to the page, on an emulated arm64 board: what a user types, and nothing less."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.conftest import RunSuite
from tests.boards.session import lab, ssh_row
from tests.conftest import CONVERTED_SIZE, CONVERTED_VARIANT

pytestmark = [pytest.mark.boards, pytest.mark.convert, pytest.mark.slow]


def test_a_converted_variant_runs_on_an_arm64_board_with_proof_and_the_references_bytes(
    run_suite: RunSuite, conversion_cache: Path
) -> None:
    pytest.importorskip("litert_torch")
    if why := ssh_row("arm64"):
        pytest.skip(why)
    lab().write()
    options = ("--variant", CONVERTED_VARIANT, "--imgsz", str(CONVERTED_SIZE), "--recipe", "fast")
    done = run_suite(
        *options, "--target", "ssh:arm64-test", "--targets", lab().targets, "--images", "1", "--repeats", "2",
        cache=conversion_cache, report=True,
    )  # fmt: skip
    done.says("ssh:arm64-test")
    assert done.code == 0, done.output
    assert done.value("npu_executed_share") == 1.0
    assert done.value("bit_exact") is True
    latency = done.record("latency_us", stat="median")
    assert latency["evidence"] == "host", "an emulated board may never be called measured"
    assert latency["identity"]["target"]["runtime"] == "tflite_runtime 2.14.0"
    assert "no NPU's device node" in latency["note"]
    assert done.value("cpu_latency_us", stat="median") > 0
    assert "ssh:arm64-test" in (done.folder / "report.html").read_text()
