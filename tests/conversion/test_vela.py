"""What the Vela wrapper promises, with the real Vela and with programs that pretend to be one.

Covers conversion.vela_failure, conversion.vela_input.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.profile_files import load_profile
from conversion.vela import compile_model, vela_executable, vela_version
from core.errors import CompileError, ModelError, StorageError, ToolMissing, UsageError
from core.installation import install_line
from tests.checkout import CHECKOUT
from tests.children import gone
from tests.conversion.conftest import Compile, FakeVela
from tests.conversion.tflite_builder import TinyModel, cpu_in_the_middle

PROFILE = load_profile("ethos-u55-256")
REAL = str(Path(sys.executable).parent / "vela")
ModelPath = Callable[[str], Path]


def test_everything_that_decides_the_result_is_in_the_command(compiled: Compile) -> None:
    command = " ".join(compiled("all_on_the_npu", "ethos-u65-256").command)
    for option in (
        "--config Arm/vela.ini",
        "--system-config Ethos_U65_High_End",
        "--memory-mode Dedicated_Sram_384KB",
        "--accelerator-config ethos-u65-256",
    ):
        assert option in command
    assert "/" not in command.replace("Arm/vela.ini", "")


def test_the_version_is_the_compilers_own_word(compiled: Compile) -> None:
    assert compiled("all_on_the_npu", "ethos-u65-256").vela_version == vela_version(vela_executable()) == "5.2.0"


def test_the_same_model_gives_the_same_bytes_in_any_folder_under_any_name(tmp_path: Path, model_file: ModelPath) -> None:
    data = model_file("all_on_the_npu").read_bytes()
    hashes = set()
    for folder, name in (("here", "a.tflite"), ("some where/deeper", "another name.tflite")):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        hashes.add(compile_model(path, PROFILE, path.parent / "out").compiled.sha256)
    assert len(hashes) == 1


def test_the_estimate_is_in_microseconds_bytes_and_cycles_of_the_profiles_clock(compiled: Compile) -> None:
    estimate = compiled("all_on_the_npu", "ethos-u55-256").estimate
    assert isinstance(estimate.cycles, int)
    assert estimate.latency_us == pytest.approx(estimate.cycles / PROFILE.clock_hz * 1e6)
    assert estimate.arena_bytes == estimate.memory_bytes["sram"]
    assert 4096 <= estimate.arena_bytes <= 20_000  # two feature maps of 16 x 16 x 16 at most, not their KiB


def test_a_dedicated_sram_stays_within_its_cache(compiled: Compile) -> None:
    compilation = compiled("all_on_the_npu", "ethos-u65-256")
    assert compilation.estimate.memory_bytes["sram"] <= compilation.profile.budget["sram"].bytes


def test_the_outputs_are_in_the_folder_and_nothing_else_is(tmp_path: Path, model_file: ModelPath) -> None:
    compilation = compile_model(model_file("all_on_the_npu"), PROFILE, tmp_path / "out")
    assert compilation.compiled.path.parent == tmp_path / "out"
    assert compilation.debug_database is not None
    assert compilation.debug_database.is_file()
    assert not [path for path in (tmp_path / "out").iterdir() if path.is_dir()]


def test_a_broken_model_never_reaches_vela(tmp_path: Path, fake_vela: FakeVela) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"\x1c\0\0\0TFL3" + b"\xff" * 100)
    with pytest.raises(ModelError, match="broken TFLite"):
        compile_model(broken, PROFILE, tmp_path / "out", fake_vela("touch ran"))


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.tflite"):
        compile_model(tmp_path / "gone.tflite", PROFILE, tmp_path / "out")


@pytest.mark.parametrize("given", ["/no/such/vela", "no-such-vela-on-the-path"])
def test_a_vela_that_is_missing_is_a_missing_tool(given: str) -> None:
    with pytest.raises(ToolMissing, match="no program") as error:
        vela_executable(given)
    assert error.value.hint == install_line()


def test_a_missing_own_vela_is_a_missing_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolMissing, match="no Vela beside"):
        vela_executable()


def test_a_program_that_is_no_vela_is_a_usage_error(model_file: ModelPath, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no Vela"):
        compile_model(model_file("all_on_the_npu"), PROFILE, tmp_path / "out", "/bin/ls")


def test_the_last_words_of_a_failing_vela_are_in_the_error(model_file: ModelPath, tmp_path: Path, fake_vela: FakeVela) -> None:
    with pytest.raises(CompileError, match=r"exit 3.*all_on_the_npu(?s:.*)no such memory mode"):
        compile_model(
            model_file("all_on_the_npu"), PROFILE, tmp_path / "out", fake_vela("echo 'Error: no such memory mode' >&2; exit 3")
        )
    assert not list((tmp_path / "out").iterdir())


def test_a_crash_is_named_by_its_signal(model_file: ModelPath, tmp_path: Path, fake_vela: FakeVela) -> None:
    with pytest.raises(CompileError, match="killed by SIGSEGV") as caught:
        compile_model(model_file("all_on_the_npu"), PROFILE, tmp_path / "out", fake_vela("kill -SEGV $$"))
    assert "it named no operator; the file holds 1 CONV_2D, 1 LEAKY_RELU, 1 PAD, 1 RESHAPE" in caught.value.found


def test_a_crash_names_what_vela_printed_last_and_the_operator_that_this_was_about(
    model_file: ModelPath, tmp_path: Path, fake_vela: FakeVela
) -> None:
    fake = fake_vela("echo 'Info: padded is fine'; echo 'Warning: leaky has no place'; kill -FPE $$")
    with pytest.raises(CompileError, match="killed by SIGFPE") as caught:
        compile_model(model_file("all_on_the_npu"), PROFILE, tmp_path / "out", fake)
    assert "the last operator that it named is #2 LEAKY_RELU `leaky`" in caught.value.found
    assert "Warning: leaky has no place" in caught.value.found


def test_success_without_outputs_is_a_failure_that_names_them(
    model_file: ModelPath, tmp_path: Path, fake_vela: FakeVela
) -> None:
    with pytest.raises(CompileError, match=r"no compiled file .* no summary .* no debug database"):
        compile_model(model_file("all_on_the_npu"), PROFILE, tmp_path / "out", fake_vela("echo done"))


def test_a_vela_without_a_debug_database_says_what_is_missing(
    model_file: ModelPath, tmp_path: Path, fake_vela: FakeVela
) -> None:
    fake = fake_vela(f'{REAL} "$@" && rm *_debug.xml')
    with pytest.raises(CompileError, match=r"wrote no debug database"):
        compile_model(model_file("all_on_the_npu"), PROFILE, tmp_path / "out", fake)


def test_a_full_disk_is_a_storage_error(model_file: ModelPath, tmp_path: Path, fake_vela: FakeVela) -> None:
    fake = fake_vela("echo 'OSError: [Errno 28] No space left on device' >&2; exit 1")
    with pytest.raises(StorageError, match="No space left"):
        compile_model(model_file("all_on_the_npu"), PROFILE, tmp_path / "out", fake)


def test_a_vela_that_hangs_is_ended_with_its_children(model_file: ModelPath, tmp_path: Path, fake_vela: FakeVela) -> None:
    pid_file = tmp_path / "child"
    fake = fake_vela(f"sleep 60 & echo $! > {pid_file}; wait")
    with pytest.raises(CompileError, match="did not finish"):
        compile_model(model_file("all_on_the_npu"), PROFILE, tmp_path / "out", fake, time_limit_s=0.5)
    assert gone(int(pid_file.read_text()))


def test_ctrl_c_ends_vela_with_its_children_and_leaves_nothing(
    model_file: ModelPath, tmp_path: Path, fake_vela: FakeVela
) -> None:
    pid_file, output = tmp_path / "child", tmp_path / "out"
    fake = fake_vela(f"sleep 60 & echo $! > {pid_file}; wait")
    code = (
        "from pathlib import Path\nfrom conversion.vela import compile_model\n"
        "from conversion.profile_files import load_profile\n"
        f"compile_model(Path({str(model_file('all_on_the_npu'))!r}), load_profile('ethos-u55-256'), "
        f"Path({str(output)!r}), {fake!r})"
    )
    started = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    while not pid_file.exists() or not pid_file.read_text().strip():
        assert started.poll() is None
        time.sleep(0.05)
    os.kill(started.pid, signal.SIGINT)
    started.wait(timeout=20)
    assert gone(int(pid_file.read_text()))
    assert not list(output.iterdir())


@pytest.mark.parametrize("name", ["head]]>x", "two\nlines", 'quo"ted', "\x1b[31mred", "<b>bold</b>"])
def test_operators_with_odd_names_are_placed_with_velas_reason_and_keep_their_names(tmp_path: Path, name: str) -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    floor = model.unary("FLOOR", model.conv(image, 16, name=name + "-conv"), name)
    path = tmp_path / "odd.tflite"
    path.write_bytes(model.finish([image], [model.conv(floor, 8, name="last")]))
    (left,) = compile_model(path, load_profile("ethos-u55-128"), tmp_path / "out").placement.cpu
    assert (left.name, left.operator) == (name, "FLOOR")
    assert "Unsupported opType" in left.reason


def test_of_several_graphs_the_first_one_is_compiled(tmp_path: Path) -> None:
    found = schema.ModelT.InitFromPackedBuf(cpu_in_the_middle(), 0)
    second = schema.ModelT.InitFromPackedBuf(cpu_in_the_middle(), 0).subgraphs[0]
    second.name = b"again"
    found.subgraphs.append(second)
    builder = flatbuffers.Builder(1024)
    builder.Finish(found.Pack(builder), b"TFL3")
    (tmp_path / "two.tflite").write_bytes(bytes(builder.Output()))
    (tmp_path / "one.tflite").write_bytes(cpu_in_the_middle())
    profile = load_profile("ethos-u55-128")
    two, one = (compile_model(tmp_path / f"{name}.tflite", profile, tmp_path / name) for name in ("two", "one"))
    assert two.placement == one.placement
