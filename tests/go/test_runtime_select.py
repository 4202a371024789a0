"""Go's own tests of selects: runtime/chan_test.go. Those of plain operations are in test_runtime_chan.py."""

import asyncio
import gc
import math

import pytest

import aiochan as ac
from aiochan.testing import explore
from tests.conformance.kit import asleep, settle
from tests.go.kit import make, program, receive_many, send_all

stress = pytest.mark.stress


def in_every_order(scenario):
    """Search every schedule of a scenario, in the orders of asyncio and in any."""
    for order in ("fifo", "any"):
        result = explore(scenario, order=order, must_finish=True)
        result.check()
        assert result.complete
        assert result.runs > 1


# -- races: on one loop these are a matter of who runs between two steps of another task


@pytest.mark.parametrize("n", [100, pytest.param(10_000, marks=stress)])
def test_nonblock_recv_race(run, n):
    """runtime/chan_test.go: TestNonblockRecvRace. With a value in it or closed, a channel is always ready."""

    async def receive(ch):
        assert ac.select_nowait(ac.recv_ok(ch)) in [(0, (1, True)), (0, (None, False))]

    async def main():
        for _ in range(n):
            ch = make(1)
            await ch.send(1)
            async with asyncio.TaskGroup() as group:
                group.create_task(receive(ch))
                ch.close()
                await ch.recv_ok()

    run(main)


def test_nonblock_recv_race_in_every_order():
    """runtime/chan_test.go: TestNonblockRecvRace."""

    async def receive(ch):
        ac.select_nowait(ac.recv_ok(ch))

    async def close(ch):
        ch.close()
        await asyncio.sleep(0)
        await ch.recv_ok()

    def scenario(run):
        ch = ac.Chan(1)
        ch.send_nowait(1)
        run.watch(ch)
        run.spawn(receive, ch)
        run.spawn(close, ch)

    in_every_order(scenario)


async def take_either(c1, c2, done):
    try:
        ac.select_nowait(ac.recv_ok(c1), ac.recv_ok(c2))
    except ac.WouldBlock:
        await done.send(False)
    else:
        await done.send(True)


async def make_the_other_ready(c1, c2, then):
    """Make c2 ready, and only then c1 no longer."""
    if then == "sent to":
        c2.send_nowait(1)
    else:
        c2.close()
    await asyncio.sleep(0)
    try:
        c1.recv_nowait()
    except ac.WouldBlock:
        return


both_races = pytest.mark.parametrize("then", ["sent to", "closed"])


@both_races
@pytest.mark.parametrize("n", [500, pytest.param(100_000, marks=stress)])
def test_nonblock_select_race(run, then, n):
    """runtime/chan_test.go: TestNonblockSelectRace, and with close TestNonblockSelectRace2.

    A select acts on the state of its channels at one moment: one of the two is ready all the time, and it is not always
    the same.
    """

    async def main():
        done = make(1)
        for _ in range(n):
            c1, c2 = make(1), make(1 if then == "sent to" else 0)
            await c1.send(1)
            async with asyncio.TaskGroup() as group:
                group.create_task(take_either(c1, c2, done))
                group.create_task(make_the_other_ready(c1, c2, then))
                assert await done.recv() is True

    run(main)


@both_races
def test_nonblock_select_race_in_every_order(then):
    """runtime/chan_test.go: TestNonblockSelectRace, TestNonblockSelectRace2."""

    async def judge(done):
        assert await done.recv() is True

    def scenario(run):
        c1, c2, done = ac.Chan(1), ac.Chan(1), ac.Chan(1)
        c1.send_nowait(1)
        for ch in (c1, c2, done):
            run.watch(ch)
        run.spawn(take_either, c1, c2, done)
        run.spawn(make_the_other_ready, c1, c2, then)
        run.spawn(judge, done)

    in_every_order(scenario)


# -- crowds


@pytest.mark.parametrize("capacity", [0, 10])
@pytest.mark.parametrize("n", [1000, pytest.param(100_000, marks=stress)])
def test_self_select(run, capacity, n):
    """runtime/chan_test.go: TestSelfSelect. A select with both sides of one channel never receives from itself."""

    async def both_sides(ch, me):
        for i in range(n):
            cases = [ac.send(ch, me), ac.recv(ch)]
            receiving = 1
            if me and i % 2:
                cases.reverse()
                receiving = 0
            index, value = await ac.select(*cases)
            assert capacity or index != receiving or value != me, "received from itself"

    async def main():
        ch = make(capacity)
        async with asyncio.TaskGroup() as group:
            group.create_task(both_sides(ch, 0))
            group.create_task(both_sides(ch, 1))
        stats = ch.stats()
        assert stats.sent + stats.received == 2 * n
        assert stats.sent - stats.received == len(ch)
        ch._check()

    run(main)


