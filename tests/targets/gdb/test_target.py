"""`gdb:NAME`: a firmware on a board gives the model's bytes with its NPU's proof, and each fault is an error of its own.

Reached through the target: targets.gdb.start (how a board is started), targets.gdb.npu_registers (proof, counters),
targets.gdb.serial_log.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conversion.profile_files import load_profile
from core.errors import RunError, TargetUnavailable, UsageError
from core.records.artefact import Artefact
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Proof, Run
from targets.elf_file import segments
from targets.fvp.firmware import packaged_firmware
from targets.fvp.platforms import platform_of
from targets.kinds import open_target
from tests.conversion.tflite_builder import all_on_the_npu
from tests.ethosu_simulator.toolchain import random_inputs, tflite_micro
from tests.targets.fvp.builders import artefact
from tests.targets.gdb import session

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

PROFILE = "ethos-u65-256"
WAITED_FOR = ("hang", "silent")


@pytest.fixture(scope="module", autouse=True)
def _board() -> None:
    session.contract_row(PROFILE)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return artefact(tmp_path_factory.mktemp("tiny") / "tiny.tflite", all_on_the_npu(), PROFILE)


def run(one: Artefact, folder: Path, **changed: object) -> Run:
    """A run of one image."""
    return run_several(one, folder, (0,), changed)


def run_several(one: Artefact, folder: Path, seeds: tuple[int, ...], changed: dict[str, object]) -> Run:
    """A run with the firmware that is on the board already, unless `load` says otherwise."""
    images: tuple[NDArray[Any], ...] = tuple(random_inputs(one.source.path, seed)[0] for seed in seeds)
    options = session.options(PROFILE, folder, **{"load": False, **changed})
    with open_target(f"gdb:{session.NAME}", options) as target:
        return target.run(Job(one, images, 0))


def test_outputs_are_those_of_tflite_micro_and_the_npus_registers_prove_it(tiny: Artefact, tmp_path: Path) -> None:
    found = run_several(tiny, tmp_path, (0, 1), {"load": True})
    for seed, outputs in enumerate(found.outputs):
        np.testing.assert_array_equal(outputs[0], tflite_micro(tiny.source.path, random_inputs(tiny.source.path, seed))[0])
    assert isinstance(found.proof, Proof)
    assert found.proof.share == 1
    assert "QREAD = QSIZE" in found.proof.sign


def test_a_serial_port_is_listened_to_and_the_counters_in_the_log_are_the_runs(tiny: Artefact, tmp_path: Path) -> None:
    found = run(tiny, tmp_path, serial=session.board(PROFILE)[1])
    assert found.log.startswith("INFO - ")
    assert found.log.count("Inference completed.") == 1
    assert found.counters == {
        "active_cycles": 1000, "idle_cycles": 0, "total_cycles": 1000, "axi0_read_beats": 0, "axi0_write_beats": 0,
        "axi1_read_beats": 7,
    }  # fmt: skip
    assert found.npu_time_share == 1
    assert "counters: out of the firmware's log" in found.notes


def test_a_serial_port_that_is_not_there_is_a_target_that_is_not_there(tiny: Artefact, tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable, match="the serial port `/dev/no-such-port` cannot be opened"):
        run(tiny, tmp_path, serial="/dev/no-such-port")


def test_a_log_in_a_buffer_is_read_up_to_its_zero(tiny: Artefact, tmp_path: Path) -> None:
    words = b"program terminating"
    firmware = packaged_firmware(platform_of(load_profile(PROFILE), "")).path
    place = next(one.address + one.data.index(words) for one in segments(firmware) if words in one.data)
    found = run(tiny, tmp_path, log=f"{place:#x}", log_bytes=4096)
    assert found.log.startswith(words.decode())
    assert len(found.log) < 100


def test_counters_that_no_log_tells_are_read_out_of_the_npu(tiny: Artefact, tmp_path: Path) -> None:
    found = run(tiny, tmp_path)
    assert found.counters["total_cycles"] == 1000
    assert "counters: out of the NPU's registers" in found.notes
    assert run(tiny, tmp_path, pmu=False).counters == {}


@pytest.mark.parametrize("changed", [{"breakpoints": 3}, {"before": ["fault few", "reset halt"]}], ids=["table", "server"])
def test_with_few_breakpoints_the_most_important_places_are_watched_and_the_others_said(
    changed: dict[str, object], tiny: Artefact, tmp_path: Path
) -> None:
    found = run(tiny, tmp_path, **changed)
    (note,) = [note for note in found.notes if note.startswith("no breakpoint was left for")]
    assert "MemManage_Handler" in note
    assert "HardFault_Handler" not in note
    assert "no breakpoint" not in "".join(run(tiny, tmp_path, before=["fault", "reset halt"]).notes)


def test_figures_are_measured_only_on_a_chip_that_names_itself(tiny: Artefact, tmp_path: Path) -> None:
    cpuid: dict[str, object] = {"device_id_at": "0xE000ED00", "device_id": "0x410fd221"}
    found = run(tiny, tmp_path)
    assert found.evidence is Evidence.HOST
    assert any("may be an emulator" in note for note in found.notes)
    assert run(tiny, tmp_path, **cpuid).evidence is Evidence.MEASURED
    with pytest.raises(RunError, match="names itself 0x410fd221"):
        run(tiny, tmp_path, **{**cpuid, "device_id": "0x1234"})


def test_a_firmware_that_is_there_already_is_compared_and_not_loaded(tiny: Artefact, tmp_path: Path) -> None:
    assert run(tiny, tmp_path).outputs
    other = packaged_firmware(platform_of(load_profile("ethos-u55-128"), "")).path
    with pytest.raises(RunError, match=r"another firmware than `mlek_inference_runner\.axf` is on the board"):
        run(tiny, tmp_path, firmware=str(other))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("die", "closed the connection|broke"),
        ("reset", "the board was reset in the run"),
        ("hang", r"did not end within 1 s; it was at 0x[0-9a-f]{8}, called from 0x"),
        ("crash", r"ended in HardFault_Handler: CFSR 0x.*pc 0xf0000000"),
        ("no-npu", "no Ethos-U answers: CONFIG is 0x00000000|the last stream"),
        ("other-stream", "the last stream that the NPU was given is none of the model's"),
        ("silent", "does not answer"),
    ],
)
def test_each_fault_of_a_board_is_an_error_of_its_own_and_the_next_run_works(
    fault: str, words: str, tiny: Artefact, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=words):
        run(tiny, tmp_path, seconds=1 if fault in WAITED_FOR else 60, before=["reset halt", f"fault {fault}"])
    assert run(tiny, tmp_path, before=["fault", "reset halt"]).outputs


def test_a_model_that_is_larger_than_its_room_is_refused(tiny: Artefact, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"its model has \d+ bytes, the firmware has room for 100"):
        run(tiny, tmp_path, model_bytes=100)


def test_an_output_that_was_never_written_is_noticed(tiny: Artefact, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="came to `main` and never wrote its output"):
        run(tiny, tmp_path, stop="main")
    assert run(tiny, tmp_path).outputs, "its breakpoint at main was left behind"


def test_a_server_that_is_not_there_is_a_target_that_is_not_there(tiny: Artefact, tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable, match=r"no GDB server answers at 127\.0\.0\.1:1"):
        run(tiny, tmp_path, server="127.0.0.1:1", connect_s=0.2)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"stop": "no_such_symbol"}, "has no symbol `no_such_symbol`"),
        ({"firmware": "/nowhere.elf"}, "`/nowhere.elf` cannot be read|does not exist"),
        ({"model": "12 34"}, "model"),
        ({"npu": None}, "`gdb.test-board.npu` is missing"),
        ({"monitor": "reset"}, "unknown key"),
        ({"log": "0x1000", "serial": "/dev/ttyUSB0"}, "`log` and `serial` are two logs"),
    ],
)
def test_a_wrong_table_is_a_usage_error(changed: dict[str, object], words: str, tiny: Artefact, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        run(tiny, tmp_path, **changed)


def test_an_unknown_board_is_a_usage_error_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no board `test-bord`") as caught:
        open_target("gdb:test-bord", session.options(PROFILE, tmp_path))
    assert caught.value.hint == "--target gdb:test-board"
