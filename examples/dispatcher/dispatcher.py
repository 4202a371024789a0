"""The dispatcher: a channel of jobs, and a channel of the channels of those who have nothing to do.

    jobs (Chan[Job]) ──▶ dispatcher ──▶ the channel of one worker (Chan[Job]) ──▶ that worker
                             ▲                                                        │
                             └── idle (Chan[SendChan[Job]]): "I am idle, send it here" ┘

It is the shape of Marcio Castilho's "Handling 1 Million Requests per Minute with Go". There the dispatcher starts a
goroutine for each job, to wait for an idle worker, and so holds any number of jobs; here it waits itself. So there is
room for as many jobs as `jobs` has, one more for each worker and one with the dispatcher, and whoever sends more waits.

The end comes through the same channels. Whoever owns `jobs` closes it; the dispatcher gives away what is left, and then
closes the channel of each worker as that becomes idle, for the last time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiochan as ac

Store = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be stored, and where to say what has become of it: a channel with room for one."""

    payload: bytes
    answer: ac.SendChan[str]


async def dispatch(jobs: ac.RecvChan[Job], stores: Sequence[Store]) -> None:
    """Have every job done by a worker, one for each store, until `jobs` ends and all workers have."""
    idle = ac.Chan[ac.SendChan[Job]](len(stores), name="idle")
    async with ac.ErrGroup(name="workers") as workers:
        for store in stores:
            _ = workers.go(work, idle.sender, store)
        async for job in jobs:
            worker = await idle.recv()  # who has been idle longest
            await worker.send(job)
        for _ in stores:
            (await idle.recv()).close()


async def work(idle: ac.SendChan[ac.SendChan[Job]], store: Store) -> None:
    """Be idle, get a job, do it; until told that there is none any more."""
    mine = ac.Chan[Job](name="worker")
    await idle.send(mine.sender)
    async for job in mine:
        try:
            await store(job.payload)
        except OSError as error:
            job.answer.send_nowait(f"failed: {error.strerror or error}")
        else:
            job.answer.send_nowait("stored")
        await idle.send(mine.sender)
