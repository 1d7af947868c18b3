"""What the cache keys of a session cost: `python -m benchmarks.studies.speed.identities`.

Prints processor milliseconds for the code identities of every kind of cached entry, and their ratio to what Python's own parser
takes for the same sources in the same process.
"""

from __future__ import annotations

import ast
import time

from core.code_identity import ROOT, code_identity, import_closure

ENTRIES = {
    "facts": ("conversion.steps", "conversion.worker", "conversion.checkpoint"),
    "export": ("conversion.steps", "conversion.worker", "conversion.export"),
    "quantise": ("conversion.steps", "conversion.worker", "conversion.quantise", "harness.workbench.calibration"),
    "compile": ("conversion.compilations",),
    "detections": ("harness.tasks.detect.judged",),
    "reference": ("harness.workbench.reference",),
    "firmware": ("targets.fvp.firmware",),
}
"""Kind of entry -> the modules that its key starts at."""


def main() -> None:
    """Measure once: a second time everything is remembered."""
    started = time.process_time()
    for modules in ENTRIES.values():
        code_identity(modules)
    own = time.process_time() - started
    closure = import_closure([module for modules in ENTRIES.values() for module in modules])
    places = [ROOT.joinpath(*name.split(".")) for name in closure]
    files = [place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py" for place in places]
    sources = [file.read_text("utf-8") for file in files]
    started = time.process_time()
    for source in sources:
        ast.parse(source)
    parser = time.process_time() - started
    print(  # noqa: T201 - the result of the command
        f"{len(sources)} sources: identities {1e3 * own:.0f} ms, ast.parse {1e3 * parser:.0f} ms, ratio {own / parser:.2f}"
    )


if __name__ == "__main__":
    main()
