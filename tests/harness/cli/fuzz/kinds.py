"""The kinds of files that commands read, a good one of each, and the commands that read it."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.bundle.contents import write_bundle
from harness.history.engine import history_url
from harness.history.spool import Spool
from harness.history.store import History
from tests.harness.report.runs import write_run

COMPILED = Path(__file__).parents[3] / "ethosu_simulator/golden/abs-INT8-u65-256-0-4.npz"
BOARDS = '[boards.b]\nhost = "b"\ndelegate = "/usr/lib/d.so"\npower = ["true"]\n[boards.b.environment]\nA = "b"\n'


@dataclass(frozen=True)
class Kind:
    """A file below a folder of good ones, and the arguments of the commands that read it; `{}` is that folder."""

    file: str
    commands: tuple[str, ...]


RUN = (
    "report {}/run --no-history --output {}/out/r.html", "export {}/run --format all --output {}/out/exports",
    "bundle {}/run --unfinished --output {}/out/b", "bundle {}/run --unfinished --archive --output {}/out/b.tar.gz",
    "compare {}/run {}/other --all --json {}/out/c.json --history {}/none.db", "recommend {}/run --npu ethos-u65-256",
    "history --history {}/out/h.db import --unfinished {}/run",
)  # fmt: skip
HISTORY = ("", "show npu_mac_share", "export --output {}/out/e", "upgrade")
KINDS = {
    "results": Kind("run/results.json", RUN),
    "unwritten": Kind("run/unwritten.jsonl", RUN[:3]),
    "samples": Kind("run/samples.jsonl", (*RUN[:2], RUN[4])),
    "placement": Kind("run/placement/level2_relu-ethos-u65-256.json", RUN[:2]),
    "acceptance": Kind("run/acceptance.json", RUN[:2]),
    "list of own files": Kind("run/.ethos-bench-files", (RUN[2],)),
    "manifest": Kind("bundle/manifest.json", ("verify {}/bundle",)),
    "archive": Kind("bundle.tar.gz", ("verify {}/bundle.tar.gz",)),
    "archive, unpacked": Kind("bundle.tar", ("verify {}/bundle.tar.gz",)),
    "history": Kind("history.db", tuple(f"history --history {{}}/history.db {rest}" for rest in HISTORY)),
    "spool": Kind("results/spool/run.json", ("history --history {}/history.db send --results {}/results",)),
    "targets.toml": Kind("targets.toml", ("targets list --targets {}/targets.toml",)),
    "profile": Kind("profile.toml", ("profiles {}/profile.toml", "estimate {}/compiled.tflite --npu {}/profile.toml")),
    "data.yaml": Kind("data.yaml", ("report {}/run --no-history --data {}/data.yaml --output {}/out/r.html",)),
    "compiled": Kind(
        "compiled.tflite", ("disassemble {}/compiled.tflite", "estimate {}/compiled.tflite", "inspect {}/compiled.tflite")
    ),
}  # fmt: skip


def _page(run: Path, file: Path) -> None:
    file.write_text("page")


def write_good(folder: Path) -> None:
    """Write a good file of each kind."""
    run = write_run(folder / "run", variants=("level2_relu",))
    write_run(folder / "other", run={"id": "other"}, variants=("level2_relu",))
    threshold = {"text": "fits == true", "variant": "v", "profile": "p", "met": True, "found": "x"}
    (folder / "run/acceptance.json").write_text(json.dumps({"thresholds": [threshold]}))
    line = {"records": json.loads((folder / "run/results.json").read_text())["records"][:2]}
    (folder / "run/unwritten.jsonl").write_text(json.dumps(line) + "\n")
    write_bundle(run, folder / "bundle", _page)
    write_bundle(run, folder / "bundle.tar.gz", _page, archive=True)
    (folder / "bundle.tar").write_bytes(gzip.decompress((folder / "bundle.tar.gz").read_bytes()))
    url = history_url(str(folder / "history.db"), folder)
    History(url).add(run)
    kept = Spool.of(folder / "results", url).keep(run)
    kept.parent.mkdir(exist_ok=True)
    kept.rename(folder / "results/spool/run.json")
    (folder / "targets.toml").write_text(BOARDS)
    profile = Path(__file__).parents[4] / "conversion/profiles/ethos-u65-256.toml"
    (folder / "profile.toml").write_text(profile.read_text())
    (folder / "data.yaml").write_text("path: .\ntest: images\nnc: 1\nnames: [a]\n")
    (folder / "images").mkdir()
    (folder / "compiled.tflite").write_bytes(np.load(COMPILED)["compiled"].tobytes())


def put(kind: str, content: bytes, folder: Path) -> None:
    """Put a mutated file where the commands look for it."""
    path = folder / KINDS[kind].file
    path.write_bytes(content)
    if kind == "archive, unpacked":
        (folder / "bundle.tar.gz").write_bytes(
            bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 0xFF)) + gzip.compress(content, mtime=0)[10:]
        )
    if kind == "spool":
        spool = Spool.of(folder / "results", history_url(str(folder / "history.db"), folder)).folder
        spool.mkdir(parents=True, exist_ok=True)
        (spool / "run.json").write_bytes(content)
