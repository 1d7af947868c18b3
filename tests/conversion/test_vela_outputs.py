"""What is read from Vela's files and words, and what happens when a Vela writes less."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from conversion.profile_files import load_profile
from conversion.vela import compile_model
from conversion.vela_layers import read_layers
from conversion.vela_outputs import cpu_reasons, csv_rows, read_debug_database, read_estimate
from core.errors import CompileError
from tests.conversion.tflite_builder import TinyModel

REGOR = """
Warning (supported operators) operator: LEAKY_RELU, ofm: 'it's a name'
Reason: Operation has tensor with unsupported DataType Float32 (dq)
Feature-map dataTypes must be one of {"INT16", "INT8"}

Warning (supported operators) operator: ARGMAX, ofm: 'am'
Reason: Axis is 1
Warning (supported operators) operator: FLOOR, ofm: 'fl'
Reason: Unsupported opType
################################################################################
Performance for NPU Graph
"""
LEGACY = """
Warning: Option --debug-force-legacy-core is deprecated
Info: FLOOR 'fl' is a CPU only op
Warning: CONV_2D 'c1' is not supported on the NPU. Placing on CPU instead
 - Strides must fulfil the following criteria:
        - Stride h must be between 1 and 3
   Op has stride WxH as: 5x5
Warning: Unsupported TensorFlow Lite semantics for DEQUANTIZE 'dq'. Placing on CPU instead
 - Tensors must have quantization parameters

