"""The page of a run: one file that decides, escapes everything and asks nobody for anything.

Covers harness.report.html.accuracy_charts, harness.report.html.claim_charts, harness.report.html.exhibits,
harness.report.html.page_content, harness.report.html.pictures.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.errors import DatasetError, UsageError
from core.files import write_whole
from core.records.evidence import Evidence
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.history.engine import history_url
from harness.history.store import History
from harness.report.decision import decide_case, decide_run, decisions
from harness.report.html.history import history_charts
from harness.report.html.history_events import history_events
from harness.report.html.latency_charts import median_interval
from harness.report.html.network import networks, short_names
from harness.report.html.page import page
from harness.report.html.vega import Chart, draw, field
from harness.report.past import Past, past_of
from harness.report.run_view import RunView
from harness.results.stored_run import StoredRun, read_run
from harness.tasks.detect.dataset import load_dataset
from tests.harness.builders import measurement, revised, with_records
from tests.harness.report.runs import write_run

EVIL = '<script>alert(1)</script>"onload="x'


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        else:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def states(run: StoredRun) -> list[str]:
    view = RunView(run)
    return [decide_case(view, case).state for case in view.cases]


def headline(run: StoredRun) -> str:
    view = RunView(run)
    return decide_run(view, decisions(view), ()).word


def test_without_proof_of_npu_execution_nothing_is_proven(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert states(run) == ["open", "open"]
    assert headline(run) == "Not proven"


def test_a_model_that_an_npu_executed_and_that_nothing_speaks_against_ships(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", executed=1.0)
    assert states(run) == ["ship", "ship"]
    assert headline(run) == "Ship"


def test_a_model_that_does_not_fit_must_not_ship_however_well_it_ran(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", executed=1.0, fits=False)
    assert states(run) == ["stop", "stop"]
    assert headline(run) == "Do not ship"
    assert "the platform has 2.00 MiB" in page(run)


def beside_sim(tmp_path: Path, **changes: Any) -> StoredRun:
    """A run on `sim`, which proves execution and has too few images for an accuracy of its own, and on `host`."""
    run = write_run(tmp_path / "run", ("level2_relu",), **changes)
    few = measurement(
        variant="level2_relu",
        metric="map50_95",
        graph="npu",
        value=Unavailable("4 images only"),
        evidence=Evidence.SIMULATED_OPEN,
    )
    proved = [replace(few, target="sim")]
    for figure in run.records:
        if figure.metric == "npu_executed_share":
            figure = replace(figure, value=1.0, evidence=Evidence.SIMULATED_OPEN)
        if figure.metric != "latency_us":
            proved.append(replace(figure, target="sim"))
    return rewritten(with_records(run, [*run.records, *proved]))


def rewritten(run: StoredRun) -> StoredRun:
    """The run written into its folder and read back."""
    write_whole(run.folder / "results.json", json.dumps(run.written.to_json()))
    return read_run(run.folder)


def test_the_engine_behind_a_target_stands_beside_its_name(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", executed=1.0)
    results = json.loads((run.folder / "results.json").read_text())
    for record in results["records"]:
        record["identity"].setdefault("options", {})["engine"] = "open"
    (run.folder / "results.json").write_text(json.dumps(results))
    assert "<small>host (open)</small>" in page(read_run(run.folder))


def test_a_cpu_beside_a_target_that_proves_execution_is_no_combination_of_its_own(tmp_path: Path) -> None:
    view = RunView(beside_sim(tmp_path))
    assert {case.target: decision.state for case, decision in decisions(view).items()} == {"sim": "ship"}
    assert page(view.run).count(">Not proven<") == 0


def test_a_cpu_beside_it_counts_when_one_of_its_tests_failed(tmp_path: Path) -> None:
    failed = ("benchmarks/test_latency.py::test_latency[level2_relu-ethos-u65-256-host]", "no samples")
    view = RunView(beside_sim(tmp_path, failures=[failed]))
    assert {case.target: decision.state for case, decision in decisions(view).items()} == {"host": "stop", "sim": "ship"}


def test_a_run_of_which_some_can_ship_says_so(tmp_path: Path) -> None:
    run = beside_sim(tmp_path)
    other = [replace(figure, variant="other") for figure in run.records if figure.metric != "map50_95"]
    assert headline(rewritten(with_records(run, [*run.records, *other]))) == "Ship some"


def test_a_failed_test_stops_its_own_case_and_the_run(tmp_path: Path) -> None:
    failed = ("benchmarks/test_latency.py::test_latency[level2_relu-ethos-u65-256-host]", "bytes differ")
    run = write_run(tmp_path / "run", executed=1.0, failures=[failed])
    assert states(run) == ["stop", "ship"]
    assert headline(run) == "Do not ship"
    assert "bytes differ" in page(run)


def test_a_threshold_that_is_not_met_stops_its_model_with_both_numbers(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", executed=1.0)
    case = {"text": "estimated_us <= 40000 @ estimated", "profile": "ethos-u65-256", "target": "host"}
    rows = [
        {**case, "variant": "level2_relu", "met": False, "found": "45000 us"},
        {**case, "variant": "level3_relu", "met": True, "found": "<i>39000</i> us"},
    ]
    (run.folder / "acceptance.json").write_text(json.dumps({"thresholds": rows}))
    assert states(run) == ["stop", "ship"]
    text = page(run)
    assert "1 of 2 thresholds are met" in text
    assert "45000 us" in text
    assert "&lt;i&gt;39000" in text


def test_an_acceptance_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run.folder / "acceptance.json").write_text('{"thresholds": [1]}')
    with pytest.raises(UsageError, match="holds no thresholds"):
        page(run)


def test_a_failure_of_no_case_stops_the_run(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", executed=1.0, failures=[("benchmarks/test_claims.py::test_x", "why")])
    assert headline(run) == "Do not ship"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run of two models."""
    return page(write_run(tmp_path_factory.mktemp("html") / "run"))


