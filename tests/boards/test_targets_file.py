"""targets.toml: what it takes, and what it says about what it does not take.

Covers harness.cli.targets.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import UsageError
from harness.cli import main
from harness.workbench.options import BenchOptions
from harness.workbench.session import session_vela
from targets.boards.targets_file import Board, find_board, read_boards
from targets.gdb.table import GdbBoard
from targets.kinds import TargetOptions, open_target
from tests.checkout import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "reference" / "targets-toml.md"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "targets.toml"
    path.write_text(text)
    return path


def test_a_board_needs_its_delegate_only_and_is_its_own_host_alias(tmp_path: Path) -> None:
    board = find_board("imx93", written(tmp_path, '[boards.imx93]\ndelegate = "/usr/lib/libethosu_delegate.so"\n'))
    assert board.host == "imx93"
    assert board.kind == "ethosu"


def test_the_file_is_found_by_option_then_environment_then_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ETHOS_BENCH_TARGETS", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no targets file names the board `a`"):
        find_board("a", None)
    written(tmp_path, '[boards.a]\ndelegate = "here"\n')
    assert find_board("a", None).delegate == "here"
    named = tmp_path / "named.toml"
    named.write_text('[boards.a]\ndelegate = "environment"\n')
    monkeypatch.setenv("ETHOS_BENCH_TARGETS", str(named))
    assert find_board("a", None).delegate == "environment"
    assert find_board("a", tmp_path / "targets.toml").delegate == "here"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[boards.a]\n", ("`boards.a.delegate` is missing", "path of the external delegate")),
        ('[boards.a]\ndelegat = "x"\n', ("`boards.a.delegat`: unknown key", "delegate = ...")),
        ('[boards.a]\ndelegate = "x"\nruntime = "torch"\n', ("runtime", "tflite_runtime")),
        ('[boards.a]\ndelegate = "x"\nsilence_s = "long"\n', ("silence_s", "number")),
        ('[boards.a]\ndelegate = "x"\nenvironment = { "A B" = "x" }\n', ("environment",)),
        ("[boards.a\n", ("is no TOML file",)),
        ("boards = 3\n", ("[boards.NAME]",)),
        ('[board.a]\ndelegate = "x"\n', ("`board`", "one of boards, gdb")),
    ],
)
def test_what_is_no_board_is_refused_with_the_key_and_what_belongs_there(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        read_boards(written(tmp_path, text))
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("key", ["password", "ssh_password", "passphrase", "key_passphrase", "secret"])
def test_a_password_is_refused_and_its_value_is_not_repeated(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError, match=key) as caught:
        read_boards(written(tmp_path, f'[boards.a]\ndelegate = "x"\n{key} = "hunter2"\n'))
    assert "hunter2" not in str(caught.value)


def test_a_board_that_nobody_described_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    path = written(tmp_path, '[boards.imx93]\ndelegate = "x"\n')
    with pytest.raises(UsageError, match="no board `imx39`") as caught:
        open_target("ssh:imx39", TargetOptions(threads=1, targets_file=path))
    assert caught.value.hint == "--target ssh:imx93"


def test_a_target_without_a_name_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="names no board"):
        open_target("ssh", TargetOptions(threads=1))


def test_the_boards_own_vela_compiles_unless_another_is_named_and_boards_agree(tmp_path: Path) -> None:
    path = written(tmp_path, '[boards.a]\ndelegate = "x"\nvela = "/bsp/vela"\n[boards.b]\ndelegate = "x"\n')
    options = BenchOptions(targets=("ssh:a",), targets_file=path)
    assert session_vela(options) == "/bsp/vela"
    assert session_vela(BenchOptions(targets=("ssh:b",), targets_file=path)) == ""
    assert session_vela(BenchOptions(targets=("ssh:a",), targets_file=path, vela="mine")) == "mine"
    with pytest.raises(UsageError, match="different Velas"):
        session_vela(BenchOptions(targets=("ssh:a", "ssh:b"), targets_file=path))


def test_every_key_is_documented_with_its_default() -> None:
    text = DOCUMENT.read_text()
    for name, field in (*Board.model_fields.items(), *GdbBoard.model_fields.items()):
        assert f"| `{name}` |" in text, name
        assert str(field.description) in text, name


def test_boards_are_listed(tmp_path: Path) -> None:
    path = written(tmp_path, '[boards.imx93]\ndelegate = "/usr/lib/d.so"\nprofile = "ethos-u65-256"\n')
    done = CliRunner().invoke(main, ["targets", "list", "--targets", str(path)])
    assert done.exit_code == 0
    assert "ssh:imx93" in done.output
    assert "ethos-u65-256" in done.output


def test_a_host_that_does_not_exist_is_an_error_with_exit_code_3(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_text("Host *\n  HostName 127.0.0.1\n  Port 1\n")
    path = written(tmp_path, f'[boards.a]\ndelegate = "x"\nssh_config = "{config}"\n')
    done = CliRunner().invoke(main, ["targets", "check", "a", "--targets", str(path)])
    assert done.exit_code == 3
    assert "cannot be reached" in done.output
    assert "Connection refused" in done.output


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o602])
def test_a_file_that_others_can_write_is_refused_with_the_way_out(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "targets.toml"
    path.write_text('[boards.b]\ndelegate = "d"\npower = ["true"]\n')
    path.chmod(mode)
    with pytest.raises(UsageError, match=f"written by others.*{mode:o}") as caught:
        read_boards(path)
    assert caught.value.hint == f"chmod go-w {path}"
    path.chmod(0o644)
    assert list(read_boards(path)) == ["b"]


def test_a_file_of_the_current_folder_is_announced_and_what_it_would_run_is_listed_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    power = tmp_path / "power"
    power.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    power.chmod(0o755)
    table = f'[boards.b]\ndelegate = "d"\npower = ["{power}", "a b"]\nvela = "/opt/vela"\nssh_config = "/etc/mine"\n'
    (tmp_path / "targets.toml").write_text(table)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ETHOS_BENCH_TARGETS", raising=False)
    done = CliRunner().invoke(main, ["targets", "check", "b", "--explain"])
    assert done.exit_code == 0, done.output
    for words in (f"{power} 'a b'", "/opt/vela", "/etc/mine: ProxyCommand and Match exec", "of the current folder"):
        assert words in done.output
    assert not (tmp_path / "ran").exists()
