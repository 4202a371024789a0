"""How late timers are beside a pair of tasks that passes values as fast as it can: wall-clock time, of one process."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from bench.harness import Ready, ask
from bench.peers.base import Peer

CAPACITIES = (1, 10_000)
TICK_S = 0.001


def take(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    """Tick for `job["seconds"]` beside a saturating pair; how many ms each tick was late."""
    if not peer.can("flow"):
        return {}
    return {"late_ms": peer.run(job["loop"], _tick, peer, job["capacity"], job["seconds"])}


async def _tick(peer: Any, capacity: int, seconds: float) -> list[float]:
    late: list[float] = []
    flow = asyncio.create_task(peer.flow(capacity))
    end = time.perf_counter() + seconds
    now = 0.0
    while now < end:
        due = time.perf_counter() + TICK_S
        await asyncio.sleep(TICK_S)
        now = time.perf_counter()
        late.append((now - due) * 1e3)
    flow.cancel()
    with suppress(asyncio.CancelledError):
        await flow
    return late


def sample(ready: Ready, loop: str, capacity: int, seconds: float) -> list[float] | None:
    """Take one sample: how many ms late each tick was; None if the subject cannot do this."""
    late: list[float] | None = ask(
        ready, {"do": "lateness", "loop": loop, "capacity": capacity, "seconds": seconds}
    ).get("late_ms")
    return late


def summary(samples: list[list[float]]) -> dict[str, float]:
    """Put samples together: ticks, and p50, p99 and the most, in ms."""
    late = sorted(value for sample in samples for value in sample)
    return {
        "ticks": len(late),
        "p50": late[len(late) // 2],
        "p99": late[min(len(late) - 1, len(late) * 99 // 100)],
        "max": late[-1],
    }
