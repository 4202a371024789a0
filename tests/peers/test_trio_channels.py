"""The cases of trio's _tests/test_channel.py that make sense for channels; README.md has the whole list.

A pair of trio's memory channels is one channel and its two views.
"""

import asyncio
import math

import pytest

import aiochan as ac
from aiochan.testing import virtual
from tests.conformance.kit import asleep, ended, settle
from tests.go.kit import make, receive_many


def test_a_channel_from_its_making_to_its_end(run):
    """test_channel."""

    async def main():
        with pytest.raises(TypeError):
            ac.Chan(1.0)
        with pytest.raises(ValueError, match=r"^capacity must be >= 0, not -1$"):
            ac.Chan(-1)
        ch = make(2)
        assert repr(ch.sender) != repr(ch.receiver)

        ch.send_nowait(1)
        await ended(ch.send(2))
        with pytest.raises(ac.WouldBlock):
            ch.send_nowait(None)
        assert await ended(ch.recv()) == 1
        assert ch.recv_nowait() == 2
        with pytest.raises(ac.WouldBlock):
            ch.recv_nowait()

        ch.send_nowait("last")
        ch.close()
        with pytest.raises(ac.ChannelClosed):
            await ch.send("too late")
        with pytest.raises(ac.ChannelClosed):
            ch.send_nowait("too late")
        with pytest.raises(ac.ChannelClosed):  # trio's may be closed twice; Go's and ours may not
            ch.close()
        assert ch.recv_nowait() == "last"
        with pytest.raises(ac.ChannelClosed):
            await ch.recv()
        with pytest.raises(ac.ChannelClosed):
            ch.recv_nowait()

    run(main)


def test_a_receive_that_timed_out_leaves_the_channel_usable():
    """test_553: the value that comes after the timeout must not be given to who is gone."""

    async def main():
        ch = make(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await ch.recv()
        await ch.send("Test for PR #553")
        assert ch.recv_nowait() == "Test for PR #553"

    virtual.run(main)


def test_many_producers(run):
    """test_channel_multiple_producers: who closes when ten have ended is said by their task group, not by clones."""

    async def main():
        ch, values = make(), []

        async def produce(i):
            for j in range(3 * i, 3 * (i + 1)):
                await ch.send(j)

        async def produce_all():
            with ch.sender:
                async with asyncio.TaskGroup() as group:
                    for i in range(10):
                        group.create_task(produce(i))

        async with asyncio.TaskGroup() as group:
            group.create_task(produce_all())
            values = [value async for value in ch]
        assert sorted(values) == [*range(30)]

    run(main)


def test_many_consumers(run):
    """test_channel_multiple_consumers: everybody who waits gets something."""

    async def main():
        ch, received, successful = make(1), [], set()

        async def consume(i):
            async for value in ch:
                successful.add(i)
                received.append(value)

        consumers = await asleep(*(consume(i) for i in range(5)))
        with ch.sender as tx:
            for i in range(10):
                await tx.send(i)
        await asyncio.gather(*consumers)
        assert successful == {*range(5)}
        assert received == [*range(10)]

    run(main)


def test_closing_wakes_who_sends_and_lasts(run):
    """test_close_basics, test_close_sync."""

    async def main():
        ch = make()
        (sender,) = await asleep(ch.send(None))
        ch.close()
        with pytest.raises(ac.ChannelClosed):
            await sender
        with pytest.raises(ac.ChannelClosed):
            ch.send_nowait(None)
        with pytest.raises(ac.ChannelClosed):
            await ch.send(None)
        await refuses_receivers(ch)

    run(main)


async def refuses_receivers(ch):
    with pytest.raises(ac.ChannelClosed):
        ch.recv_nowait()
    with pytest.raises(ac.ChannelClosed):
        await ch.recv()


def test_closing_wakes_who_receives_and_lasts(run):
    """test_close_basics, test_close_sync: there by closing the receive end."""

    async def main():
        ch = make()
        (receiver,) = await asleep(ch.recv())
        ch.close()
        with pytest.raises(ac.ChannelClosed):
            await receiver
        await refuses_receivers(ch)

    run(main)


def test_unlimited_capacity(run):
    """test_inf_capacity."""

    async def main():
        ch = make(math.inf)
        with ch.sender as tx:
            for i in range(10):
                tx.send_nowait(i)
        assert [i async for i in ch] == [*range(10)]

    run(main)


def test_statistics(run):
    """test_statistics. There is no high-water mark here, and no count of open ends."""

    async def main():
        ch = make(2)
        assert ch.sender.stats() == ch.receiver.stats()
        assert ch.stats() == ac.Stats(0, 0, 0, 2, 0, 0, 0, 0, 0, closed=False)
        ch.send_nowait(None)
        ch.send_nowait(None)
        assert ch.stats().length == 2
        senders = await asleep(ch.send(None), ch.send(None))
        assert ch.stats().parked_senders == 2
        await cancelled(*senders)
        assert ch.stats().parked_senders == 0
        assert [ch.recv_nowait(), ch.recv_nowait()] == [None, None]
        receivers = await asleep(ch.recv())
        assert ch.stats().parked_receivers == 1
        await cancelled(*receivers)
        assert ch.stats() == ac.Stats(0, 0, 0, 2, 0, 0, 2, 2, 0, closed=False)

    run(main)


async def cancelled(*tasks):
    for task in tasks:
        task.cancel()
    await settle()
    assert all(task.cancelled() for task in tasks)


def test_one_may_take_what_one_has_just_sent(run):
    """test_channel_fairness, when nobody else waits."""

    async def main():
        ch = make(1)
        for value in (1, 2):
            ch.send_nowait(value)
            assert ch.recv_nowait() == value

    run(main)


def test_who_waits_to_receive_owns_what_comes(run):
    """test_channel_fairness, when somebody waits to receive."""

    async def main():
        ch = make(1)
        (receiver,) = await asleep(ch.recv())
        ch.send_nowait(2)
        with pytest.raises(ac.WouldBlock):
            ch.recv_nowait()
        assert await receiver == 2

    run(main)


def test_who_waits_to_send_owns_the_room(run):
    """test_channel_fairness, when somebody waits to send."""

    async def main():
        ch = make(1)
        ch.send_nowait(1)
        with pytest.raises(ac.WouldBlock):
            ch.send_nowait(None)
        (sender,) = await asleep(ch.send(2))
        assert ch.recv_nowait() == 1
        with pytest.raises(ac.WouldBlock):
            ch.send_nowait(3)
        assert await ch.recv() == 2
        await sender

    run(main)


def test_rendezvous(run):
    """test_unbuffered."""

    async def main():
        ch = make()
        with pytest.raises(ac.WouldBlock):
            ch.recv_nowait()
        with pytest.raises(ac.WouldBlock):
            ch.send_nowait(1)
        (sender,) = await asleep(ch.send(1))
        assert await receive_many(ch, 1) == [1]
        await sender
        with pytest.raises(ac.WouldBlock):
            ch.recv_nowait()

    run(main)
