"""A small program on two channels and a wait queue, in which any step can be made to raise KeyboardInterrupt.

The program is made so that it ends whoever of it dies, once `close` was called.
"""

import asyncio
from collections.abc import Coroutine

import aiochan as ac
from aiochan.core import WaitQueue
from tests.hazards.stage import assert_idle, drain


class Steps:
    """Count steps, and raise at one of them.

    Args:
        fatal: The number of that step; 0 for none.
        error: What to raise.
    """

    def __init__(self, fatal, error):
        self.fatal = fatal
        self.error = error
        self.taken = 0

    def next_is_fatal(self):
        self.taken += 1
        return self.taken == self.fatal


class Fatal(Coroutine):
    """A coroutine of which every step is counted, and one may find an error where it was suspended."""

    def __init__(self, coroutine, steps, begun):
        self.coroutine = coroutine
        self.steps = steps
        self.begun = begun  # the first step counts too

    def send(self, value):
        if self.begun and self.steps.next_is_fatal():
            return self.coroutine.throw(self.steps.error)
        self.begun = True
        return self.coroutine.send(value)

    def throw(self, *error):
        return self.coroutine.throw(*error)

    def close(self):
        self.coroutine.close()

    def __await__(self):
        raise NotImplementedError("it is driven by a task")


class Program:
    """Senders, receivers, selects, reservations and waiters, and what they achieved."""

    def __init__(self):
        self.left, self.right, self.queue = ac.Chan(), ac.Chan(1), WaitQueue()
        self.sent = []
        self.begun = []
        self.got = []

    def coroutines(self):
        return [
            self.sender(self.left, "a"),
            self.chooser(),
            self.reserver(),
            self.receiver(self.left, 2),
            self.selecter(4),
            self.reader(),
            self.parker(),
            self.parker(),
            self.waker(),
        ]

    async def sender(self, ch, name):
        for number in range(3):
            await self._sending(f"{name}{number}", ch.send)

    async def _sending(self, value, send):
        self.begun.append(value)
        await send(value)
        self.sent.append(value)

    async def chooser(self):
        for value in ("b0", "b1"):
            await self._sending(value, lambda v: ac.select(ac.send(self.left, v), ac.send(self.right, v)))

    async def reserver(self):
        for value in ("c0", "c1"):
            async with self.right.reserve() as place:
                self.begun.append(value)
                place.send(value)
                self.sent.append(value)

    async def receiver(self, ch, times):
        for _ in range(times):
            self.got.append(await ch.recv())

    async def selecter(self, times):
        for _ in range(times):
            self.got.append((await ac.select(ac.recv(self.left), ac.recv(self.right)))[1])

    async def reader(self):
        async for value in self.right:
            self.got.append(value)

    async def parker(self):
        await self.queue.park()

    async def waker(self):
        await asyncio.sleep(0)
        self.queue.wake(1)

    def close(self):
        for ch in (self.left, self.right):
            if not ch.closed:
                ch.close()
        self.queue.wake_all()

    def check(self):
        """Check the invariants; at any time."""
        for thing in (self.left, self.right, self.queue):
            thing._check()

    def check_end(self):
        """Check that nothing was lost or doubled; when everybody has ended."""
        assert_idle(self.left, self.right, self.queue)
        came = [*self.got, *drain(self.left), *drain(self.right)]
        assert len(set(came)) == len(came), "doubled"
        assert set(self.sent) <= set(came), "lost"
        assert set(came) <= set(self.begun), "made up"
