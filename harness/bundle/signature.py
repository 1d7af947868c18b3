"""Who made a bundle: a detached signature of its manifest, made and checked by `ssh-keygen -Y`.

A manifest alone proves that nothing was changed since it was written, and anybody can write one.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from core.errors import BundleError, ToolMissing, UsageError
from core.files import read_regular
from core.outputs import write_output

NAMESPACE = "ethos-bench-bundle"
"""What the signature is for: one of another kind, of the same key, is none."""
ENDING = ".sig"
LIMIT_S = 60
MOST_BYTES = 1 << 16


def signature_of(bundle: Path) -> Path:
    """Where the signature of a bundle lies: beside it."""
    return bundle.with_name(bundle.name + ENDING)


def sign(manifest: bytes, key: Path, bundle: Path) -> Path:
    """The file with the signature of a manifest by a private key, or by a public one whose other half an agent has."""
    if not key.is_file():
        raise UsageError(f"there is no key `{key}`", "a key of ssh-keygen", "ssh-keygen -t ed25519")
    done = _ssh_keygen(["sign", "-f", str(key), "-n", NAMESPACE], manifest)
    if done.returncode or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise UsageError(f"`{key}` cannot sign: {_last_line(done.stderr)}", "a key that ssh-keygen reads, or whose agent runs")
    write_output(signature_of(bundle), done.stdout)
    return signature_of(bundle)


def signer(manifest: bytes, signature: Path, allowed: Path) -> str:
    """The principal of an allowed_signers file who signed a manifest; BundleError when none of them did."""
    try:
        read_regular(signature, MOST_BYTES)
        read_regular(allowed, MOST_BYTES << 6)
    except OSError as error:
        raise BundleError(
            f"`{signature}` or `{allowed}` cannot be read: {error.strerror or error}", "a signed bundle"
        ) from error
    files = ["-s", str(signature), "-f", str(allowed)]
    found = _ssh_keygen(["find-principals", *files], b"")
    names = found.stdout.decode(errors="replace").split()
    for name in names if found.returncode == 0 else ():
        if _ssh_keygen(["verify", *files, "-n", NAMESPACE, "-I", name], manifest).returncode == 0:
            return name
    raise BundleError(
        f"`{signature}` is by nobody in `{allowed}`, or of another manifest", "a signature of this bundle by one of them"
    )


def _ssh_keygen(arguments: list[str], given: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", "-Y", *arguments], input=given, capture_output=True, timeout=LIMIT_S, check=False)
    except FileNotFoundError as error:
        raise ToolMissing("ssh-keygen is not installed", "OpenSSH 8.2 or newer", "apt install openssh-client") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"ssh-keygen does not run: {error}", "a key without a question, or an agent") from error


def _last_line(said: bytes) -> str:
    return (said.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1][:200]
