"""The table of senders: a value is taken from somebody who waits to send it, and the wait is cut short.

A rendezvous takes the value out of the sender's hands; a ring admits it, and then the sender may still take it back.
`Sending` tells the two apart by the capacity: 0 or 1.
"""

import asyncio
import itertools
from dataclasses import dataclass, field

import aiochan as ac
from tests.hazards.means import CUT_SHORT
from tests.hazards.receiving import judge
from tests.hazards.stage import ManualClock, assert_idle, drain, settle, turn, until

TAKEN, ADMITTED = 0, 1
TURNS_TO_MOVE_UP = 3


@dataclass
class Sending:
    """A channel without room, and what its senders think has become of their values."""

    capacity: int
    channel: ac.Chan = field(init=False)
    done: list = field(default_factory=list)  # values whose sends have returned
    came: list = field(default_factory=list)

    def __post_init__(self):
        self.channel = ac.Chan(self.capacity, name="no room")
        for number in range(self.capacity):
            self.channel.send_nowait(f"old {number}")
            self.done.append(f"old {number}")

    def take(self):
        """Receive one value, if there is one."""
        try:
            self.came.append(self.channel.recv_nowait())
        except ac.WouldBlock:
            assert self.waiting() == 0

    def waiting(self):
        return self.channel.stats().parked_senders

    async def behind(self):
        await self.channel.send("next")
        self.done.append("next")

    # the operations: what a victim does, once

    async def send(self):
        await self.channel.send("mine")
        self.done.append("mine")

    async def select_send(self):
        await ac.select(ac.send(self.channel, "mine"))
        self.done.append("mine")

    async def select_send_beside_recv(self):
        silent = ac.Chan()
        index, _ = await ac.select(ac.recv(silent), ac.send(self.channel, "mine"))
        assert index == 1
        self.done.append("mine")
        assert_idle(silent)

    async def select_two_sends(self):
        also_full = ac.Chan(1)
        also_full.send_nowait("full")
        index, _ = await ac.select(ac.send(also_full, "other"), ac.send(self.channel, "mine"))
        assert index == 1
        self.done.append("mine")
        assert_idle(also_full)

    async def reserve(self):
        async with self.channel.reserve() as place:
            place.send("mine")
            self.done.append("mine")

    # what became of it

    def verdict(self, *, may_have_gone):
        """Say what became of the values: those of finished sends came out, that of a cancelled one did not.

        Args:
            may_have_gone: Whether "mine" may have come although its send was cancelled.
        """
        assert_idle(self.channel)
        came = [*self.came, *drain(self.channel)]
        if may_have_gone and "mine" not in self.done:
            came = [value for value in came if value != "mine"]
        return judge(sorted(self.done, key=ORDER.index), came)


ORDER = ["old 0", "mine", "next"]
SEND = {
    "send": Sending.send,
    "select, send": Sending.select_send,
    "select, send beside recv": Sending.select_send_beside_recv,
    "select, send to two": Sending.select_two_sends,
    "reserve": Sending.reserve,
}
SEND_VARIANTS = list(itertools.product((TAKEN, ADMITTED), (False, True)))  # what happens to it; somebody behind
CELLS = [(row, *variant) for row in SEND for variant in SEND_VARIANTS if (row, variant[0]) != ("reserve", TAKEN)]


async def send_cell(row, capacity, company, means_class, meeting):
    """Play one cell: its verdict, and whether the operation was cut short.

    Args:
        row: A key of SEND.
        capacity: TAKEN or ADMITTED.
        company: Whether another sender waits behind the victim.
        means_class: One of MEANS.
        meeting: When the value is taken.
    """
    with ManualClock() as clock:
        means, bench = means_class(clock), Sending(capacity)
        victim = asyncio.create_task(means.run(lambda: SEND[row](bench)))
        await until(bench.waiting)
        others = [asyncio.create_task(bench.behind())] if company else []
        await until(lambda: bench.waiting() == 1 + len(others))
        await meeting.arrange(means, bench.take)
        cut_short = await victim is CUT_SHORT
        if company and cut_short and capacity == ADMITTED and bench.came:
            await turn(TURNS_TO_MOVE_UP)
            assert "next" in bench.done, "the place that the victim gave back was not given to the next"
        while bench.waiting():
            bench.take()
        await settle(*others)
        assert clock.pending == 0, "a timer was left behind"
        taken_first = meeting.may_deliver_first or not means.at_once
        return bench.verdict(may_have_gone=capacity == TAKEN and taken_first), cut_short
