"""Every scenario, with somebody who uses the same channels in the middle of each operation."""

from __future__ import annotations

import pytest

from tests.safety.meddling import WAYS, meddled
from tests.safety.scenarios import SCENARIOS

pytestmark = pytest.mark.usefixtures("compiled")
AT_VOLUME = 200


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", SCENARIOS)
def test_whoever_meddles_leaves_all_in_order(name, way):
    for seed in range(4):
        meddled(SCENARIOS[name], way, seed)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_really_comes_to_meddle(way):
    assert sum(meddled(SCENARIOS[name], way, 1) for name in SCENARIOS) > 5


@pytest.mark.stress
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", SCENARIOS)
def test_whoever_meddles_leaves_all_in_order_at_volume(name, way):
    for seed in range(4, AT_VOLUME):
        meddled(SCENARIOS[name], way, seed)