def test_the_page_is_one_file_that_asks_nobody_for_anything(text: str) -> None:
    elements = Elements(text)
    for _, attributes in elements.found:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), attributes
    assert "@import" not in text
    assert not re.search(r"url\((?!['\"]?(?:data:|#))", text)


def test_no_two_elements_share_an_id_whatever_is_drawn(text: str) -> None:
    ids = [attributes["id"] for _, attributes in Elements(text).found if "id" in attributes]
    assert len(ids) == len(set(ids))
    clipped = {"mark": {"type": "line", "clip": True}, "encoding": {"x": field("x"), "y": field("x")}}
    drawings = [draw({**clipped, "data": {"values": [{"x": 0}, {"x": last}]}}, "a line") for last in (1, 2)]
    first, second = ([str(a["id"]) for _, a in Elements(svg).found if "id" in a] for svg in drawings)
    assert first
    assert not set(first) & set(second)
    assert all(f"url(#{name})" in drawings[0] for name in first)


def test_a_run_has_the_same_page_byte_for_byte_whenever_it_is_written(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert page(run) == page(run)


def test_only_its_own_script_may_run(text: str) -> None:
    elements = Elements(text)
    (policy,) = [str(meta["content"]) for meta in elements.of("meta") if meta.get("http-equiv")]
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_texts_of_files_are_texts_wherever_they_stand(tmp_path: Path) -> None:
    failed = (f"benchmarks/test_offload.py::test_x[{EVIL}]", EVIL)
    run = write_run(
        tmp_path / "run", (EVIL, "level2_relu"), [failed], EVIL, {"command": EVIL, "host": {EVIL: EVIL}}, fits=False
    )
    evil_file = run.folder / "placement" / "level2_relu-ethos-u65-256.json"
    write_whole(
        evil_file, evil_file.read_text().replace("an odd stride", "<script>alert(2)</script>").replace("CONV_2D", "<img src=x>")
    )
    elements = Elements(page(run))
    assert [attributes.get("type") for attributes in elements.of("script")] == ["application/json", None]
    assert not elements.of("img")
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert "</script" not in elements.scripts[0].lower()
    shown = "".join(elements.words)
    assert EVIL in shown
    assert "<script>alert(2)</script>" in shown


def test_every_figure_shown_can_say_where_it_comes_from(text: str) -> None:
    elements = Elements(text)
    data = json.loads(elements.scripts[0])
    keys = [int(str(button["data-figure"])) for button in elements.of("button") if "data-figure" in button]
    assert keys
    for key in keys:
        *_, evidence, _, identity = data["figures"][key]
        assert evidence in data["evidence"]
        assert "weights" in data["identities"][identity]


def test_a_found_figure_of_a_claim_opens_the_record_it_was_judged_on(text: str) -> None:
    found = re.search(r'<td><button class="fig" data-figure="(\d+)"[^>]*><b>80.0 %</b>', text)
    assert found
    data = json.loads(Elements(text).scripts[0])
    assert data["figures"][int(found[1])][:2] == ["npu_operator_share", "level2_relu on ethos-u65-256, target host"]


def test_a_run_that_found_nothing_has_a_page_that_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ())
    assert "none was judged" in page(run)
    assert headline(run) == "Do not ship"


