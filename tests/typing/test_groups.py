"""What type checkers know of groups: a task keeps the type of what its function returns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import assert_type

import pytest

import aiochan as ac


async def fetch(url: str, limit: float = 1.0) -> bytes:
    return f"{url} within {limit}".encode()


def later(n: int) -> Awaitable[int]:
    future = asyncio.get_running_loop().create_future()
    future.set_result(n)
    return future


async def grouped(numbers: ac.Chan[int]) -> list[object]:
    async with ac.ErrGroup(ac.background(), limit=2, errors="all", name="typed") as g:
        assert_type(g, ac.ErrGroup)
        assert_type(g.ctx, ac.Context)
        assert_type(g.errors, tuple[BaseException, ...])
        page = assert_type(g.go(fetch, "url"), asyncio.Task[bytes])
        other = assert_type(await g.submit(fetch, "url", 2.0), asyncio.Task[bytes])
        number = assert_type(g.go(later, 7), asyncio.Task[int])
        sent = assert_type(g.go(numbers.send, 1), asyncio.Task[None])
        got = assert_type(await g.submit(numbers.recv), asyncio.Task[int])
        assert_type(g.try_go(fetch, "url"), bool)
        assert_type(await g.wait(), None)
    return [page.result(), other.result(), number.result(), sent.result(), got.result()]


def test_groups_are_what_they_are_declared_to_be() -> None:
    async def main() -> None:
        assert await grouped(ac.Chan[int](1)) == [b"url within 1.0", b"url within 2.0", 7, None, 1]

    asyncio.run(main())


async def counted() -> None:
    pending = ac.ErrWaitGroup("requests")
    assert_type(pending.add(2), None)
    assert_type(pending.error(ValueError("bad")), None)
    pending.done()
    pending.done()
    assert_type(pending.count, int)
    await pending.wait()


def test_wait_groups_are_what_they_are_declared_to_be() -> None:
    with pytest.raises(ValueError, match="bad"):
        asyncio.run(counted())
