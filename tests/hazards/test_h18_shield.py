"""H18: `asyncio.shield` around an operation: the caller leaves, the operation goes on, nothing is logged or lost."""

import asyncio

import pytest

import aiochan as ac
from tests.hazards.awaits import every_wait
from tests.hazards.stage import assert_idle, see_off, settle, start, until


@every_wait
def test_h18_the_operation_outlives_its_caller(run, make):
    async def main():
        wait = make()
        inner = asyncio.ensure_future(wait.operation())

        async def call():
            await asyncio.shield(inner)

        caller = asyncio.create_task(call())
        await until(wait.asleep)
        caller.cancel()
        await settle(caller)
        assert caller.cancelled()
        assert wait.asleep()
        wait.answer()
        await inner
        assert_idle(*wait.things)

    run(main)


def test_h18_a_value_that_arrives_behind_a_shield_is_not_received_twice(run):
    async def main():
        ch = ac.Chan(2)
        inner = asyncio.ensure_future(ch.recv())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.shield(inner)
        ch.send_nowait("first")
        ch.send_nowait("second")
        assert await inner == "first"
        assert ch.recv_nowait() == "second"

    run(main)


def test_h18_an_end_that_nobody_waits_for_any_more_is_no_noise(run):
    """`recv_ok` answers the end. (The error of a `recv` would be reported: its caller has gone and nobody took it.)"""

    async def main():
        ch = ac.Chan()

        async def call():
            await asyncio.shield(ch.recv_ok())

        [caller] = await start(call(), on=[ch])
        await see_off(caller)
        assert ch.stats().parked_receivers == 1
        ch.close()
        assert_idle(ch)

    run(main)
