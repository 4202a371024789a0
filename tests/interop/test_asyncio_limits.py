"""Channels under asyncio's time limits and cancellations."""

import asyncio
import contextlib

import pytest

import aiochan as ac

pytestmark = pytest.mark.asyncio
SOON = 0.001  # seconds: these limits are meant to run out


async def test_wait_for_in_time():
    ch = ac.Chan(1)
    await ch.send("value")
    assert await asyncio.wait_for(ch.recv(), 60) == "value"


async def test_wait_for_too_late():
    ch = ac.Chan()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ch.recv(), SOON)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ch.send("value"), SOON)
    with pytest.raises(ac.WouldBlock):
        ch.recv_nowait()


async def test_one_limit_after_the_other_loses_nothing():
    """Each ends as soon as it has to wait, and so cuts short what the next one asks for again."""
    ch, got = ac.Chan(1), []

    async def produce():
        with ch:
            for number in range(20):
                await asyncio.sleep(0)
                await ch.send(number)

    producer = asyncio.create_task(produce())
    with contextlib.suppress(ac.ChannelClosed):
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0):
                    got.append(await ch.recv())
    await producer
    assert got == list(range(20))


async def test_timeout_around_a_select():
    left, right = ac.Chan(), ac.Chan()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SOON):
            await ac.select(ac.recv(left), ac.send(right, "value"))
    assert left.stats().parked_receivers == right.stats().parked_senders == 0


async def test_timeout_around_a_loop():
    ch, got = ac.Chan(3), []
    for number in range(3):
        await ch.send(number)

    async def collect():
        async with asyncio.timeout(SOON):
            async for number in ch:
                got.append(number)  # noqa: PERF401 - what came before the end of the time is to be seen

    with pytest.raises(TimeoutError):
        await collect()
    assert got == [0, 1, 2]
    await ch.send("still open")


async def test_timeout_that_is_put_off():
    ch = ac.Chan()
    async with asyncio.timeout(0.0) as limit:
        limit.reschedule(None)
        task = asyncio.create_task(ch.send("value"))
        assert await ch.recv() == "value"
    await task


async def test_timeout_at_a_time_in_the_past():
    ch = ac.Chan()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout_at(0):
            await ch.recv()
    await asyncio.sleep(0)  # no cancellation is left over
    assert asyncio.current_task().cancelling() == 0


async def test_timeout_around_a_reservation():
    ch = ac.Chan(1)
    await ch.send("old")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SOON), ch.reserve():
            raise AssertionError("there is no room")
    assert await ch.recv() == "old"
    async with ch.reserve() as place:
        place.send("new")
    assert await ch.recv() == "new"


async def test_nested_limits():
    ch, log = ac.Chan(), []
    async with asyncio.timeout(60):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SOON):
                await ch.recv()
        await asyncio.sleep(0)
        log.append("the outer limit is not over")
    assert log


async def test_a_cancelled_task_may_say_goodbye():
    jobs, goodbyes = ac.Chan(), ac.Chan(1)

    async def work():
        try:
            await jobs.recv()
        finally:
            await goodbyes.send("goodbye")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    assert await goodbyes.recv() == "goodbye"
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_with_a_signal_instead():
    """Nothing is cancelled: the end is a case like any other."""
    jobs, stop = ac.Chan(), ac.Signal("stop")
    asyncio.get_running_loop().call_later(SOON, stop.close)
    match await ac.select(ac.recv(jobs), ac.recv(stop)):
        case 0, _:
            raise AssertionError("there was no job")
        case _, nothing:
            assert nothing is None
    await stop.wait()
    stop.close()
