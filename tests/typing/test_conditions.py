"""What type checkers know of conditions: a value keeps its type, and functions get the arguments that they take."""

from __future__ import annotations

import asyncio
from typing import assert_type

import pytest

import aiochan as ac


async def load(path: str, limit: float = 1.0) -> bytes:
    return f"{path} within {limit}".encode()


async def number() -> int:
    return 7


async def typed() -> list[object]:
    once = ac.Once(retry=True, name="typed")
    assert_type(await once.do(load, "path"), None)
    assert_type(await once.do(load, "path", 2.0), None)
    assert_type(once.done, bool)
    value = assert_type(ac.OnceValue(number), ac.OnceValue[int])
    made = assert_type(await value(), int)
    group = ac.WaitGroup()
    task = assert_type(group.go(load, "path"), asyncio.Task[bytes])
    assert_type(await group.wait(), None)
    cond = ac.Cond(ac.Mutex())
    held = [1]
    async with cond as nothing:
        assert_type(nothing, None)
        found = assert_type(await cond.wait_for(lambda: held), list[int])
        assert_type(await cond.wait_timed(0), bool)
    assert_type(cond.signal(), int)
    return [made, task.result(), found]


def test_conditions_are_what_they_are_declared_to_be() -> None:
    assert asyncio.run(typed()) == [7, b"path within 1.0", [1]]


@pytest.mark.parametrize("mutex", [ac.Mutex(), ac.ReentrantMutex(), ac.RWMutex(), ac.RWMutex().rlocker()])
def test_each_of_these_is_a_lock_for_a_condition(mutex: ac.Mutex | ac.ReentrantMutex | ac.RWMutex) -> None:
    assert ac.Cond(mutex).mutex is mutex


def test_what_type_checkers_refuse() -> None:
    """The ignores are needed: strict checkers complain of those that are not."""
    with pytest.raises(TypeError):
        ac.Cond(asyncio.Lock())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        ac.OnceValue(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportUnknownArgumentType]
