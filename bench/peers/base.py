"""What every peer has: a watch, and a way to run on the chosen event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

STRIDE = 7919  # a prime: visits every place, far from the last one
TURNS = 10


class Watch:
    """CPU seconds of this process, from `start` to `stop`."""

    def __init__(self) -> None:
        self._begin = self._end = 0.0

    def start(self) -> None:
        self._begin, self._end = time.process_time(), 0.0

    def stop(self) -> None:
        self._end = self._end or time.process_time()

    @property
    def seconds(self) -> float:
        return self._end - self._begin


def loop_factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Name what makes the event loop."""
    if loop == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    return asyncio.new_event_loop


class Peer:
    """One subject. A workload is a coroutine method ``name(count)`` or ``name(count, width)``; workloads.py says what
    it has to do and to return. The watch runs from its first line to its last, unless it starts or stops it itself.
    """

    own_loop = False  # not asyncio's tasks

    def __init__(self) -> None:
        self.watch = Watch()

    def run(self, loop: str, main: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        """Run `main(*args)` on an event loop of this kind."""
        with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
            return runner.run(main(*args))

    def discard(self, channel: Any) -> None:
        """Throw away what `channel` made, so that nobody warns."""

    def can(self, workload: str) -> bool:
        return hasattr(self, workload)


async def settle() -> None:
    """Let everybody start and park: some libraries go round the loop now and then before they do."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until they have ended."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


async def cancel_some(watch: Watch, wait: Callable[[], Coroutine[Any, Any, Any]], count: int, width: int) -> int:
    """Keep `width` tasks asleep in ``await wait()``; cancel one somewhere among them and replace it, `count` times."""
    tasks = [asyncio.create_task(wait()) for _ in range(width)]
    await settle()
    ended = which = 0
    watch.start()
    for _ in range(count):
        which = (which + STRIDE) % width
        tasks[which].cancel()
        try:
            await tasks[which]
        except asyncio.CancelledError:
            ended += 1
        tasks[which] = asyncio.create_task(wait())
        await asyncio.sleep(0)
    watch.stop()
    await end(tasks)
    return ended
