"""What type checkers know of pools: what is opened, lent and closed is of one type, and so is what is put back."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from typing import assert_type

from aiochan.pools import Lease, Loan, ObjectPool, ResourcePool, ResourceStats, SizedPool
from aiochan.pools.resources import Reason


class Connection:
    async def close(self) -> None: ...

    async def ping(self) -> bool:
        return True


async def connect(address: str = "north") -> Connection:
    return Connection()


async def resources() -> None:
    pool = ResourcePool(connect, Connection.close, max_open=2, check=Connection.ping, max_idle_time=60)
    assert_type(pool, ResourcePool[Connection])
    async with pool as same:
        assert_type(same, ResourcePool[Connection])
        async with pool.lease() as lease:
            assert_type(lease, Lease[Connection])
            assert_type(lease.value, Connection)
        by_hand = await pool.acquire()
        assert_type(by_hand, Lease[Connection])
        await pool.release(by_hand)
        assert_type(pool.stats(), ResourceStats)
        assert_type(pool.stats().closed, Mapping[Reason, int])
    far = ResourcePool(functools.partial(connect, "south"), Connection.close, max_open=1)
    assert_type(far, ResourcePool[Connection])


async def objects() -> None:
    scratch = ObjectPool(list[int], reset=lambda cells: cells.clear(), measure=len, largest=1000)
    assert_type(scratch, ObjectPool[list[int]])
    assert_type(scratch.get(), list[int])
    scratch.put([1])
    assert_type(scratch.borrow(), Loan[list[int]])
    with scratch.borrow() as cells:
        assert_type(cells, list[int])
    async with scratch.borrow() as cells:
        assert_type(cells, list[int])


def sizes() -> None:
    buffers = SizedPool(bytearray, len, smallest=1, largest=4)
    assert_type(buffers.get(3), bytearray)
    with buffers.borrow() as buffer:
        assert_type(buffer, bytearray)
    assert_type(buffers.sizes, list[int])


# -- and run


def test_they_run() -> None:
    asyncio.run(resources())
    asyncio.run(objects())
    sizes()
