"""`python -m tests.ethosu_simulator.fuzz.files` makes the compiled files beside it anew: several operators, state, older Velas.

Of older Velas those whose environment is here (`make velas`): what each leaves in the registers of pools, means and softmax.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.ethosu_simulator.generator.cases import parse
from tests.ethosu_simulator.generator.compare import compiled
from tests.ethosu_simulator.subgraphs import streaming
from tests.ethosu_simulator.test_arena import lstm, shuffle
from tests.ethosu_simulator.velas import VERSIONS, missing, small_set


def older() -> None:
    """Compiles the older Velas' with each that is here."""
    folder = Path(__file__).with_name("older")
    folder.mkdir(exist_ok=True)
    for version in VERSIONS:
        if missing((version,)):
            continue
        for case in small_set(version):
            with tempfile.TemporaryDirectory() as scratch:
                path = Path(scratch) / "case.tflite"
                path.write_bytes(parse(case).build())
                compiled_file = compiled(path, parse(case).config, Path(scratch), version)
                shutil.copy(compiled_file, folder / f"{case}-vela-{version}.tflite")


def main() -> None:
    """Compiles each with Vela's default options."""
    older()
    wanted = [("shuffle", shuffle(), "u55-128"), ("shuffle", shuffle(), "u65-256"), ("streaming", streaming(0), "u85-256")]
    wanted += [("streaming", streaming(0), "u55-64"), ("lstm", lstm(-9), "u55-128")]
    for name, content, config in wanted:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.tflite"
            path.write_bytes(content)
            shutil.copy(compiled(path, config, Path(folder) / config), Path(__file__).with_name(f"{name}-{config}.tflite"))


if __name__ == "__main__":
    main()
