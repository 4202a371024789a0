"""In which orders a scenario is searched, and what that is called in the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from aiochan.testing.explorer import Result

Searched: TypeAlias = Callable[[Result], None]  # the fixture
Scenario: TypeAlias = Callable[[Any], None]

# As asyncio runs callbacks, with two cancellations anywhere; and in any order, with one.
MODES = [("fifo", 2), ("any", 1)]
NAMES = [f"{order}-{cancels}" for order, cancels in MODES]

exhaustive = pytest.mark.exhaustive
every_order = pytest.mark.parametrize(("order", "cancels"), MODES, ids=NAMES)
# The first is quick; the other one takes its time.
in_time = pytest.mark.parametrize(
    ("order", "cancels"), [MODES[0], pytest.param(*MODES[1], marks=exhaustive)], ids=NAMES
)
