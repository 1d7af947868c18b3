"""A run as node data of Model Explorer (google-ai-edge/model-explorer, node_data_builder.py), and as one JSON of the same.

Node data lie over the graph of the int8 file, whose nodes are found by the name of what they give: a file for each quantity,
loaded beside the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from core.records.operator_cycles import OperatorCycles
from core.records.placement import Placement
from harness.report.run_view import RunView
from harness.results.stored_run import StoredRun

GRAPH = "main"
"""What Model Explorer calls the first graph of a TFLite file."""
GRADIENT = [{"stop": 0, "bgColor": "#fff3e0"}, {"stop": 1, "bgColor": "#e65100"}]
QUANTITIES = ("placement", "macs", "cycles", "bound", "read_beats", "write_beats")


def model_explorer(run: StoredRun) -> dict[str, str]:
    """`operators-<model>-<profile>.json`, and `model-explorer-<model>-<profile>-<quantity>.json` for what the run knows."""
    files: dict[str, str] = {}
    for model, profile in dict.fromkeys((case.model, case.profile) for case in RunView(run).cases):
        placement = run.placement(model, profile)
        if placement is None:
            continue
        cycles = run.cycles(model, profile)
        rows = list(_rows(placement, {one.index: one for one in cycles.operators} if cycles else {}))
        trust = {"cycles_are": f"estimated by our cycle model: {cycles.trust}"} if cycles else {}
        files[f"operators-{model}-{profile}.json"] = _text({"model": model, "profile": profile, **trust, "operators": rows})
        for quantity in QUANTITIES:
            if found := {row["name"]: {"value": row[quantity]} for row in rows if quantity in row}:
                colours = {} if quantity in ("placement", "bound") else {"gradient": GRADIENT}
                files[f"model-explorer-{model}-{profile}-{quantity}.json"] = _text({GRAPH: {"results": found, **colours}})
    return files


def _rows(placement: Placement, cycles: dict[int, OperatorCycles]) -> Iterator[dict[str, Any]]:
    for operator in placement.operators:
        row: dict[str, Any] = {"index": operator.index, "operator": operator.operator, "name": operator.name}
        row |= {"placement": str(operator.where), "macs": operator.macs, "reason": operator.reason}
        if one := cycles.get(operator.index):
            row |= {"cycles": one.cycles, "bound": str(one.bound), "read_beats": one.read_beats, "write_beats": one.write_beats}
        yield row


def _text(content: object) -> str:
    return json.dumps(content, indent=1) + "\n"
