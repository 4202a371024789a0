"""The standard library's locks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bench.peers import sync


class Peer(sync.Peer):
    make_lock = asyncio.Lock
    make_semaphore = asyncio.Semaphore

    def make_event(self) -> sync.Event:
        event = asyncio.Event()
        return sync.Event(event.set, event.wait)

    def make_condition(self) -> sync.Condition:
        condition = asyncio.Condition()
        return sync.Condition(condition, condition.wait, condition.notify, condition.notify_all)

    def make_barrier(self, parties: int) -> Callable[[], Awaitable[Any]]:
        return asyncio.Barrier(parties).wait
