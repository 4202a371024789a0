"""The table of receivers: a value is delivered to somebody who waits, and the wait is cut short.

Each row is an operation, each column a way to cancel it and how the two meet (means.py). A cell is tried on every kind
of channel that matters: rendezvous and ring, with and without somebody waiting behind.
"""

import asyncio
import itertools
from dataclasses import dataclass, field

import aiochan as ac
from aiochan.core import WaitQueue
from tests.hazards.means import CUT_SHORT
from tests.hazards.stage import ManualClock, assert_idle, collect_all, drain, settle, until


@dataclass
class Receiving:
    """Two channels, what was sent into each of them and what came out."""

    capacity: float
    channels: list = field(init=False)
    sent: list = field(default_factory=lambda: [[], []])
    got: list = field(default_factory=lambda: [[], []])

    def __post_init__(self):
        self.channels = [ac.Chan(self.capacity, name="left"), ac.Chan(self.capacity, name="right")]

    def deliver(self):
        """Send two values to each channel, as far as they are taken without waiting."""
        for ch, sent in zip(self.channels, self.sent, strict=True):
            for value in ("first", "second"):
                try:
                    ch.send_nowait(value)
                except ac.WouldBlock:
                    continue
                sent.append(value)

    def waiting(self):
        return sum(ch.stats().parked_receivers for ch in self.channels)

    def behind(self):
        """Make who waits behind the victim, and takes whatever comes."""
        return [collect_all(ch, into) for ch, into in zip(self.channels, self.got, strict=True)]

    def close(self):
        for ch in self.channels:
            ch.close()

    def verdict(self):
        """Say what became of the values, when all is over."""
        assert_idle(*self.channels)
        words = {judge(s, [*g, *drain(c)]) for c, s, g in zip(self.channels, self.sent, self.got, strict=True)}
        return "kept" if words == {"kept"} else ", ".join(sorted(words - {"kept"}))

    # the operations: what a victim does, once

    async def recv(self):
        self.got[0].append(await self.channels[0].recv())

    async def recv_ok(self):
        value, ok = await self.channels[0].recv_ok()
        assert ok
        self.got[0].append(value)

    async def async_for(self):
        async for value in self.channels[0]:
            self.got[0].append(value)
            return

    async def select_one(self):
        _, value = await ac.select(ac.recv(self.channels[0]))
        self.got[0].append(value)

    async def select_two(self):
        side, value = await ac.select(ac.recv(self.channels[0]), ac.recv(self.channels[1]))
        self.got[side].append(value)

    async def select_ok_beside_send(self):
        full = ac.Chan(1)
        full.send_nowait("full")
        index, answer = await ac.select(ac.send(full, "more"), ac.recv_ok(self.channels[0]))
        assert index == 1
        self.got[0].append(answer[0])
        assert_idle(full)

    async def select_loop(self):
        async for side, value in ac.select_loop(*map(ac.recv, self.channels)):
            self.got[side].append(value)
            return


@dataclass
class Waking:
    """A wait queue, with a count of the turns that were given, taken and given back to nobody."""

    capacity: float  # there is none: for the sake of the table
    queue: WaitQueue = field(default_factory=lambda: WaitQueue("table"))
    given: int = 0
    taken: int = 0
    lapsed: int = 0

    def deliver(self):
        self.given += self.queue.wake(1)

    def waiting(self):
        return len(self.queue)

    def behind(self):
        return [self.park()]

    def close(self):
        self.given += self.queue.wake_all()

    def verdict(self):
        assert_idle(self.queue)
        return "kept" if self.given == self.taken + self.lapsed else "lost or doubled"

    async def park(self):
        await self.queue.park(give_back=self._pass_on)
        self.taken += 1

    def _pass_on(self):
        if not self.queue.wake():
            self.lapsed += 1


def judge(sent, came):
    """Compare what was sent with what came, in order."""
    if came == sent:
        return "kept"
    if not set(came) <= set(sent):
        return "made up"
    if len(set(came)) < len(came):
        return "doubled"
    return "reordered" if len(came) == len(sent) else "lost"


RECEIVE = {
    "recv": (Receiving, Receiving.recv),
    "recv_ok": (Receiving, Receiving.recv_ok),
    "async for": (Receiving, Receiving.async_for),
    "select, recv": (Receiving, Receiving.select_one),
    "select, recv of two": (Receiving, Receiving.select_two),
    "select, recv_ok beside send": (Receiving, Receiving.select_ok_beside_send),
    "select_loop of two": (Receiving, Receiving.select_loop),
    "WaitQueue.park": (Waking, Waking.park),
}
VARIANTS = list(itertools.product((0, 2), (False, True)))  # capacity; whether somebody waits behind


async def receive_cell(row, capacity, company, means_class, meeting):
    """Play one variant of one cell: its verdict, and whether the operation was cut short.

    Args:
        row: A key of RECEIVE.
        capacity: Of the channels.
        company: Whether somebody waits behind the victim.
        means_class: One of MEANS.
        meeting: When the delivery happens.
    """
    bench_class, operation = RECEIVE[row]
    with ManualClock() as clock:
        means, bench = means_class(clock), bench_class(capacity)
        victim = asyncio.create_task(means.run(lambda: operation(bench)))
        await until(bench.waiting)
        asleep = bench.waiting()
        others = [asyncio.create_task(other) for other in bench.behind()] if company else []
        await until(lambda: bench.waiting() == asleep + len(others))
        await meeting.arrange(means, bench.deliver)
        cut_short = await victim is CUT_SHORT
        bench.close()
        await settle(*others)
        assert clock.pending == 0, "a timer was left behind"
        return bench.verdict(), cut_short
