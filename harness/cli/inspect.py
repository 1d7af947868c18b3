"""`ethos-bench inspect`: what a TFLite file is, where Vela puts it, and what would move the rest."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from conversion.compilation_findings import compilation_findings
from conversion.file_kinds import TFLITE, TOSA, file_kind
from conversion.model_checks import checked_graph, findings
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.rules.devices import load_rules
from conversion.suggestions import Suggestion, suggest
from conversion.variants import activation_name, expected_activation
from conversion.vela import compile_model
from conversion.vela_options import VelaOptions
from core.errors import EthosBenchError, RunError
from core.files import file_sha256
from core.records.artefact import Compilation
from core.records.profile import Profile
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from harness.cli.compiled_file import CompiledFile, compiled_file, tosa_files
from harness.cli.inspect_compiled import compiled_document, show_compiled
from harness.cli.inspect_rules import JudgedFile, judge_file, rules_document, show_rules
from harness.cli.inspect_speed import Speed, show_speed, speed_document, speed_of
from harness.cli.inspect_view import show_file, show_finding, show_profile
from harness.cli.options import declared, gathered
from harness.cli.saying import say
from harness.report.safe_console import SafeConsole
from harness.workbench.options import BenchOptions


@dataclass(frozen=True)
class Inspected:
    """A file on one profile."""

    profile: Profile
    compilation: Compilation
    suggestions: tuple[Suggestion, ...]
    speed: Speed


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@declared(BenchOptions, "profiles", default=[DEFAULT_PROFILE], help="NPU profile; a file is a user's own.")
@click.option("--rules", multiple=True, help="Rules profile that judges the file too, for example ethos-n78.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: one JSON object on stdout.")
@gathered(VelaOptions, "vela")
@click.option("--expect-activation", type=click.Choice(["relu", "leaky", "silu"]), help="Default: what the file name says.")
@click.option("--tosa", type=click.Path(path_type=Path), help="TOSA graph that a compiled FILE was made of: compares bytes.")
@click.option("--all", "every", is_flag=True, help="List every operator instead of one line per kind.")
@click.pass_context
def inspect_command(
    context: click.Context,
    file: Path,
    profiles: tuple[str, ...],
    rules: tuple[str, ...],
    as_json: bool,
    vela: VelaOptions,
    expect_activation: str | None,
    tosa: Path | None,
    every: bool,
) -> None:
    """Say what Vela puts on the NPU of FILE (integer TFLite), or what is in it (.pte, or npz of Vela's)."""
    try:
        if file_kind(file) != TFLITE:
            named = profiles if context.get_parameter_source("profiles") is not ParameterSource.DEFAULT else ()
            _inspect_compiled(_compiled_files(file, named, vela, tosa), as_json=as_json)
            return
        devices = [load_rules(name) for name in dict.fromkeys(rules)]
        judged = judge_file(file, devices) if file.is_file() else ()
        try:
            _inspect(file, profiles, judged, as_json=as_json, vela=vela, expected=expect_activation, every=every)
        except EthosBenchError as error:
            _only_judged(judged, error, as_json=as_json, every=every)
            raise
    except EthosBenchError as error:
        say(f"error: {error}", err=True)
        raise click.exceptions.Exit(error.exit_code) from error


def _compiled_files(file: Path, named: Sequence[str], vela: VelaOptions, tosa: Path | None) -> list[CompiledFile]:
    if file_kind(file) == TOSA:
        return tosa_files(file, named or (DEFAULT_PROFILE,), vela, tosa)
    return [compiled_file(file, named, tosa)]


def _inspect_compiled(files: Sequence[CompiledFile], *, as_json: bool) -> None:
    """Print each; RunError when bytes differ from the reference's."""
    if as_json:
        say(json.dumps([compiled_document(found) for found in files] if files[1:] else compiled_document(files[0]), indent=1))
    else:
        for found in files:
            show_compiled(SafeConsole(highlight=False), found)
    if any(found.compared and found.compared.differing for found in files):
        raise RunError("the NPU's bytes differ from the reference model's", "equal bytes")


def _only_judged(judged: Sequence[JudgedFile], error: EthosBenchError, *, as_json: bool, every: bool) -> None:
    """What the rules say of a file that Vela is not given: every operator has its reason there."""
    if judged and as_json:
        document = {"schema": 1, "problem": error.found, "rules": [rules_document(one) for one in judged]}
        say(json.dumps(document, indent=1))
        return
    for one in judged:
        show_rules(SafeConsole(highlight=False), one, every=every)


def _inspect(
    file: Path,
    npus: Sequence[str],
    judged: Sequence[JudgedFile],
    *,
    as_json: bool,
    vela: VelaOptions,
    expected: str | None,
    every: bool,
) -> None:
    profiles = [load_profile(name) for name in dict.fromkeys(npus)]
    graph = checked_graph(file)
    found = findings_of(graph, expected or expected_activation(file.stem))
    inspected = [_on(file, profile, vela) for profile in profiles]
    if as_json:
        document = _document(file, graph, found, inspected) | {"rules": [rules_document(one) for one in judged]}
        say(json.dumps(document, indent=1))
        return
    console = SafeConsole(highlight=False)
    show_file(console, file, graph)
    for finding in found:
        show_finding(console, finding)
    for one in inspected:
        show_profile(console, one.compilation, one.suggestions, every=every)
        show_speed(console, one.compilation, one.speed, every=every)
    for ruled in judged:
        show_rules(console, ruled, every=every)


def _on(file: Path, profile: Profile, vela: VelaOptions) -> Inspected:
    with tempfile.TemporaryDirectory(prefix="ethos-bench-") as folder:
        compilation = compile_model(file, profile, Path(folder), vela.vela, vela.arguments())
        speed = speed_of(file, compilation, vela)
    return Inspected(profile, compilation, suggest(file, compilation, vela), speed)


def findings_of(graph: TfliteGraph, expected: str | None) -> list[str]:
    """What a reader should know of the file before its figures: another activation than promised, and what the checks find."""
    found = []
    if expected and activation_name(graph.activations) != expected:
        counted = ", ".join(f"{count} {kind}" for kind, count in graph.activations.most_common()) or "none"
        found.append(
            f"the activation is not {expected}: the graph's convolutions have {counted}. "
            "A name is no evidence: an exporter may have ignored the activation that was asked for"
        )
    return [*found, *findings(graph)]


def _document(file: Path, graph: TfliteGraph, found: list[str], inspected: list[Inspected]) -> dict[str, Any]:
    return {
        "schema": 1,
        "file": {
            "path": str(file),
            "sha256": file_sha256(file),
            "operators": len(graph.operators),
            "macs": graph.macs,
            "weights": graph.weights,
            "graph": graph.structure,
            "activations": dict(graph.activations),
            "inputs": [asdict(tensor) for tensor in graph.inputs],
            "outputs": [asdict(tensor) for tensor in graph.outputs],
        },
        "findings": found,
        "profiles": [_profile_document(one) for one in inspected],
    }


def _or_reason(name: str, value: float | Unavailable) -> dict[str, float | str | None]:
    """The figure; null beside its reason when there is none."""
    return {name: None, f"{name}_unavailable": value.reason} if isinstance(value, Unavailable) else {name: value}


def _profile_document(one: Inspected) -> dict[str, Any]:
    compilation, budget = one.compilation, one.profile.budget
    return {
        "profile": one.profile.name,
        "accelerator": one.profile.accelerator_config,
        "vela_version": compilation.vela_version,
        "command": list(compilation.command),
        **_or_reason("estimated_us", compilation.estimated_us),
        **_or_reason("npu_estimated_us", compilation.npu_estimated_us),
        "memory": {
            area: {"bytes": need, "budget_bytes": budget[area].bytes, "fits": need <= budget[area].bytes}
            for area, need in compilation.estimate.memory_bytes.items()
            if area in budget and not isinstance(compilation.npu_estimated_us, Unavailable)
        },
        "findings": list(compilation_findings(compilation)),
        "placement": compilation.placement.to_json(),
        "suggestions": [
            asdict(suggestion) | {"operators": [operator.index for operator in suggestion.operators]}
            for suggestion in one.suggestions
        ],
        "speed": speed_document(one.speed),
    }
