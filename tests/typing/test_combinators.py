"""What type checkers know of the combinators."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, assert_type

import aiochan as ac


async def number() -> int:
    return 1


async def text() -> str:
    return "one"


async def part(of: float) -> float:
    return of / 2


async def of_all(many: Sequence[Callable[[], Awaitable[int]]]) -> None:
    assert_type(await ac.all_of(number), tuple[int])
    assert_type(await ac.all_of(number, text), tuple[int, str])
    assert_type(await ac.all_of(number, text, partial(part, 1.0)), tuple[int, str, float])
    assert_type(await ac.all_of(number, text, number, text), tuple[int, str, int, str])
    assert_type(await ac.all_of(number, text, number, text, number), tuple[int, str, int, str, int])
    assert_type(await ac.all_of(number, number, number, number, number, number), tuple[int, ...])
    assert_type(await ac.all_of(*many), tuple[int, ...])
    assert_type(await ac.all_of(*[number for _ in range(3)]), tuple[int, ...])


async def of_all_with_errors(many: Sequence[Callable[[], Awaitable[int]]], errors: bool) -> None:
    assert_type(await ac.all_of(number, return_exceptions=True), tuple[int | Exception])
    assert_type(await ac.all_of(number, text, return_exceptions=True), tuple[int | Exception, str | Exception])
    three = await ac.all_of(number, text, partial(part, 1.0), return_exceptions=True)
    assert_type(three, tuple[int | Exception, str | Exception, float | Exception])
    assert_type(await ac.all_of(*many, return_exceptions=True), tuple[int | Exception, ...])
    assert_type(await ac.all_of(*many, return_exceptions=errors), tuple[int | Exception, ...])


async def of_some(many: Sequence[Callable[[], Awaitable[int]]]) -> None:
    assert_type(await ac.race(number, number), int)
    assert_type(await ac.race(*many), int)
    assert_type(await ac.first_of(2, *many), list[int])
    assert_type(await ac.last_of(1, text, text), list[str])


async def one_after_the_other() -> None:
    assert_type(await ac.waterfall(), None)
    assert_type(await ac.waterfall(number), int)
    assert_type(await ac.waterfall(number, part), float)
    assert_type(await ac.waterfall(number, part, part), float)
    assert_type(await ac.waterfall(number, part, part, part), float)
    assert_type(await ac.waterfall(number, part, part, part, part), float)
    assert_type(await ac.waterfall(number, part, part, part, part, part), Any)


async def again() -> None:
    assert_type(await ac.retry(number), int)
    assert_type(await ac.retry(part, 1.0, attempts=None, on=(OSError, TimeoutError)), float)
    assert_type(await ac.retry(text, attempts=5, delay=1, jitter=0, on=OSError, random=random.Random(7)), str)


# -- and run


def test_they_run() -> None:
    async def main() -> None:
        await of_all([number, number])
        await of_all_with_errors([number], errors=True)
        await of_some([number, number])
        await one_after_the_other()
        await again()

    asyncio.run(main())
