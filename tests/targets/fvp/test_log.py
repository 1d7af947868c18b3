"""The runner's log: facts and counters from recorded output, and a clear refusal of what is cut short or broken."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.profile_files import load_profile
from core.errors import RunError
from core.records.placement import PlacedOperator, Placement
from core.records.run import Proof
from core.records.unavailable import Unavailable
from targets.fvp.arm import prove
from targets.fvp.failures import require_success
from targets.fvp.log import COUNTERS
from targets.fvp.platforms import platform_of
from tests.targets.fvp.builders import finished, launch, log_of, recorded


def metrics(**values: int) -> str:
    """A metrics line as the firmware writes it, of its own names."""
    samples = [{"name": f"NPU {name}", "value": [value]} for name, value in values.items()]
    text = json.dumps([{"profiling_group": "Inference", "count": 1, "samples": samples}])
    return f"INFO - <metrics>{base64.b64encode(text.encode()).decode()}</metrics>"


def npu_log(macs: int = 128, operator: str = "ethos-u", **values: int) -> str:
    """The recorded log as it reads where an NPU answers: the driver's lines and counters are those of published FVP logs."""
    text = recorded("plain-model")
    banner = f"INFO - Ethos-U device initialised\nINFO - Ethos-U version info:\nINFO - \tMACs/cc:    {macs}\n"
    text = re.sub(r"Operator 0: \S+", f"Operator 0: {operator}", banner + text)
    return re.sub(r"INFO - <metrics>.*</metrics>", metrics(**values), text)


# --- what a real log says ---


def test_a_recorded_success_gives_its_facts() -> None:
    log = log_of(recorded("plain-model"))
    assert log.booted
    assert log.completed
    assert log.output_bytes == 4096
    assert log.arena_used_bytes == 9044
    assert log.operators == ("PAD", "CONV_2D", "LEAKY_RELU", "RESHAPE")
    assert log.counters() == {
        "active_cycles": 0,
        "axi0_read_beats": 0,
        "axi0_write_beats": 0,
        "axi1_read_beats": 0,
        "idle_cycles": 0,
        "total_cycles": 0,
    }
    assert log.macs == 0
    assert log.errors == ()


def test_counters_keep_their_values_under_our_names() -> None:
    log = log_of(npu_log(ACTIVE=33145, IDLE=1033, TOTAL=34178, AXI0_RD_DATA_BEAT_RECEIVED=9332))
    assert log.counters() == {"active_cycles": 33145, "idle_cycles": 1033, "total_cycles": 34178, "axi0_read_beats": 9332}


def test_the_ports_of_ethos_u85_have_counters_of_their_own() -> None:
    log = log_of(
        npu_log(ACTIVE=1, IDLE=1, TOTAL=2, ETHOSU_PMU_SRAM_RD_DATA_BEAT_RECEIVED=7, ETHOSU_PMU_EXT_WR_DATA_BEAT_WRITTEN=8)
    )
    assert log.counters()["sram_read_beats"] == 7
    assert log.counters()["ext_write_beats"] == 8


@given(st.fixed_dictionaries({name: st.integers(0, 2**63) for name in COUNTERS}))
def test_every_counter_survives_base64_and_json(values: dict[str, int]) -> None:
    log = log_of(metrics(**{name.removeprefix("NPU "): value for name, value in values.items()}))
    assert log.counters() == {COUNTERS[name]: value for name, value in values.items()}


@given(st.text(max_size=300))
def test_no_text_brings_the_parser_down(text: str) -> None:
    log = log_of(text)
    _ = (log.booted, log.completed, log.macs, log.arena_used_bytes, log.operators, log.output_bytes, log.reports, log.tail)
    with pytest.raises(RunError):
        require_success("mine", log, finished(), launch())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the log has none"),
        ("INFO - <metrics>W3sicHJvZm", "the log ends inside them"),
        ("INFO - <metrics>W3s***</metrics>", "cannot be read"),
        ("INFO - <metrics>W3s=</metrics>", "cannot be read"),
        (metrics(ACTIVE=1), "lack idle_cycles, total_cycles"),
        (metrics(ACTIVE=-1, IDLE=0, TOTAL=0), "negative"),
        ("\n".join([metrics(ACTIVE=1, IDLE=0, TOTAL=1)] * 2), "twice"),
    ],
)
def test_counters_that_are_absent_or_broken_are_refused(text: str, words: str) -> None:
    with pytest.raises(RunError, match=words):
        log_of(text).counters()


