"""aiologic's locks, which work across threads and loops as well. Some of them are awaited themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiologic

from bench.peers import sync


class Peer(sync.Peer):
    make_lock = aiologic.Lock
    make_semaphore = aiologic.Semaphore

    def make_event(self) -> sync.Event:
        event = aiologic.Event()
        return sync.Event(event.set, lambda: event)

    def make_condition(self) -> sync.Condition:
        condition = aiologic.Condition()
        return sync.Condition(condition, lambda: condition, condition.notify, condition.notify_all)

    def make_barrier(self, parties: int) -> Callable[[], Awaitable[Any]]:
        barrier = aiologic.Barrier(parties)
        return lambda: barrier
