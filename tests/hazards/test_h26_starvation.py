"""H26: tasks that never have to wait, or that wake each other for ever, leave everybody else their turn.

The bounds are those of core/runqueue.py, in operations: `patience` in a row that are answered at once, `turn` by woken
tasks in one turn of the loop. Time is not measured.
"""

import asyncio

import pytest

import aiochan as ac
from aiochan.core import WaitQueue, set_budget
from tests.hazards.stage import ManualClock, see_off, turn, until

TURN, PATIENCE = 256, 1024  # the defaults
ROUNDS = 20


def bound(hogs, turn=TURN, patience=PATIENCE):
    """Bound the operations in one turn of the loop: each of the hogs may have lost its patience just before."""
    return hogs * patience + turn


class Work:
    """Count operations, and let a bystander note how many there were between two of its own steps."""

    def __init__(self):
        self.operations = 0
        self.gaps = []

    async def bystander(self):
        last = self.operations
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
            self.gaps.append(self.operations - last)
            last = self.operations

    async def beside(self, *hogs):
        """Let the hogs work beside the bystander; give the largest gap."""
        tasks = [asyncio.create_task(hog) for hog in hogs]
        await self.bystander()
        await see_off(*tasks)
        assert self.operations >= ROUNDS - 1, "nobody did anything"
        return max(self.gaps)

    async def fills_and_empties(self, ch):
        while True:
            await ch.send("value")
            self.operations += 1
            await ch.recv()
            self.operations += 1

    async def sends(self, ch):
        while True:
            await ch.send("value")
            self.operations += 1

    async def receives(self, ch):
        while True:
            await ch.recv()
            self.operations += 1

    async def reserves(self, ch):
        while True:
            async with ch.reserve():
                self.operations += 1

    async def selects(self, ch):
        while True:
            await ac.select(ac.send(ch, "value"), ac.recv(ch))
            self.operations += 1

    async def loops(self, ch):
        async for _ in ac.select_loop(ac.send(ch, "value"), ac.recv(ch)):
            self.operations += 1

    async def hears_the_end(self, ch):
        while True:
            await ch.recv_ok()
            self.operations += 1

    async def waits_for_a_signal(self, signal):
        while True:
            await signal.wait()
            self.operations += 1


def closed(thing):
    thing.close()
    return thing


ALONE = {
    "send and recv": lambda work: work.fills_and_empties(ac.Chan(1)),
    "send to no limit": lambda work: work.sends(ac.Chan(float("inf"))),
    "send that drops": lambda work: work.sends(ac.Chan(1, overflow="drop_oldest")),
    "reserve": lambda work: work.reserves(ac.Chan(1)),
    "select": lambda work: work.selects(ac.Chan(1)),
    "select_loop": lambda work: work.loops(ac.Chan(1)),
    "recv of an end": lambda work: work.hears_the_end(closed(ac.Chan())),
    "signal": lambda work: work.waits_for_a_signal(closed(ac.Signal())),
}


@pytest.mark.parametrize("hog", ALONE.values(), ids=ALONE.keys())
def test_h26_a_task_that_never_waits_goes_round_the_loop(run, hog):
    async def main():
        work = Work()
        assert await work.beside(hog(work)) <= bound(1, turn=0)

    run(main)


def test_h26_the_patience_is_exact(run):
    async def main():
        work = Work()
        set_budget(patience=10)
        await work.beside(work.fills_and_empties(ac.Chan(1)))
        return work.gaps

    assert max(run(main)) == 10


@pytest.mark.parametrize("capacity", [0, 1, 2, 64, 5000])
def test_h26_so_does_a_pair_that_keeps_each_other_awake(run, capacity):
    async def main():
        ch, work = ac.Chan(capacity), Work()
        assert await work.beside(work.sends(ch), work.receives(ch)) <= bound(2)

    run(main)


def test_h26_a_pair_that_meets_by_hand_does_so_within_one_turn_bound(run):
    """Every operation of a rendezvous wakes somebody, so all of them are drained."""

    async def main():
        ch, work = ac.Chan(), Work()
        tasks = [asyncio.create_task(work.sends(ch)), asyncio.create_task(work.receives(ch))]
        await turn(5)  # the first may be paid from a whole patience
        gap = await work.beside()
        await see_off(*tasks)
        return gap

    assert run(main) <= 2 * TURN


def test_h26_so_do_tasks_that_only_wake_each_other(run):
    async def main():
        ping, pong, work = WaitQueue(), WaitQueue(), Work()

        async def plays(mine, other):
            while True:
                other.wake()
                await mine.park()
                work.operations += 1

        return await work.beside(plays(ping, pong), plays(pong, ping))

    assert run(main) <= 2 * TURN


@pytest.mark.parametrize(("turn", "patience"), [(1, 1), (8, 32), (32, 8)])
def test_h26_the_bounds_can_be_set(run, turn, patience):
    async def main():
        set_budget(turn, patience)
        alone, pair, ch = Work(), Work(), ac.Chan()
        assert await alone.beside(alone.fills_and_empties(ac.Chan(1))) <= bound(1, 0, patience)
        assert await pair.beside(pair.sends(ch), pair.receives(ch)) <= bound(2, turn, patience)

    run(main)


def test_h26_without_a_bound_nobody_else_has_a_turn(run):
    """Which is what the bounds are for."""

    async def main():
        set_budget(0, 0)
        seen = []
        asyncio.get_running_loop().call_soon(seen.append, "somebody else")
        ch = ac.Chan(1)
        for _ in range(2 * PATIENCE):
            await ch.send("value")
            await ch.recv()
        return list(seen)

    assert run(main) == []


@pytest.mark.parametrize("hogs", [1, 5])
def test_h26_time_limits_come_in_spite_of_hogs(run, hogs):
    """A limit that has passed is heard within a few turns of the loop, whatever the hogs do in them."""

    async def main():
        work = Work()
        tasks = [asyncio.create_task(work.fills_and_empties(ac.Chan(1))) for _ in range(hogs)]
        with ManualClock() as clock:
            waiting = asyncio.create_task(asyncio.wait_for(ac.Chan().recv(), 1))
            await until(lambda: clock.pending)
            before = work.operations
            clock.advance(1)
            with pytest.raises(TimeoutError):
                await waiting
        assert work.operations - before <= 6 * bound(hogs)
        await see_off(*tasks)

    run(main)


def test_h26_a_due_timer_of_the_loop_itself_comes_too(run):
    """The loop's own clock, and a timer that is due now: no time has to pass."""

    async def main():
        work = Work()
        seen = asyncio.Event()
        task = asyncio.create_task(work.fills_and_empties(ac.Chan(1)))
        loop = asyncio.get_running_loop()
        loop.call_at(loop.time() - 1, seen.set)
        await seen.wait()
        assert work.operations <= 4 * bound(1)
        await see_off(task)

    run(main)


def test_h26_a_cancellation_reaches_a_hog(run):
    async def main():
        work = Work()
        task = asyncio.create_task(work.fills_and_empties(ac.Chan(1)))
        await asyncio.sleep(0)
        await see_off(task)
        assert task.cancelled()

    run(main)
