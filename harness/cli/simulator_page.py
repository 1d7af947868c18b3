"""docs/reference/ethosu-simulator.md, made from the package's docstrings: `python -m harness.cli.simulator_page`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ethosu_simulator
from ethosu_simulator import timing

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "ethosu-simulator.md"
HEAD = """# Python: ethosu_simulator

<!-- Made by `python -m harness.cli.simulator_page` from the docstrings: change those. -->

The simulator installs alone, without the rest (`pip install ./ethosu_simulator`: numpy and numba).

    import ethosu_simulator

    model = ethosu_simulator.load("model_vela.tflite")
    outputs = model.run([image])                      # in the order of the graph's inputs and outputs

    from ethosu_simulator import timing
    print(timing.estimate("model_vela.tflite").active_cycles)
"""


def page() -> str:
    """The page's text."""
    parts = [HEAD]
    for package in (ethosu_simulator, timing):
        parts.append(f"## {package.__name__}\n\n{_first(package)}\n")
        parts += [_section(name, getattr(package, name)) for name in sorted(package.__all__)]
    return "\n".join(parts)


def _section(name: str, thing: Any) -> str:
    lines = [f"### {name}{_signature(thing)}", "", inspect.getdoc(thing) or "", ""]
    if inspect.isclass(thing) and not issubclass(thing, Exception):
        lines += [f"- `{method}{_signature(function)}`: {_first(function)}" for method, function in _methods(thing)]
        lines.append("")
    return "\n".join(lines)


def _methods(thing: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, function in vars(thing).items():
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


def _signature(thing: Any) -> str:
    if not callable(thing) or (inspect.isclass(thing) and issubclass(thing, Exception)):
        return ""
    names = [name for name in inspect.signature(thing).parameters if name != "self"]
    return f"({', '.join(names)})"


def _first(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
