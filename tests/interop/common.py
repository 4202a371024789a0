"""What the tests under asyncio's own groups and under anyio's have in common."""

from __future__ import annotations

import asyncio

import aiochan as ac


def check_that_the_loop_is_as_the_name_says(name: str) -> None:
    """See that a test runs on the kind of loop that stands in its name."""
    loop = asyncio.get_running_loop()
    assert ("debug" in name) == loop.get_debug()
    assert ("uvloop" in name) == type(loop).__module__.startswith("uvloop")
    assert ("eager" in name) == (loop.get_task_factory() is not None)


async def produce(out: ac.SendChan[int]) -> None:
    with out:
        for number in range(10):
            await out.send(number)


async def square(numbers: ac.RecvChan[int], out: ac.SendChan[int]) -> None:
    with out:
        async for number in numbers:
            await out.send(number * number)


SQUARES = [number * number for number in range(10)]
