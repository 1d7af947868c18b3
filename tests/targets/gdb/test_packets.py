"""Packets survive the wire, and what is no packet is refused or passed over; never more than a bounded amount is held."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.gdb.errors import PeerNonsense
from targets.gdb.packets import MAX_PAYLOAD, Packet, Reader, escaped, framed, written_out


def packets(data: bytes, step: int = 0) -> list[Packet | bytes]:
    reader = Reader()
    parts = [data[at : at + step] for at in range(0, len(data), step)] if step else [data]
    return [event for part in parts for event in reader.feed(part)]


@given(st.binary(max_size=300), st.integers(1, 7))
def test_a_payload_of_any_bytes_comes_back_however_it_is_cut(payload: bytes, step: int) -> None:
    (packet,) = packets(framed(escaped(payload)), step)
    assert isinstance(packet, Packet)
    assert packet.intact
    assert written_out(packet.payload) == payload


def test_acknowledgements_notifications_and_noise_between_packets_are_told_apart() -> None:
    found = packets(b"+noise-$OK#9a%Stop:T05#8f$x#00")
    assert found == [
        b"+", b"-", Packet(b"OK", intact=True), Packet(b"Stop:T05", intact=False, notification=True), Packet(b"x", intact=False)
    ]  # fmt: skip


def test_repetitions_are_written_out() -> None:
    assert written_out(b"0* ") == b"0000"
    assert written_out(b'a0*"b') == b"a000000b"
    assert written_out(b"}\x03*!") == b"#" * 5


@pytest.mark.parametrize("payload", [b"x*", b"x}", b"*!", b"x*\x1f", b"x*\x7f"])
def test_broken_escapes_and_repetitions_are_refused(payload: bytes) -> None:
    with pytest.raises(PeerNonsense):
        written_out(payload)


def test_endless_packets_and_explosive_repetitions_are_refused() -> None:
    with pytest.raises(PeerNonsense, match="more than"):
        packets(b"$" + b"0" * (MAX_PAYLOAD + 100), 4096)
    with pytest.raises(PeerNonsense, match="more than"):
        written_out(b"0" + b"*~" * (MAX_PAYLOAD // 90))