def test_a_model_without_a_placement_and_samples_of_0_are_no_obstacle(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run.folder / "placement" / "level2_relu-ethos-u65-256.json").unlink()
    (run.folder / "samples.jsonl").write_text(
        "".join(
            json.dumps({"variant": "level2_relu", "profile": "p", "target": "host", "executed": "e", "latency_us": value})
            + "\n"
            for value in (0.0, 1000.0)
        )
    )
    text = page(read_run(run.folder))
    assert 'data-network="level3_relu-ethos-u65-256"' in text
    assert "2 samples" in text


def test_equal_models_stand_once_under_both_names(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ("level3_relu", "level4_relu"))

    def twins(figure: Measurement) -> Measurement:
        twin = (figure.variant, figure.metric) == ("level4_relu", "same_model_as")
        return replace(figure, value="level3_relu") if twin else figure

    view = RunView(revised(run, twins))
    assert [model.label for model in view.models] == ["level3_relu = level4_relu"]


def test_a_network_has_a_place_for_every_operator_and_velas_reason_for_the_cpu(tmp_path: Path) -> None:
    (network,) = networks(RunView(write_run(tmp_path / "run")), "level2_relu")
    assert network.places == {"executed": 2, "fused": 1, "elided": 1, "cpu": 1}
    assert network.strip["executed"] == "M1 0h2v100h-2z"
    assert network.cpu == (("#4 CONV_2D", "an odd stride"),)
    assert network.waiting == pytest.approx(0.3)
    assert [track.name for track in network.tracks] == ["Vela's cycles", "our cycles", "staging memory"]


def test_our_cycles_stand_on_velas_scale_in_the_colour_of_what_bounds_them(tmp_path: Path) -> None:
    (network,) = networks(RunView(write_run(tmp_path / "run")), "level2_relu")
    vela, ours, _ = network.tracks
    assert vela.top == ours.top == "5 k"
    assert ours.paths == {"b-compute": "M1 100v-50h1v50z", "b-read-bandwidth": "M2 100v-100h1v100z"}
    assert network.totals == ("Vela 0.01 M cycles", "ours 0.01 M (0.01 to 0.01), mean error 3.0%")
    assert network.rows.ours == [0, 2500, 5000, 0, 0]
    assert [network.rows.bounds[i] if i >= 0 else "" for i in network.rows.bound or ()] == [
        "", "compute", "read bandwidth", "", "",
    ]  # fmt: skip


def test_a_run_without_our_cycles_has_velas_alone_and_a_broken_file_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    file = run.folder / "cycles" / "level2_relu-ethos-u65-256.json"
    file.write_text('{"active_cycles": "many"}')
    with pytest.raises(UsageError, match="holds no cycles"):
        networks(RunView(run), "level2_relu")
    file.unlink()
    (network,) = networks(RunView(run), "level2_relu")
    assert network.totals == ()
    assert [track.name for track in network.tracks] == ["Vela's cycles", "staging memory"]


