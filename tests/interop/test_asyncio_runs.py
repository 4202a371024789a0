"""Whole programs: asyncio.run, a Runner used twice, and what survives from one run to the next."""

import asyncio

import pytest

import aiochan as ac


async def ping_pong(rounds):
    ping, pong = ac.Chan(), ac.Chan()

    async def player():
        async for number in ping:
            await pong.send(number + 1)
        pong.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(player())
        number = 0
        for _ in range(rounds):
            await ping.send(number)
            number = await pong.recv()
        ping.close()
    return number


def test_asyncio_run():
    assert asyncio.run(ping_pong(100)) == 100


def test_asyncio_run_again_and_again():
    assert [asyncio.run(ping_pong(3), debug=debug) for debug in (False, True, False)] == [3, 3, 3]


def test_a_runner_used_twice(loop_factory):
    """One loop, two runs: what somebody slept on in the first can be used in the second."""
    ch = ac.Chan()

    async def fall_asleep():
        asyncio.create_task(ch.recv())
        await asyncio.sleep(0)

    async def answer():
        await ch.send("value")
        return ch.stats()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(fall_asleep())
        stats = runner.run(answer())
    assert (stats.sent, stats.parked_receivers) == (1, 0)


def test_two_runners_in_one_thread(loop_factory):
    """Used in turns; a channel belongs to the loop that first waited on it."""
    first, second = ac.Chan(), ac.Chan()

    async def pair(ch, value):
        async with asyncio.TaskGroup() as group:
            group.create_task(ch.send(value))
            received = group.create_task(ch.recv())
        return received.result()

    runners = [asyncio.Runner(loop_factory=loop_factory) for _ in range(2)]
    for value in range(3):
        for ch, runner in zip((first, second), runners, strict=True):
            assert runner.run(pair(ch, value)) == value
    with pytest.raises(ac.WrongLoop):
        runners[1].run(first.recv())
    for runner in runners:
        runner.close()


def test_a_channel_made_before_any_loop(loop_factory):
    numbers = ac.Chan(float("inf"), name="made early")
    for number in range(3):
        numbers.send_nowait(number)
    numbers.close()

    async def total():
        return sum([number async for number in numbers])

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(total()) == 3


def test_a_keyboard_interrupt_ends_a_program_that_sleeps_on_channels(loop_factory):
    """As Ctrl-C does: the main task is cancelled, its finally blocks use channels, and the interrupt comes out."""
    ch, log = ac.Chan(), ac.Chan(2)

    async def main():
        asyncio.get_running_loop().call_soon(interrupt)
        try:
            await ch.recv()
        finally:
            await log.send("cleaned up")

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    assert log.recv_nowait() == "cleaned up"


def test_run_ends_while_workers_sleep(loop_factory):
    jobs, ended = ac.Chan(), []

    async def work(number):
        try:
            async for _ in jobs:
                pass
        finally:
            ended.append(number)

    async def main():
        for number in range(10):
            asyncio.create_task(work(number))
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    assert sorted(ended) == list(range(10))
