"""One sample of one workload of one peer, taken inside its process: how many operations, how many CPU seconds."""

from __future__ import annotations

import gc
from typing import Any

from bench.peers.base import Peer

TENTH = 10  # the warm-up lasts about a tenth of the sample
STEP = 100  # and is at most so many times longer than the one before
LEAST_S = 1e-6


def once(peer: Peer, loop: str, method: str, arguments: list[int]) -> tuple[Any, float]:
    """Do a workload once: what it returned, and CPU seconds."""

    async def timed() -> Any:
        peer.watch.start()
        result = await getattr(peer, method)(*arguments)
        peer.watch.stop()
        return result

    gc.collect()
    return peer.run(loop, timed), peer.watch.seconds


def take(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    """Warm up, see how many operations last `job["seconds"]`, and do as many, or as many as `job["fixed"]` says."""
    if not peer.can(job["method"]):
        return {}
    wanted, count = job["seconds"], job["warm_up"]

    def measure(count: int) -> tuple[Any, float]:
        return once(peer, job["loop"], job["method"], [count, job["width"]] if job["width"] else [count])

    measure(count)  # pays for everything that is imported or made on first use
    _, seconds = measure(count)
    while not job["fixed"] and seconds < wanted / TENTH:
        count = next_count(count, seconds, wanted / TENTH)
        _, seconds = measure(count)
    count = job["fixed"] or max(1, round(count * wanted / seconds))
    result, seconds = measure(count)
    return {"count": count, "seconds": seconds, "result": result}


def next_count(count: int, seconds: float, wanted: float) -> int:
    """Say how many operations last a little longer than wanted, judging by these; at most STEP times as many."""
    return min(STEP * count, 1 + round(1.2 * count * wanted / max(seconds, LEAST_S)))
