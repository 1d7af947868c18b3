"""Does every model meet the thresholds of --acceptance?"""

import json
from collections.abc import Callable
from dataclasses import asdict

from harness.pytest_plugin.acceptance import PROPERTY, Requirement


def test_acceptance(requirement: Requirement, record_property: Callable[[str, object], None]) -> None:
    """The figure is there, of the evidence that is asked for, and good enough."""
    record_property(PROPERTY, json.dumps(asdict(requirement.of_records)))
    record_property("found", requirement.require().found)
