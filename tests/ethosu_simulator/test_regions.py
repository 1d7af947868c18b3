"""A stream that runs on memory given by address does what it does in its file, and says itself how much memory it needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ethosu_simulator
from ethosu_simulator import container
from ethosu_simulator.command_stream import parse_payload
from ethosu_simulator.errors import MemoryFault, NotModelled, StreamError
from ethosu_simulator.regions import Stream
from tests.conversion.real_data import real_model
from tests.conversion.tflite_builder import all_on_the_npu
from tests.ethosu_simulator.toolchain import random_inputs, vela

Bytes = NDArray[np.uint8]


class Laid:
    """The one `ethos-u` operator of a compiled file, with its memory laid out as a driver would."""

    def __init__(self, path: Path) -> None:
        self.path = path
        parsed = container.parse(path.read_bytes())
        (operator,) = parsed.operators
        payload, constants, scratch, fast, *self.inputs = (parsed.tensors[index] for index in operator.inputs)
        self.outputs = [parsed.tensors[index] for index in operator.outputs]
        self.config_word = int.from_bytes(bytes(payload.data[8:12]), "little")
        self.words = np.array(parse_payload(payload.data).words, "<u4").tobytes()
        arena = np.zeros(scratch.size_bytes, np.uint8)
        own = fast.index != scratch.index
        self.regions: dict[int, Bytes] = {
            0: np.frombuffer(constants.data, np.uint8), 1: arena, 2: np.zeros(fast.size_bytes, np.uint8) if own else arena,
        }  # fmt: skip

    def fill(self, images: list[NDArray[np.generic]]) -> None:
        for tensor, image in zip(self.inputs, images, strict=True):
            self.regions[1][tensor.offset : tensor.offset + tensor.size_bytes] = image.reshape(-1).view(np.uint8)

    def require_outputs(self, expected: list[NDArray[np.generic]]) -> None:
        for tensor, values in zip(self.outputs, expected, strict=True):
            found = self.regions[1][tensor.offset : tensor.offset + tensor.size_bytes]
            np.testing.assert_array_equal(found, values.reshape(-1).view(np.uint8))


def small(folder: Path, config: str) -> Path:
    (folder / "small.tflite").write_bytes(all_on_the_npu())
    return vela(folder / "small.tflite", config, folder)[0]


def check(path: Path, source: Path) -> None:
    laid = Laid(path)
    stream = Stream(laid.config_word, laid.words)
    regions = {region: laid.regions[region][: reach.bytes] for region, reach in stream.reach.items()}
    for seed in range(2):
        images = random_inputs(source, seed)
        trace: list[ethosu_simulator.Executed] = []
        expected = ethosu_simulator.load(path).run(images, trace)
        laid.fill(images)
        found: list[ethosu_simulator.Executed] = []
        stream.run(regions, found)
        laid.require_outputs(expected)
        assert [one.operation for one in found] == [one.operation for one in trace]


@pytest.mark.slow
@pytest.mark.parametrize("config", ["u55-128", "u65-512"])
def test_it_computes_the_same_bytes_and_does_the_same_operations_as_the_file(config: str, tmp_path: Path) -> None:
    check(small(tmp_path, config), tmp_path / "small.tflite")


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("network", "config"), [("kws_micronet_m", "u55-256"), ("ad01_int8", "u65-256")])
def test_a_known_network_reaches_no_further_than_its_file_says(network: str, config: str, tmp_path: Path) -> None:
    source = real_model(f"tiny/{network}.tflite")
    path = vela(source, config, tmp_path)[0]
    laid = Laid(path)
    reach = Stream(laid.config_word, laid.words).reach
    assert not reach[0].written
    assert reach[1].written
    for region, found in reach.items():
        assert 0.5 * len(laid.regions[region]) < found.bytes <= len(laid.regions[region]) or region == 2
    check(path, source)


@pytest.mark.slow
def test_regions_that_are_one_memory_are_taken_as_one(tmp_path: Path) -> None:
    path = small(tmp_path, "u55-128")
    laid = Laid(path)
    everything = np.concatenate([laid.regions[0], np.zeros(-len(laid.regions[0]) % 16, np.uint8), laid.regions[1]])
    laid.regions[1] = everything[len(everything) - len(laid.regions[1]) :]
    images = random_inputs(tmp_path / "small.tflite", 1)
    laid.fill(images)
    Stream(laid.config_word, laid.words).run({0: everything, 1: laid.regions[1]})
    laid.require_outputs(ethosu_simulator.load(path).run(images))


@pytest.mark.slow
def test_new_constants_are_seen_and_a_region_too_small_is_a_memory_fault(tmp_path: Path) -> None:
    path = small(tmp_path, "u55-128")
    laid = Laid(path)
    stream = Stream(laid.config_word, laid.words)
    laid.fill(random_inputs(tmp_path / "small.tflite", 1))
    filled = laid.regions[1].copy()
    regions = {0: laid.regions[0], 1: laid.regions[1]}
    stream.run(regions)
    first = laid.regions[1].copy()
    changed = laid.regions[0].copy()
    changed[0] ^= 1  # of the first scale
    laid.regions[1][:] = filled
    stream.run({**regions, 0: changed})
    assert not np.array_equal(first, laid.regions[1])
    with pytest.raises(MemoryFault):
        stream.run({**regions, 1: laid.regions[1][:64]})


def test_what_is_no_stream_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StreamError, match="whole words"):
        Stream(0x1807, b"123")
    with pytest.raises(StreamError, match="names no Ethos-U"):
        Stream(0xF000_0000, b"")
    branch = (0x4100).to_bytes(2, "little") + b"\0\0" + bytes(4)
    with pytest.raises(NotModelled, match="branches"):
        _ = Stream(0x2000_0017, branch).reach
