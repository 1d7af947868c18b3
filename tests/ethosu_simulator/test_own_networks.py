"""Networks of our own making, kind by kind, give the reference's bytes as a whole file: a few in CI, every one nightly."""

from __future__ import annotations

import pytest

from tests.ethosu_simulator.networks.__main__ import VELA_DIES, Row, names, row
from tests.ethosu_simulator.networks.kinds import KINDS, LENGTHS, build
from tests.ethosu_simulator.toolchain import ALL


def require_equal(found: Row) -> None:
    assert [str(cell) for cell in found.cells if cell.refusal or cell.differing] == []
    assert all(cell.compared and cell.streams for cell in found.cells)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "config"), [("uint8", "u85-256"), ("islands", "u55-128"), ("state", "u65-256")])
def test_a_short_network_of_a_kind_gives_the_reference_s_bytes(kind: str, config: str) -> None:
    require_equal(row((kind, 0), [config]))


@pytest.mark.nightly
@pytest.mark.parametrize("name", names(), ids=str)
def test_every_network_on_every_configuration_gives_the_reference_s_bytes(name: tuple[str, int]) -> None:
    require_equal(row(name, ALL))


@pytest.mark.nightly
@pytest.mark.parametrize("name", VELA_DIES, ids=str)
def test_networks_left_out_are_those_that_vela_dies_of(name: tuple[str, int]) -> None:
    assert [cell.refusal for cell in row(name, ["u55-128"]).cells] == ["Vela 5.2.0 ends with SIGSEGV"]


def test_each_kind_has_five_networks_and_one_of_more_than_fifty_operators() -> None:
    assert len(set(names())) == len(KINDS) * len(LENGTHS) >= 40
    assert max(LENGTHS) > 50
    assert build("islands", 0) == build("islands", 0) != build("islands", 1)
