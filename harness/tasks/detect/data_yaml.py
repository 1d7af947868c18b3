"""What a `data.yaml` says: class names, and where the images of each split lie.

Its keys: `path` (relative to the file itself), `train`, `val` or `validation`, `test` (each a folder, a .txt list, or a list of
these), `nc`, `names` (a list, or a mapping from index to name). A split that starts with `../` and is not there is looked for
without it, as ultralytics does: Roboflow writes such files. What else is in it is ignored, and nothing in it is run or fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.errors import DatasetError
from core.files import read_regular

SPLITS = ("train", "val", "test")
SUFFIXES = frozenset(
    {".avif", ".bmp", ".dng", ".heic", ".heif", ".jp2", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp"}
)
"""Names that ultralytics takes for images; one that cannot be read is an error, so that both count the same images."""
MOST_BYTES, MOST_ALIASES, MOST_CLASSES, DEEPEST = 1 << 20, 100, 100_000, 20
"""Bounds of a file from elsewhere: COCO's, the longest that ultralytics ships for ImageNet, and LVIS lie far below them."""
MOST_LIST_BYTES = 1 << 28
"""Of a text file that lists images."""


@dataclass(frozen=True)
class DataYaml:
    """The parsed file; `splits` maps train, val, test to the folders and list files named there, made absolute."""

    path: Path
    class_names: tuple[str, ...]
    splits: dict[str, tuple[Path, ...]]

    @property
    def name(self) -> str:
        """The name of the folder the file lies in: `traffic-signs`."""
        return self.path.resolve().parent.name

    def images(self, split: str) -> list[Path]:
        """The image files of a split, sorted by path; DatasetError when there is no such split, folder or image."""
        if split not in self.splits:
            raise DatasetError(
                f"`{self.path}` has no split `{split}`", expected=f"one of {', '.join(self.splits) or 'train, val, test'}"
            )
        files = sorted({file for place in self.splits[split] for file in self._files(place, split)})
        if not files:
            places = ", ".join(f"`{place}`" for place in self.splits[split])
            raise DatasetError(
                f"split `{split}` of `{self.path}` is empty: no image in {places}",
                expected=f"files ending in {', '.join(sorted(SUFFIXES))}",
            )
        return files

    def _files(self, place: Path, split: str) -> Iterator[Path]:
        """The images in one folder (and its folders) or in one list file."""
        if place.is_dir():
            yield from (file for file in place.rglob("*") if file.suffix.lower() in SUFFIXES)
        elif place.is_file() and place.suffix == ".txt":
            lines = (line.strip() for line in _text(place, "a list of image files, one a line, in UTF-8").splitlines())
            yield from (place.parent / line for line in lines if Path(line).suffix.lower() in SUFFIXES)
        else:
            raise DatasetError(
                f"`{place}` does not exist; split `{split}` of `{self.path}` names it",
                expected=f"a folder of images, or `path:` in `{self.path.name}` leading to it (relative to that file)",
            )


def read_data_yaml(path: Path) -> DataYaml:
    """The checked contents of a data.yaml; DatasetError when it is missing or does not describe a data set."""
    content = _mapping(path)
    content["val"] = content.get("val") or content.get("validation")
    root = path.parent / str(content.get("path") or ".")
    splits = {split: _places(content[split], root, split, path) for split in SPLITS if content.get(split)}
    if not splits:
        raise DatasetError(f"`{path}` names no images", expected="at least one of `train:`, `val:`, `test:`")
    return DataYaml(path, _class_names(content, path), splits)


def _mapping(path: Path) -> dict[str, Any]:
    """The yaml's top level; nothing in it is evaluated."""
    text = _text(path, "a data.yaml (text in YAML)", hint="--data path/to/data.yaml")
    try:
        _require_plain(text, path)
        content = yaml.load(text, _LOADER)  # noqa: S506  # nosec B506  # the safe loader, in C where there is one
    except (yaml.YAMLError, ValueError) as error:
        raise DatasetError(f"`{path}` cannot be read: {error}", expected="a data.yaml (text in YAML)") from error
    if not isinstance(content, dict):
        raise DatasetError(f"`{path}` holds no `key: value` lines", expected="a data.yaml with path, test, nc and names")
    return content


def _text(path: Path, expected: str, hint: str = "") -> str:
    """The text of a file of bounded size."""
    try:
        return read_regular(path, MOST_LIST_BYTES if path.suffix == ".txt" else MOST_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"`{path}` does not exist", expected=expected, hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"`{path}` cannot be read: {error}", expected=expected) from error


def _require_plain(text: str, path: Path) -> None:
    """Nothing, or DatasetError when the yaml would grow or nest without bound once it is read."""
    aliases = depth = 0
    for event in yaml.parse(text, _LOADER):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if aliases > MOST_ALIASES or depth > DEEPEST:
            raise DatasetError(
                f"`{path}` has more than {MOST_ALIASES} aliases, or nests deeper than {DEEPEST}",
                expected="a data.yaml: a few `key: value` lines and a list of names",
            )


def _places(value: Any, root: Path, split: str, path: Path) -> tuple[Path, ...]:
    """The folders or list files of a split; absolute ones stay, others start at `root`."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(place, str) for place in values):
        raise DatasetError(f"`{path}` has `{split}: {value}`", expected="a folder, a .txt list, or a list of these")
    return tuple(_found(root, place) for place in values)


def _found(root: Path, place: str) -> Path:
    """The place below `root`; without a leading `../` when it is only there."""
    named = root / place
    return root / place[3:] if place.startswith("../") and not named.exists() and (root / place[3:]).exists() else named


def _class_names(content: dict[str, Any], path: Path) -> tuple[str, ...]:
    """The class names in index order, from a list or an index -> name mapping; numbers stand in where only nc is given."""
    names, count = content.get("names"), _count(content.get("nc"), path)
    if names is None and count is not None:
        return tuple(f"class_{index}" for index in range(count))
    if isinstance(names, dict):
        names = _in_order(names, path)
    if not isinstance(names, list) or not names:
        raise DatasetError(f"`{path}` names no classes", expected="`names:` as a list, or as `0: name` lines")
    if count is not None and count != len(names):
        raise DatasetError(f"`{path}` says `nc: {count}` and has {len(names)} names", expected="as many names as classes")
    return tuple(str(name) for name in names)


def _count(value: Any, path: Path) -> int | None:
    """The number of classes, also written as `"3"` or `3.0`; None when the file says none."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if number not in range(1, MOST_CLASSES + 1):
        raise DatasetError(f"`{path}` says `nc: {str(value)[:40]}`", expected=f"a whole number, 1 to {MOST_CLASSES:,}")
    return int(number)


def _in_order(names: dict[Any, Any], path: Path) -> list[Any]:
    """The names of an index -> name mapping; indices may be written as text."""
    by_index = {int(key) if isinstance(key, str) and key.isdecimal() else key: name for key, name in names.items()}
    if len(by_index) != len(names) or set(by_index) != set(range(len(names))):
        raise DatasetError(f"`{path}` numbers its names {list(names)[:20]}", expected=f"0 to {len(names) - 1}, none left out")
    return [by_index[index] for index in range(len(names))]


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