Network summary for x
"""


def test_reasons_of_several_lines_end_at_the_next_operator_or_an_empty_line() -> None:
    reasons = cpu_reasons(REGOR)
    assert reasons.of("LEAKY_RELU", "it's a name") == (
        'Operation has tensor with unsupported DataType Float32 (dq) · Feature-map dataTypes must be one of {"INT16", "INT8"}'
    )
    assert reasons.of("ARG_MAX", "am") == "Axis is 1"
    assert reasons.of("FLOOR", "fl") == "Unsupported opType"


def test_the_words_of_older_velas_are_understood() -> None:
    reasons = cpu_reasons(LEGACY)
    assert reasons.of("FLOOR", "fl") == "is a CPU only op"
    assert reasons.of("CONV_2D", "c1").startswith("Strides must fulfil")
    assert reasons.of("CONV_2D", "c1").endswith("Op has stride WxH as: 5x5")
    assert reasons.of("DEQUANTIZE", "dq") == "Tensors must have quantization parameters"


def test_another_operator_of_the_same_name_has_no_reason() -> None:
    assert cpu_reasons(REGOR).of("CEIL", "fl") == ""
    assert cpu_reasons(REGOR).of("FLOOR", "other") == ""


def table(name: str, *lines: str) -> str:
    return f'<table name="{name}">\n<![CDATA[\n' + "\n".join(lines) + "\n]]>\n</table>\n"


SOURCE = table("source", '"id","operator","ext_key"', '1,"Conv2D",0', '2,"Floor",1', '3,"Relu",2')
OPTIMISED = table("optimised", '"id","source_id","operator"', '10,1,"Conv2D"', '11,3,"Relu"')
QUEUE = table("queue", '"offset","cmdstream_id","optimised_id","scheduled_id"', "364,1,10,20")
STREAMS = table("cmdstream", '"id"', "1")
PERFORMANCE = table(
    "perf",
    '"id","source_id","optimised_id","operator","name","staging_usage","op_cycles","npu_cycles","mac_count"',
    '20,1,10,"Conv2D","a, ""quoted"" name",4096,100,80,50',
    '21,3,11,"Relu","b",0,7,7,3',
    '22,2,12,"Passthrough","c",0,0,0,0',
)


def database(folder: Path, *tables: str) -> Path:
    path = folder / "x_debug.xml"
    path.write_text("<?xml version='1.0'?>\n<debug>\n" + "".join(tables) + "</debug>\n")
    return path


def test_the_debug_database_is_read_by_source_operator(tmp_path: Path) -> None:
    found = read_debug_database(database(tmp_path, SOURCE, OPTIMISED, STREAMS, QUEUE, PERFORMANCE))
    assert found.known == {0, 1, 2}
    assert found.queued == {0}
    assert found.queue == {0: ((1, 364),)}
    assert found.passed_through == {1}
    assert [(command.source, command.cycles, command.macs) for command in found.commands] == [
        (0, 100, 50),
        (2, 7, 0),
        (1, 0, 0),
    ]


def test_memory_and_waiting_are_read_where_this_vela_writes_them(tmp_path: Path) -> None:
    found = read_debug_database(database(tmp_path, SOURCE, OPTIMISED, STREAMS, QUEUE, PERFORMANCE)).commands[0]
    assert (found.compute_cycles, found.staging_bytes) == (80, 4096)
    shorter = table("perf", '"id","source_id","operator","op_cycles","mac_count"', '20,1,"Conv2D",100,50')
    found = read_debug_database(database(tmp_path, SOURCE, OPTIMISED, STREAMS, QUEUE, shorter)).commands[0]
    assert (found.compute_cycles, found.staging_bytes) == (None, None)


def test_sparse_weights_count_in_full(tmp_path: Path) -> None:
    sparse = table("perf_debug", '"id","weight_format"', '20,"Default|Sparse2_4"')
    found = read_debug_database(database(tmp_path, SOURCE, OPTIMISED, STREAMS, QUEUE, PERFORMANCE, sparse))
    assert found.commands[0].macs == 100


def test_a_database_without_performance_says_so(tmp_path: Path) -> None:
    found = read_debug_database(database(tmp_path, SOURCE, OPTIMISED, STREAMS, QUEUE))
    assert not found.has_performance
    assert found.queued == {0}


@pytest.mark.parametrize("tables", [(SOURCE, OPTIMISED), (OPTIMISED, QUEUE), ()])
def test_a_missing_table_is_named(tmp_path: Path, tables: tuple[str, ...]) -> None:
    with pytest.raises(CompileError, match=r"lacks the tables .*(queue|source)"):
        read_debug_database(database(tmp_path, *tables))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="ext_key"):
        read_debug_database(database(tmp_path, SOURCE.replace("ext_key", "other"), OPTIMISED, STREAMS, QUEUE))


SUMMARY = {
    "cycles_total": "70628822",
    "inference_time": "0.070628822",
    "cycles_npu": "41637917",
    "nn_macs": "5241722000",
    "sram_memory_used": "382.484375",
    "dram_memory_used": "16768.28125",
    "on_chip_flash_memory_used": "0.0",
    "off_chip_flash_memory_used": "0.0",
    "weights_storage_area": "DRAM",
    "feature_map_storage_area": "DRAM",
}


def summary(folder: Path, row: dict[str, str]) -> Path:
    path = folder / "x_summary_y.csv"
    path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    return path


def test_the_summary_is_kibibytes_and_seconds(tmp_path: Path) -> None:
    estimate = read_estimate(summary(tmp_path, SUMMARY))
    assert estimate.latency_us == pytest.approx(70628.822)
    assert estimate.memory_bytes == {"sram": 391664, "dram": 17170720, "on_chip_flash": 0, "off_chip_flash": 0}
    assert estimate.arena_bytes == 17170720


@pytest.mark.parametrize("column", list(SUMMARY))
def test_a_summary_that_lacks_a_column_names_it(tmp_path: Path, column: str) -> None:
    with pytest.raises(CompileError, match=column):
        read_estimate(summary(tmp_path, {key: value for key, value in SUMMARY.items() if key != column}))


def test_an_empty_summary_is_a_compile_error(tmp_path: Path) -> None:
    path = tmp_path / "x_summary_y.csv"
    path.write_text("")
    with pytest.raises(CompileError):
        read_estimate(path)


def test_names_longer_than_pythons_limit_for_a_cell_are_read_and_the_limit_stays(tmp_path: Path) -> None:
    limit, long = csv.field_size_limit(), "n" * 200_000
    longer = PERFORMANCE.replace('"b"', f'"{long}"')
    found = read_debug_database(database(tmp_path, SOURCE, OPTIMISED, STREAMS, QUEUE, longer))
    assert found.known == {0, 1, 2}
    assert csv.field_size_limit() == limit


def test_a_table_that_is_no_csv_is_a_compile_error_and_the_limit_stays() -> None:
    limit = csv.field_size_limit()
    with pytest.raises(CompileError, match=r"`x\.csv` cannot be read: new-line character"):
        csv_rows("id\nx\ry", "x.csv")
    assert csv.field_size_limit() == limit


def test_vela_and_what_it_writes_take_a_tensor_with_a_name_of_200_kb(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 3), "i" * 200_000)
    axis = model.constant(np.array([1], np.int32))
    seen = model.conv(image, 8, name="c" * 200_000)
    reversed_ = model.operator("REVERSE_V2", [seen, axis], [model.tensor((1, 8, 8, 8), "r" * 200_000)])
    path = tmp_path / "long.tflite"
    path.write_bytes(model.finish([image], [reversed_]))
    made = compile_model(path, load_profile("ethos-u55-128"), tmp_path / "out")
    assert [(one.operator, one.where) for one in made.placement.operators] == [("CONV_2D", "executed"), ("REVERSE_V2", "cpu")]
    assert made.debug_database is not None
    assert {len(layer.name) for layer in read_layers(made.debug_database)} == {200_000}
