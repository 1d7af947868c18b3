"""A name that came from elsewhere becomes a path only here: a run's id, a model, a profile, a target, a file of a board's.

What names may be made of is one alphabet, and what comes out is proved to lie inside the folder it was meant for.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.errors import UsageError

MARKS = frozenset("._-~=+@,()")
"""What a file name may hold beside letters and digits (of any script): nothing that a shell or a file system reads."""
LONGEST_BYTES = 255
"""Of one name, on every file system that we know."""
DIGEST_LETTERS = 8


def is_safe_name(name: str) -> bool:
    """Whether a text is a file name as it stands: of the alphabet, not hidden, no option, and not too long."""
    if not 0 < len(name.encode(errors="surrogatepass")) <= LONGEST_BYTES or name[0] in ".-~":
        return False
    return all(letter.isalnum() or letter in MARKS for letter in name)


def file_name(text: str, ending: str = "") -> str:
    """A file name for any text: the text itself where it is one, else what is left of it with a digest of the whole."""
    if is_safe_name(text + ending):
        return text + ending
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST_LETTERS]
    kept = "".join(letter if letter.isalnum() or letter in MARKS else "-" for letter in text).lstrip(".-~")
    room = LONGEST_BYTES - len(ending.encode()) - DIGEST_LETTERS - 1
    return f"{kept.encode()[:room].decode(errors='ignore')}-{digest}{ending}".lstrip("-")


def path_inside(folder: Path, name: str) -> Path:
    """`folder`/`name`, where each part of `name` (between `/`) is a safe name and the result lies in the folder.

    UsageError for any other name, and where a link in the folder leads out of it.
    """
    parts = name.split("/")
    if not all(map(is_safe_name, parts)):
        raise UsageError(
            f"`{name[:LONGEST_BYTES]}` is no name of a file", "letters, digits and ._-~=+@,(), in the folder itself"
        )
    path = folder.joinpath(*parts)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"`{path}` leads out of `{folder}`", "a file in the folder itself")
    return path
