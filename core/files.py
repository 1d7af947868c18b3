"""Files and folders that are whole or absent, their SHA-256, and one wording for a disk that refuses."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from core.errors import EthosBenchError, StorageError

FULL_OR_READ_ONLY = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)
CHUNK_BYTES = 1 << 20
MOST_TEXT_BYTES = 1 << 30
"""Of a file that is read whole: more is no file of ours."""
FILE_MODE = 0o644
FOLDER_MODE = 0o755


def sha256(content: bytes | str) -> str:
    """SHA-256 of bytes, or of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; the file is never held in memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def slug(text: str) -> str:
    """A file name that reads like `text`: letters, digits, dots and underscores stay, everything else becomes `-`."""
    name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in text)
    return name if name.strip(".") else f"-{name}"


def require_regular(path: Path, most_bytes: int = 0) -> None:
    """Nothing, or OSError when a path is no regular file (a pipe would be waited for without end) or holds more than it may."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if most_bytes and found.st_size > most_bytes:
        raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes, more than {most_bytes:,}")


def read_regular(path: Path, most_bytes: int = MOST_TEXT_BYTES) -> bytes:
    """The bytes of a regular file of bounded size; OSError for anything else."""
    require_regular(path, most_bytes)
    return path.read_bytes()


@contextlib.contextmanager
def storage_errors(
    doing: str,
    expected: str = "a writable folder with space",
    hint: str = "",
    *,
    only: Collection[int] | None = None,
    kind: type[EthosBenchError] = StorageError,
) -> Iterator[None]:
    """Turn an OSError of the block into "cannot `doing`: why"; with `only`, those errno values and no other."""
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        raise kind(f"cannot {doing}: {error.strerror or error}", expected, hint) from error


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader sees the old one or the new one and never a part, nor after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with work.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        work.replace(path)
        _flush(path.parent)
    finally:
        with contextlib.suppress(OSError):
            work.unlink(missing_ok=True)


@contextlib.contextmanager
def work_folder(beside: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `beside` to make something in; what is still there when the block ends is removed."""
    beside.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=beside, prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(made: Path, final: Path) -> None:
    """Give a finished file or folder its name by one rename, when all of it is on the disk; what had the name goes.

    A folder that was there before is moved aside first, as no file system exchanges two: a reader finds it absent for a moment.
    """
    _flush_all(made)
    made.chmod(FOLDER_MODE if made.is_dir() else FILE_MODE)
    if made.is_dir() and final.is_dir():
        with work_folder(final.parent, f".{final.name}.old-") as aside:
            final.rename(aside / final.name)
            made.rename(final)
    else:
        made.replace(final)
    _flush(final.parent)


def _flush_all(made: Path) -> None:
    """Through to the disk: every file below, then every folder that names it."""
    if made.is_dir():
        for path in sorted(made.rglob("*"), reverse=True):
            if not path.is_symlink():
                _flush(path)
    _flush(made)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that knows no such thing for folders
            raise
    finally:
        os.close(descriptor)
