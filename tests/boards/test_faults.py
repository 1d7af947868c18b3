"""Every fault once; `make faults` makes each twenty times and writes the table."""

from __future__ import annotations

import pytest

from tests.boards.farm_faults import FARM_FAULTS, FarmScene, farm_scene
from tests.boards.farm_faults import SWEPT_BY_NEXT as FARM_SWEPT
from tests.boards.fault_scene import Scene, fault_scene
from tests.boards.faults import FAULTS, SWEPT_BY_NEXT, make_fault

pytestmark = [pytest.mark.boards, pytest.mark.slow]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    from tests.boards.session import lab, reason

    if why := reason():
        pytest.skip(why)
    return fault_scene(lab(), tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def farm(scene: Scene) -> FarmScene:
    from tests.boards.session import farm, farm_row

    farm_row()
    return farm_scene(farm(), scene)


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_nothing_is_lost_wrong_or_left_over(name: str, scene: Scene) -> None:
    make_fault(FAULTS[name], scene, swept_by_next=name in SWEPT_BY_NEXT)


@pytest.mark.parametrize("name", FARM_FAULTS)
def test_after_a_fault_of_the_farm_no_place_stays_acquired_either(name: str, farm: FarmScene) -> None:
    make_fault(FARM_FAULTS[name], farm, swept_by_next=name in FARM_SWEPT)
