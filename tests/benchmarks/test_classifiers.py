"""A classifier in the suite: judged on its inputs on the host and on the NPU, with its page.

Covers harness.report.html.class_pictures harness.report.html.confusion_charts.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.studies.screenshots import OPENED, PAUSE_MS, chromium
from tests.benchmarks.conftest import SuiteRun, run_in
from tests.harness.tasks.classify.colours import classifier, write_images
from tests.lanes import skip_reason

UNIT = "mean=0,std=255"
BACKGROUNDS = "photos => photos.map(one => getComputedStyle(one).backgroundImage)"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    folder = tmp_path_factory.mktemp("classifier")
    (folder / "colours.tflite").write_bytes(classifier())
    data = write_images(folder / "data")
    options = ("--model", folder / "colours.tflite", "--data", data, "--preprocess", UNIT, "--accuracy-on-target")
    return run_in(folder, folder / "cache", "--target", "sim", *options, report=True)


@pytest.mark.slow
@pytest.mark.parametrize("graph", ["int8", "npu"])
def test_top_1_is_what_it_is_by_hand_on_the_host_and_of_what_the_npu_gave(found: SuiteRun, graph: str) -> None:
    found.says("top1 int8")
    assert found.code == 0
    assert found.value("top1", graph=graph) == pytest.approx(11 / 12)
    assert found.value("class_recall", graph=graph, stat="green") == pytest.approx(4 / 5)
    assert found.value("bit_exact") is True


@pytest.mark.slow
def test_no_box_is_asked_of_a_classifier_and_its_float_graph_is_said_to_be_missing(found: SuiteRun) -> None:
    assert not [record for record in found.results["records"] if record["metric"].startswith("map50")]
    for metric in ("top1", "top1_drop"):
        graph = "float" if metric == "top1" else "int8"
        assert "without its float graph" in found.record(metric, graph=graph)["unavailable"]


@pytest.mark.slow
def test_the_page_shows_what_is_taken_for_what_and_the_image_that_is_wrong(found: SuiteRun) -> None:
    page = Path(found.folder / "report.html").read_text("utf-8")
    assert "What is taken for what" in page
    assert "green taken for red: 1 of 5" in page
    assert "green/red-0.png" in page
    assert "By class: recall" in page
    assert "top-1 accuracy" in page
    assert "mAP" not in page
    assert "a quantised file comes without its float graph" in page


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_in_a_browser_shows_confusion_and_images_on_a_desk_and_on_a_phone(found: SuiteRun) -> None:
    pytest.importorskip("playwright.sync_api")
    why = skip_reason("browser", lambda: "" if shutil.which("chromium") else "no `chromium` on PATH (apt-get install chromium)")
    if why:
        pytest.skip(why)
    with chromium() as browser:
        for width in (1200, 375):
            tab, said = browser.new_page(viewport={"width": width, "height": 800}), list[str]()
            tab.on("console", lambda message, said=said: said.append(message.text))
            tab.on("pageerror", lambda error, said=said: said.append(str(error)))
            tab.goto((found.folder.resolve() / "report.html").as_uri())
            tab.add_style_tag(content=OPENED)
            tab.wait_for_timeout(PAUSE_MS)
            accuracy = tab.locator("#accuracy")
            assert accuracy.locator("figure.chart").count() == 3, "top-1, recall of each class, confusion"
            assert "green/red-0.png" in accuracy.inner_text()
            assert tab.locator("h1").inner_text() == "Not proven"
            shown = accuracy.locator(".photo").evaluate_all(BACKGROUNDS)
            assert len(shown) == 4 * 3, "four images as they are, to int8 and to the NPU"
            assert [background for background in shown if not background.startswith('url("data:image')] == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert said == []
