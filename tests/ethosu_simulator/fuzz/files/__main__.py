"""`python -m tests.ethosu_simulator.fuzz.files` makes the compiled files of several operators and of state beside it anew."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.ethosu_simulator.generator.compare import compiled
from tests.ethosu_simulator.subgraphs import streaming
from tests.ethosu_simulator.test_arena import lstm, shuffle


def main() -> None:
    """Compiles each with Vela's default options."""
    wanted = [("shuffle", shuffle(), "u55-128"), ("shuffle", shuffle(), "u65-256"), ("streaming", streaming(0), "u85-256")]
    wanted += [("streaming", streaming(0), "u55-64"), ("lstm", lstm(-9), "u55-128")]
    for name, content, config in wanted:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.tflite"
            path.write_bytes(content)
            shutil.copy(compiled(path, config, Path(folder) / config), Path(__file__).with_name(f"{name}-{config}.tflite"))


if __name__ == "__main__":
    main()
