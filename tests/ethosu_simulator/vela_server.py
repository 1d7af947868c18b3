"""Compiles files in the Vela beside it: `PATH TAB CONFIG TAB FOLDER` per line in, `good` or what Vela said per line out."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Serve until the input ends; what Vela prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    from ethosu.vela import vela

    for line in sys.stdin:
        path, config, folder = line.rstrip("\n").split("\t")
        said = "good"
        try:
            vela.main([path, "--accelerator-config", config, "--output-dir", folder])
        except SystemExit as stop:
            if stop.code:
                said = f"stops with {stop.code}"
        except Exception as error:  # whatever Vela raises
            said = f"{type(error).__name__}: {error}"
        answers.write(said.replace("\n", " ")[:300] + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
