"""A signature says who made a bundle, as far as ssh-keygen's allowed_signers goes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import BundleError, UsageError
from harness.bundle.signature import sign, signature_of, signer
from harness.cli import main
from harness.results.findings import Findings
from harness.results.store import Results
from tests.harness.builders import header, measurement

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path, "key")


def make_key(folder: Path, name: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    return folder / name


def allow(folder: Path, key: Path, name: str) -> Path:
    (folder / "allowed").write_text(f"{name} {key.with_suffix('.pub').read_text()}")
    return folder / "allowed"


def test_who_signed_is_said_and_nobody_else_is(tmp_path: Path, key: Path) -> None:
    signature = sign(b"manifest", key, tmp_path / "bundle")
    assert signature == signature_of(tmp_path / "bundle")
    assert signer(b"manifest", signature, allow(tmp_path, key, "lab@example.org")) == "lab@example.org"
    with pytest.raises(BundleError, match="or of another manifest"):
        signer(b"another manifest", signature, tmp_path / "allowed")
    with pytest.raises(BundleError, match="by nobody in"):
        signer(b"manifest", signature, allow(tmp_path, make_key(tmp_path, "other"), "lab@example.org"))


def test_a_signature_made_for_something_else_is_none(tmp_path: Path, key: Path) -> None:
    (tmp_path / "m").write_bytes(b"manifest")
    subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-f", key, "-n", "file", tmp_path / "m"], check=True)
    with pytest.raises(BundleError, match="by nobody in"):
        signer(b"manifest", tmp_path / "m.sig", allow(tmp_path, key, "lab@example.org"))


def test_a_missing_key_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no key"):
        sign(b"", tmp_path / "none", tmp_path / "bundle")


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_bundle_is_signed_and_verified_on_the_command_line(tmp_path: Path, key: Path, form: str) -> None:
    results = Results(tmp_path / "results" / "one", header())
    results.add(Findings([measurement()]))
    results.finish(0)
    output = tmp_path / ("b" if form == "folder" else "b.tar.gz")
    more = ["--archive"] if form == "archive" else []
    done = CliRunner().invoke(main, ["bundle", str(results.folder), "--output", str(output), "--sign", str(key), *more])
    assert done.exit_code == 0, done.output
    allowed = allow(tmp_path, key, "lab@example.org")
    done = CliRunner().invoke(main, ["verify", str(output), "--allowed-signers", str(allowed)])
    assert (done.exit_code, "signed by lab@example.org" in done.output) == (0, True)
    signature_of(output).unlink()
    done = CliRunner().invoke(main, ["verify", str(output), "--allowed-signers", str(allowed)])
    assert (done.exit_code, "cannot be read" in done.output) == (1, True)
