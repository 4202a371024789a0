"""Our locks. A signal is the event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiochan as ac
from bench.peers import sync


class Peer(sync.Peer):
    make_lock = ac.Mutex
    make_semaphore = ac.Semaphore

    def make_event(self) -> sync.Event:
        signal = ac.Signal()
        return sync.Event(signal.close, signal.wait)

    def make_condition(self) -> sync.Condition:
        condition = ac.Cond()
        return sync.Condition(condition, condition.wait, condition.signal, condition.broadcast)

    def make_barrier(self, parties: int) -> Callable[[], Awaitable[Any]]:
        return ac.CyclicBarrier(parties).wait
