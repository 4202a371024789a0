"""Channels in anyio's task groups, and beside anyio's own ways to pass things."""

import asyncio

import anyio
import pytest

import aiochan as ac
from tests.interop.common import SQUARES, check_that_the_loop_is_as_the_name_says, produce, square

pytestmark = pytest.mark.anyio


async def test_these_tests_run_on_the_loop_that_their_name_says(request):
    check_that_the_loop_is_as_the_name_says(request.node.name)


async def test_a_pipeline_in_a_task_group():
    numbers, squares = ac.Chan[int](), ac.Chan[int](3)
    async with anyio.create_task_group() as group:
        group.start_soon(produce, numbers)
        group.start_soon(square, numbers, squares)
        result = [number async for number in squares]
    assert result == SQUARES


async def test_a_failure_cancels_who_sleeps_on_a_channel():
    ch, log = ac.Chan(), []

    async def sleep():
        try:
            await ch.recv()
        finally:
            log.append("left")

    async def fail():
        raise RuntimeError("no")

    async def run_all():
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(sleep)
            await anyio.lowlevel.checkpoint()
            group.start_soon(fail)

    with pytest.raises(ExceptionGroup) as caught:
        await run_all()
    assert [str(error) for error in caught.value.exceptions] == ["no"]
    assert log == ["left"] * 5
    assert ch.stats().parked_receivers == 0


async def test_start_waits_until_a_service_listens():
    requests = ac.Chan()

    async def service(*, task_status):
        task_status.started(requests.sender)
        async for number, reply in requests:
            await reply.send(number + 1)

    async with anyio.create_task_group() as group:
        ask = await group.start(service)
        reply = ac.Chan()
        await ask.send((41, reply))
        assert await reply.recv() == 42
        requests.close()


async def test_a_group_is_cancelled_from_a_select():
    """One worker hears the word and cancels all, itself included."""
    jobs, stop, ended = ac.Chan(), ac.Signal("stop"), []

    async def work(number):
        try:
            while True:
                match await ac.select(ac.recv(jobs), ac.recv(stop)):
                    case 1, _:
                        group.cancel_scope.cancel()
        finally:
            ended.append(number)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(work, number)
        await anyio.lowlevel.checkpoint()
        stop.close()
    assert sorted(ended) == list(range(5))
    assert jobs.stats().parked_receivers == 0


async def test_channels_and_memory_streams_side_by_side():
    ch = ac.Chan()
    send, receive = anyio.create_memory_object_stream(1)

    async def to_stream():
        async with send:
            for value in range(5):
                await send.send(value)

    async def from_stream_to_channel():
        async with receive:
            async for value in receive:
                await ch.send(value)
        ch.close()

    async with anyio.create_task_group() as group:
        group.start_soon(from_stream_to_channel)
        group.start_soon(to_stream)
        assert [value async for value in ch] == list(range(5))


async def test_channels_and_locks_side_by_side():
    lock, ch, inside = anyio.Lock(), ac.Chan(1), []

    async def work(number):
        async with lock:
            inside.append(number)
            await ch.send(number)
            assert await ch.recv() == number
            inside.remove(number)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(work, number)
    assert not inside


async def test_an_event_of_anyio_and_a_signal():
    event, signal, log = anyio.Event(), ac.Signal(), []

    async def hear(wait, name):
        await wait()
        log.append(name)

    async with anyio.create_task_group() as group:
        group.start_soon(hear, event.wait, "event")
        group.start_soon(hear, signal.wait, "signal")
        await anyio.lowlevel.checkpoint()
        event.set()
        signal.close()
    assert sorted(log) == ["event", "signal"]


async def test_groups_of_both_kinds_inside_each_other():
    ch = ac.Chan()

    async def inner(number):
        async with asyncio.TaskGroup() as group:
            group.create_task(ch.send(number))
            group.create_task(ch.send(-number))

    async with anyio.create_task_group() as outer:
        for number in (1, 2):
            outer.start_soon(inner, number)
        got = [await ch.recv() for _ in range(4)]
    assert sorted(got) == [-2, -1, 1, 2]


async def test_all_tasks_wait():
    """`wait_all_tasks_blocked` sees a task that sleeps on a channel as one that waits."""
    ch, log = ac.Chan(), []

    async def receive():
        log.append(await ch.recv())

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(receive)
        await anyio.wait_all_tasks_blocked()
        assert ch.stats().parked_receivers == 3
        for number in range(3):
            ch.send_nowait(number)
    assert log == [0, 1, 2]
