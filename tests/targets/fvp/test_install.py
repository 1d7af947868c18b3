"""FVPs are installed from checked archives only, and never without the user's own consent to the EULA.

Covers harness.cli.fvp.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import main
from targets.fvp import install as module
from targets.fvp.install import ARCHIVES, Archive

INSTALLER = """#!/bin/sh
echo "$@" > asked
while [ "$1" != -d ]; do shift; done
mkdir -p "$2/models/Linux64_GCC-9.3"
cp asked "$2/asked"
printf '#!/bin/sh\\n' > "$2/models/Linux64_GCC-9.3/{executable}"
chmod 755 "$2/models/Linux64_GCC-9.3/{executable}"
"""


def tgz(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    script = INSTALLER.format(executable="FVP_Corstone_SSE-300_Ethos-U55")
    return tgz(tmp_path / "mine.tgz", {"FVP_Corstone_SSE-300.sh": script, "license_terms/license.txt": "terms"})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path / "cache"


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["fvp", *map(str, arguments)])


def test_without_consent_nothing_is_fetched_or_started(archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "run_child", None)
    monkeypatch.setattr("urllib.request.urlopen", None)
    for arguments in (("install", "SSE-300"), ("install", "SSE-300", "--archive", archive)):
        result = command(*arguments)
        assert result.exit_code == 2
        assert "was not accepted, and only you can accept it" in result.output
    assert not cache.exists()


def test_an_archive_is_installed_its_hash_printed_and_recorded_and_then_found(archive: Path, cache: Path) -> None:
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    result = command("install", "SSE-300", "--accept-eula", "--archive", archive)
    assert result.exit_code == 0, result.output
    assert f"mine.tgz: SHA-256 {sha256}, known from nowhere" in result.output
    folder = cache / "fvp" / "FVP_Corstone_SSE-300"
    recorded = json.loads((folder / "installed.json").read_text())
    assert recorded == {"folder": str(folder), "archive": "mine.tgz", "sha256": sha256, "known_from": ""}
    assert (folder / "asked").read_text().startswith("--i-agree-to-the-contained-eula --no-interactive -q -d ")
    assert list(cache.glob("fvp/installing-*")) == []
    found = command("find")
    assert found.exit_code == 0
    assert f"{folder}/models/Linux64_GCC-9.3/FVP_Corstone_SSE-300_Ethos-U55" in found.output


def test_a_second_installation_leaves_the_first_alone(archive: Path) -> None:
    assert command("install", "--accept-eula", "--archive", archive).exit_code == 0
    again = command("install", "--accept-eula", "--archive", archive)
    assert again.exit_code == 2
    assert "is there already" in again.output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"readme.txt": "hello"}, "holds readme.txt and no `FVP_Corstone_SSE-300.sh`"),
        ({"../outside.sh": "x"}, "cannot be unpacked"),
        ({"FVP_Corstone_SSE-300.sh": "#!/bin/sh\necho no disk; exit 4\n"}, "ended with 4: no disk"),
        ({"FVP_Corstone_SSE-300.sh": INSTALLER.format(executable="other")}, "left no `FVP_Corstone_SSE-300_Ethos-U55`"),
    ],
)
def test_an_archive_of_something_else_is_refused_and_leaves_nothing(
    content: dict[str, str], words: str, tmp_path: Path, cache: Path
) -> None:
    result = command("install", "SSE-300", "--accept-eula", "--archive", tgz(tmp_path / "other.tgz", content))
    assert result.exit_code in (1, 2)
    assert words in result.output
    assert list((cache / "fvp").iterdir()) == []
    assert not (tmp_path / "cache" / "outside.sh").exists()


@pytest.mark.parametrize("name", ["nowhere.tgz", "text.tgz"])
def test_a_file_that_is_no_archive_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.tgz").write_text("not an archive")
    result = command("install", "--accept-eula", "--archive", tmp_path / name)
    assert result.exit_code == 2
    assert name in result.output


# --- downloads ---


@pytest.fixture
def server(tmp_path: Path, archive: Path) -> Iterator[str]:
    """A server on loopback that gives the archive."""

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]  # the handler's own three

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/{archive.name}"
        running.shutdown()
        thread.join()


def publish(monkeypatch: pytest.MonkeyPatch, address: str, sha256: str) -> None:
    monkeypatch.setattr(
        module, "ARCHIVES", {("SSE-300", machine): Archive(address, sha256) for machine in ("x86_64", "aarch64")}
    )


def test_a_published_archive_is_downloaded_and_checked(server: str, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, server, hashlib.sha256(archive.read_bytes()).hexdigest())
    result = command("install", "SSE-300", "--accept-eula")
    assert result.exit_code == 0, result.output
    assert "as in PyPI mlia-ethos-u" in result.output


def test_an_archive_of_another_hash_is_not_installed(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, server, "0" * 64)
    result = command("install", "SSE-300", "--accept-eula")
    assert result.exit_code == 3
    assert "not installed" in result.output
    assert list((cache / "fvp").iterdir()) == []


def test_a_download_that_fails_says_how_to_bring_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, "http://127.0.0.1:9/fvp.tgz", "0" * 64)
    result = command("install", "SSE-300", "--accept-eula")
    assert result.exit_code == 3
    assert "cannot download http://127.0.0.1:9/fvp.tgz" in result.output
    assert "--archive FILE" in result.output


def test_without_a_published_hash_the_download_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    result = command("install", "SSE-300", "--accept-eula")
    assert result.exit_code == 3
    assert "has a published SHA-256: not downloaded" in result.output


def test_every_published_archive_has_an_https_address_a_hash_and_its_source() -> None:
    for archive in ARCHIVES.values():
        assert archive.address.startswith("https://developer.arm.com/")
        assert len(bytes.fromhex(archive.sha256)) == 32
        assert "mlia-ethos-u" in archive.source


def test_find_without_any_fvp_names_every_place_and_the_way_to_get_one() -> None:
    result = command("find")
    assert result.exit_code == 3
    for words in ("Corstone SSE-320 with ethos-u85: no FVP_Corstone_SSE-320", "/opt/VHT", "fvp install --accept-eula SSE-300"):
        assert words in result.output
