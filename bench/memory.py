"""How many bytes an idle channel takes, and a task that is parked in a receive: what tracemalloc counts, over many.

A parked task is made of the task, the coroutines in which it sleeps, and what the channel keeps of it. The same task on
something that keeps only how to wake it is the floor; what is above it is the price of the parked operation. Waiters
share channels (a hundred to each), so that what a channel makes on its first waiter does not count for each of them.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from bench.harness import Ready, ask
from bench.peers.base import Peer, end, settle

TO_A_CHANNEL = 100


class Barest:
    """What many tasks can wait for, and that keeps of each only how to wake it."""

    _asyncio_future_blocking = False

    def __init__(self, number: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._wakeups: list[Callable[[asyncio.Future[None]], object] | None] = [None] * number
        self._parked = 0

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def add_done_callback(self, wakeup: Callable[[asyncio.Future[None]], object], *, context: object) -> None:  # noqa: ARG002
        self._wakeups[self._parked] = wakeup
        self._parked += 1

    def __await__(self) -> Generator[Any, None, None]:
        self._asyncio_future_blocking = True
        yield self

    def wake_all(self) -> None:
        done = self._loop.create_future()
        done.set_result(None)
        for wakeup in self._wakeups[: self._parked]:
            assert wakeup is not None
            self._loop.call_soon(wakeup, done)


def take(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    """Count bytes per idle channel, per task parked on one, and per task parked on the barest thing."""
    number = job["number"]
    answer: dict[str, Any] = {}
    if peer.can("channel"):
        answer["channel"] = peer.run(job["loop"], _channels, peer, number)
    if peer.can("wait_on") and not peer.own_loop:
        answer["parked"] = peer.run(job["loop"], _parked, peer, number)
        answer["bare"] = peer.run(job["loop"], _bare, number)
    return answer


async def _channels(peer: Any, number: int) -> float:
    peer.discard(peer.channel())  # whatever is made once
    kept: list[Any] = [None] * number
    count = _Count()
    for k in range(number):
        kept[k] = peer.channel()
    size = count.bytes() / number
    for channel in kept:
        peer.discard(channel)
    return size


async def _parked(peer: Any, number: int) -> float:
    channels = [peer.channel() for _ in range(number // TO_A_CHANNEL + 1)]
    size = await _sleepers(lambda k: peer.wait_on(channels[k // TO_A_CHANNEL]), number, lambda: None)
    for channel in channels:
        peer.discard(channel)
    return size


async def _bare(number: int) -> float:
    barest = Barest(number + 1)

    async def wait() -> None:
        await barest

    return await _sleepers(lambda _: wait(), number, barest.wake_all)


async def _sleepers(sleep: Callable[[int], Coroutine[Any, Any, None]], number: int, wake: Callable[[], None]) -> float:
    tasks: list[asyncio.Task[None] | None] = [None] * number
    first = asyncio.create_task(sleep(0))  # whatever is made once
    await settle()
    count = _Count()
    for k in range(number):
        tasks[k] = asyncio.create_task(sleep(k))
    await settle()
    size = count.bytes() / number
    wake()
    await settle()
    await end([first, *(task for task in tasks if task is not None)])
    return size


class _Count:
    """The bytes allocated since it was made, and still there."""

    def __init__(self) -> None:
        gc.collect()
        tracemalloc.start()
        self._before, _ = tracemalloc.get_traced_memory()

    def bytes(self) -> int:
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return after - self._before


def sample(ready: Ready, loop: str, number: int) -> dict[str, float] | None:
    """Take one sample; None if the subject cannot do this."""
    return ask(ready, {"do": "memory", "loop": loop, "number": number}) or None
