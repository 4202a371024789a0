"""Nothing stays behind, however often it is done."""

from __future__ import annotations

import pytest

from tests.safety.histories import HISTORIES
from tests.safety.leaks import everything, repeat
from tests.safety.scenarios import SCENARIOS

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.mark.parametrize("names", [SCENARIOS, HISTORIES], ids=["scenarios", "histories"])
def test_nothing_stays_behind(apart, names):
    told = apart("-m", "tests.safety.leaks", "--rounds", "400", *names)
    assert told.count("nothing stayed") == len(names)


@pytest.mark.stress
@pytest.mark.parametrize("name", everything())
def test_nothing_stays_behind_after_ten_thousand_rounds(apart, name):
    assert "nothing stayed" in apart("-m", "tests.safety.leaks", name)


def test_what_stays_behind_is_seen(monkeypatch):
    kept = []
    monkeypatch.setitem(HISTORIES, "leak", lambda: kept.append([object()]))
    with pytest.raises(AssertionError, match=r"leak, after 400 rounds, again and again: \d+ blocks of memory"):
        repeat("leak", 400)
