"""Reads documented figures from TOML: one file per document."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.errors import UsageError
from harness.records.claim import Claim, Document, Statement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class ClaimFile:
    """Everything one document claims."""

    claims: tuple[Claim, ...]
    statements: tuple[Statement, ...]


def read_claims(folder: Path) -> ClaimFile:
    """All claims and statements of a folder's TOML files, files in name order."""
    files = [_read(path) for path in sorted(folder.glob("*.toml"))]
    return ClaimFile(
        tuple(claim for file in files for claim in file.claims),
        tuple(statement for file in files for statement in file.statements),
    )


def _read(path: Path) -> ClaimFile:
    """The claims of one file.

    A `[[figures]]` table holds what its claims share, and `values`: variant -> documented figure; each becomes one Claim.
    """
    try:
        content = tomllib.loads(path.read_text())
        document = TypeAdapter(Document).validate_python(content["document"])
        claims = [claim for table in content.get("figures", []) for claim in _claims(table, document)]
        statements = [
            TypeAdapter(Statement).validate_python({**table, "document": document}) for table in content.get("statements", [])
        ]
    except (tomllib.TOMLDecodeError, ValidationError, KeyError) as error:
        raise UsageError(f"claims file `{path}` is wrong: {error}", "the fields of harness/records/claim.py") from error
    return ClaimFile(tuple(claims), tuple(statements))


def _claims(table: dict[str, Any], document: Document) -> list[Claim]:
    shared = {key: value for key, value in table.items() if key not in ("values", "id")}
    adapter = TypeAdapter(Claim)
    return [
        adapter.validate_python(
            {**shared, "id": f"{table['id']}-{variant}", "variant": variant, "value": value, "document": document}
        )
        for variant, value in table["values"].items()
    ]
