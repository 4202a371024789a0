"""Locks, semaphores, conditions, events and barriers beside those of asyncio, anyio and aiologic: what is measured.

What they do is written once, in peers/sync.py; the peers say which objects it is done with.
"""

from __future__ import annotations

from bench.subjects import Subject
from bench.workloads import HELD, Workload, hops, operations

SYNC_SUBJECTS = [
    Subject("aiochan", "aiochan, Python core", peer="sync_aiochan", core="python"),
    Subject("aiochan_c", "aiochan, C core", peer="sync_aiochan", core="c", needs="aiochan.core._speedups"),
    Subject("asyncio", "asyncio", peer="sync_asyncio", module="asyncio"),
    Subject("anyio", "anyio", peer="sync_anyio", module="anyio"),
    Subject("aiologic", "aiologic", peer="sync_aiologic", module="aiologic"),
]


def _alone(name: str, title: str) -> Workload:
    return Workload(name, name, title, "round", HELD, warm_up=5_000, expect=operations)


def _together(name: str, method: str, title: str, width: int, unit: str = "turn") -> Workload:
    return Workload(name, method, title, unit, HELD, width, 10, each=width, expect=hops)


def _cancelled(name: str, title: str) -> Workload:
    return Workload(name, name, title, "waiter", HELD, 10_000, 1, expect=operations)


SYNC_WORKLOADS = [
    _alone("lock_free", "mutex that is free"),
    _together("lock_2", "lock", "mutex, 2 contenders", 2),
    _together("lock_1000", "lock", "mutex, 1,000 contenders", 1_000),
    _alone("semaphore_free", "semaphore that has room"),
    _together("semaphore_2", "semaphore", "semaphore of 1, 2 contenders", 2),
    _together("semaphore_1000", "semaphore", "semaphore of 1, 1,000 contenders", 1_000),
    _together("semaphore_hundred", "semaphore_hundred", "semaphore of 100, 1,000 contenders", 1_000),
    _alone("condition_free", "condition, signalled where nobody waits"),
    _together("condition_2", "condition", "condition, 2 tasks signal each other", 2),
    _together("condition_1000", "condition", "condition, 1,000 tasks signal each other in a ring", 1_000),
    _together("broadcast_1000", "broadcast", "condition, broadcast to 1,000", 1_000, "waiter"),
    _alone("event_set", "event that has happened"),
    _together("event_1", "event", "event, 1 waits", 1, "waiter"),
    _together("event_1000", "event", "event, 1,000 wait", 1_000, "waiter"),
    _together("barrier_2", "barrier", "barrier of 2", 2, "party"),
    _together("barrier_1000", "barrier", "barrier of 1,000", 1_000, "party"),
    _cancelled("lock_cancel", "one of 10,000 who wait for a mutex is cancelled and replaced"),
    _cancelled("semaphore_cancel", "one of 10,000 who wait for a semaphore is cancelled and replaced"),
    _cancelled("condition_cancel", "one of 10,000 who wait for a condition is cancelled and replaced"),
    _cancelled("event_cancel", "one of 10,000 who wait for an event is cancelled and replaced"),
]