# --- what went wrong ---

MISMATCH = "INFO - boot\nE: NPU config mismatch. npu.{0}={1}, optimizer.{0}={2}"


@pytest.mark.parametrize(
    ("text", "ending", "words"),
    [
        (recorded("no-npu"), finished(), "finds no NPU: .*Failed to initialise Ethos-U device"),
        (recorded("too-large"), finished(), r"needs 4\.71 MiB of arena, the firmware has 2\.00 MiB"),
        (recorded("vela-without-npu"), finished(-9, timed_out=True), "ended after 60 s without a result; last: .*E: E: E:"),
        (recorded("plain-model")[:1500], finished(), "the log ends before the inference is complete"),
        ("", finished(1, "Error: licence checkout failed"), "asks about its licence"),
        ("You must accept the EULA. Do you agree? [yes/no]", finished(0), "asks about its licence"),
        ("", finished(1, "parameter 'ethosu.num_macs' not found"), "does not know a parameter"),
        ("", finished(127, "error while loading shared libraries: libpython3.9.so.1.0"), "ended with 127 .*libpython3.9"),
        ("", finished(0), "before the firmware said anything: nothing"),
        (MISMATCH.format("macs_per_cc", 7, 8), finished(), "compiled for 256 MACs, the FVP's NPU has 128"),
        (MISMATCH.format("product", 0, 1), finished(), "compiled for another NPU: .*optimizer.product=1"),
        ("INFO - boot\nINFO - \tMACs/cc:    256", finished(), "the FVP's NPU has 256 MACs"),
        ("INFO - boot\nTFLM - Didn't find op for builtin opcode 'TOPK_V2'", finished(), "lacks an operator: .*TOPK_V2"),
        ("INFO - boot\nE: NPU inference timed out.", finished(), "the NPU did not finish"),
        ("INFO - boot\nERROR - IFM reserved buffer size insufficient", finished(), "ended with 0 all the same.*IFM reserved"),
        (recorded("plain-model") + "\nERROR - something else", finished(), "reports errors beside a result"),
    ],
)  # fmt: skip
def test_each_failure_has_its_own_words(text: str, ending: object, words: str) -> None:
    with pytest.raises(RunError, match=words):
        require_success("mine", log_of(text), ending, launch())  # type: ignore[arg-type]  # a table of mixed rows


def test_a_recorded_success_is_one() -> None:
    require_success("mine", log_of(recorded("plain-model")), finished(), launch())


# --- what it proves ---


@pytest.fixture
def placement() -> Placement:
    places = ("executed", "fused", "cpu")
    return Placement(tuple(PlacedOperator(i, "CONV_2D", "c", where, 1, 1) for i, where in enumerate(places)), 0)  # type: ignore[arg-type]


def proved(placement: Placement, text: str) -> Proof | Unavailable:
    log = log_of(text)
    require_success("mine", log, finished(), launch())
    return prove(placement, launch(), log, log.counters())


def test_active_cycles_of_an_npu_that_told_its_size_prove_what_vela_placed_there(placement: Placement) -> None:
    proof = proved(placement, npu_log(ACTIVE=33145, IDLE=1033, TOTAL=34178))
    assert proof == Proof(2, 3, "33,145 active cycles of an NPU with 128 MACs in 1 `ethos-u` operators")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (recorded("plain-model"), "no NPU told the driver its size"),
        (npu_log(ACTIVE=0, IDLE=5, TOTAL=5), "active cycles is 0"),
        (npu_log(operator="CONV_2D", ACTIVE=9, IDLE=5, TOTAL=14), "no `ethos-u` operator"),
    ],
)
def test_without_a_sign_of_the_npu_nothing_is_proved(text: str, reason: str, placement: Placement) -> None:
    proof = proved(placement, text)
    assert isinstance(proof, Unavailable)
    assert reason in proof.reason


def test_the_platforms_of_the_shipped_firmware_are_those_of_the_profiles() -> None:
    assert platform_of(load_profile("ethos-u85-256"), "").runner.startswith("inference_runner-sse-320-")
