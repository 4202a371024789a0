"""Channels beside anyio's threads."""

import threading

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

import aiochan as ac

pytestmark = pytest.mark.anyio


async def test_values_come_from_a_thread_that_waits_for_room():
    ch = ac.Chan(2)

    def produce():
        for number in range(20):
            anyio.from_thread.run(ch.send, number)
        anyio.from_thread.run_sync(ch.close)

    async with anyio.create_task_group() as group:
        group.start_soon(anyio.to_thread.run_sync, produce)
        assert [number async for number in ch] == list(range(20))


async def test_a_thread_asks_the_loop_to_do_what_never_waits():
    ch = ac.Chan(1)

    def work():
        anyio.from_thread.run_sync(ch.send_nowait, "value")
        with pytest.raises(ac.WouldBlock):
            anyio.from_thread.run_sync(ch.send_nowait, "too much")

    await anyio.to_thread.run_sync(work)
    assert await ch.recv() == "value"


async def test_a_thread_waits_in_a_select():
    jobs, stop, got = ac.Chan(), ac.Signal(), []

    def work():
        while True:
            index, job = anyio.from_thread.run(ac.select, ac.recv(jobs), ac.recv(stop))
            if index == 1:
                return
            got.append(job)

    async with anyio.create_task_group() as group:
        group.start_soon(anyio.to_thread.run_sync, work)
        for job in range(5):
            await jobs.send(job)
        stop.close()
    assert got == list(range(5))


async def test_threads_work_between_two_channels():
    jobs, results = ac.Chan(), ac.Chan()

    async def work():
        async for job in jobs:
            await results.send(await anyio.to_thread.run_sync(pow, job, 2))

    async def run_all():
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(work)
            async with jobs:
                for job in range(12):
                    await jobs.send(job)
        results.close()

    async with anyio.create_task_group() as group:
        group.start_soon(run_all)
        got = [result async for result in results]
    assert sorted(got) == [job * job for job in range(12)]


async def test_the_scope_of_a_thread_ends_its_wait():
    """A thread that waits in the loop is cancelled with the scope of its caller, and takes nothing with it."""
    ch, waits = ac.Chan(), threading.Event()

    def work():
        waits.set()
        anyio.from_thread.run(ch.recv)

    async with anyio.create_task_group() as group:
        group.start_soon(anyio.to_thread.run_sync, work)
        await anyio.to_thread.run_sync(waits.wait)
        while not ch.stats().parked_receivers:
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert ch.stats().parked_receivers == 0


def test_a_blocking_portal(loop_factory):
    """Synchronous code that owns a loop in another thread, and talks to it by channels."""
    options = {"loop_factory": loop_factory}
    with anyio.from_thread.start_blocking_portal("asyncio", options) as portal:
        numbers, squares = portal.call(ac.Chan), portal.call(ac.Chan)

        async def square():
            async with squares:
                async for number in numbers:
                    await squares.send(number * number)

        future = portal.start_task_soon(square)
        for number in range(5):
            portal.call(numbers.send, number)
            assert portal.call(squares.recv) == number * number
        portal.call(numbers.close)
        future.result()
        assert portal.call(squares.recv_ok) == (None, False)
