"""Go's programs about select: test/chan/{select,select2,select4,select6,select7,select8,doubleselect}.go."""

import asyncio
import gc
import itertools
import sys

import pytest

import aiochan as ac
from aiochan.testing import explore
from tests.conformance.kit import asleep, settle
from tests.go.kit import make, program, send_all


def test_select(run):
    """test/chan/select.go: every case is evaluated in every round; a case that was done becomes nil."""
    counter = shift = 0

    def value():
        nonlocal counter
        counter += 1
        return 1 << shift

    def send(a, b):
        nonlocal shift
        sent = 0
        while True:
            try:
                index, _ = ac.select_nowait(ac.send(a, value()), ac.send(b, value()))
            except ac.WouldBlock:
                return sent
            if index == 0:
                a = None
            else:
                b = None
            sent += 1
            shift += 1

    async def main():
        a, b = make(1), make(1)
        assert send(a, b) == 2
        assert await a.recv() | await b.recv() == 3
        assert send(a, None) == 1
        assert counter == 10

    run(main)


@pytest.mark.parametrize("n", [1000, pytest.param(100_000, marks=pytest.mark.stress)])
def test_select2(run, n):
    """test/chan/select2.go: many selects of which the same case loses every time leave nothing in memory."""

    async def receive(ch, dummy):
        for _ in range(n):
            assert await ac.select(ac.recv(ch), ac.recv(dummy)) == (0, 1)

    async def both(ch, dummy):
        async with asyncio.TaskGroup() as group:
            group.create_task(send_all(ch, [1] * n))
            group.create_task(receive(ch, dummy))
        gc.collect()
        return sys.getallocatedblocks()

    async def main():
        ch, dummy = make(), make()
        blocks = [await both(ch, dummy) for _ in range(4)]
        grown = [after - before for before, after in itertools.pairwise(blocks)]
        assert min(grown) < n / 10, grown  # now and then the thread of a test runner takes some; a leak grows each time
        assert dummy._snapshot().recvq == ()
        dummy._check()

    run(main)


def test_select4(run):
    """test/chan/select4.go: what belongs to the case that loses is not run."""

    def bug():
        raise AssertionError("the case that lost was run")

    async def main():
        full, empty = make(1), make()
        await full.send(42)
        match await ac.select(ac.recv(empty), ac.recv(full)):
            case 0, _:
                bug()
            case 1, value:
                assert value == 42
        assert empty.stats().received == 0

    run(main)


def test_select6(run):
    """test/chan/select6.go: a select that loses in the middle of a line does not harm those who stand behind it."""

    async def chooser(c1, c2, c3):
        match await ac.select(ac.recv(c1), ac.recv(c2)):
            case 0, _:
                raise AssertionError("there was nothing on c1")
            case 1, _:
                await c3.send(True)
        await c1.recv()

    async def main():
        c1, c2, c3 = make(), make(), make()
        first, second = await asleep(c1.recv(), chooser(c1, c2, c3))
        third, answer = c2.send(True), c3.recv()
        assert await asyncio.gather(third, answer) == [None, True]
        await c1.send("first")
        await c1.send("second")
        await settle()
        assert first.result() == "first"
        assert second.done()

    run(main)


@pytest.mark.parametrize("order", ["fifo", "any"])
def test_select6_in_every_order(order):
    """test/chan/select6.go, where the scheduler decides who stands where: here, in every order there is."""

    async def chooser(c1, c2, c3):
        index, _ = await ac.select(ac.recv(c1), ac.recv(c2))
        assert index == 1
        await c3.send(True)
        await c1.recv()

    async def main_of_it(c1, c3):
        await c3.recv()
        await c1.send(True)
        await c1.send(True)

    def scenario(run):
        c1, c2, c3 = ac.Chan(name="c1"), ac.Chan(name="c2"), ac.Chan(name="c3")
        run.watch(c1)
        run.watch(c2)
        run.watch(c3)
        run.spawn(c1.recv)
        run.spawn(chooser, c1, c2, c3)
        run.spawn(c2.send, True)
        run.spawn(main_of_it, c1, c3)

    result = explore(scenario, order=order, must_finish=True)
    result.check()
    assert result.complete


SENDS = {
    "send": lambda ch: ch.send(1),
    "select of one": lambda ch: ac.select(ac.send(ch, 1)),
    "select of two": lambda ch: ac.select(ac.send(ch, 1), ac.send(make(), 1)),
}
RECEIVES = {
    "recv": lambda ch: ch.recv(),
    "select of one": lambda ch: ac.select(ac.recv(ch)),
    "select of two": lambda ch: ac.select(ac.recv(ch), ac.recv(make())),
}


@pytest.mark.parametrize("first", ["receiver", "sender"])
@pytest.mark.parametrize("receive", RECEIVES)
@pytest.mark.parametrize("send", SENDS)
def test_select7(run, send, receive, first):
    """test/chan/select7.go: every way to send meets every way to receive, and nobody wants the value.

    There the receiver always comes first.
    """

    async def main():
        ch = make()
        meet = [RECEIVES[receive](ch), SENDS[send](ch)]
        early, late = meet if first == "receiver" else reversed(meet)
        [task] = await asleep(early)
        await late
        await task
        assert ch.stats().received == 1

    run(main)


def test_select8(run):
    """test/chan/select8.go: break out of a select of one, of two and of three cases, the default included.

    A break out of `select_loop` is the one that could leave something behind here.
    """

    async def send_for_ever(ch):
        while True:
            await ch.send(5)

    async def main():
        ch = make()
        async with program() as go:
            go(send_for_ever(ch))
            async for index, value in ac.select_loop(ac.recv(ch)):
                assert (index, value) == (0, 5)
                break
            assert ch.stats().parked_receivers == 0
            with pytest.raises(ac.WouldBlock):
                ac.select_nowait()
            await settle()
            assert ac.select_nowait(ac.recv(ch)) == (0, 5)
            await settle()
            assert ac.select_nowait(ac.recv(ch), ac.send(ch, 10)) == (0, 5)
            async for index, value in ac.select_loop(ac.recv(ch), ac.recv(make())):
                assert (index, value) == (0, 5)
                break
            assert ch.stats().parked_receivers == 0

    run(main)


@pytest.mark.parametrize("n", [1000, pytest.param(100_000, marks=pytest.mark.stress)])
def test_doubleselect(run, n):
    """test/chan/doubleselect.go: one value is sent by one case of a select, never by two."""

    async def sender(channels):
        for value in range(n):
            await ac.select(*(ac.send(ch, value) for ch in channels))
        for ch in channels:
            ch.close()

    async def mux(out, ch, done):
        async for value in ch:
            await out.send(value)
        await done.send(True)

    async def close_after(out, done, count):
        for _ in range(count):
            await done.recv()
        out.close()

    async def main():
        channels, out, done = [make() for _ in range(4)], make(), make()
        async with asyncio.TaskGroup() as group:
            group.create_task(sender(channels))
            for ch in channels:
                group.create_task(mux(out, ch, done))
            group.create_task(close_after(out, done, len(channels)))
            seen = [value async for value in out]
        assert sorted(seen) == list(range(n))
        assert sum(ch.stats().received for ch in channels) == n
        assert all(ch.stats().received for ch in channels)

    run(main)