@pytest.mark.parametrize("n", [300, pytest.param(100_000, marks=stress)])
def test_select_stress(run, n):
    """runtime/chan_test.go: TestSelectStress.

    Four tasks send n values each, one to every channel, four receive them, one sends n to every channel by one select,
    one receives n from every channel by one select. They meet in every way, and everybody gets to the end.
    """

    async def select_all(channels, case):
        left, counts = list(channels), [0] * len(channels)
        for _ in range(n * len(channels)):
            index, _ = await ac.select(*map(case, left))
            counts[index] += 1
            if counts[index] == n:
                left[index] = None
        assert counts == [n] * len(channels)

    async def main():
        channels = [make(), make(), make(2), make(3)]
        async with asyncio.TaskGroup() as group:
            for ch in channels:
                group.create_task(send_all(ch, [0] * n))
                group.create_task(receive_many(ch, n))
            group.create_task(select_all(channels, lambda ch: ac.send(ch, 0)))
            group.create_task(select_all(channels, ac.recv))
        for ch in channels:
            stats = ch.stats()
            assert (stats.sent, stats.received, stats.length) == (2 * n, 2 * n, 0)
            ch._check()

    run(main)


# -- chance


@pytest.mark.parametrize("trials", [1000, pytest.param(10_000, marks=stress)])
def test_select_fairness(run, trials):
    """runtime/chan_test.go: TestSelectFairness. Of two channels that are always ready neither is preferred."""

    async def choose(c1, c2, c3, c4, out, done):
        while True:
            _, value = await ac.select(ac.recv(c3), ac.recv(c4), ac.recv(c1), ac.recv(c2))
            match await ac.select(ac.send(out, value), ac.recv_ok(done)):
                case 1, end:
                    assert end == (None, False)
                    return

    async def main():
        c1, c2 = make(trials + 1), make(trials + 1)
        c3, c4, out, done = [make() for _ in range(4)]
        await send_all(c1, [1] * (trials + 1))
        await send_all(c2, [2] * (trials + 1))
        async with asyncio.TaskGroup() as group:
            group.create_task(choose(c1, c2, c3, c4, out, done))
            ones = (await receive_many(out, trials)).count(1)
            done.close()
        # There it is ten standard deviations; chance exceeds five of them twice in three million runs.
        assert abs(ones - trials / 2) < 5 * math.sqrt(trials) / 2

    run(main)


@pytest.mark.parametrize("capacity", [0, 100])
def test_pseudo_random_send(run, capacity):
    """runtime/chan_test.go: TestPseudoRandomSend. Two sends to one channel in one select: each is chosen at times."""
    n = 100

    async def receive(ch):
        values = []
        for _ in range(n):
            await asyncio.sleep(0)  # Gosched: sometimes the select waits for us, sometimes we for it
            values.append(await ch.recv())
        return values

    async def main():
        ch = make(capacity)
        async with program() as go:
            receiver = go(receive(ch))
            for _ in range(n):
                await ac.select(ac.send(ch, 1), ac.send(ch, 0))
            values = await receiver
        assert values.count(0) > n / 10
        assert values.count(1) > n / 10

    run(main)


# -- lines


def test_select_duplicate_channel(run):
    """runtime/chan_test.go: TestSelectDuplicateChannel. Who stands in a line twice leaves it without harm to others."""

    async def a(c, d, e):
        assert await ac.select(ac.recv(c), ac.recv(c), ac.recv(d)) == (2, 7)
        await e.send(9)

    async def main():
        c, d, e = make(), make(), make()
        first, second = await asleep(a(c, d, e), c.recv())
        await d.send(7)
        assert await e.recv() == 9
        await first
        await c.send(8)
        await settle()
        assert second.result() == 8

    run(main)


@pytest.mark.parametrize("doubled", [False, True])
def test_losers_assign_nothing(run, doubled):
    """runtime/chan_test.go: TestSelectStackAdjust, in spirit.

    There the collector moves the variable that a sleeping select would receive into. Here it runs while a select
    sleeps, on one or on both channels twice; then the end of `d` wakes it, and what belongs to `c` is as it was.
    """

    async def sleeper(c, d):
        value = kept = ["value"]
        c2, d2 = (c, d) if doubled else (None, None)
        match await ac.select(ac.recv(c), ac.recv(c2), ac.recv_ok(d), ac.recv_ok(d2)):
            case ((0 | 1), other):
                value = other
            case _, answer:
                assert answer == (None, False)
        assert value is kept
        assert value == ["value"]
        return "woken"

    async def main():
        c, d = make(), make()
        sleepers = await asleep(sleeper(c, d), sleeper(c, d))
        gc.collect()
        d.close()
        assert await asyncio.gather(*sleepers) == ["woken", "woken"]
        assert c.stats().parked_receivers == 0
        with pytest.raises(ac.WouldBlock):
            c.send_nowait(1)
        c._check()

    run(main)
