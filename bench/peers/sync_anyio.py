"""anyio's locks. It has no barrier."""

from __future__ import annotations

import anyio

from bench.peers import sync


class Peer(sync.Peer):
    make_lock = anyio.Lock
    make_semaphore = anyio.Semaphore

    def make_event(self) -> sync.Event:
        event = anyio.Event()
        return sync.Event(event.set, event.wait)

    def make_condition(self) -> sync.Condition:
        condition = anyio.Condition()
        return sync.Condition(condition, condition.wait, condition.notify, condition.notify_all)
