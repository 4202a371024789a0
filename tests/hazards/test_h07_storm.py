"""H7: time limits that race with delivery, a few thousand times, in seeded virtual time."""

import asyncio
import contextlib
import random

import anyio
import pytest

import aiochan as ac
from tests.hazards.stage import ManualClock, assert_idle, settle, turn

SEEDS = range(4)
TASKS, VALUES = 5, 20


async def by_wait_for(operation, limit_s):
    return await asyncio.wait_for(operation(), limit_s)


async def by_timeout(operation, limit_s):
    async with asyncio.timeout(limit_s):
        return await operation()


async def by_fail_after(operation, limit_s):
    with anyio.fail_after(limit_s):
        return await operation()


class Storm:
    """Senders and receivers that lose patience at random."""

    def __init__(self, seed, limit, capacity):
        self.random = random.Random(seed)
        self.limit = limit
        self.channels = [ac.Chan(capacity), ac.Chan(capacity)]
        self.got = []
        self.sent = []  # their sends have returned
        self.perhaps = []  # their sends were cut short

    async def send(self, numbers):
        for number in numbers:
            ch = self.random.choice(self.channels)
            try:
                await self.limit(lambda: ch.send(number), self.random.random() / 2)  # noqa: B023 - awaited at once
            except TimeoutError:
                self.perhaps.append(number)
            else:
                self.sent.append(number)

    async def receive(self):
        while True:
            await asyncio.sleep(self.random.random())  # of the manual clock
            with contextlib.suppress(TimeoutError):
                value = await self.limit(self.random.choice([self._recv, self._select]), self.random.random())
                self.got.append(value)

    async def _recv(self):
        return await self.random.choice(self.channels).recv()

    async def _select(self):
        return (await ac.select(*map(ac.recv, self.channels)))[1]

    async def play(self):
        with ManualClock() as clock:
            senders = [asyncio.create_task(self.send(range(n, VALUES * TASKS, TASKS))) for n in range(TASKS)]
            receivers = [asyncio.create_task(self.receive()) for _ in range(TASKS)]
            while not all(sender.done() for sender in senders):
                await self._go_on(clock)
            while any(ch._snapshot().held for ch in self.channels):
                await self._go_on(clock)
            await self._go_on(clock)
            while not all(receiver.done() for receiver in receivers):  # a wait_for of Python 3.11 may swallow one
                for receiver in receivers:
                    receiver.cancel()
                await turn()
            await settle(*senders, *receivers)
            assert clock.pending == 0, "a timer was left behind"

    async def _go_on(self, clock):
        clock.advance(self.random.random() / 8)
        await turn(self.random.randrange(4))

    def check(self):
        assert_idle(*self.channels)
        assert len(set(self.got)) == len(self.got), "doubled"
        assert set(self.sent) <= set(self.got), "lost"
        assert set(self.got) <= {*self.sent, *self.perhaps}, "made up"


@pytest.mark.parametrize("capacity", [0, 1, 3])
@pytest.mark.parametrize("limit", [by_wait_for, by_timeout, by_fail_after])
def test_h07_a_storm_of_time_limits(run, limit, capacity):
    async def main():
        sent = perhaps = 0
        for seed in SEEDS:
            storm = Storm(seed, limit, capacity)
            await storm.play()
            storm.check()
            sent += len(storm.sent)
            perhaps += len(storm.perhaps)
        assert sent > 100  # else it was no storm
        assert perhaps > 10

    run(main)


@pytest.mark.parametrize("limit", [by_wait_for, by_timeout, by_fail_after])
def test_h07_a_limit_of_nothing(run, limit):
    """With a limit of 0 an operation is cut short when it has to wait, and nothing is lost if it has not."""

    async def main():
        ch = ac.Chan(2)
        with pytest.raises(TimeoutError):
            await limit(ch.recv, 0)
        ch.send_nowait("value")
        with contextlib.suppress(TimeoutError):
            ch.send_nowait(await limit(ch.recv, 0))
        assert ch.recv_nowait() == "value"
        assert_idle(ch)

    run(main)
