"""A run as Arm MLIA's unified output (schema 1.2.0): one document per model and NPU.

MLIA knows compatibility and performance. Accuracy, claims and history have no place there, and host latencies are no figure
of the target: they stay out of it. What has its place carries our evidence as a qualifier.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any

from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.placement import PlacedOperator, Placement
from core.records.unavailable import Unavailable
from core.versions import version_of
from harness.report.run_view import RunView
from harness.results.stored_run import StoredRun

SCHEMA_VERSION = "1.2.0"
PROFILE = re.compile(r"ethos-(u\d+)-(\d+)")
MODES = {
    Evidence.ESTIMATED: "predicted",
    Evidence.SIMULATED_OPEN: "simulated",
    Evidence.SIMULATED_FVP: "simulated",
    Evidence.MEASURED: "measured",
}
PERFORMANCE = frozenset({"estimated_us", "latency_us", "npu_cycles", "npu_time_share", "arena_bytes", "memory_bytes"})
COMPATIBILITY = frozenset({"npu_operator_share", "npu_mac_share", "npu_cpu_crossings"})
NOTE = "Accuracy, claims and latencies of the host CPU are not part of this format; results.json has them."


def mlia(run: StoredRun) -> dict[str, str]:
    """`mlia-<variant>-<profile>.json` for every compiled model that the run has a placement of."""
    view = RunView(run)
    files = {}
    for model, profile in dict.fromkeys((case.model, case.profile) for case in view.cases):
        case = next(case for case in view.cases if (case.model, case.profile) == (model, profile))
        placement = run.placement(model, profile)
        share = view.table.find(case, "npu_operator_share")
        if placement and share and share.identity.tflite:
            document = _document(view, case, placement, share.identity)
            files[f"mlia-{model}-{profile}.json"] = json.dumps(document, indent=1) + "\n"
    return files


def _document(view: RunView, case: CaseKey, placement: Placement, identity: Identity) -> dict[str, Any]:
    run = view.run
    vela = identity.tools.get("vela", "unknown")
    figures = [figure for figure in run.records if (figure.case.model, figure.profile) == (case.model, case.profile)]
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run.id} {case.model} {case.profile}")),
        "timestamp": run.header.started,
        "tool": {"name": "ethos-bench", "version": version_of("ethos-bench")},
        "target": _target(case.profile, identity),
        "model": {"name": f"{case.model}.tflite", "format": "tflite", "hash": identity.tflite},
        "context": {"cli_arguments": run.header.command.split(), "notes": NOTE},
        "backends": [{"id": "vela", "name": "Vela", "version": vela, "configuration": {"profile": case.profile}}],
        "results": [_compatibility(figures, placement), *_performance(figures, placement)],
        "extensions": {"ethos-bench": {"run": run.id, "identity": identity.to_json()}},
    }


def _target(profile: str, identity: Identity) -> dict[str, Any]:
    named = PROFILE.search(profile)
    component = {"type": "npu", "family": "ethos-u"}
    if named:
        component |= {"model": named[1], "variant": named[2]}
    return {
        "profile_name": profile,
        "target_type": f"ethos-{named[1]}" if named else "ethos-u",
        "components": [component],
        "configuration": {"profile": identity.profile or profile},
    }


def _compatibility(figures: Sequence[Measurement], placement: Placement) -> dict[str, Any]:
    operators = placement.operators
    left = [index for index, operator in enumerate(operators) if operator.where == "cpu"]
    status = "ok" if not left else "incompatible" if len(left) == len(operators) else "partial"
    return {
        "kind": "compatibility",
        "status": status,
        "producer": "vela",
        "metrics": [_metric(figure) for figure in figures if figure.metric in COMPATIBILITY],
        "entities": [_entity(index, operator) for index, operator in enumerate(operators)],
        "advice": [_advice(index, operators[index]) for index in left],
    }


def _performance(figures: Sequence[Measurement], placement: Placement) -> list[dict[str, Any]]:
    """One result per mode that the run has figures of; cycles of operators belong to the prediction."""
    results = []
    for mode in dict.fromkeys(MODES.values()):
        kinds = (Evidence.COMPILED, *_kinds(mode)) if mode == "predicted" else _kinds(mode)
        metrics = [_metric(figure) for figure in figures if figure.metric in PERFORMANCE and figure.evidence in kinds]
        if not metrics:
            continue
        result: dict[str, Any] = {"kind": "performance", "status": "ok", "producer": "ethos-bench", "mode": mode}
        result["metrics"] = metrics
        if mode == "predicted":
            operators = placement.operators
            result |= {"producer": "vela", "entities": [_entity(i, operator) for i, operator in enumerate(operators)]}
            result["breakdowns"] = [_breakdown(i, operator) for i, operator in enumerate(operators)]
        results.append(result)
    return results


def _kinds(mode: str) -> tuple[Evidence, ...]:
    return tuple(kind for kind in MODES if MODES[kind] == mode)


def _metric(figure: Measurement) -> dict[str, Any]:
    named: dict[str, Any] = {"name": figure.metric, "unit": figure.unit}
    qualifiers = {"evidence": str(figure.evidence), "target": figure.target}
    qualifiers |= {part: text for part, text in (("stat", figure.stat), ("graph", figure.graph)) if text}
    if figure.unavailable:
        return {**named, "availability": "unavailable", "reason": figure.unavailable.reason, "qualifiers": qualifiers}
    return {**named, "value": figure.value, "qualifiers": qualifiers}


def _entity(index: int, operator: PlacedOperator) -> dict[str, Any]:
    return {
        "id": f"source_operator/operator/{index}",
        "kind": "source_operator",
        "name": operator.operator,
        "placement": "CPU" if operator.where == "cpu" else "NPU",
        "attributes": {"output": operator.name, "place": operator.where},
    }


def _breakdown(index: int, operator: PlacedOperator) -> dict[str, Any]:
    cycles = operator.npu_cycles
    absent = isinstance(cycles, Unavailable)
    counted = {"availability": "unavailable", "reason": str(cycles)} if absent else {"value": cycles}
    metrics = [
        {"name": "npu_cycles", "unit": "cycles", **counted},
        {"name": "macs", "unit": "count", "value": operator.macs},
    ]
    return {"entity_id": f"source_operator/operator/{index}", "metrics": metrics}


def _advice(index: int, operator: PlacedOperator) -> dict[str, Any]:
    return {
        "id": f"cpu/{index}",
        "category": "compatibility",
        "severity": "warning",
        "message": f"{operator.operator} runs on the CPU: {operator.reason or 'Vela gives no reason'}",
        "affected_entity_ids": [f"source_operator/operator/{index}"],
    }
