"""What goes into a bundle, made from a run's results folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import BundleError
from core.files import put_in_place, storage_errors, work_folder, write_whole
from core.records.measurement import Measurement
from core.safe_paths import path_inside
from harness.bundle.archive import write_archive
from harness.bundle.manifest import NAME, Manifest, folder_entries, is_inside
from harness.bundle.signature import sign
from harness.report.exports.junit import junit
from harness.results.own_files import OwnFiles
from harness.results.stored_run import StoredRun, read_run

WritePage = Callable[[Path, Path], None]
"""(results folder, file to write): writes the HTML report, where the run has none yet."""
REPORT = "report.html"


def write_bundle(
    run: StoredRun, output: Path, write_page: WritePage, *, archive: bool = False, key: Path | None = None
) -> Path:
    """The bundle of a run: a folder, or with `archive` a .tar.gz whose bytes depend on its content alone; signed with `key`.

    The output appears when it is whole. StorageError when it cannot be written, BundleError when something is there already
    or the run has no results folder.
    """
    source, target = run.folder, _target(run, output, archive=archive)
    if not (source / "results.json").is_file():
        raise BundleError(f"the results folder of {run.id} is gone: `{source}`", "a run whose files are there")
    with (
        storage_errors(f"write the bundle `{target}`", "a writable place with space"),
        work_folder(target.parent, f".{target.name}.") as work,
    ):
        folder = path_inside(work, f"ethos-bench-{run.id}")
        _copy(source, folder)
        _write_more(run, folder)
        if not (folder / REPORT).exists():
            write_page(folder, folder / REPORT)
        manifest = Manifest(run.id, folder_entries(folder))
        write_whole(folder / NAME, manifest.text())
        made = work / "bundle.tar.gz" if archive else folder
        if archive:
            write_archive(folder, manifest, made)
        if key:
            sign(manifest.text().encode(), key, target)
        put_in_place(made, target)
    return target


def _target(run: StoredRun, output: Path, *, archive: bool) -> Path:
    """Where the bundle goes: the folder that was asked for, or with `archive` a file in it or of that name."""
    if archive and not output.name.endswith((".tar.gz", ".tgz")):
        output = output / f"ethos-bench-{run.id}.tar.gz"
    if output.is_symlink() or (output.exists() and (not output.is_dir() or any(output.iterdir()))):
        raise BundleError(f"`{output}` is there already", "a new name, or an empty folder", f"--output {output}-2")
    return output


def _copy(source: Path, folder: Path) -> None:
    """The files of a results folder; links are left out, they may point anywhere, and so is what is not ours.

    BundleError for a file of ours, or of a folder of an older version without a list, whose name a bundle cannot hold.
    """
    listed = OwnFiles(source)
    for file in sorted(source.rglob("*")):
        name = file.relative_to(source).as_posix()
        if not file.is_file() or file.is_symlink() or any(part.startswith(".") for part in name.split("/")):
            continue
        if not is_inside(name):
            if listed.has_list and name not in listed.names:
                continue
            raise BundleError(
                f"`{file}` has a name that a bundle cannot hold", "letters, digits and ._-~=+@,()", f"mv {file} ..."
            )
        copy = path_inside(folder, name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _write_more(run: StoredRun, folder: Path) -> None:
    written = run.written.to_json()
    texts = {
        "artefacts.json": _json(
            [{key: text for key, text in vars(one).items() if text or key == "options"} for one in artefacts(run.records)]
        ),
        "environment.json": _json({key: getattr(run.header, key) for key in ("host", "commit", "dirty", "command")}),
        "versions.json": _json({"packages": run.header.versions, "tools": tools(run.records)}),
        "verdicts.json": _json({key: written[key] for key in ("verdicts", "failures")}),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    for name, text in junit(read_run(folder, checked=False)).items():
        (folder / name).write_text(text, "utf-8")


@dataclass(frozen=True, kw_only=True)
class ArtefactHashes:
    """The SHA-256 of weights, int8 file and compiled file of a model on an NPU, with the options they were made with."""

    variant: str
    build: str
    profile: str
    weights: str
    tflite: str
    compiled: str
    options: Mapping[str, str]

    def to_json(self) -> dict[str, object]:
        """A mapping for artefacts.json, without what does not exist."""
        return {key: text for key, text in vars(self).items() if text or key == "options"}


def artefacts(figures: Iterable[Measurement]) -> list[ArtefactHashes]:
    """The hashes of every compiled model, in the order of the run."""
    found: dict[tuple[str, str, str], ArtefactHashes] = {}
    for figure in figures:
        identity, place = figure.identity, (figure.variant, figure.build, figure.profile)
        if identity.compiled and place not in found:
            variant, build, profile = place
            found[place] = ArtefactHashes(
                variant=variant, build=build, profile=profile, weights=identity.weights, tflite=identity.tflite,
                compiled=identity.compiled, options=identity.options,
            )  # fmt: skip
    return list(found.values())


def tools(figures: Iterable[Measurement]) -> dict[str, list[str]]:
    """Tool -> the versions of it that figures were made with."""
    found: dict[str, dict[str, None]] = {}
    for figure in figures:
        for tool, version in figure.identity.tools.items():
            found.setdefault(tool, {})[version] = None
    return {tool: list(versions) for tool, versions in sorted(found.items())}


def _json(value: object) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"
