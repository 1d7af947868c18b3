"""The disassembly is Vela's own, line by line, and a stream no NPU would accept is refused with its place."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethosu_simulator import StreamError, container
from ethosu_simulator.command_stream import decode, parse_payload
from ethosu_simulator.disassemble import data, text
from tests.conversion import tflite_builder
from tests.conversion.real_data import real_model
from tests.ethosu_simulator.toolchain import ALL, TINY, vela

CONFIG_U55_128 = 7 | 24 << 8
STOP = 0xFFFF0000


def _payload(*words: int, config: int = CONFIG_U55_128) -> bytes:
    head = [0x31504F43, 0x00100001, config, 0x10060000, 5, 5, 5, 2 | len(words) << 16]
    return struct.pack(f"<{len(head) + len(words)}I", *head, *words)


def _mine(compiled: Path) -> str:
    parsed = container.parse(compiled.read_bytes())
    streams = [parsed.tensors[o.inputs[0]].data for o in parsed.operators if o.name == "ethos-u"]
    return "".join(text(decode(parse_payload(stream))) for stream in streams)


def _velas(printed: str) -> str:
    return "".join(f"{line}\n" for line in printed.splitlines() if line.startswith("0x"))


@pytest.mark.slow
@pytest.mark.parametrize("config", ALL)
def test_disassembly_of_a_small_graph_is_velas(config: str, tmp_path: Path) -> None:
    model = tmp_path / "small.tflite"
    model.write_bytes(tflite_builder.all_on_the_npu())
    compiled, printed = vela(model, config, tmp_path)
    assert _mine(compiled) == _velas(printed) != ""


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("config", ALL)
@pytest.mark.parametrize("network", TINY)
def test_disassembly_of_a_network_is_velas(network: str, config: str, tmp_path: Path) -> None:
    compiled, printed = vela(real_model(f"tiny/{network}.tflite"), config, tmp_path)
    assert _mine(compiled) == _velas(printed) != ""


def test_disassembly_as_data_names_address_and_fields() -> None:
    commands = decode(parse_payload(_payload(0x00410105, STOP)))
    first = data(commands)[0]
    assert (first["address"], first["name"]) == (0, "NPU_SET_IFM_PRECISION")
    assert first["fields"]["activation_format"] == "ACTIVATION_FORMAT_NHCWB16"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"COP3" + bytes(12), "COP1"),
        (b"COP1", "two"),
        (_payload(STOP)[:-4] + b"", "cut"),
        (_payload(STOP, config=0x90000000), "no Ethos-U"),
        (_payload(0x00003FFF), "0x000000: .*no command"),
        (_payload(STOP, 0x00004000), "0x000004: .*two-word"),
        (_payload(0x00100107), "reserved bits"),
        (_payload(0x00030107), "mode = 3 is reserved"),
    ],
)
def test_a_bad_stream_is_refused(payload: bytes, why: str) -> None:
    with pytest.raises(StreamError, match=why):
        decode(parse_payload(payload))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_decode_or_are_refused(noise: bytes, framed: bool) -> None:
    whole = noise[: len(noise) // 4 * 4]
    payload = _payload(*struct.unpack(f"<{len(whole) // 4}I", whole)) if framed else noise
    with contextlib.suppress(StreamError):
        decode(parse_payload(payload))
