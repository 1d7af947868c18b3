"""The pytest plugin behind `pytest benchmarks/`: parameters, fixtures, error messages, results and the closing table."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from conversion.rules.devices import Device
from core.errors import CheckpointError, DatasetError, EthosBenchError, TargetUnavailable, UsageError
from core.printable import printable
from core.processes import end_on_sigterm
from core.records.case_key import RULES_TARGET, CaseKey
from harness.acceptance.thresholds import Threshold
from harness.history.engine import history_url
from harness.pytest_plugin.acceptance import AcceptanceLines, Requirement, read_thresholds
from harness.pytest_plugin.entry import SUITE
from harness.pytest_plugin.history_keeper import HistoryKeeper
from harness.pytest_plugin.inputs import check_inputs
from harness.pytest_plugin.installed_suite import typed
from harness.pytest_plugin.options import add_options, parse_options
from harness.pytest_plugin.progress_lines import ProgressLines
from harness.pytest_plugin.recorder import Recorder, ending_the_session, put_on, test_of
from harness.pytest_plugin.scheduling import ByModel
from harness.pytest_plugin.session_plan import models_of_tests, plan_session
from harness.pytest_plugin.stages import StageTables, rank
from harness.report.exports.junit import figure_properties
from harness.report.results_files import write_report, write_reports
from harness.report.terminal import print_summary
from harness.results.places import remember
from harness.results.run_header import run_header
from harness.results.store import Results
from harness.workbench.case import Case
from harness.workbench.rules_case import RulesCase, RulesSuite
from harness.workbench.suite import AllModels
from harness.workbench.workbench import Workbench

BY_MODEL = ("load", "loadgroup")
"""`--dist` of `-n N` alone, and of who asks for groups: models are the suite's."""
thresholds_key = pytest.StashKey[list[Threshold]]()
bench_key = pytest.StashKey[Workbench]()
JOURNAL = "ethos_bench_journal"
results_key = pytest.StashKey[Results]()
history_key = pytest.StashKey[URL]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    add_options(parser)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where samples are kept while they come."""
    bench = node.config.stash.get(bench_key, None)
    node.workerinput[JOURNAL] = str(bench.targets.journal if bench else "")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModel | None:
    """Give each model to one process, which then holds one board of a farm at a time, unless another `--dist` was asked for."""
    bench = config.stash.get(bench_key, None)
    if bench is None or config.option.dist not in BY_MODEL:
        return None
    models = models_of_tests(bench, config.stash[thresholds_key])
    return ByModel(config, log, bench.models.group, models)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the suite out of sessions that did not name it, such as `pytest .`: its options were not read there."""
    if not collection_path.is_relative_to(SUITE):
        return None
    unread = config.stash.get(bench_key, None) is None
    return True if unread or (collection_path.stem == "test_acceptance" and not config.option.acceptance) else None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Open the session's models, profiles and targets before anything is collected; a problem ends the session here."""
    config = session.config
    if not _runs_benchmarks(config):
        return
    end_on_sigterm()
    progress = ProgressLines(config)
    config.pluginmanager.register(progress, "ethos-bench-progress")
    try:
        bench = Workbench(parse_options(config), progress)
        config.stash[bench_key] = bench
        config.stash[thresholds_key] = read_thresholds(config.option.acceptance, bench)
        if hasattr(config, "workerinput"):
            bench.targets.journal = Path(config.workerinput[JOURNAL])
            return
        header = run_header(typed(config.invocation_params.args, Path(config.rootpath)))
        folder = config.option.results or Path(config.rootpath) / "results" / header.id
        bench.targets.journal = folder / "lost"
        check_inputs(bench)
        if not config.option.collectonly:
            config.stash[results_key] = Results(folder, header)
            remember(folder)
            config.pluginmanager.register(Recorder(config.stash[results_key]), "ethos-bench-recorder")
            tables = StageTables(config.stash[results_key], config)
            plan_session(config, bench, config.stash[thresholds_key], progress, tables)
            config.stash[history_key] = history_url(config.option.history, folder.parent)
            keeper = HistoryKeeper(config.stash[results_key], config.stash[history_key], folder.parent)
            config.pluginmanager.register(AcceptanceLines(config.stash[results_key]), "ethos-bench-acceptance")
            config.pluginmanager.register(keeper, "ethos-bench-history")
    except (UsageError, CheckpointError, DatasetError) as error:
        raise pytest.UsageError(str(error)) from error
    except EthosBenchError as error:
        pytest.exit(f"ERROR: {error}", returncode=error.exit_code)


