"""Every test of this folder begins with a full budget of operations, whatever ran before it."""

import pytest

from aiochan.core import set_budget


@pytest.fixture(autouse=True)
def full_budget():
    old = set_budget()
    yield
    set_budget(*old)
