"""The two shapes of a graceful shutdown.

    one phase     told ─▶ the work is cancelled ─▶ clean up ──────────────────────────▶ exit
    two phases    told ─▶ the work is asked to close ─▶ it ends, clean up ─▶ closed ──▶ exit
                     └──────────────── but no longer than a limit ────────────────────▶ exit anyway

In one phase the work may be in the middle of anything; what it holds has to be given up in its `finally` blocks. In two
phases it finishes what it has begun. That may take for ever, so there is a limit, and a second signal counts as the
limit: whoever presses Ctrl-C twice means it.

Both return how it ended, and leave no task behind.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable

import aiochan as ac

Told = ac.RecvChan[object]


class Ended(enum.Enum):
    """How it came to an end."""

    BY_ITSELF = "the work was done"
    STOPPED = "told to stop; stopped and cleaned up"
    CUT_SHORT = "told to stop; it took too long"


async def one_phase(told: Told, work: Callable[[], Awaitable[object]], clean_up: Callable[[], object]) -> Ended:
    """Work until told to stop; then cancel the work, wait for it, and clean up."""
    stopped = False

    async def stop_when_told(ctx: ac.Context) -> None:
        nonlocal stopped
        await told.recv()
        stopped = True
        ctx.cancel()

    try:
        with ac.background().with_cancel() as ctx:
            watching = ac.go(stop_when_told, ctx)
            try:
                await ctx.run(work)
            except ac.Canceled:
                if not stopped:
                    raise
            finally:
                watching.cancel()
                await asyncio.wait([watching])
    finally:
        clean_up()
    return Ended.STOPPED if stopped else Ended.BY_ITSELF


async def two_phases(
    told: Told,
    work: Callable[[ac.Signal], Awaitable[object]],
    clean_up: Callable[[], Awaitable[object]],
    limit: float,
) -> Ended:
    """Work until told to stop; then let the work come to its end and clean up, within the limit.

    Args:
        told: Gives a value when it is time to stop.
        work: Gets a signal, and returns soon after that is closed, or by itself.
        clean_up: What is to be done after the work.
        limit: How long work and cleaning up may take together once told, in seconds.
    """
    closing, closed = ac.Signal("closing"), ac.Signal("closed")

    async def work_and_clean_up() -> None:
        try:
            await work(closing)
            await clean_up()
        finally:
            closed.close()

    async with ac.ErrGroup(name="service") as group:
        working = group.go(work_and_clean_up)
        match await ac.select(ac.recv(closed), ac.recv(told)):
            case 0, _:
                return Ended.BY_ITSELF
            case 1, _:
                closing.close()
        match await ac.select(ac.recv(closed), ac.recv(ac.after(limit)), ac.recv(told)):
            case 0, _:
                return Ended.STOPPED
            case _:
                working.cancel()  # leaving the group waits until it is gone
                return Ended.CUT_SHORT
