"""What one test found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from core.records.measurement import Measurement
from core.records.sample_group import SampleGroup
from core.records.verdict import Verdict


@dataclass
class Findings:
    """What one test found; plain data, so that it can travel from an xdist worker.

    `files` maps a path inside the results folder to the file whose content goes there, `texts` to its content.
    """

    records: list[Measurement] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    samples: list[SampleGroup] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return {
            "records": [record.to_json() for record in self.records],
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "samples": [group.to_json() for group in self.samples],
            "files": self.files,
            "texts": self.texts,
        }

    @classmethod
    def from_json(cls, content: object) -> Findings:
        """The findings that `to_json` wrote."""
        return FINDINGS.validate_json(json.dumps(content), strict=True)

    def __bool__(self) -> bool:
        return any((self.records, self.verdicts, self.samples, self.files, self.texts))


FINDINGS = TypeAdapter(Findings)
