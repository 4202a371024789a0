"""The values that the programs send: nobody may look into them, and some could be taken for something else."""

from __future__ import annotations

import asyncio
import weakref

from tests.testing.comparison import Value

ODD = (
    None,
    (),
    (1, "two"),
    StopIteration("a value"),
    ValueError("a value"),
    ValueError,
    asyncio.CancelledError,
    False,
    (None, False),
)
EVERY = 4  # how seldom a value is odd


class Values:
    """Makes values, and knows which of them are still there."""

    def __init__(self) -> None:
        self._made = 0
        self._there: weakref.WeakValueDictionary[int, Value] = weakref.WeakValueDictionary()

    def new(self) -> object:
        """Make the next one."""
        self._made += 1
        if self._made % EVERY == 0:
            return ODD[self._made // EVERY % len(ODD)]
        self._there[self._made] = value = Value(self._made)
        return value

    def left(self) -> list[str]:
        """Those that somebody still holds, by name."""
        return sorted(repr(value) for value in self._there.values())
