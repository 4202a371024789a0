"""Every allocation of every operation fails once: nothing is lost, nobody sleeps who should be awake."""

from __future__ import annotations

import importlib.util

import pytest

from tests.safety.scenarios import SCENARIOS

pytestmark = [
    pytest.mark.usefixtures("compiled"),
    pytest.mark.skipif(importlib.util.find_spec("_testcapi") is None, reason="this Python comes without _testcapi"),
]


@pytest.mark.parametrize("name", SCENARIOS)
def test_whatever_finds_no_memory_leaves_all_in_order(apart, name):
    assert "and nothing else" in apart("-m", "tests.safety.nomemory", name)


def test_the_allocations_are_really_refused(apart):
    """What cannot fail would find nothing: a sender that is made and then sleeps needs memory at several places."""
    words = apart("-m", "tests.safety.nomemory", "sender").split()
    assert int(words[1]) > 5
