"""A cache in front of a slow loader, as groupcache has it: an entry that has expired is loaded once.

            ┌── fresh ────────────────────────────────────────▶ the value that is there
    get ────┼── stale ─▶ somebody is sent to load it anew ────▶ the value that is there
            └── neither ─▶ SingleFlight: one load for all ────▶ the value that was loaded

Without the SingleFlight, everybody who finds nothing would load it. That goes well until an entry which many want has
expired: then all of them load it, at the same moment, which is when the loader is slowest.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import aiochan as ac

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Entry(Generic[V]):
    """A value, and until when it is fresh, by the loop's clock."""

    value: V
    fresh_until: float


@dataclass(slots=True)
class Counts:
    """How the requests so far were answered."""

    fresh: int = 0
    stale: int = 0
    waited: int = 0
    loads: int = 0


class Cache(Generic[K, V]):
    """What `load` has returned, for some time.

    Args:
        load: Loads the value of a key. Its errors go to all who wait for it, and are not kept.
        ttl: For how many seconds a value is fresh.
        stale: For how many seconds more it may be given out while it is loaded anew.
        most: How many values are kept; those go first that nobody has wanted for the longest time.
    """

    def __init__(
        self, load: Callable[[K], Awaitable[V]], *, ttl: float, stale: float = 0.0, most: int = 100_000
    ) -> None:
        self.counts = Counts()
        self._load = load
        self._ttl, self._stale, self._most = ttl, stale, most
        self._entries = OrderedDict[K, Entry[V]]()  # last wanted, last
        self._flights = ac.SingleFlight[K, V]("cache")
        self._renewing = set[K]()

    async def get(self, key: K) -> V:
        """Return the value of a key, if need be after it was loaded."""
        entry, now = self._entries.get(key), asyncio.get_running_loop().time()
        if entry is None or now >= entry.fresh_until + self._stale:
            self.counts.waited += 1
            value, _shared = await self._flights.do(key, self._fill, key)
            return value
        self._entries.move_to_end(key)
        if now < entry.fresh_until:
            self.counts.fresh += 1
        else:
            self.counts.stale += 1
            if key not in self._renewing:
                self._renewing.add(key)
                _ = ac.go(self._renew, key)  # nobody waits for it
        return entry.value

    async def _renew(self, key: K) -> None:
        """Load a value anew that nobody waits for; an error is the loop's, and the old value stays."""
        try:
            await self._flights.do(key, self._fill, key)
        finally:
            self._renewing.discard(key)

    async def _fill(self, key: K) -> V:
        """Load a value and keep it: done by the flight, so that it is there whoever has left meanwhile."""
        self.counts.loads += 1
        value = await self._load(key)
        self._entries[key] = Entry(value, asyncio.get_running_loop().time() + self._ttl)
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)
        return value
