"""Channels between asyncio's own ways to run things: task groups, gather, wait, as_completed, shield."""

import asyncio

import pytest

import aiochan as ac
from tests.interop.common import SQUARES, check_that_the_loop_is_as_the_name_says, produce, square

pytestmark = pytest.mark.asyncio


async def test_these_tests_run_on_the_loop_that_their_name_says(request):
    check_that_the_loop_is_as_the_name_says(request.node.name)


async def test_a_pipeline_in_a_task_group():
    numbers, squares = ac.Chan[int](), ac.Chan[int](3)
    async with asyncio.TaskGroup() as group:
        group.create_task(produce(numbers))
        group.create_task(square(numbers, squares))
        result = [number async for number in squares]
    assert result == SQUARES


async def test_workers_share_one_channel_and_a_failure_stops_them_all():
    jobs, done = ac.Chan(), []

    async def work():
        async for job in jobs:
            if job == 13:
                raise ValueError("unlucky")
            done.append(job)

    async def produce():
        with jobs:
            for job in range(1000):
                await jobs.send(job)

    async def run_all():
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(work())
            group.create_task(produce())

    with pytest.raises(ExceptionGroup) as caught:
        await run_all()
    assert [str(error) for error in caught.value.exceptions] == ["unlucky"]
    assert jobs.closed, "the producer closed it when it was cancelled"
    assert sorted(done)[:13] == list(range(13))


async def test_a_group_that_fails_cancels_who_sleeps_on_a_channel():
    ch, tasks = ac.Chan(), []

    async def fail():
        raise RuntimeError("no")

    async def run_all():
        async with asyncio.TaskGroup() as group:
            tasks.extend(group.create_task(ch.recv()) for _ in range(5))
            tasks.append(group.create_task(ac.select(ac.recv(ch), ac.recv(ac.never()))))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        await run_all()
    assert [task.cancelled() for task in tasks] == [True] * 6
    assert ch.stats().parked_receivers == 0


async def test_channel_closed_is_an_error_of_the_group():
    ch = ac.Chan()

    async def run_all():
        async with asyncio.TaskGroup() as group:
            group.create_task(ch.recv())
            group.create_task(ac.never().recv())
            asyncio.get_running_loop().call_soon(ch.close)

    with pytest.raises(ExceptionGroup) as caught:
        await run_all()
    matched, rest = caught.value.split(ac.ChannelClosed)
    assert rest is None
    assert len(matched.exceptions) == 1


async def test_gather_of_receives():
    ch = ac.Chan()
    sends = [asyncio.create_task(ch.send(number)) for number in range(5)]
    assert await asyncio.gather(*(ch.recv() for _ in range(5))) == list(range(5))
    await asyncio.gather(*sends)


async def test_gather_of_both_sides_on_a_rendezvous():
    ch = ac.Chan()
    assert await asyncio.gather(ch.send("value"), ch.recv()) == [None, "value"]


async def test_gather_that_returns_exceptions_shows_the_end():
    ch = ac.Chan(1)
    await ch.send("last")
    ch.close()
    answers = await asyncio.gather(ch.recv(), ch.recv(), ch.send("no"), return_exceptions=True)
    assert answers[0] == "last"
    assert all(isinstance(answer, ac.ChannelClosed) for answer in answers[1:])


async def test_a_cancelled_gather_gives_everything_back():
    ch = ac.Chan(2)
    gathered = asyncio.gather(ch.recv(), ch.recv())
    await asyncio.sleep(0)
    ch.send_nowait("first")
    ch.send_nowait("second")
    gathered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered
    assert [await ch.recv(), await ch.recv()] == ["first", "second"]


async def test_a_send_in_the_background():
    ch = ac.Chan()
    task = asyncio.create_task(ch.send("value"))
    assert await ch.recv() == "value"
    await task


async def test_operations_are_coroutines_that_can_wait_to_be_awaited():
    """Nothing happens before that."""
    ch = ac.Chan(1)
    later = ch.send("value")
    assert len(ch) == 0
    await later
    assert await ch.recv() == "value"


async def test_as_completed():
    left, right = ac.Chan(1), ac.Chan(1)
    await right.send("right")
    answers = []
    for next_one in asyncio.as_completed([left.recv(), right.recv()]):
        answers.append(await next_one)
        if not left.closed and answers == ["right"]:
            await left.send("left")
    assert answers == ["right", "left"]


async def test_wait_for_the_first_of_two_and_drop_the_other():
    """What select is for, done by hand: with permits it is safe to cancel the loser."""
    left, right = ac.Chan(1), ac.Chan(1)
    tasks = [asyncio.create_task(ch.recv()) for ch in (left, right)]
    await asyncio.sleep(0)
    left.send_nowait("left")
    right.send_nowait("right")
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait(tasks)
    received = [task.result() for task in tasks if not task.cancelled()]
    received += [ch.recv_nowait() for ch in (left, right) if len(ch)]
    assert done
    assert sorted(received) == ["left", "right"]


async def test_shield():
    ch = ac.Chan()
    inner = asyncio.create_task(ch.recv())
    outer = asyncio.create_task(asyncio.wait_for(asyncio.shield(inner), 0.001))
    with pytest.raises(TimeoutError):
        await outer
    await ch.send("value")
    assert await inner == "value"


async def test_a_task_can_be_named_after_what_it_waits_for():
    ch = ac.Chan(name="jobs")
    task = asyncio.create_task(ch.recv(), name="worker")
    await asyncio.sleep(0)
    assert "recv" in repr(task)
    ch.close()
    with pytest.raises(ac.ChannelClosed, match="'jobs'"):
        await task


async def test_an_async_generator_over_a_channel_is_left_half_way():
    ch = ac.Chan(5)
    for number in range(5):
        await ch.send(number)

    async def doubled():
        async for number in ch:
            yield number * 2

    numbers = doubled()
    assert await anext(numbers) == 0
    assert await anext(numbers) == 2
    await numbers.aclose()
    assert await ch.recv() == 2


async def test_an_async_comprehension_over_a_select_loop():
    left, right = ac.Chan(3), ac.Chan(3)
    for number in range(3):
        await left.send(number)
        await right.send(-number)
    left.close()
    right.close()
    pairs = [pair async for pair in ac.select_loop(ac.recv(left), ac.recv(right))]
    assert sorted(pairs) == [(0, 0), (0, 1), (0, 2), (1, -2), (1, -1), (1, 0)]


async def test_with_closes_for_those_who_listen():
    ch = ac.Chan(1)

    async def listen():
        return [value async for value in ch]

    listener = asyncio.create_task(listen())
    async with ch:
        await ch.send("value")
    assert await listener == ["value"]


async def test_with_hands_an_error_to_those_who_listen():
    ch = ac.Chan()
    listener = asyncio.create_task(ch.recv())
    with pytest.raises(KeyError):
        async with ch:
            raise KeyError("lost")
    with pytest.raises(ac.ChannelClosed) as caught:
        await listener
    assert isinstance(caught.value.__cause__, KeyError)
