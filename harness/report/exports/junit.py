"""JUnit XML of a finished run: a test per combination and per claim, figures with their evidence as properties."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as Xml  # it only writes here

from core.metrics import metric_of
from core.records.case_key import CaseKey
from core.records.measurement import Measurement
from core.records.verdict import Verdict
from harness.report.decision import decide_case
from harness.report.run_view import RunView
from harness.report.tables import amount_text, difference_text
from harness.results.stored_run import StoredRun

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold in any spelling."""


def junit(run: StoredRun) -> dict[str, str]:
    """`junit.xml`: a combination that must not ship and a claim not met are failures, one without proof is skipped."""
    view = RunView(run)
    root = Xml.Element("testsuites", name="ethos-bench")
    _suite(root, "combinations", [_combination(view, case) for case in view.cases], run)
    _suite(root, "claims", [_claim(verdict) for verdict in run.verdicts], run)
    Xml.indent(root)
    return {"junit.xml": Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"}


def _suite(root: Xml.Element, name: str, tests: list[Xml.Element], run: StoredRun) -> None:
    failed, skipped = (str(sum(test.find(mark) is not None for test in tests)) for mark in ("failure", "skipped"))
    counts = {"tests": str(len(tests)), "failures": failed, "skipped": skipped, "errors": "0"}
    suite = Xml.SubElement(root, "testsuite", {"name": name, "timestamp": run.header.started, **counts})
    _properties(suite, [("run", run.id), ("commit", run.header.commit), ("command", run.header.command)])
    suite.extend(tests)


def _combination(view: RunView, case: CaseKey) -> Xml.Element:
    test = Xml.Element("testcase", classname="ethos-bench", name=clean(str(case)))
    own = [figure for figure in view.run.records if figure.case == case]
    _properties(test, figure_properties(own))
    decision = decide_case(view, case)
    if decision.state == "stop":
        Xml.SubElement(test, "failure", message=clean(decision.reasons[0])).text = clean("\n".join(decision.reasons))
    elif decision.state == "open":
        Xml.SubElement(test, "skipped", message=clean("; ".join(decision.reasons)))
    return test


def _claim(verdict: Verdict) -> Xml.Element:
    name = clean(f"{verdict.name}[{verdict.profile}-{verdict.target}]")
    test = Xml.Element("testcase", classname="ethos-bench.claims", name=name)
    documented, found = (amount_text(side, verdict.unit) for side in (verdict.documented, verdict.found))
    sentence = clean(f"{verdict.outcome}: {documented} documented, {found} found ({difference_text(verdict)})")
    _properties(test, [("evidence", str(verdict.evidence)), ("comparability", verdict.comparability)])
    if verdict.outcome in ("refuted", "fell short"):
        Xml.SubElement(test, "failure", message=sentence).text = clean(f"{verdict.text}\n{verdict.why}")
    elif verdict.outcome in ("no figure", "not comparable"):
        Xml.SubElement(test, "skipped", message=sentence)
    return test


def figure_properties(figures: Iterable[Measurement]) -> list[tuple[str, str]]:
    """Figures as JUnit properties: ("latency_us median @ host", "5012.3"); those that only explain others are left out."""
    found = []
    for figure in figures:
        row = metric_of(figure.metric)
        if row.detail:
            continue
        name = " ".join(filter(None, (figure.metric, row.named(figure.stat), figure.graph)))
        found.append((clean(f"{name} @ {figure.evidence}"), clean(str(figure.value))))
    return found


def clean(text: str) -> str:
    """The text without what XML cannot hold."""
    return NO_XML.sub("?", text)


def _properties(parent: Xml.Element, pairs: Iterable[tuple[str, str]]) -> None:
    holder = Xml.SubElement(parent, "properties")
    for name, value in pairs:
        Xml.SubElement(holder, "property", name=clean(name), value=clean(value))
