"""JUnit XML of a finished run: a test per combination and per claim, figures with their evidence as properties."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as Xml  # it only writes here

from harness.report.decision import decide_case
from harness.report.run_view import Case, RunView
from harness.report.tables import Record, difference_text, found_text
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
    suite = Xml.SubElement(root, "testsuite", {"name": name, "timestamp": str(run.header["started"]), **counts})
    _properties(suite, [("run", run.id), ("commit", str(run.header["commit"])), ("command", str(run.header["command"]))])
    suite.extend(tests)


def _combination(view: RunView, case: Case) -> Xml.Element:
    test = Xml.Element("testcase", classname="ethos-bench", name=clean("-".join(case)))
    own = [r for r in view.run.records if (r["variant"], r["profile"], r["target"]) == case]
    _properties(test, figure_properties(own))
    decision = decide_case(view, case)
    if decision.state == "stop":
        Xml.SubElement(test, "failure", message=clean(decision.reasons[0])).text = clean("\n".join(decision.reasons))
    elif decision.state == "open":
        Xml.SubElement(test, "skipped", message=clean("; ".join(decision.reasons)))
    return test


def _claim(verdict: Record) -> Xml.Element:
    name = clean(f"{verdict['claim']}[{verdict['profile']}-{verdict['target']}]")
    test = Xml.Element("testcase", classname="ethos-bench.claims", name=name)
    documented, found = (found_text(verdict[side], verdict["unit"]) for side in ("documented", "found"))
    sentence = clean(f"{verdict['outcome']}: {documented} documented, {found} found ({difference_text(verdict)})")
    _properties(test, [("evidence", verdict["evidence"]), ("comparability", verdict["comparability"])])
    if verdict["outcome"] in ("refuted", "fell short"):
        Xml.SubElement(test, "failure", message=sentence).text = clean(f"{verdict['text']}\n{verdict['why']}")
    elif verdict["outcome"] in ("no figure", "not comparable"):
        Xml.SubElement(test, "skipped", message=sentence)
    return test


def figure_properties(records: Iterable[Record]) -> list[tuple[str, str]]:
    """Records as JUnit properties: ("latency_us median @ host", "5012.3"); figures of single classes are left out."""
    found = []
    for record in records:
        if record["metric"].startswith("class_"):
            continue
        name = " ".join(record[part] for part in ("metric", "stat", "graph") if record.get(part))
        value = record["value"] if "value" in record else f"unavailable: {record['unavailable']}"
        found.append((clean(f"{name} @ {record['evidence']}"), clean(str(value))))
    return found


def clean(text: str) -> str:
    """The text without what XML cannot hold."""
    return NO_XML.sub("?", text)


def _properties(parent: Xml.Element, pairs: Iterable[tuple[str, str]]) -> None:
    holder = Xml.SubElement(parent, "properties")
    for name, value in pairs:
        Xml.SubElement(holder, "property", name=clean(name), value=clean(value))
