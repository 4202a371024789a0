"""What type checkers know of `go` and `SingleFlight`: the types of arguments, keys and values are kept."""

from __future__ import annotations

import asyncio
from typing import assert_type

import aiochan as ac


async def load(number: int, upper: bool = False) -> str:
    return f"Ann {number}" if not upper else f"ANN {number}"


async def tasks() -> None:
    task = ac.go(load, 7)
    assert_type(await assert_type(task, asyncio.Task[str]), str)
    assert_type(await ac.go(load, 7, True, name="ann"), str)
    ch = ac.Chan[int](1)
    ch.send_nowait(1)
    assert_type(await ac.go(ch.recv), int)


async def flights(users: ac.SingleFlight[int, str], stop: ac.Signal) -> None:
    assert_type(await users.do(7, load, 7), tuple[str, bool])
    ch = users.do_chan(7, load, 7, True)
    assert_type(ch, ac.RecvChan[ac.FlightResult[str]])
    result = await ch.recv()
    assert_type(result, ac.FlightResult[str])
    assert_type(result.value, str | None)
    assert_type(result.error, BaseException | None)
    assert_type(result.shared, bool)
    value, error, shared = result
    assert_type((value, error, shared), tuple[str | None, BaseException | None, bool])
    assert_type(users.forget(7), None)
    match await ac.select(ac.recv(users.do_chan(7, load, 7)), ac.recv(stop)):
        case 0, told:
            assert_type(told, ac.FlightResult[str])
        case 1, nothing:
            assert_type(nothing, None)


async def optional(found: ac.SingleFlight[tuple[str, int], str | None]) -> None:
    """A value may be None; and a function that gives less than the group may is welcome."""
    assert_type(await found.do(("ann", 1), load, 1), tuple[str | None, bool])


# -- and run


def test_they_run() -> None:
    asyncio.run(tasks())
    asyncio.run(flights(ac.SingleFlight[int, str]("users"), ac.Signal()))
    asyncio.run(optional(ac.SingleFlight[tuple[str, int], str | None]()))
