"""`Errand`: it runs to its end, and what comes of it is taken or settled, one of the two, once (H18)."""

import asyncio
import gc
import weakref

import pytest

from aiochan.context import background, current_context
from aiochan.pools.errand import Errand
from tests.pools.kit import turns


def errand_of(coro, wanted=True):
    settled = []
    return Errand(settled.append, wanted=wanted).start(asyncio.get_running_loop(), coro, "it"), settled


async def answer(gate):
    await gate.wait()
    return 7


def test_who_wants_it_takes_it(run):
    async def main():
        gate = asyncio.Event()
        errand, settled = errand_of(answer(gate))
        waiting = asyncio.create_task(errand.wait())
        await turns()
        assert not waiting.done()
        assert repr(errand) == "<Errand 'it', on its way>"
        gate.set()
        await waiting
        assert (errand.task.result(), settled) == (7, [])
        assert repr(errand) == "<Errand 'it', over>"

    run(main)


def test_what_nobody_wants_is_settled(run):
    async def main():
        gate = asyncio.Event()
        errand, settled = errand_of(answer(gate), wanted=False)
        gate.set()
        await errand.over.wait()
        assert settled == [errand.task]

    run(main)


def test_who_leaves_does_not_stop_it(run):
    async def main():
        gate = asyncio.Event()
        errand, settled = errand_of(answer(gate))
        waiting = asyncio.create_task(errand.wait())
        await turns()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert settled == []
        gate.set()
        await errand.over.wait()
        assert settled == [errand.task] and errand.task.result() == 7

    run(main)


def test_who_is_cancelled_when_it_is_over_leaves_it_to_be_settled(run):
    async def main():
        gate = asyncio.Event()
        errand, settled = errand_of(answer(gate))
        waiting = asyncio.create_task(errand.wait())
        await turns()
        errand.task.add_done_callback(lambda _: waiting.cancel())  # when it was woken, and has not run yet
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert settled == [errand.task]

    run(main)


def test_it_is_kept_although_nobody_refers_to_it(run):
    """H19: asyncio refers to its tasks only weakly."""

    async def main():
        futures = weakref.WeakSet()

        async def waits_for_what_only_it_knows():
            future = asyncio.get_running_loop().create_future()
            futures.add(future)
            return await future

        settled = errand_of(waits_for_what_only_it_knows(), wanted=False)[1]
        await turns()
        gc.collect()
        (future,) = futures
        future.set_result(7)
        del future
        await turns()
        assert [task.result() for task in settled] == [7]

    run(main)


def test_it_has_the_values_of_the_caller_and_no_deadline(run):
    async def main():
        async def look():
            return current_context().value("user"), current_context().deadline()

        with background().with_value("user", "ann").with_timeout(100) as ctx:
            async with ctx.scope():
                errand, _ = errand_of(look())
                await errand.wait()
        assert errand.task.result() == ("ann", None)

    run(main)
