"""A crowd of tasks, each parked in a receive: the memory it takes, and the CPU time to park and to release it.

The collector is on while they park, as it is in programs. A hundred tasks share a channel, as in memory.py.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from bench.harness import Failed, Ready, ask
from bench.memory import TO_A_CHANNEL
from bench.peers.base import Peer, settle

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEASURES = ("park", "release", "bytes")  # CPU ns and bytes, for each task


def take(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    """Park `job["number"]` tasks and release them: CPU seconds, bytes, and how many of them have ended."""
    if not peer.can("give"):
        return {}
    answer: dict[str, Any] = peer.run(job["loop"], _crowd, peer, job["number"])
    return answer


async def _crowd(peer: Any, number: int) -> dict[str, float]:
    channels = [peer.channel() for _ in range(number // TO_A_CHANNEL)]
    memory, began = _resident(), time.process_time()
    tasks = [asyncio.create_task(peer.wait_on(channel)) for channel in channels for _ in range(TO_A_CHANNEL)]
    await settle()
    parked, memory = time.process_time(), _resident() - memory
    for channel in channels:
        for _ in range(TO_A_CHANNEL):
            peer.give(channel)
    await tasks[-1]  # who is released in line
    released = time.process_time()
    ended = sum(task.done() for task in tasks)
    return {"park": parked - began, "release": released - parked, "bytes": memory, "ended": ended}


def _resident() -> int:
    """Tell the most bytes that this process has had in memory, 0 where nobody knows."""
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def sample(ready: Ready, loop: str, number: int) -> dict[str, float] | None:
    """Take one sample: CPU ns to park and to release, and bytes, for each task; None if the subject cannot do this.

    Raises:
        Failed: It did not work, or somebody was left asleep.
    """
    found = ask(ready, {"do": "crowd", "loop": loop, "number": number})
    if not found:
        return None
    if found["ended"] != number:
        raise Failed(f"{ready.subject.name}: {found['ended']} of {number} parked tasks were released")
    return {
        "park": found["park"] / number * 1e9,
        "release": found["release"] / number * 1e9,
        "bytes": found["bytes"] / number,
    }
