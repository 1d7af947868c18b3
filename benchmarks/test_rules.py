"""What would the hardware take that the documents name? Judged by its published rules; nothing runs."""

from harness.workbench.rules_case import RulesCase


def test_rules(rules_case: RulesCase) -> None:
    """Operators, MACs and pieces of the int8 file, and the NPU report's own count of a published one."""
    assert rules_case.rules()
