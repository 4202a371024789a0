"""Go's programs about plain sending and receiving: test/chan/{fifo,goroutines,nonblock,sendstmt,zerosize}.go."""

import asyncio

import pytest

import aiochan as ac
from tests.conformance.kit import asleep, ended, settle
from tests.go.kit import make, receive_many, send_all

N = 10


def test_asynch_fifo(run):
    """test/chan/fifo.go: AsynchFifo. What fits into the buffer comes out in order."""

    async def main():
        ch = make(N)
        await send_all(ch, range(N))
        assert await receive_many(ch, N) == list(range(N))
        ch._check()

    run(main)


def test_synch_fifo(run):
    """test/chan/fifo.go: SynchFifo. A daisy chain of receivers, each let loose by the one before, sees the order."""

    async def chain(ch, value, left, right):
        await left.recv()
        assert await ch.recv() == value
        await right.send(1)

    async def main():
        ch = make()
        start = left = make()
        async with asyncio.TaskGroup() as group:
            for value in range(N):
                right = make()
                group.create_task(chain(ch, value, left, right))
                left = right
            await start.send(0)
            await send_all(ch, range(N))
            await left.recv()

    run(main)


@pytest.mark.parametrize("n", [1000, pytest.param(10_000, marks=pytest.mark.stress)])
def test_goroutines(run, n):
    """test/chan/goroutines.go: a lot of goroutines, threaded together; one value goes through all of them."""

    async def pass_on(left, right):
        await left.send(await right.recv())

    async def main():
        leftmost = left = make()
        async with asyncio.TaskGroup() as group:
            for _ in range(n):
                right = make()
                group.create_task(pass_on(left, right))
                left = right
            group.create_task(left.send("through"))
            assert await leftmost.recv() == "through"

    run(main)


VALUES = [(123, 234), (123456, 234567), (True, True), ("hello", "hello again")]


NOWAIT = {
    "nowait": (lambda ch: ch.recv_nowait(), lambda ch, value: ch.send_nowait(value)),
    "select": (
        lambda ch: ac.select_nowait(ac.recv(ch))[1],
        lambda ch, value: ac.select_nowait(ac.send(ch, value)),
    ),
}


@pytest.mark.parametrize("how", NOWAIT)
@pytest.mark.parametrize("capacity", [0, 1])
def test_nonblock(run, capacity, how):
    """test/chan/nonblock.go: operations that do not wait, with nobody there, with a receiver, with a sender."""
    recv, send = NOWAIT[how]

    async def receiver(ch, value, strobe):
        assert await ch.recv() == value
        await strobe.send(True)

    async def sender(ch, value, strobe):
        await ch.send(value)
        await strobe.send(True)

    async def one(first, second):
        ch, strobe = make(capacity), make()
        with pytest.raises(ac.WouldBlock):
            recv(ch)
        [task] = await asleep(receiver(ch, first, strobe))
        send(ch, first)
        assert await strobe.recv() is True
        await task
        [task] = await asleep(sender(ch, second, strobe))
        if capacity:
            assert await strobe.recv() is True  # there was room: it did not wait for us
        assert recv(ch) == second
        if not capacity:
            assert await strobe.recv() is True
        await task
        with pytest.raises(ac.WouldBlock):
            recv(ch)

    async def main():
        for pair in VALUES:
            await one(*pair)
            await settle()

    run(main)


def test_sendstmt(run):
    """test/chan/sendstmt.go: a channel of channels in a send case; a send takes the whole expression.

    There it is about the grammar: `<-cc <- 2` sends to what was received, `c <- false || true` sends true.
    """

    async def main():
        channels, ch = make(1), make(1)
        await channels.send(ch)
        assert ac.select_nowait(ac.send(await channels.recv(), 2)) == (0, None)
        assert await ch.recv() == 2
        falsehood = False
        assert await ch.send(falsehood or True) is None
        assert await ch.recv() is True

    run(main)


@pytest.mark.parametrize("nothing", [None, (), b"", ..., False], ids=repr)
@pytest.mark.parametrize("capacity", [0, 1])
def test_zerosize(run, capacity, nothing):
    """test/chan/zerosize.go: a channel of values without a size. Here: of values that could pass for no value."""

    async def main():
        ch = make(capacity)
        received, _ = await ended(ch.recv(), ch.send(nothing))
        assert received is nothing
        received, _ = await ended(ch.recv_ok(), ch.send(nothing))
        assert received == (nothing, True)
        (index, received), _ = await ended(ac.select(ac.recv(None), ac.recv(ch)), ch.send(nothing))
        assert index == 1
        assert received is nothing
        assert len(ch) == 0

    run(main)
