"""Channels belong to one thread; this is how values come from others, and go there."""

import asyncio
import queue
import threading

import pytest

import aiochan as ac

pytestmark = pytest.mark.asyncio


async def test_values_come_from_a_thread_by_callback():
    ch, loop = ac.Chan(float("inf")), asyncio.get_running_loop()

    def produce():
        for number in range(100):
            loop.call_soon_threadsafe(ch.send_nowait, number)
        loop.call_soon_threadsafe(ch.close)

    thread = threading.Thread(target=produce)
    thread.start()
    assert [number async for number in ch] == list(range(100))
    thread.join()


async def test_values_come_from_a_thread_that_waits_for_room():
    ch, loop = ac.Chan(2), asyncio.get_running_loop()

    def produce():
        for number in range(20):
            asyncio.run_coroutine_threadsafe(ch.send(number), loop).result()
        loop.call_soon_threadsafe(ch.close)

    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(produce))
        assert [number async for number in ch] == list(range(20))


async def test_values_go_to_a_thread():
    ch, loop, got = ac.Chan(1), asyncio.get_running_loop(), []

    def consume():
        while True:
            value, ok = asyncio.run_coroutine_threadsafe(ch.recv_ok(), loop).result()
            if not ok:
                return
            got.append(value)

    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(consume))
        async with ch:
            for number in range(20):
                await ch.send(number)
    assert got == list(range(20))


async def test_threads_work_between_two_channels():
    jobs, results = ac.Chan(), ac.Chan()

    async def work():
        async for job in jobs:
            await results.send(await asyncio.to_thread(pow, job, 2))

    async def produce():
        with jobs:
            for job in range(12):
                await jobs.send(job)

    async def run_all():
        async with asyncio.TaskGroup() as group:
            group.create_task(produce())
            for _ in range(3):
                group.create_task(work())
        results.close()

    everything = asyncio.create_task(run_all())
    assert sorted([result async for result in results]) == [job * job for job in range(12)]
    await everything


async def test_a_thread_cannot_wake_anybody_by_itself():
    ch = ac.Chan()
    task = asyncio.create_task(ch.recv())
    await asyncio.sleep(0)
    with pytest.raises(ac.WrongLoop, match="call_soon_threadsafe"):
        await asyncio.to_thread(ch.send_nowait, "value")
    await ch.send("value")
    assert await task == "value"


async def test_a_cancelled_coroutine_of_a_thread_loses_nothing():
    ch, loop = ac.Chan(1), asyncio.get_running_loop()

    def give_up():
        future = asyncio.run_coroutine_threadsafe(ch.recv(), loop)
        future.cancel()
        return future.cancelled()

    assert await asyncio.to_thread(give_up)
    await ch.send("value")
    assert await asyncio.wait_for(ch.recv(), 60) == "value"


async def test_a_signal_stops_a_thread_and_a_task():
    """The task hears the signal itself; the thread is told by a queue of its own kind."""
    stop, told, log = ac.Signal("stop"), queue.Queue(), []

    async def task():
        await stop.wait()
        log.append("task")

    async def tell():
        await stop.wait()
        told.put("stop")

    async with asyncio.TaskGroup() as group:
        thread = asyncio.create_task(asyncio.to_thread(told.get))
        group.create_task(task())
        group.create_task(tell())
        stop.close()
    assert await thread == "stop"
    assert log == ["task"]


async def test_a_loop_in_another_thread_has_channels_of_its_own():
    def program():
        async def main():
            ch = ac.Chan()
            sender = asyncio.create_task(ch.send("inner"))
            value = await ch.recv()
            await sender
            return value

        return asyncio.run(main())

    ch = ac.Chan()
    receiver = asyncio.create_task(ch.recv())
    await ch.send(await asyncio.to_thread(program))
    assert await receiver == "inner"
