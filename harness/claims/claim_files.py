"""Reads documented figures from TOML: one file per document."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ConfigDict, FiniteFloat, NonNegativeFloat
from pydantic.dataclasses import dataclass as pydantic_dataclass

from conversion.rules.devices import rules_names
from core.errors import UsageError
from core.records.claim import Claim, Comparability, Document, Statement
from core.toml_file import read_toml
from harness.claims.verdicts import RULES

FILE_CONFIG = ConfigDict(extra="forbid")
"""A key that nobody knows is a spelling mistake, and a claim that would be lost in silence."""


@dataclass(frozen=True)
class ClaimFile:
    """Everything one document claims."""

    claims: tuple[Claim, ...]
    statements: tuple[Statement, ...]


@pydantic_dataclass(config=FILE_CONFIG)
class FigureTable:
    """A `[[figures]]` table: what its claims share, and `values`: variant -> documented figure."""

    id: str
    metric: str
    unit: str
    tolerance: NonNegativeFloat
    counts: str
    comparability: Comparability
    why: str
    values: dict[str, FiniteFloat]
    graph: str = ""
    conditions: dict[str, str] = field(default_factory=dict)
    rules: str = ""
    provenance: str = ""

    def claims(self, document: Document) -> list[Claim]:
        """One claim for each value."""
        shared = {key: value for key, value in vars(self).items() if key in SHARED}
        return [
            Claim(**shared, id=f"{self.id}-{variant}", variant=variant, value=value, document=document)
            for variant, value in self.values.items()
        ]


@pydantic_dataclass(config=FILE_CONFIG)
class StatementTable:
    """A `[[statements]]` table."""

    id: str
    text: str
    rule: str
    comparability: Comparability
    why: str
    rules: str = ""
    provenance: str = ""


@pydantic_dataclass(config=FILE_CONFIG)
class DocumentFile:
    """A whole file."""

    document: Document
    figures: list[FigureTable] = field(default_factory=list)
    statements: list[StatementTable] = field(default_factory=list)


SHARED = ("metric", "unit", "tolerance", "counts", "comparability", "why", "graph", "conditions", "rules", "provenance")
"""Fields that a claim takes over from its table as they are."""


def read_claims(folder: Path) -> ClaimFile:
    """All claims and statements of a folder's TOML files, files in name order."""
    files = [_read(path) for path in sorted(folder.glob("*.toml"))]
    return ClaimFile(
        tuple(claim for file in files for claim in file.claims),
        tuple(statement for file in files for statement in file.statements),
    )


def _read(path: Path) -> ClaimFile:
    """The claims of one file; UsageError that names it and says what is wrong."""
    content = read_toml(path, DocumentFile, "claims file")
    wanted = [table.rules for table in content.figures] + [table.rules for table in content.statements]
    unjudged = [name for name in wanted if name and name not in rules_names()]
    if unjudged:
        found = f"claims file `{path}` is wrong: there is no rules profile `{unjudged[0]}`"
        raise UsageError(found, f"one of {', '.join(rules_names())}")
    unknown = [statement.rule for statement in content.statements if statement.rule not in RULES]
    if unknown:
        raise UsageError(f"claims file `{path}` is wrong: there is no rule `{unknown[0]}`", f"one of {', '.join(RULES)}")
    return ClaimFile(
        tuple(claim for table in content.figures for claim in table.claims(content.document)),
        tuple(Statement(**vars(table), document=content.document) for table in content.statements),
    )
