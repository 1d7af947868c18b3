"""A run as Arm MLIA's unified output (schema 1.2.0): one document per model and NPU.

MLIA knows compatibility and performance. Accuracy, claims and history have no place there, and host latencies are no figure
of the target: they stay out of it. What has its place carries our evidence as a qualifier.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.run_view import Case, RunView
from harness.report.tables import Record
from harness.results.stored_run import StoredRun

SCHEMA_VERSION = "1.2.0"
PROFILE = re.compile(r"ethos-(u\d+)-(\d+)")
MODES = {"estimated": "predicted", "simulated-open": "simulated", "simulated-fvp": "simulated", "measured": "measured"}
PERFORMANCE = frozenset({"estimated_us", "latency_us", "npu_cycles", "npu_time_share", "arena_bytes", "memory_bytes"})
COMPATIBILITY = frozenset({"npu_operator_share", "npu_mac_share", "npu_cpu_crossings"})
NOTE = "Accuracy, claims and latencies of the host CPU are not part of this format; results.json has them."


def mlia(run: StoredRun) -> dict[str, str]:
    """`mlia-<variant>-<profile>.json` for every compiled model that the run has a placement of."""
    view = RunView(run)
    files = {}
    for place in dict.fromkeys(case[:2] for case in view.cases):
        case = next(case for case in view.cases if case[:2] == place)
        placement = run.placement(case[0], case[1])
        share = view.table.find(case, "npu_operator_share")
        if placement and share and "tflite" in share["identity"]:
            document = _document(view, case, placement, share["identity"])
            files[f"mlia-{case[0]}-{case[1]}.json"] = json.dumps(document, indent=1) + "\n"
    return files


def _document(view: RunView, case: Case, placement: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, Any]:
    variant, profile, _ = case
    run = view.run
    vela = str(identity.get("tools", {}).get("vela", "unknown"))
    records = [record for record in run.records if (record["variant"], record["profile"]) == (variant, profile)]
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run.id} {variant} {profile}")),
        "timestamp": run.header["started"],
        "tool": {"name": "ethos-bench", "version": importlib.metadata.version("ethos-bench")},
        "target": _target(profile, identity),
        "model": {"name": f"{variant}.tflite", "format": "tflite", "hash": identity["tflite"]},
        "context": {"cli_arguments": str(run.header["command"]).split(), "notes": NOTE},
        "backends": [{"id": "vela", "name": "Vela", "version": vela, "configuration": {"profile": profile}}],
        "results": [_compatibility(records, placement), *_performance(records, placement)],
        "extensions": {"ethos-bench": {"run": run.id, "identity": dict(identity)}},
    }


def _target(profile: str, identity: Mapping[str, Any]) -> dict[str, Any]:
    named = PROFILE.search(profile)
    component = {"type": "npu", "family": "ethos-u"}
    if named:
        component |= {"model": named[1], "variant": named[2]}
    return {
        "profile_name": profile,
        "target_type": f"ethos-{named[1]}" if named else "ethos-u",
        "components": [component],
        "configuration": {"profile": identity.get("profile", profile)},
    }


def _compatibility(records: Sequence[Record], placement: Mapping[str, Any]) -> dict[str, Any]:
    operators = placement["operators"]
    left = [index for index, operator in enumerate(operators) if operator["where"] == "cpu"]
    status = "ok" if not left else "incompatible" if len(left) == len(operators) else "partial"
    return {
        "kind": "compatibility",
        "status": status,
        "producer": "vela",
        "metrics": [_metric(record) for record in records if record["metric"] in COMPATIBILITY],
        "entities": [_entity(index, operator) for index, operator in enumerate(operators)],
        "advice": [_advice(index, operators[index]) for index in left],
    }


def _performance(records: Sequence[Record], placement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One result per mode that the run has figures of; cycles of operators belong to the prediction."""
    results = []
    for mode in dict.fromkeys(MODES.values()):
        kinds = ("compiled", *(kind for kind in MODES if MODES[kind] == mode)) if mode == "predicted" else _kinds(mode)
        metrics = [_metric(record) for record in records if record["metric"] in PERFORMANCE and record["evidence"] in kinds]
        if not metrics:
            continue
        result: dict[str, Any] = {"kind": "performance", "status": "ok", "producer": "ethos-bench", "mode": mode}
        result["metrics"] = metrics
        if mode == "predicted":
            operators = placement["operators"]
            result |= {"producer": "vela", "entities": [_entity(i, operator) for i, operator in enumerate(operators)]}
            result["breakdowns"] = [_breakdown(i, operator) for i, operator in enumerate(operators)]
        results.append(result)
    return results


def _kinds(mode: str) -> tuple[str, ...]:
    return tuple(kind for kind in MODES if MODES[kind] == mode)


def _metric(record: Record) -> dict[str, Any]:
    named: dict[str, Any] = {"name": record["metric"], "unit": record["unit"]}
    qualifiers = {"evidence": record["evidence"], "target": record["target"]}
    qualifiers |= {part: record[part] for part in ("stat", "graph") if record.get(part)}
    if "unavailable" in record:
        return {**named, "availability": "unavailable", "reason": record["unavailable"], "qualifiers": qualifiers}
    return {**named, "value": record["value"], "qualifiers": qualifiers}


def _entity(index: int, operator: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"source_operator/operator/{index}",
        "kind": "source_operator",
        "name": str(operator["operator"]),
        "placement": "CPU" if operator["where"] == "cpu" else "NPU",
        "attributes": {"output": str(operator["name"]), "place": operator["where"]},
    }


def _breakdown(index: int, operator: Mapping[str, Any]) -> dict[str, Any]:
    cycles = operator["npu_cycles"]
    counted = {"value": cycles} if isinstance(cycles, int) else {"availability": "unavailable", "reason": str(cycles)}
    metrics = [
        {"name": "npu_cycles", "unit": "cycles", **counted},
        {"name": "macs", "unit": "count", "value": operator["macs"]},
    ]
    return {"entity_id": f"source_operator/operator/{index}", "metrics": metrics}


def _advice(index: int, operator: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"cpu/{index}",
        "category": "compatibility",
        "severity": "warning",
        "message": f"{operator['operator']} runs on the CPU: {operator.get('reason') or 'Vela gives no reason'}",
        "affected_entity_ids": [f"source_operator/operator/{index}"],
    }
