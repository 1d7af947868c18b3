"""A test of a run that failed."""

from __future__ import annotations

from dataclasses import dataclass

from core.records.case_key import CaseKey
from core.records.field_types import FILE_RECORD, Name


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failed test with its message: `test` is pytest's id, `name` the function, the rest its case.

    The case is empty for tests that are of no single case (statements about several models), and all but `test` and
    `message` in files of older versions, which did not keep it.
    """

    __pydantic_config__ = FILE_RECORD

    test: Name
    message: str
    name: str = ""
    variant: str = ""
    build: str = ""
    profile: str = ""
    target: str = ""

    @property
    def case(self) -> CaseKey | None:
        """The case whose test failed, None for a test of several."""
        return CaseKey(self.variant, self.build, self.profile, self.target) if self.variant else None

    def to_json(self) -> dict[str, str]:
        """A mapping for results.json, without the parts that it does not have."""
        return {"test": self.test, "message": self.message} | {
            key: text for key, text in vars(self).items() if text and key not in ("test", "message")
        }