def test_a_placement_of_an_older_run_has_no_waiting_and_no_memory(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    path = run.folder / "placement" / "level2_relu-ethos-u65-256.json"
    content = json.loads(path.read_text())
    for operator in content["operators"]:
        del operator["compute_cycles"], operator["staging_bytes"]
    path.write_text(json.dumps(content))
    (network,) = networks(RunView(run), "level2_relu")
    assert network.waiting is None
    assert [track.name for track in network.tracks] == ["Vela's cycles", "our cycles"]


def test_names_lose_modules_and_the_wrappers_that_most_begin_with() -> None:
    names = [f"a.b.Wrapper/a.b.Head/torch.nn.modules.conv.Conv_{i}/act;" for i in range(3)]
    assert short_names([*names, "Identity"]) == ["Conv_0/act", "Conv_1/act", "Conv_2/act", "Identity"]


@pytest.mark.parametrize("names", [[], ["same", "same"], ["a/b"], ["", ""], ["/", "/"], ["x/", "x/"], ["//", "//a"]])
def test_odd_names_stay_names(names: list[str]) -> None:
    short = short_names(names)
    assert len(short) == len(names)
    assert all(bool(after) == bool(before) for after, before in zip(short, names, strict=True))


def test_a_name_of_any_length_is_shown_short() -> None:
    assert len(short_names(["n" * 100_000])[0]) <= 120


def test_the_interval_of_a_median_covers_it_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    for count in (6, 20, 50):
        draws = random.exponential(size=(2000, count))
        inside = [low <= np.log(2) <= high for low, high in (median_interval(row) for row in draws.tolist())]
        assert 0.94 <= np.mean(inside) <= 0.985


@pytest.mark.parametrize("samples", [[3.0], [1.0, 2.0]])
def test_few_samples_have_their_whole_range_as_interval(samples: list[float]) -> None:
    assert median_interval(samples) == (min(samples), max(samples))


def _identified(figure: Measurement, changes: dict[str, Any]) -> Measurement:
    return replace(figure, identity=replace(figure.identity, **changes))


def past(tmp_path: Path, *factors: float, changes: Sequence[dict[str, Any]] = ()) -> Past:
    """The history of as many runs as there are factors; `changes` to the identities of the last ones."""
    url = history_url(str(tmp_path / "history.db"), tmp_path)
    for i, factor in enumerate(factors):
        header = {"id": f"run{i:02d}", "started": f"2026-01-{i + 1:02d}T00:00:00+00:00", "commit": f"{i:02d}" * 20}
        run = write_run(tmp_path / f"run{i:02d}", run=header, factor=factor)
        number = i - len(factors) + len(changes)
        if number >= 0:
            run = revised(run, partial(_identified, changes=changes[number]))
        History(url).add(run)
    return past_of(run, url)


def estimate(charts: list[Chart]) -> str:
    (chart,) = [chart for chart in charts if chart.title.startswith("Vela")]
    return str(chart.svg)


def test_a_change_of_an_exact_figure_is_marked_in_its_history_with_its_commit(tmp_path: Path) -> None:
    found = past(tmp_path, 1.0, 1.0, 1.2)
    assert "level2_relu: 54.00 ms; +20.00 %" in estimate(history_charts(found))
    assert "run01, commit 0101010101: level2_relu 45.00, level3_relu 45.00 ms" in estimate(history_charts(found))
    (event,) = history_events(found)
    assert (event.run, event.commits, event.state) == ("run02", "commit 0202020202, before it 0101010101", "worse")
    assert event.figures == ("Vela's estimate: +20.00 % for level2_relu on u65-256, +20.00 % for level3_relu on u65-256",)


def test_a_new_level_of_a_sampled_figure_is_marked_at_its_run_and_noise_is_not(tmp_path: Path) -> None:
    noise = [1 + 0.001 * (i * 7 % 5) for i in range(20)]
    found = past(tmp_path, *noise[:12], *(1.06 * value for value in noise[12:]))
    latency = [event for event in history_events(found) if any("Median" in line for line in event.figures)]
    assert [event.run for event in latency] == ["run12"]
    assert "+6.0" in latency[0].figures[1]


def test_a_figure_that_does_not_depend_on_the_target_is_one_line_over_runs_on_several(tmp_path: Path) -> None:
    url = history_url(str(tmp_path / "history.db"), tmp_path)
    for i, targets in enumerate([("sim", "host"), ("host",), ("sim",)]):
        header = {"id": f"run{i}", "started": f"2026-01-0{i + 1}T00:00:00+00:00"}
        run = write_run(tmp_path / str(i), ("level2_relu",), run=header, factor=1 - 0.1 * i)
        run = with_records(run, [replace(figure, target=target) for target in targets for figure in run.records])
        History(url).add(run)
    found = past_of(run, url)
    charts = [(chart.title, chart.caption) for chart in history_charts(found)]
    assert charts[0] == ("Vela's estimate, ms", "u65-256")
    assert {caption for title, caption in charts if title.startswith("Median")} == {"u65-256, sim", "u65-256, host"}
    assert [event.figures[0] for event in history_events(found)] == [
        "Vela's estimate: -11.11 % for level2_relu on u65-256",
        "Vela's estimate: -10.00 % for level2_relu on u65-256",
    ]
    assert {event.state for event in history_events(found)} == {"better"}


def test_many_figures_that_changed_are_told_by_their_range(tmp_path: Path) -> None:
    url = history_url(str(tmp_path / "history.db"), tmp_path)
    names = [f"model{i}" for i in range(5)]

    def slower(figure: Measurement) -> Measurement:
        factor = 1 + 0.01 * names.index(figure.variant)
        return replace(figure, value=45_000.0 * factor) if figure.metric == "estimated_us" else figure

    for i in range(2):
        run = write_run(tmp_path / str(i), names, run={"id": f"run{i}", "started": f"2026-01-0{i + 1}T00:00:00+00:00"})
        run = revised(run, slower) if i else run
        History(url).add(run)
    (event,) = history_events(past_of(run, url))
    assert event.figures == (
        "Vela's estimate: 4 figures changed, from +1.00 % for model1 on u65-256 to +4.00 % for model4 on u65-256",
    )


def test_a_changed_tool_is_named_where_the_figure_changed_with_it(tmp_path: Path) -> None:
    found = past(tmp_path, 1.0, 1.2, 1.2, changes=[{"tools": {"vela": "6.0.0"}}] * 2)
    (event,) = history_events(found)
    assert (event.run, event.causes) == ("run01", ("tools.vela: 5.2.0 -> 6.0.0",))


def test_a_line_breaks_where_two_runs_are_not_compared_and_goes_on_after_it(tmp_path: Path) -> None:
    found = past(tmp_path, 1.0, 1.2, 1.4, changes=[{"profile": "another"}] * 2)
    drawn = estimate(history_charts(found))
    assert "+20.00 %" not in drawn
    assert "+16.67 %" in drawn
    apart = next(event for event in history_events(found) if event.run == "run01")
    assert apart.causes == ("profile: ethos-u65-256 -> another",)
    assert apart.figures[0] == "Vela's estimate: not compared with the run before"


def test_a_single_run_has_no_history_and_a_history_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert history_charts(past(tmp_path, 1.0)) == []
    run = write_run(tmp_path / "run")
    assert 'id="history"' not in page(run, past=past(tmp_path / "one", 1.0))
    gone = past_of(run, history_url(str(tmp_path / "gone.db"), tmp_path))
    assert "Without the runs before this one: there is no history at" in page(run, past=gone)


def test_a_long_history_is_drawn_in_part_and_says_so(tmp_path: Path) -> None:
    past(tmp_path, *[1.0] * 5, 1.1)
    url = history_url(str(tmp_path / "history.db"), tmp_path)
    found = past_of(read_run(tmp_path / "run05"), url, most=3)
    assert found.runs == ("run03", "run04", "run05")
    assert "Drawn are the last 3 of 6 runs" in page(read_run(tmp_path / "run05"), past=found)
    earlier = past_of(read_run(tmp_path / "run02"), url)
    assert earlier.runs == ("run00", "run01", "run02")


def test_runs_of_other_models_are_no_part_of_a_history(tmp_path: Path) -> None:
    past(tmp_path, 1.0, 1.1)
    other = write_run(tmp_path / "other", ("mine",), run={"id": "other", "started": "2026-02-01T00:00:00+00:00"})
    assert past_of(other, history_url(str(tmp_path / "history.db"), tmp_path)).runs == ("other",)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two images of 64 x 48 pixels with one box each."""
    for i in range(2):
        image = tmp_path / "images" / f"{i}.png"
        image.parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 48), (200, 30 * i, 0)).save(image)
        label = tmp_path / "labels" / f"{i}.txt"
        label.parent.mkdir(exist_ok=True)
        label.write_text("0 0.5 0.5 0.5 0.5\n")
    path = tmp_path / "data.yaml"
    path.write_text(f"path: {tmp_path}\ntrain: images\nval: images\ntest: images\nnames: [Stop, '<b>x</b>']\n")
    return path


def with_detections(run: StoredRun, rows: list[dict[str, Any]]) -> StoredRun:
    for graph in ("float", "int8"):
        write_whole(run.folder / "detections" / f"level2_relu-{graph}.json", json.dumps(rows if graph == "int8" else []))
    return run


def test_images_stand_beside_each_other_with_what_each_graph_found_and_missed(tmp_path: Path, data: Path) -> None:
    rows = [
        {"image_id": 1, "category_id": 1, "bbox": [16, 12, 32, 24], "score": 0.9},
        {"image_id": 2, "category_id": 2, "bbox": [16, 12, 32, 24], "score": 0.8},
        {"image_id": 2, "category_id": 1, "bbox": [0, 0, 4, 4], "score": 0.1},
    ]
    text = page(with_detections(write_run(tmp_path / "run"), rows), load_dataset(data))
    assert text.count("data:image/webp;base64,") == 2
    assert 'aria-label="int8: Stop 0.90"' in text
    assert "&lt;b&gt;x&lt;/b&gt; 0.80" in text
    assert "1 missed" in text
    assert 'class="int8 wrong"' in text
    assert "0.10" not in re.sub(r"<svg.*?</svg>", "", text[text.index("What the models see") :], flags=re.DOTALL)


def test_detections_of_another_data_set_are_refused(tmp_path: Path, data: Path) -> None:
    rows = [{"image_id": 99, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.9}]
    with pytest.raises(DatasetError, match="image 99"):
        page(with_detections(write_run(tmp_path / "run"), rows), load_dataset(data))
