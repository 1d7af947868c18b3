"""From what a rule set says of a file to records: operators, MACs and pieces, always together."""

from __future__ import annotations

from collections.abc import Mapping

from conversion.rules.devices import Device
from conversion.rules.judgement import Judgement
from conversion.rules.relay_functions import RelayFunctions
from conversion.rules.splits import SplitSuggestion
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from harness.workbench.figures import Subject


def rules_subject(case: CaseKey, device: Device, weights: str, tflite: str, options: Mapping[str, str]) -> Subject:
    """Where the records of a rule set belong; their identity is the file, and the rules that judged it."""
    identity = Identity(
        weights=weights, tflite=tflite, profile=device.identity, tools={"rules": device.version}, options=dict(options)
    )
    return Subject(case, identity)


def rules_figures(subject: Subject, judgement: Judgement, split: SplitSuggestion | None) -> list[Measurement]:
    """The shares and the pieces; one note counts what was refused, another says what SPLITs would change."""
    refused = ", ".join(f"{count} {kind}" for kind, count in judgement.refused_kinds.items())
    taken = f"{judgement.taken} of {len(judgement.operators)}" + (f"; refused: {refused}" if refused else "")
    layers = f"{judgement.layers[0]} of {judgement.layers[1]} layers"
    changed = split and (
        f"one SPLIT for each chunk in place of {split.slices} slices: {split.taken} of {split.operators} operators, "
        f"{split.pieces} piece{'' if split.pieces == 1 else 's'}"
    )
    return [
        subject.record("rules_operator_share", judgement.operator_share, Evidence.RULES, note=f"{taken}; {layers}"),
        subject.record("rules_mac_share", judgement.mac_share, Evidence.RULES),
        subject.record("rules_pieces", len(judgement.pieces), Evidence.RULES, note=changed or ""),
    ]


def function_figures(subject: Subject, found: RelayFunctions) -> list[Measurement]:
    """The count of the NPU report on a published file, and what it means."""
    counted = ", ".join(f"{count} {kind}" for kind, count in found.operators.items())
    note = f"{counted} before merging; no convolution: 0 % of the MACs are on the NPU"
    return [
        subject.record("rules_functions", found.functions, Evidence.RULES, note=note),
        subject.record("rules_function_share", found.share, Evidence.RULES, note=f"{found.functions} of {found.functions + 1}"),
    ]
