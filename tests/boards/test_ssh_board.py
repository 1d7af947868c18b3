"""What a board over SSH promises beyond the contract, on a real sshd.

Covers targets.boards.benchmark_model, targets.boards.execution, targets.boards.host_keys, targets.boards.job_files,
targets.boards.link, targets.boards.preflight, targets.boards.proof, targets.ssh_board.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from core.errors import RunError, TargetUnavailable
from core.records.artefact import Artefact
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from harness.cli import main
from targets.boards.link import MOST_LINE_BYTES, PIECE, stream_lines
from targets.kinds import TargetOptions, open_target
from targets.ssh_board import SshBoard
from tests.boards.boards import Lab, TestBoard
from tests.boards.far import far

pytestmark = [pytest.mark.boards, pytest.mark.slow]
Image = NDArray[np.int8]


def run(lab: Lab, artefact: Artefact, image: Image, repeats: int = 3, *, trust: bool = False) -> Run:
    options = TargetOptions(threads=1, targets_file=lab.targets, trust_on_first_use=trust)
    with open_target("ssh:native-test", options) as target:
        return target.run(Job(artefact, (image,), repeats))


def check(lab: Lab) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["targets", "check", "native-test", "--targets", str(lab.targets)])
    return done.exit_code, done.output


def test_the_npus_bytes_come_back_with_proof_and_the_cpu_beside(the_lab: Lab, small: Artefact, image: Image) -> None:
    found = run(the_lab, small, image)
    assert isinstance(found.proof, Proof)
    assert found.proof.share == 1.0
    assert not isinstance(found.cpu_latency_us, Unavailable)
    assert len(found.cpu_latency_us) == 3
    assert found.evidence is Evidence.HOST, "a stand-in may never be called measured"
    assert any("no NPU's device node" in note for note in found.notes)
    assert found.fingerprint["runtime"] == "tflite_runtime 2.14.0"


def test_several_inputs_reach_the_board_in_their_order_and_types_and_a_replay_has_them_too(
    the_lab: Lab, mixed: Artefact, tmp_path: Path
) -> None:
    random = np.random.default_rng(3)
    feeds = tuple(
        tuple(
            random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
            for dtype, shape in ((np.int8, (1, 16, 16, 3)), (np.uint8, (1, 8, 8, 4)), (np.int16, (1, 4, 4, 8)))
        )
        for _ in range(2)
    )
    options = TargetOptions(threads=1, targets_file=the_lab.targets, record=tmp_path)
    found = {}
    for spec in ("sim", "ssh:native-test", f"replay:{tmp_path}"):
        with open_target(spec, options) as target:
            found[spec] = target.run(Job(mixed, feeds, 2)).outputs
    expected = found.pop("sim")
    assert [values.dtype for values in expected[0]] == [np.int8, np.int8, np.int16]
    for outputs in found.values():
        for mine, theirs in zip(outputs, expected, strict=True):
            for one, other in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(one, other)
                assert one.dtype == other.dtype


def test_the_other_runtime_gives_the_same_bytes(the_lab: Lab, small: Artefact, image: Image) -> None:
    one = run(the_lab, small, image)
    the_lab.write(environment={"PYTHONPATH": "/opt/ai_edge_litert"}, runtime="ai_edge_litert")
    other = run(the_lab, small, image)
    assert other.fingerprint["runtime"].startswith("ai_edge_litert")
    for mine, theirs in zip(one.outputs[0], other.outputs[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_second_run_uploads_nothing(the_lab: Lab, native: TestBoard, small: Artefact, image: Image) -> None:
    def blobs() -> dict[str, int]:
        folder = native.root / "home/board/.ethos-bench/blobs"
        return {path.name: path.stat().st_ino for path in folder.iterdir()}

    run(the_lab, small, image)
    before = blobs()
    run(the_lab, small, image)
    assert blobs() == before
    run(the_lab, small, np.flip(image).copy())
    assert len(blobs()) == len(before) + 1, "only the new image"


def test_what_may_stay_on_the_board_is_limited(the_lab: Lab, native: TestBoard, small: Artefact, image: Image) -> None:
    the_lab.write(keep_bytes=0)
    run(the_lab, small, image)
    left = [path.name for path in (native.root / "home/board/.ethos-bench/blobs").iterdir()]
    assert len(left) <= 1, "the runner itself"


def test_nothing_is_left_on_the_board_but_the_files_that_the_next_run_can_use(
    the_lab: Lab, native: TestBoard, small: Artefact, image: Image
) -> None:
    run(the_lab, small, image)
    assert native.files() == []
    assert native.processes() == []


def test_a_delegate_that_claims_nothing_is_no_result(the_lab: Lab, small: Artefact, image: Image) -> None:
    the_lab.write(delegate_options={"claim": "false"})
    with pytest.raises(RunError, match="left the ethos-u operators unclaimed"):
        run(the_lab, small, image)


def test_a_counter_that_stands_still_is_no_result(the_lab: Lab, small: Artefact, image: Image) -> None:
    the_lab.write(delegate_options={"enable_cycle_counter": "true", "counter": "frozen"})
    with pytest.raises(RunError, match=r"no proof that the NPU of ssh:native-test executed: .* counter stood still"):
        run(the_lab, small, image)


def test_no_sign_of_the_npu_is_no_result_and_the_hint_asks_for_the_counter(the_lab: Lab, small: Artefact, image: Image) -> None:
    the_lab.write(delegate_options={"enable_cycle_counter": "false"})
    with pytest.raises(RunError, match="no cycle counter and no interrupt") as caught:
        run(the_lab, small, image)
    assert "enable_cycle_counter" in caught.value.hint


def test_teflon_gets_the_plain_file_and_needs_a_partition_of_its_own(the_lab: Lab, small: Artefact, image: Image) -> None:
    the_lab.write(kind="teflon")
    with pytest.raises(RunError, match="the delegate took none of 2 operators: the CPU did the work"):
        run(the_lab, small, image)


def test_a_file_for_another_npu_is_refused(the_lab: Lab, small: Artefact, image: Image) -> None:
    the_lab.write(profile="ethos-u85-256")
    with pytest.raises(RunError, match="has the NPU ethos-u85-256, and the file is compiled for ethos-u65-256"):
        run(the_lab, small, image)


def test_a_host_key_that_nobody_has_seen_is_refused_unless_trusted_by_flag(
    the_lab: Lab, native: TestBoard, small: Artefact, image: Image
) -> None:
    the_lab.write(known=False)
    with pytest.raises(TargetUnavailable, match=r"nobody has seen the host key .* SHA256:") as caught:
        run(the_lab, small, image)
    assert "--trust-on-first-use" in caught.value.hint
    run(the_lab, small, image, trust=True)
    run(the_lab, small, image)
    assert native.known_host.split()[2] in (the_lab.folder / "known_hosts").read_text()


def test_a_jump_host_of_the_ssh_configuration_is_used(the_lab: Lab, native: TestBoard, small: Artefact, image: Image) -> None:
    config = the_lab.folder / "ssh_config"
    inner = config.read_text().replace("Host native-test", "Host outer") + (
        f"Host native-test\n  HostName 127.0.0.1\n  ProxyJump outer\n  User board\n  IdentityFile {native.key}\n"
        f"  UserKnownHostsFile {the_lab.folder / 'known_hosts'}\n"
    )
    config.write_text(inner)
    known = the_lab.folder / "known_hosts"
    with pytest.raises(TargetUnavailable, match="nobody has seen the host key"):
        run(the_lab, small, image)
    known.write_text(known.read_text() + native.known_host.replace(native.address, "127.0.0.1"))
    assert run(the_lab, small, image).proof


def test_a_board_without_python_runs_the_benchmark_binary_which_gives_no_single_samples(
    the_lab: Lab, native: TestBoard, small: Artefact, image: Image
) -> None:
    whole = run(the_lab, small, image)
    binary = native.root / "opt/benchmark_model"
    binary.write_text((Path(__file__).parent / "benchmark_stand_in.py").read_text())
    binary.chmod(0o755)
    the_lab.write(runtime="benchmark_model", benchmark_model="/opt/benchmark_model")
    found = run(the_lab, small, image)
    for mine, theirs in zip(found.outputs[0], whole.outputs[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert isinstance(found.proof, Proof)
    assert isinstance(found.latency_us, Unavailable)
    assert set(found.latency_summary_us) == {"min", "mean"}
    assert 0 < found.latency_summary_us["min"] <= found.latency_summary_us["mean"]
    assert native.files() == []
    the_lab.write(
        runtime="benchmark_model", benchmark_model="/opt/benchmark_model", delegate_options={"enable_cycle_counter": "false"}
    )
    with pytest.raises(RunError, match="no proof"):
        run(the_lab, small, image)


def test_check_says_what_was_found_line_by_line(the_lab: Lab) -> None:
    code, said = check(the_lab)
    assert code == 0, said
    for name in (
        "link",
        "work folder",
        "memory",
        "Python",
        "runtime",
        "delegate",
        "device",
        "kernel",
        "governor",
        "temperature",
    ):
        assert f"{name}: " in said
    assert "stand-in" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delegate": "/usr/lib/libethosu_delegat.so"}, ("no `/usr/lib/libethosu_delegat.so`", "fix: delegate =")),
        ({"device": "/dev/ethosu7"}, ("no `/dev/ethosu7`", "modprobe")),
        ({"environment": {}}, ("no tflite_runtime and no ai_edge_litert", "requirements-board.lock")),
        ({"python": "python9"}, ("`python9` does not run", "fix: python =")),
        ({"work": "/proc/nowhere"}, ("cannot write `/proc/nowhere`", "fix: work =")),
    ],
)
def test_what_is_missing_is_found_before_anything_runs(
    the_lab: Lab, small: Artefact, image: Image, changes: dict[str, Any], words: tuple[str, str]
) -> None:
    the_lab.write(**changes)
    code, said = check(the_lab)
    assert code == 3
    assert all(word in said for word in words), said
    with pytest.raises(TargetUnavailable, match="is not ready"):
        run(the_lab, small, image)


def test_a_python_whose_path_has_spaces_quotes_and_commands_is_checked_and_run_as_it_is(
    the_lab: Lab, native: TestBoard, small: Artefact, image: Image
) -> None:
    place = "home/board/my 'own' $(touch taken); python"
    (native.root / place).unlink(missing_ok=True)
    (native.root / place).symlink_to("/usr/bin/env")
    the_lab.write(python=f"/{place}")
    with pytest.raises(TargetUnavailable, match="is not ready"):
        run(the_lab, small, image)  # what answers there is no Python: it was started, though
    (native.root / place).unlink()
    (native.root / place).write_text('#!/bin/sh\nexec python3 "$@"\n')
    (native.root / place).chmod(0o755)
    code, said = check(the_lab)
    assert code == 0, said
    assert isinstance(run(the_lab, small, image).proof, Proof)
    assert not list(native.root.rglob("taken"))


def test_a_board_that_prints_without_end_is_ended_at_the_limit(the_lab: Lab) -> None:
    options = TargetOptions(threads=1, targets_file=the_lab.targets)
    with open_target("ssh:native-test", options) as target:
        assert isinstance(target, SshBoard)
        with pytest.raises(RunError, match="printed more than 1000000 bytes"):
            target.link.run("exec yes", most_bytes=1_000_000)
        said = target.link.run("yes problem | head -c 40000000 >&2; echo done")
        assert (said.stdout, len(said.stderr) <= MOST_LINE_BYTES + PIECE) == (b"done\n", True)
        heard: list[str] = []

        def hear(line: str) -> bool:
            heard.append(line)
            return False

        with (
            pytest.raises(RunError, match="a line of more than"),
            target.link.channel("echo first; tr '\\0' a < /dev/zero") as channel,
        ):
            stream_lines(channel, 20, hear)
        assert heard == ["first"]
        assert target.link.run("echo there").stdout == b"there\n", "the link lives on"


def test_a_board_that_is_off_is_switched_on_by_its_power_command(
    the_lab: Lab, native: TestBoard, small: Artefact, image: Image, tmp_path: Path
) -> None:
    native.off()
    flag = tmp_path / "power"
    the_lab.write(power=["/bin/touch", str(flag)], connect_s=2, reconnect_s=2)
    try:
        with pytest.raises(TargetUnavailable, match="cannot be reached"):
            run(the_lab, small, image)
        assert flag.exists()
    finally:
        native.on()


def test_samples_hold_no_round_trip_of_the_link(the_lab: Lab, native: TestBoard, small: Artefact, image: Image) -> None:
    """200 ms for each question and answer, where an inference takes a few."""
    with far(the_lab, native, "far-test", 0.1):
        options = TargetOptions(threads=1, targets_file=the_lab.targets)
        started = time.monotonic()
        with open_target("ssh:far-test", options) as target:
            found = target.run(Job(small, (image,), 15))
        assert time.monotonic() - started > 1, "the link is as long as it should be"
    assert not isinstance(found.latency_us, Unavailable)
    assert np.median(found.latency_us) < 100_000
