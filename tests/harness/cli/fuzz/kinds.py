"""The kinds of files that this program reads, a good one of each, and what reads it: commands, or a front door of the suite."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from harness.bundle.contents import write_bundle
from harness.history.engine import history_url
from harness.history.spool import Spool
from harness.history.store import History
from tests.benchmarks import tiny
from tests.checkout import CHECKOUT
from tests.harness.cli.fuzz.models import compiled, program, raw_npz, write_checkpoint, write_recording
from tests.harness.report.runs import write_run

BOARDS = '[boards.b]\nhost = "b"\ndelegate = "/usr/lib/d.so"\npower = ["true"]\n[boards.b.environment]\nA = "b"\n'
ACCEPTANCE = '[[accept]]\nrequire = ["fits == true", "map50_95_drop <= 0.02 @ host"]\nvariant = ["level2_relu"]\n'


@dataclass(frozen=True)
class Kind:
    """A file below a folder of good ones, and what reads it; `{}` is that folder.

    `commands` are arguments of `ethos-bench`, or `read: NAME` for a reader of the suite (readers.py).
    """

    file: str
    commands: tuple[str, ...]
    slow: bool = False
    """Takes seconds, of Vela or of torch: it comes once where the others come `EVERY` times."""


RUN = (
    "report {}/run --no-history --output {}/out/r.html", "export {}/run --format all --output {}/out/exports",
    "bundle {}/run --unfinished --output {}/out/b", "bundle {}/run --unfinished --archive --output {}/out/b.tar.gz",
    "compare {}/run {}/other --all --json {}/out/c.json --history {}/none.db", "recommend {}/run --npu ethos-u65-256",
    "history --history {}/out/h.db import --unfinished {}/run",
)  # fmt: skip
DATA = ("read: data set", "read: calibration")
COMPILED = ("disassemble", "estimate", "inspect", "check", "ab {}/model.tflite")
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
    "targets.toml": Kind(
        "targets.toml", ("targets list --targets {}/targets.toml", "targets check b --explain --targets {}/targets.toml")
    ),
    "acceptance.toml": Kind("acceptance.toml", ("read: acceptance",)),
    "claims": Kind("claims/document.toml", ("read: claims",)),
    "recording": Kind("recording/b/recording.json", ("read: recording",)),
    "recorded job": Kind("recording/b/job/job.json", ("read: recording",)),
    "profile": Kind("profile.toml", ("profiles {}/profile.toml", "estimate {}/compiled.tflite --npu {}/profile.toml")),
    "data.yaml": Kind("data/data.yaml", ("report {}/run --no-history --data {}/data/data.yaml --output {}/out/r.html", *DATA)),
    "label": Kind("data/test/labels/0.txt", DATA[:1]),
    "image": Kind("data/test/images/0.png", DATA[:1]),
    "image of a diff": Kind(
        "data/test/images/0.png",
        ("diff {}/model.tflite --image {}/data/test/images/0.png --npu ethos-u55-128",),
        slow=True,
    ),
    "model": Kind(
        "model.tflite",
        ("inspect {}/model.tflite", "check {}/model.tflite --npu ethos-u55-128", "ab {}/model.tflite {}/compiled.tflite",
         "diff {}/model.tflite --image {}/data/test/images/0.png --npu ethos-u55-128"),
        slow=True,
    ),
    "checkpoint": Kind(
        "best.pt",
        ("convert --checkpoint {}/best.pt --calibration {}/data/data.yaml --npu ethos-u55-128 --output {}/out/c",
         "export-onnx --input {}/best.pt --output {}/out/f.onnx"),
        slow=True,
    ),
    "compiled": Kind("compiled.tflite", tuple(f"{name} {{}}/compiled.tflite" for name in COMPILED)),
    "program": Kind("program.pte", tuple(f"{name} {{}}/program.pte" for name in COMPILED)),
    "raw npz": Kind("out_vela.npz", tuple(f"{name} {{}}/out_vela.npz" for name in COMPILED)),
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
    (folder / "acceptance.toml").write_text(ACCEPTANCE)
    (folder / "claims").mkdir()
    (folder / "claims/document.toml").write_text((CHECKOUT / "benchmarks/claims/npu_analytics.toml").read_text())
    (folder / "profile.toml").write_text((CHECKOUT / "conversion/profiles/ethos-u55-128.toml").read_text())
    tiny.write_data(folder / "data", images=1)
    (folder / "model.tflite").write_bytes(tiny.detector())
    (folder / "compiled.tflite").write_bytes(compiled())
    (folder / "program.pte").write_bytes(program())
    (folder / "out_vela.npz").write_bytes(raw_npz())
    write_checkpoint(folder / "best.pt")
    write_recording(folder / "recording")


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
