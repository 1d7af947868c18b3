"""A runner that says what cannot be fails its run, and nothing of it becomes a figure.

Covers targets.transcript.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RunError
from targets.event_checks import checked
from targets.runner.protocol import EVENTS, Files, Loaded, Output, Sample, Summary, TensorFacts, event_of
from targets.transcript import MOST_EVENTS, Transcript

LIES: tuple[dict[str, Any], ...] = (
    {"event": "sample", "us": -5.0}, {"event": "sample", "us": 0}, {"event": "sample", "us": math.nan},
    {"event": "sample", "us": math.inf}, {"event": "sample", "us": "5"}, {"event": "sample", "us": True},
    {"event": "sample", "us": 10**400}, {"event": "sample", "us": None}, {"event": "sample", "us": 1e300},
    {"event": "done", "peak_memory_bytes": -1}, {"event": "done", "peak_memory_bytes": "1"},
    {"event": "done", "peak_memory_bytes": 1, "elapsed_us": math.nan},
    {"event": "npu", "counters": ["1"], "interrupts": 1, "device": "", "driver": ""},
    {"event": "npu", "counters": [-1], "interrupts": 1, "device": "", "driver": ""},
    {"event": "npu", "counters": [2**64], "interrupts": 1, "device": "", "driver": ""},
    {"event": "npu", "counters": [1.5], "interrupts": 1, "device": "", "driver": ""},
    {"event": "npu", "counters": [1], "interrupts": -1, "device": "", "driver": ""},
    {"event": "npu", "counters": 7, "interrupts": 1, "device": "", "driver": ""},
    {"event": "output", "input": -1, "files": []}, {"event": "output", "input": 0, "files": ["../../etc/x"]},
    {"event": "output", "input": 0, "files": ["/etc/passwd"]}, {"event": "output", "input": 0, "files": "ab"},
    {"event": "files", "folder": "d", "sizes": {"../x": 1}, "sha256": {"../x": "a"}},
    {"event": "files", "folder": "d", "sizes": {"x": -1}, "sha256": {"x": "a"}},
    {"event": "files", "folder": "d", "sizes": {"x": 1}, "sha256": {}},
    {"event": "files", "folder": "d", "sizes": {"x": 2**50}, "sha256": {"x": "a"}},
    {"event": "loaded", "sha256": "../x", "inputs": [], "outputs": []},
    {"event": "loaded", "sha256": "a" * 64, "inputs": [], "outputs": [{"name": "", "shape": [-1], "dtype": "int8"}]},
    {"event": "loaded", "sha256": "a" * 64, "inputs": [], "outputs": [{"name": "", "shape": [1], "dtype": "object"}]},
    {"event": "loaded", "sha256": "a" * 64, "inputs": [], "outputs": [{"name": "", "shape": [2**30, 9], "dtype": "int8"}]},
    {"event": "summary", "count": 5, "min": 9.0, "avg": 1.0}, {"event": "summary", "count": -5, "min": 1.0, "avg": 1.0},
    {"event": "summary", "count": 5, "min": 1.0, "avg": math.inf},
    {"event": "state", "when": "", "governor": 7, "frequency_khz": 1, "temperature_mc": None, "throttled": False, "load": ""},
    {"event": "delegated", "operators": 3, "by_delegate": None, "left": []}, {"event": "error", "message": ["x"]},
)  # fmt: skip
FACTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)  # fmt: skip


@pytest.mark.parametrize("facts", LIES, ids=lambda facts: json.dumps(facts)[:70])
def test_what_cannot_be_is_an_error_of_the_run_whether_it_is_said_or_recorded(facts: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="the runner says what cannot be"):
        Transcript().take(json.dumps(facts))
    recorded = {"events": [facts], "lost": [], "notes": [], "seconds": 1.0}
    with pytest.raises((ValueError, TypeError)):
        Transcript.from_json(recorded, {})


@given(
    st.sampled_from(sorted(EVENTS)),
    st.dictionaries(st.sampled_from(["us", "input", "files", "sizes", "counters", "count", "min"]), FACTS),
)
def test_whatever_a_runner_says_is_an_event_a_banner_or_an_error_of_the_run(kind: str, facts: dict[str, Any]) -> None:
    said = Transcript()
    try:
        said.take(json.dumps({"event": kind, **facts}))
    except RunError:
        assert said.events == []
    for event in said.events:
        assert checked(event) is event


def test_more_samples_than_were_asked_for_end_the_run() -> None:
    said = Transcript(asked={Sample: 2})
    for _ in range(2):
        said.say(Sample(1.0))
    with pytest.raises(RunError, match="said `sample` more than 2 times"):
        said.say(Sample(1.0))


def test_events_without_end_end_the_run_and_signs_of_life_fill_no_memory() -> None:
    said = Transcript()
    for _ in range(10 * MOST_EVENTS):
        said.take('{"event": "alive"}')
    assert len(said.events) == 1
    for _ in range(MOST_EVENTS):
        said.take('{"event": "error", "message": "again"}')
    with pytest.raises(RunError, match="more than"):
        said.take('{"event": "error", "message": "again"}')


@pytest.mark.parametrize(
    ("outputs", "files", "reason"),
    [
        ([Output(0, ["a"]), Output(0, ["a"])], {"a": b"1234"}, r"outputs of the inputs \[0, 0\]"),
        ([Output(1, ["a"])], {"a": b"1234"}, r"inputs \[1\]"),
        ([Output(0, ["a"])], {"a": b"123"}, "`a` has 3 bytes"),
        ([Output(0, ["a"])], {}, "`a` has 0 bytes"),
        ([Output(0, ["a", "b"])], {"a": b"1234"}, "2 outputs of input 0"),
        ([Output(0, [])], {}, "0 outputs of input 0"),
    ],
)
def test_outputs_that_are_not_all_there_are_an_error(outputs: list[Output], files: dict[str, bytes], reason: str) -> None:
    said = Transcript(files=files)
    said.say(Loaded("a" * 64, [], [TensorFacts("t", [1, 4], "int8")]))
    for output in outputs:
        said.say(output)
    with pytest.raises(RunError, match=reason):
        said.outputs()


@pytest.mark.parametrize("change", [{"lost": [-1.0]}, {"lost": ["1"]}, {"seconds": math.nan}, {"notes": [7]}, {"events": 7}])
def test_a_recording_that_was_changed_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Transcript.from_json({"events": [], "lost": [], "notes": [], "seconds": 1.0, **change}, {})


def test_what_a_sound_runner_says_is_taken() -> None:
    for event in (Sample(5), Summary(3, 1.0, 2.0, 1.5, 3.0, 0.1), Files("d", {"a.bin": 0}, {"a.bin": "x"})):
        assert event_of(json.loads(json.dumps(event.to_json()))) == checked(event)
