"""What a run writes is read again, equal, whatever text or value is in it; what would not be is said."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.files import write_whole
from core.records.evidence import Evidence
from core.records.failure import Failure
from core.records.identity import Identity
from core.records.unavailable import Unavailable
from harness.bundle.contents import write_bundle
from harness.bundle.manifest import verify_folder
from harness.history.engine import history_url
from harness.history.store import History
from harness.report.exports import FORMATS
from harness.results.findings import Findings
from harness.results.store import Results
from harness.results.stored_run import read_run
from harness.results.writable import writable
from tests.harness.builders import header, measurement, sample_group

AWKWARD = (
    "<script>",
    "a|b\n# c",
    "]]>",
    "\x1b[2J",
    "\u202e",
    "\0",
    "\udc80",
    "\ud83d\ude00",
    "'\"`&",
    "../..",
    "=1+1",
    "\u2028",
)
TEXT = st.text(min_size=1, max_size=12) | st.sampled_from(AWKWARD)
VALUE = st.floats(0, 1) | TEXT.map(Unavailable) | st.sampled_from([0, 1])
RECORDS = st.builds(
    measurement, variant=TEXT, profile=TEXT, target=TEXT, value=VALUE, note=TEXT, build=TEXT,
    identity=st.builds(Identity, target=st.dictionaries(TEXT, TEXT, max_size=2), profile=TEXT),
)  # fmt: skip
FAILURES = st.builds(Failure, test=TEXT, message=TEXT, variant=TEXT)
HOSTILE: tuple[Any, ...] = (
    {"value": float("nan")}, {"value": float("inf")}, {"value": 10**400}, {"value": -0.5}, {"value": 1.5}, {"value": "0.5"},
    {"value": True}, {"metric": "latency_us", "unit": "us", "value": -5.0, "stat": "median", "evidence": Evidence.MEASURED},
    {"metric": "process_peak_bytes", "unit": "bytes", "value": -1}, {"metric": "latency_us", "unit": "us", "value": 1.0},
    {"metric": "../x"}, {"variant": ""}, {"identity": Identity(weights="no hash")},
)  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=str)
def test_a_record_that_report_would_refuse_is_not_written(change: dict[str, Any]) -> None:
    found, problems = writable(Findings(records=[measurement(**change), measurement(stat="min")]))
    assert [record.stat for record in found.records] == ["min"]
    assert len(problems) == 1


@pytest.mark.parametrize("sample", [float("nan"), float("inf"), -5.0])
def test_samples_that_are_no_times_are_not_written(sample: float) -> None:
    found, problems = writable(Findings(samples=[sample_group(latency_us=(1.0, sample)), sample_group()]))
    assert found.samples == [sample_group()]
    assert "no time in microseconds" in problems[0]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(RECORDS, min_size=1, max_size=3), st.lists(FAILURES, max_size=2))
def test_what_a_run_writes_is_read_by_report_export_bundle_and_history_and_comes_out_equal(
    records: list[Any], failures: list[Failure]
) -> None:
    with TemporaryDirectory() as name:
        results = Results(Path(name) / "run", header())
        assert results.add(Findings(records=records, samples=[sample_group()])) == ()
        for failure in failures:
            results.fail(failure)
        results.finish(0)
        written = results.run()
        read = read_run(results.folder)
        assert (read.written, read.samples) == (written.written, written.samples)
        for export in FORMATS.values():
            assert all(text.encode() for text in export(read).values())
        history = History(history_url(str(Path(name) / "history.db"), Path(name)))
        assert history.add(read)
        assert history.run(read.id).written.to_json() == read.written.to_json()
        bundle = write_bundle(read, Path(name) / "bundle", lambda _, page: write_whole(page, "a page"))
        assert verify_folder(bundle)[2] == []
        assert read_run(bundle).written == read.written
        results.close()
