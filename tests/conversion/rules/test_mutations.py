"""Each rule broken once: the layers at the boundaries notice. What is broken here is a copy; the table itself stays."""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from conversion.rules import table
from conversion.rules.constraints import arrangement, convolution, elementwise, pooling, quantisation, tensors
from conversion.rules.devices import Limits
from conversion.rules.table import RULES, Constraint, Rule
from tests.conversion.rules.boundaries import CASES
from tests.conversion.rules.good_layers import DEVICE, Case

MODULES = (arrangement, convolution, elementwise, pooling, quantisation, tensors)
PAIRS = [(kind, constraint) for kind, rule in RULES.items() for constraint in rule.constraints]
OTHER_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}


def noticed(rules: Mapping[str, Rule], cases: tuple[Case, ...] = CASES) -> bool:
    """Whether a boundary gets another answer, or another reason, from these rules."""
    return any(_answer(rules, case) for case in cases)


def _answer(rules: Mapping[str, Rule], case: Case) -> bool:
    rule = rules[table.form(case.layer)]
    try:
        found = next((reason for check in rule.constraints if (reason := check(case.layer, case.device))), "")
    except Exception:  # a broken rule may break in any way
        return True
    return bool(found) != bool(case.refusal) or case.refusal not in found


def test_the_unbroken_rules_give_every_expected_answer() -> None:
    assert not noticed(RULES)


@pytest.mark.parametrize("kind", RULES)
def test_every_constraint_that_a_rule_loses_is_noticed(kind: str) -> None:
    rule = RULES[kind]
    for lost in rule.constraints:
        kept = tuple(constraint for constraint in rule.constraints if constraint is not lost)
        assert noticed({**RULES, kind: replace(rule, constraints=kept)}), f"{kind} without {lost.__name__}"


def moved_limits() -> Iterator[tuple[str, Limits]]:
    """Every limit a little lower and a little higher; of a list each entry gone and one more there."""
    for one in fields(Limits):
        value: Any = getattr(DEVICE.limits, one.name)
        if isinstance(value, list):
            others: list[Any] = [[entry for entry in value if entry != gone] for gone in value] + [[*value, max(value) + 1]]
        elif isinstance(value, dict):
            others = [{**value, key: entry + 1} for key, entry in value.items()]
        else:
            others = [value - 1, value + 1] if isinstance(value, int) else [value * 0.9, value * 1.1]
        for other in others:
            yield f"{one.name} = {other}", replace(DEVICE.limits, **{one.name: other})


def test_every_limit_that_moves_is_noticed() -> None:
    for name, limits in moved_limits():
        cases = tuple(replace(case, device=replace(case.device, limits=limits)) for case in CASES)
        assert noticed(RULES, cases), name


def mutants(source: str) -> Iterator[tuple[str, ast.Module]]:
    """The module with one comparison turned, one `and` as `or`, or one number off by one; messages stay as they are."""
    tree = ast.parse(source)
    messages = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for position, node in enumerate(ast.walk(tree)):
        if id(node) in messages:
            continue
        for change in range(_changes(node)):
            tree = ast.parse(source)
            target = list(ast.walk(tree))[position]
            before = ast.unparse(target)
            _apply(target, change)
            yield f"line {getattr(target, 'lineno', 0)}: {before} -> {ast.unparse(target)}", ast.fix_missing_locations(tree)


def _changes(node: ast.AST) -> int:
    if isinstance(node, ast.Compare):
        return sum(len(OTHER_COMPARISONS.get(type(operator), ())) for operator in node.ops)
    if isinstance(node, ast.BoolOp):
        return 1
    return int(isinstance(node, ast.Constant) and type(node.value) in (int, float))


def _apply(node: ast.AST, change: int) -> None:
    if isinstance(node, ast.Compare):
        turned = [
            (place, other) for place, operator in enumerate(node.ops) for other in OTHER_COMPARISONS.get(type(operator), ())
        ]
        place, other = turned[change]
        node.ops[place] = other()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        node.value += 1


def broken(module: types.ModuleType, tree: ast.Module) -> dict[str, Rule]:
    """The rule table with this version of one module's functions."""
    copy = types.ModuleType(module.__name__)
    exec(compile(tree, str(module.__file__), "exec"), copy.__dict__)  # our own source, one token changed

    def other(constraint: Constraint) -> Constraint:
        found: Constraint = copy.__dict__[constraint.__name__] if constraint.__module__ == module.__name__ else constraint
        return found

    return {kind: replace(rule, constraints=tuple(other(one) for one in rule.constraints)) for kind, rule in RULES.items()}


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES, ids=[module.__name__.rpartition(".")[2] for module in MODULES])
def test_every_comparison_and_every_number_in_a_rule_that_changes_is_noticed(module: types.ModuleType) -> None:
    source = Path(str(module.__file__)).read_text()
    survivors = [name for name, tree in mutants(source) if not noticed(broken(module, tree))]
    assert survivors == []
