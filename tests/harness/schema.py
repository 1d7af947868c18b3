"""The schema of results.json, as tests apply it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.checkout import CHECKOUT

SCHEMA: dict[str, Any] = json.loads((CHECKOUT / "harness" / "results" / "results.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def problems(results: Any) -> list[str]:
    """What is wrong with the content of a results.json, in words."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(results)]


def read_results(folder: Path) -> dict[str, Any]:
    """The results of a run, checked against the schema; strict JSON, so that NaN is refused."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON")

    content: dict[str, Any] = json.loads((folder / "results.json").read_text(), parse_constant=refuse)
    assert problems(content) == []
    return content
