"""What our cycle model says of the session's compiled models."""

from __future__ import annotations

from functools import partial

from conversion.estimates import Estimation, estimated
from core.records.case_key import CaseKey
from harness.workbench.conversions import Conversions
from harness.workbench.session import Session


class Estimates:
    """From a case to the estimate of its artefact, on the memory that was asked for."""

    def __init__(self, session: Session, conversions: Conversions) -> None:
        self._session = session
        self._conversions = conversions

    def of(self, case: CaseKey) -> Estimation:
        """The estimate of a case's compiled file; models that are equal share it."""
        compilation, memory = self._conversions.artefact(case).compilation, self._session.options.memory
        key = ("estimate", compilation.compiled.sha256, case.profile)
        return self._session.memo.get(key, partial(estimated, compilation, memory, self._session.telling(case.variant)))
