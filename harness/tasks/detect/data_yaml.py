"""What a `data.yaml` says: class names, and where the images of each split lie.

Its keys: `path` (relative to the file itself), `train`, `val`, `test` (each a folder, a .txt list, or a list of these), `nc`,
`names` (a list, or a mapping from index to name). What else is in it is ignored, and nothing in it is run or fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.errors import DatasetError

SPLITS = ("train", "val", "test")
SUFFIXES = frozenset({".bmp", ".dng", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp"})
"""Names ultralytics takes for images and Pillow can read."""


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
            lines = (line.strip() for line in place.read_text(encoding="utf-8-sig").splitlines())
            yield from (place.parent / line for line in lines if line)
        else:
            raise DatasetError(
                f"`{place}` does not exist; split `{split}` of `{self.path}` names it",
                expected=f"a folder of images, or `path:` in `{self.path.name}` leading to it (relative to that file)",
            )


def read_data_yaml(path: Path) -> DataYaml:
    """The checked contents of a data.yaml; DatasetError when it is missing or does not describe a data set."""
    content = _mapping(path)
    root = path.parent / str(content.get("path") or ".")
    splits = {split: _places(content[split], root, split, path) for split in SPLITS if content.get(split)}
    if not splits:
        raise DatasetError(f"`{path}` names no images", expected="at least one of `train:`, `val:`, `test:`")
    return DataYaml(path, _class_names(content, path), splits)


def _mapping(path: Path) -> dict[str, Any]:
    """The yaml's top level; nothing in it is evaluated."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DatasetError(f"`{path}` does not exist", expected="a data.yaml", hint="--data path/to/data.yaml") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DatasetError(f"`{path}` cannot be read: {error}", expected="a data.yaml (text in YAML)") from error
    if not isinstance(content, dict):
        raise DatasetError(f"`{path}` holds no `key: value` lines", expected="a data.yaml with path, test, nc and names")
    return content


def _places(value: Any, root: Path, split: str, path: Path) -> tuple[Path, ...]:
    """The folders or list files of a split; absolute ones stay, others start at `root`."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(place, str) for place in values):
        raise DatasetError(f"`{path}` has `{split}: {value}`", expected="a folder, a .txt list, or a list of these")
    return tuple(root / place for place in values)


def _class_names(content: dict[str, Any], path: Path) -> tuple[str, ...]:
    """The class names in index order, from a list or an index -> name mapping; numbers stand in where only nc is given."""
    names, count = content.get("names"), content.get("nc")
    if names is None and isinstance(count, int) and count > 0:
        return tuple(f"class_{index}" for index in range(count))
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise DatasetError(f"`{path}` numbers its names {list(names)}", expected=f"0 to {len(names) - 1}, none left out")
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DatasetError(f"`{path}` names no classes", expected="`names:` as a list, or as `0: name` lines")
    if count is not None and count != len(names):
        raise DatasetError(f"`{path}` says `nc: {count}` and has {len(names)} names", expected="as many names as classes")
    return tuple(str(name) for name in names)
