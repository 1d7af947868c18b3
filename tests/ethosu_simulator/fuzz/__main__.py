"""`python -m tests.ethosu_simulator.fuzz TARGET [libFuzzer options]`: atheris on one target, compiled loops run as Python.

numba's loops are switched off, so that their branches guide the fuzzer and their array bounds are checked; but for the targets
`plan`, `arena` and `older`, which hold the compiled steps against the interpreter, and `timing`, whose loops are long.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from contextlib import nullcontext
from pathlib import Path

FINDINGS = Path(".fuzz")
BLIND = ("plan", "arena", "older", "timing")


def main() -> None:
    """Runs until libFuzzer's own limits; a crash, a hang or an untyped error ends the process with its own code."""
    name, options = sys.argv[1], sys.argv[2:]
    if name not in BLIND:
        os.environ["NUMBA_DISABLE_JIT"] = "1"
    import atheris

    # numba cannot compile what is instrumented: these mutate blindly.
    with nullcontext() if name in BLIND else atheris.instrument_imports(include=["ethosu_simulator"]):
        import ethosu_simulator  # noqa: F401 - instrumented here, before anything else imports it
    from tests.ethosu_simulator.fuzz.targets import TARGETS, compile_loops, seeds

    if name in BLIND:
        compile_loops(name)
    warnings.simplefilter("ignore")  # Python's integers warn where the compiled loops wrap
    with tempfile.TemporaryDirectory() as corpus:
        for index, data in enumerate(seeds(name)):
            (Path(corpus) / f"seed{index}").write_bytes(data)
        FINDINGS.mkdir(exist_ok=True)
        limits = [
            f"-artifact_prefix={FINDINGS}/",
            "-timeout=120",
            "-rss_limit_mb=1500",
            "-print_final_stats=1",
            "-max_len=8192",
        ]
        atheris.Setup([sys.argv[0], *limits, *options, corpus], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
