"""The pipeline: two channels between one walker, a few workers and one printer.

                             ┌──▶ worker ──┐
    walker ──▶ found (Chan) ─┼──▶ worker ──┼─▶ results (Chan) ──▶ printer
                             └──▶ worker ──┘

Each channel is closed by whoever sends into it, and that alone ends everybody behind it: the
walker closes `found` after its last file, which ends the workers' loops; the last of them lets
`results` close, which ends the printer's. The channels hold little, so a slow reader holds the
walker back: memory does not grow with the number of files, nor with their size.

Every task belongs to an ErrGroup: if one fails, or on Ctrl-C, the group cancels the others and
raises that one error. So a channel need not say it too, and is closed as in Go (`defer close(found)`), with
`closing(found)`; a plain `with found:` would also tell the error to everybody who receives.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

import aiochan as ac
from examples.digest.hashing import Digester
from examples.digest.records import Found, Result

Batch = list[Found]
Show = Callable[[list[Result]], object]
T = TypeVar("T")
Args = TypeVarTuple("Args")


async def run(batches: Iterator[Batch], digester: Digester, show: Show, *, workers: int, in_order: bool) -> None:
    """Digest what `batches` finds in `workers` threads, and `show` the results as they come.

    Args:
        batches: The walker. It may block: every step of it runs in a thread.
        digester: Digests one batch, in a thread.
        show: Writes some results, in a thread.
        workers: How many batches are digested at the same time.
        in_order: Show everything at the end, sorted by name.
    """
    found = ac.Chan[Batch](workers, name="found")
    results = ac.Chan[Result](1024, name="results")
    try:
        async with ac.ErrGroup(name="digest") as group:
            group.go(walk, batches, found)
            group.go(work, found, results, digester, workers)
            group.go(print_sorted if in_order else print_all, results, show)
    finally:
        digester.stop()


async def walk(batches: Iterator[Batch], found: ac.SendChan[Batch]) -> None:
    """Send every batch; `found` ends with the last of them."""
    with closing(found):
        while batch := await in_thread(next, batches, None):
            await found.send(batch)


async def work(found: ac.RecvChan[Batch], results: ac.SendChan[Result], digester: Digester, workers: int) -> None:
    """Keep `workers` threads busy; `results` ends with the last of the workers."""
    threads = CapacityLimiter(workers)

    async def worker() -> None:
        async for batch in found:
            for result in await in_thread(digester.digest, batch, threads=threads):
                await results.send(result)

    with closing(results):
        async with ac.ErrGroup(name="workers") as group:
            for _ in range(workers):
                group.go(worker)


async def print_all(results: ac.RecvChan[Result], show: Show) -> None:
    """Show results as they come, and with the first all that are there: one thread for many."""
    async for result in results:
        ready = [result]
        with suppress(ac.WouldBlock, ac.ChannelClosed):
            while True:
                ready.append(results.recv_nowait())
        await in_thread(show, ready)


async def print_sorted(results: ac.RecvChan[Result], show: Show) -> None:
    """Show nothing before everything is there."""
    everything = [result async for result in results]
    everything.sort(key=lambda result: os.fsencode(result.path))
    await in_thread(show, everything)


async def in_thread(function: Callable[[*Args], T], *args: *Args, threads: CapacityLimiter | None = None) -> T:
    """Have it done by a thread; a cancelled task leaves at once and lets the thread end alone."""
    return await to_thread.run_sync(function, *args, abandon_on_cancel=True, limiter=threads)
