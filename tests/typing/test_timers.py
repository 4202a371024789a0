"""What type checkers know of timers."""

from __future__ import annotations

import asyncio
from typing import Literal, assert_type

import aiochan as ac


async def channels() -> None:
    assert_type(ac.after(0), ac.RecvChan[float])
    assert_type(ac.at(0.0), ac.RecvChan[float])
    assert_type(ac.tick(1), ac.RecvChan[float])
    assert_type(await ac.after(0).recv(), float)
    assert_type(await ac.after(0).recv_ok(), tuple[float, Literal[True]] | tuple[None, Literal[False]])
    async for now in ac.tick(1e-9):
        assert_type(now, float)
        break


async def timers(timer: ac.Timer, ticker: ac.Ticker) -> None:
    assert_type(timer.ch, ac.RecvChan[float])
    assert_type(timer.stop(), bool)
    assert_type(timer.reset(0), bool)
    assert_type(ticker.ch, ac.RecvChan[float])
    assert_type(ticker.reset(0.5), None)
    assert_type(ticker.stop(), None)


async def a_time_out(jobs: ac.Chan[str]) -> str:
    match await ac.select(ac.recv(jobs), ac.recv(ac.after(30))):
        case 0, job:
            return assert_type(job, str)
        case 1, now:
            assert_type(now, float)
            return "late"


# -- and run


def test_channels_run() -> None:
    asyncio.run(channels())


def test_timers_run() -> None:
    async def main() -> None:
        await timers(ac.Timer(1), ac.Ticker(1))

    asyncio.run(main())


def test_a_time_out_runs() -> None:
    async def main() -> str:
        jobs = ac.Chan[str](1)
        jobs.send_nowait("job")
        return await a_time_out(jobs)

    assert asyncio.run(main()) == "job"