def _runs_benchmarks(config: pytest.Config) -> bool:
    places = [Path(config.invocation_params.dir, str(argument).split("::")[0]).resolve() for argument in config.args]
    return any(place.is_relative_to(SUITE) for place in places)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What will run, before it runs."""
    bench = config.stash.get(bench_key, None)
    if bench is None:
        return []
    options = bench.options
    without_data = "none: no accuracy" + ("" if options.model else ", calibrated on packaged photographs")
    lines = [
        f"models: {', '.join(bench.models)}",
        f"NPUs: {', '.join(bench.profiles)}",
        f"targets: {', '.join(options.targets)}",
        *([f"rules: {', '.join(device.name for device in bench.rulings.devices)}"] if bench.rulings.devices else []),
        *_engines(bench),
        f"data: {options.data or without_data}",
    ]
    results = config.stash.get(results_key, None)
    return list(map(printable, [*lines, f"results: {results.folder}"] if results else lines))


def _engines(bench: Workbench) -> list[str]:
    """What targets with several engines say of the session's profiles."""
    lines: list[str] = []
    for spec in bench.options.targets:
        with contextlib.suppress(TargetUnavailable):  # --allow-missing-target: its tests say so
            lines += [f"{spec}: {line}" for line in bench.targets.describe(spec)]
    return lines


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per variant, profile and target; one per build, profile and target for statements that compare them."""
    bench = metafunc.config.stash.get(bench_key, None)
    if bench is None:
        return
    if "requirement" in metafunc.fixturenames:
        thresholds = metafunc.config.stash[thresholds_key]
        metafunc.parametrize("requirement", thresholds, ids=[one.id for one in thresholds], indirect=True)
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", [pytest.param(case, id=str(case)) for case in bench.cases()], indirect=True)
    if "rules_case" in metafunc.fixturenames:
        cases = bench.rulings.cases()
        metafunc.parametrize("rules_case", [pytest.param(case, id=str(case)) for case in cases], indirect=True)
    if "rules_suite" in metafunc.fixturenames:
        devices = bench.rulings.devices
        parameters = [pytest.param(device, id=f"{device.name}-{RULES_TARGET}") for device in devices]
        metafunc.parametrize("rules_suite", parameters, indirect=True)
    if "suite" in metafunc.fixturenames:
        suites = [(*place, build) for place in bench.places() for build in bench.session.builds(place[0])]
        named = [pytest.param(one, id="-".join(one[:2]) + (f"~{one[2]}" if one[2] else "")) for one in suites]
        metafunc.parametrize("suite", named, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Stage by stage (harness/pytest_plugin/stages.py), model by model in each; statements about all models last."""
    if config.stash.get(bench_key, None) is None:
        return
    items[:] = [item for item in items if _has_rules(item)]
    variants = {name: position for position, name in enumerate(config.stash[bench_key].models)}

    def place(item: pytest.Item) -> tuple[int, int, int]:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        about = next((parameters[name] for name in ("case", "rules_case", "requirement") if name in parameters), None)
        variant = variants.get(getattr(about, "variant", ""), len(variants))  # NOTSET: a session without such cases
        return rank(item.path.stem, variant)

    items.sort(key=place)


def _has_rules(item: pytest.Item) -> bool:
    """Whether a test about rules has any: pytest would call one without parameters skipped, and nobody asked for it."""
    given = getattr(getattr(item, "callspec", None), "params", {})
    wanted: dict[str, type] = {"rules_case": CaseKey, "rules_suite": Device}
    return all(isinstance(given[name], kind) for name, kind in wanted.items() if name in given)


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest) -> Iterator[Workbench]:
    """The session's models, profiles and targets."""
    found = request.config.stash[bench_key]
    yield found
    found.close()


@pytest.fixture
def case(request: pytest.FixtureRequest, bench: Workbench) -> Case:
    """A variant on a profile and a target."""
    key: CaseKey = request.param
    _require_target(bench, key.profile, key.target)
    made = Case(bench, key)
    request.node.ethos_findings = made.findings
    return made


@pytest.fixture
def rules_case(request: pytest.FixtureRequest, bench: Workbench) -> RulesCase:
    """A variant by a rule set."""
    made = RulesCase(bench.rulings, request.param)
    request.node.ethos_findings = made.findings
    return made


@pytest.fixture
def rules_suite(request: pytest.FixtureRequest, bench: Workbench) -> RulesSuite:
    """All variants by one rule set."""
    made = RulesSuite(bench.rulings, request.param)
    request.node.ethos_findings = made.findings
    return made


@pytest.fixture
def suite(request: pytest.FixtureRequest, bench: Workbench) -> AllModels:
    """All variants in one build on one profile and target."""
    profile, target, build = request.param
    _require_target(bench, profile, target)
    made = AllModels(bench, profile, target, build)
    request.node.ethos_findings = made.findings
    return made


@pytest.fixture
def requirement(request: pytest.FixtureRequest, bench: Workbench) -> Requirement:
    """One threshold of --acceptance; a target that is missing makes it fail, never skip."""
    threshold: Threshold = request.param
    made = Requirement(threshold, Case(bench, threshold.key.case))
    request.node.ethos_findings = made.case.findings
    return made


def _require_target(bench: Workbench, profile: str, target: str) -> None:
    try:
        bench.targets.require(profile, target)
    except TargetUnavailable as error:
        pytest.skip(f"--allow-missing-target: {error.found}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Let findings travel on the report, and give our own errors as their message instead of a stack trace."""
    outcome: Any = yield
    report = outcome.get_result()
    findings = getattr(item, "ethos_findings", None)
    if findings and call.when == "call":
        item.user_properties.extend(figure_properties(put_on(report, findings)))
    if report.failed:
        report.ethos_test = test_of(item, item.config.stash.get(bench_key, None))
    if call.excinfo is not None and isinstance(call.excinfo.value, EthosBenchError):
        report.longrepr = str(call.excinfo.value)
        report.ethos_error = call.excinfo.value.found


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table of models, and the verdicts."""
    results = config.stash.get(results_key, None)
    if not results:
        return
    run = results.run()
    with ending_the_session():
        write_reports(run)
    print_summary(run, terminalreporter)
    if not config.option.no_report:
        with ending_the_session():
            page = write_report(run, config.stash[bench_key].session.dataset, config.stash[history_key])
            terminalreporter.write_line(f"report: {page}")
