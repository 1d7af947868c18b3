"""Every fault once; `make faults` makes each twenty times and writes the table."""

from __future__ import annotations

import pytest

from tests.boards.fault_scene import fault_scene
from tests.boards.faults import FAULTS, Scene, make_fault

pytestmark = [pytest.mark.boards, pytest.mark.slow]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    from tests.boards.session import lab, reason

    if why := reason():
        pytest.skip(why)
    return fault_scene(lab(), tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_nothing_is_lost_wrong_or_left_over(name: str, scene: Scene) -> None:
    make_fault(name, scene)
