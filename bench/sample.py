"""Take one sample: the CPU time per operation of one workload of one peer, in this process.

python -m bench.sample LOOP PEER WORKLOAD COUNT
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import time
from collections.abc import Awaitable, Callable

WARM_UP = 10  # a tenth of the operations first, unmeasured: caches, specialised bytecode


def loop_factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Name what makes the event loop."""
    if loop == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    return asyncio.new_event_loop


async def cpu_seconds(work: Callable[[int], Awaitable[None]], count: int) -> float:
    """Measure the CPU time that the process needs for `count` operations."""
    await work(max(1, count // WARM_UP))
    begin = time.process_time()
    await work(count)
    return time.process_time() - begin


def main() -> None:
    loop, peer, workload, count = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # no migration between cores
    work = getattr(importlib.import_module(f"bench.peers.{peer}"), workload)
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        print(runner.run(cpu_seconds(work, int(count))) / int(count))


if __name__ == "__main__":
    main()
