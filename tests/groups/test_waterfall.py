"""`waterfall`: GP09 (E31)."""

import asyncio
import contextlib
import functools

import pytest

import aiochan as ac
from aiochan.testing import virtual


async def start():
    return [1]


async def then(n, before):
    await asyncio.sleep(0)
    return [*before, n]


def step(n):
    return functools.partial(then, n)


async def wrong(before):
    raise ValueError(f"after {before}")


def test_e31_each_function_gets_what_the_one_before_has_returned(run):
    async def main():
        assert await ac.waterfall(start, step(2), step(3), step(4), step(5), step(6)) == [1, 2, 3, 4, 5, 6]
        assert await ac.waterfall(start) == [1]

    run(main)


def test_none_is_passed_on_like_any_other_result(run):
    async def main():
        async def nothing():
            return None

        async def shows(before):
            return repr(before)

        assert await ac.waterfall(nothing) is None
        assert await ac.waterfall(nothing, shows) == "None"

    run(main)


def test_x18_without_functions_the_answer_is_none(run):
    async def main():
        assert await ac.waterfall() is None

    run(main)


def test_an_error_ends_it_as_it_is(run):
    """GP09."""

    async def main():
        ran = []

        async def never(before):
            ran.append(before)

        with pytest.raises(ValueError, match=r"after \[1, 2\]") as raised:
            await ac.waterfall(start, step(2), wrong, never, never)
        assert not hasattr(raised.value, "__notes__")
        assert ran == []

    run(main)


def test_they_run_in_the_task_and_the_context_of_the_caller(run):
    async def main():
        async def looks(*before):
            return [*before, asyncio.current_task(), ac.current_context()]

        with ac.background().with_cancel() as ctx:
            task, current = await ctx.run(ac.waterfall, looks)
        assert task is asyncio.current_task()
        assert current is ctx

    run(main)


def test_a_cancellation_goes_to_the_function_whose_turn_it_is(run):
    async def main():
        log = []

        async def hangs(before):
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                log.append(before)

        task = asyncio.create_task(ac.waterfall(start, hangs, hangs))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await task
        assert log == [[1]]

    run(main)


def test_the_end_of_the_context_ends_it():
    """GP09: hunch returns the error of its parent context at once."""

    async def main():
        async def hangs(_):
            await asyncio.sleep(100)

        with ac.background().with_timeout(5) as ctx:
            async with ctx.scope():
                task = asyncio.create_task(ac.waterfall(start, hangs))  # the scope does not cancel this one
            with pytest.raises(ac.DeadlineExceeded):
                await task
        assert asyncio.get_running_loop().time() == 5

    virtual.run(main)


def test_no_function_is_called_once_the_context_has_ended(run):
    async def main():
        ran = []
        ctx = ac.background().with_cancel()

        async def cancels():
            ctx.cancel()

        async def never(before):
            ran.append(before)

        with pytest.raises(ac.Canceled):
            await ctx.run(ac.waterfall, cancels, never)
        assert ran == []

        async def body():
            with pytest.raises(ac.Canceled):
                await ac.waterfall(never)

        with contextlib.suppress(ac.Canceled):
            await ctx.run(body)
        assert ran == []

    run(main)


@pytest.mark.parametrize("fn", [7, None, "fetch"], ids=str)
def test_what_is_no_function_is_refused_before_anything_is_called(run, fn):
    async def main():
        ran = []

        async def never():
            ran.append(True)

        with pytest.raises(TypeError, match=r"waterfall\(\) takes functions, not"):
            await ac.waterfall(never, fn)
        assert ran == []

    run(main)


def test_a_function_that_gives_nothing_to_await_is_refused(run):
    async def main():
        with pytest.raises(TypeError, match=r"must return an awaitable, not \[1\]"):
            await ac.waterfall(start, lambda before: before)

    run(main)
