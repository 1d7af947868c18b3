"""`python -m tests.ethosu_simulator.matrix [NAME=FILE ...]`: networks x configurations, into docs/reference/bit-exactness.md.

Always: the four tiny networks and the published detectors below the data folder. Compiled files and the outputs of TFLite
Micro are kept in `--cache`, by content, so that a second run only simulates.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ethosu_simulator
from tests.checkout import CHECKOUT
from tests.ethosu_simulator.test_networks import FVP_CRC, PUBLISHED, newlib_image
from tests.ethosu_simulator.toolchain import ALL, TINY, random_inputs, tflite_micro

PAGE = CHECKOUT / "docs" / "reference" / "bit-exactness.md"
VELA = "import sys; from ethosu.vela.vela import main; sys.exit(main(sys.argv[1:]))"
ARENA_BYTES = 200 << 20
SEEDS = {"tiny": range(4), "large": range(1)}
LARGE_BYTES = 1 << 20


def compiled(model: Path, config: str, cache: Path) -> Path:
    """Vela's file with its default options, made once per content of the model."""
    folder = cache / hashlib.sha256(model.read_bytes()).hexdigest()[:16] / config
    target = folder / f"{model.stem}_vela.tflite"
    if not target.is_file():
        command = [
            sys.executable,
            "-c",
            VELA,
            str(model),
            "--accelerator-config",
            f"ethos-{config}",
            "--output-dir",
            str(folder),
        ]
        subprocess.run(command, check=True, capture_output=True)
    return target


def expected(model: Path, seed: int, cache: Path) -> list[NDArray[Any]]:
    """TFLite Micro's outputs for a seed, computed once."""
    target = cache / hashlib.sha256(model.read_bytes()).hexdigest()[:16] / f"reference-{seed}.npz"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        np.savez(target, *tflite_micro(model, random_inputs(model, seed), ARENA_BYTES))
    with np.load(target) as kept:
        return [kept[name] for name in kept.files]


def cell(model: Path, config: str, cache: Path) -> tuple[int, int]:
    """(bytes that differ, bytes compared) over the seeds of a model of its size."""
    loaded = ethosu_simulator.load(compiled(model, config, cache), npu=f"ethos-{config}")
    differing = compared = 0
    for seed in SEEDS["large" if model.stat().st_size > LARGE_BYTES else "tiny"]:
        trace: list[ethosu_simulator.Executed] = []
        got = loaded.run(random_inputs(model, seed), trace)
        for ours, theirs in zip(got, expected(model, seed, cache), strict=True):
            apart = ours.reshape(-1).view(np.uint8) != np.ascontiguousarray(theirs).reshape(-1).view(np.uint8)
            differing, compared = differing + int(apart.sum()), compared + apart.size
        if not trace:
            raise SystemExit(f"{model.name} on {config}: the NPU executed nothing")
    return differing, compared


def checksum(model: Path, config: str, cache: Path) -> int:
    """CRC-32 of the output for the image that Arm's FVP was given."""
    (output,) = ethosu_simulator.load(compiled(model, config, cache)).run([newlib_image()])
    return zlib.crc32(output.tobytes())


def page(rows: dict[str, list[str]], crc: list[str], command: str) -> str:
    """The page of a run."""
    now = datetime.datetime.now(datetime.timezone.utc)
    lines = [
        "# Bit-exactness of the simulator on whole networks",
        "",
        f"Written by `{command}` on {now:%Y-%m-%d}, Vela {version('ethos-u-vela')} with its default options, "
        f"TFLite Micro {version('tflite-micro')}.",
        "",
        "Each cell: bytes that differ from TFLite Micro's reference kernels, of the bytes compared. Inputs are random (four",
        "for the tiny networks, one for the others), the same for every configuration; the NPU must have executed something.",
        "`level2_leaky_int8` among the published files is a hybrid one and is refused: "
        "`pytest tests/ethosu_simulator -k hybrid`.",
        "`raw/...` are this project's own conversions (cut `raw`, default recipe; `conversion/`).",
        "",
        "| network | " + " | ".join(ALL) + " |",
        "|---|" + "---|" * len(ALL),
    ]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    lines += [
        "",
        f"Checksum (CRC-32) of kws_micronet_m's output for the image that Arm's FVP was given; the FVP printed {FVP_CRC:X}:",
        "",
        "| | " + " | ".join(ALL) + " |",
        "|---|" + "---|" * len(ALL),
        "| kws_micronet_m | " + " | ".join(crc) + " |",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """0 when not a byte differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="NAME=FILE", help="further models")
    parser.add_argument("--data", type=Path, default=CHECKOUT.parent / "shared" / "models")
    parser.add_argument("--cache", type=Path, default=Path("results") / "bit-exactness")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    models = {name: options.data / "tiny" / f"{name}.tflite" for name in TINY}
    models |= {f"published/{name}": options.data / "published" / f"{name}.tflite" for name in PUBLISHED}
    models |= {name: Path(file) for name, file in (text.split("=", 1) for text in options.models)}
    rows: dict[str, list[str]] = {}
    bad = 0
    with ThreadPoolExecutor(options.workers) as pool:
        for name, model in models.items():
            for seed in SEEDS["large" if model.stat().st_size > LARGE_BYTES else "tiny"]:
                expected(model, seed, options.cache)
            cells = list(pool.map(lambda config, model=model: cell(model, config, options.cache), ALL))
            bad += sum(differing for differing, _ in cells)
            rows[name] = [f"{differing} of {compared:,}" for differing, compared in cells]
            sys.stdout.write(f"{name}: {rows[name]}\n")
            sys.stdout.flush()
    sums = [checksum(models["kws_micronet_m"], config, options.cache) for config in ALL]
    shown = [text.split("=")[0] + "=..." for text in options.models]
    text = page(rows, [f"{value:X}" for value in sums], " ".join(["python -m tests.ethosu_simulator.matrix", *shown]))
    _, heading, others = PAGE.read_text().partition("\n## ")  # other commands write the sections
    PAGE.write_text(text + heading + others)
    return int(bad > 0 or set(sums) != {FVP_CRC})


if __name__ == "__main__":
    raise SystemExit(main())
