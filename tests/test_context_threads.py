"""Contexts and groups beside the event loop of another thread, which a library may run without telling anybody."""

import asyncio
import threading

import pytest

import aiochan as ac

WAIT_S = 60.0


class Library:
    """A synchronous function that runs an event loop of its own, and in it what our caller likes."""

    def __init__(self, main):
        self.main = main
        self.inside, self.go_on = threading.Event(), threading.Event()

    def call(self):
        return asyncio.run(self._main())

    async def _main(self):
        async with ac.ErrGroup() as g:  # it stands below whatever is current
            g.go(asyncio.to_thread, self.go_on.wait, WAIT_S)
            self.inside.set()
        return await self.main()


async def look():
    ctx = ac.current_context()
    return ctx.err(), ctx.value(str), ctx.deadline()


def test_a_deadline_comes_although_a_library_runs_a_loop_of_its_own(run):
    async def main():
        library = Library(look)
        with ac.background().with_value(str, "a value").with_timeout(3600.0) as ctx:
            calling = asyncio.create_task(ctx.run(asyncio.to_thread, library.call))
            await asyncio.to_thread(library.inside.wait, WAIT_S)
            asyncio.get_running_loop().call_soon(ctx._end.expire, None)  # as its timer would
            await ctx.done().wait()
            with pytest.raises(ac.DeadlineExceeded):
                await calling
        library.go_on.set()

    run(main)


def test_a_group_ends_although_a_library_runs_a_loop_of_its_own(run):
    async def main():
        library = Library(look)

        async def fail():
            await asyncio.to_thread(library.inside.wait, WAIT_S)
            raise LookupError

        async def body():
            async with ac.ErrGroup() as g:
                g.go(asyncio.to_thread, library.call)
                g.go(fail)
                await ac.never().recv()

        with pytest.raises(LookupError):
            await body()
        library.go_on.set()

    run(main)


def test_in_another_loop_the_current_context_has_the_values_and_no_end(run):
    async def main():
        library = Library(look)
        library.go_on.set()
        with ac.background().with_value(str, "a value").with_timeout(3600.0) as ctx:
            async with ctx.scope():
                assert await asyncio.to_thread(library.call) == (None, "a value", None)
                assert (await asyncio.to_thread(ac.current_context)) is ctx  # a thread without a loop may look

    run(main)


@pytest.mark.parametrize(
    "join",
    [
        lambda ctx: ctx.run(look),
        lambda ctx: ctx.with_cancel().run(look),
        lambda ctx: ctx.with_value(str, "").run(look),
    ],
    ids=["scope", "scope of a child", "scope of a value"],
)
def test_a_context_of_another_thread_is_refused_where_it_is_taken(run, join):
    """And not when it ends: whose it is would be the one to suffer."""

    async def main():
        with ac.background().with_timeout(3600.0) as ctx:
            async with ctx.scope():
                with pytest.raises(ac.WrongLoop, match="another thread"):
                    await asyncio.to_thread(lambda: asyncio.run(join(ctx)))
                await asyncio.to_thread(lambda: asyncio.run(join(ctx.without_cancel())))
        assert isinstance(ctx.err(), ac.Canceled)

    run(main)


@pytest.mark.parametrize("what", ["with_timeout", "after_func", "done"])
def test_whatever_would_tell_another_thread_is_refused_there(run, what):
    async def take(ctx):
        {
            "with_timeout": lambda: ctx.with_timeout(1.0),
            "after_func": lambda: ctx.after_func(print),
            "done": lambda: ctx.with_cancel().done(),
        }[what]()

    async def main():
        with ac.background().with_cancel() as ctx:
            async with ctx.scope():
                with pytest.raises(ac.WrongLoop, match="another thread"):
                    await asyncio.to_thread(lambda: asyncio.run(take(ctx)))

    run(main)


def test_what_go_starts_outlasts_the_context_of_its_starter(run):
    async def one():
        return 1

    async def later(left):
        await left.wait()
        return await ac.all_of(one, one)

    async def main():
        left, cleaned = ac.Signal(), ac.Chan(1)

        async def clean_up():
            await cleaned.send(await ac.all_of(one, one))

        async with ac.ErrGroup() as g:
            task = ac.go(later, left)
            g.ctx.after_func(lambda: ac.go(clean_up))
        left.close()
        assert await task == (1, 1)
        assert await cleaned.recv() == (1, 1)

    run(main)
