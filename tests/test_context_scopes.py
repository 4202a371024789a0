"""How scopes nest with time limits, groups, anyio and one another (CX04, H11, H12, H15, H17, H24), case by case.

`test_context_differential.py` draws such cases at random; here stand those that a reader should know.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any

import anyio
import pytest

import aiochan as ac
from tests.conftest import Run


async def for_ever() -> None:
    await ac.never().recv()


def soon(*calls: Callable[[], object]) -> None:
    """Have these called in the next turn of the loop, one after the other."""
    for call in calls:
        asyncio.get_running_loop().call_soon(call)


def expire(limit: asyncio.Timeout) -> None:
    limit.reschedule(asyncio.get_running_loop().time())


async def clean() -> None:
    """Assert that no cancellation is due to this task any more."""
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    for _ in range(5):
        await asyncio.sleep(0)


# -- within one another


@pytest.mark.parametrize("ending", ["outer", "limit", "inner"])
def test_a_scope_inside_a_timeout_inside_a_scope(run: Run, ending: str) -> None:
    """Whoever ended speaks, where it stands, and the blocks around it go on."""

    async def main() -> None:
        outer, inner, said = ac.background().with_cancel(), ac.background().with_cancel(), list[str]()
        try:
            async with outer.scope():
                try:
                    async with asyncio.timeout(None) as limit:
                        try:
                            async with inner.scope():
                                soon(
                                    {"outer": outer.cancel, "limit": lambda: expire(limit), "inner": inner.cancel}[
                                        ending
                                    ]
                                )
                                await for_ever()
                        except ac.Canceled:
                            said.append("inner")
                        await asyncio.sleep(0)
                except TimeoutError:
                    said.append("limit")
                await asyncio.sleep(0)
        except ac.Canceled:
            said.append("outer")
        assert said == [ending]
        await clean()

    run(main)


@pytest.mark.parametrize("first", ["context", "limit"])
@pytest.mark.parametrize("inside", ["scope", "timeout"])
def test_both_ends_in_one_turn(run: Run, first: str, inside: str) -> None:
    """The outermost of those that have ended speaks, whichever was first."""

    async def main() -> None:
        ctx, limit = ac.background().with_cancel(), asyncio.timeout(None)
        outer, inner = (limit, ctx.scope()) if inside == "scope" else (ctx.scope(), limit)
        ends = [ctx.cancel, lambda: expire(limit)]
        with pytest.raises(TimeoutError if inside == "scope" else ac.Canceled):  # noqa: PT012
            async with outer, inner:
                soon(*(ends if first == "context" else reversed(ends)))
                await for_ever()
        await clean()

    run(main)


def test_parent_and_child_speak_from_the_outside(run: Run) -> None:
    """The end of the parent is the end of both, so the outer scope speaks, whichever has which context."""

    async def main() -> None:
        for swapped in False, True:
            parent = ac.background().with_cancel()
            child = parent.with_cancel()
            outer, inner = (child, parent) if swapped else (parent, child)
            soon(parent.cancel)
            caught = list[str]()
            try:
                async with outer.scope():
                    try:
                        await inner.run(for_ever)
                    except ac.Canceled:
                        caught.append("inner")
            except ac.Canceled:
                caught.append("outer")
            assert caught == ["outer"]
            await clean()

    run(main)


def test_two_scopes_on_one_context(run: Run) -> None:
    """Nested in one task, and side by side in two: each body is cancelled, each task once."""

    async def main() -> None:
        ctx = ac.background().with_cancel()
        soon(ctx.cancel)
        with pytest.raises(ac.Canceled):
            await ctx.run(ctx.run, for_ever)
        await clean()
        ctx = ac.background().with_cancel()
        tasks = [asyncio.create_task(ctx.run(for_ever)) for _ in range(2)]
        await asyncio.sleep(0)
        ctx.cancel()
        first, second = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(first, ac.Canceled)
        assert isinstance(second, ac.Canceled)
        assert first is not second

    run(main)


# -- at the edges


def test_the_body_ends_its_own_context(run: Run) -> None:
    """It goes on until it has to wait; if it never does, nothing comes of it."""

    async def main() -> None:
        ctx, reached = ac.background().with_cancel(), list[str]()
        with pytest.raises(ac.Canceled):  # noqa: PT012
            async with ctx.scope():
                ctx.cancel()
                reached.append("after cancel")
                await for_ever()
        async with ctx.scope():
            reached.append("body that never waits")
        assert reached == ["after cancel", "body that never waits"]
        await clean()

    run(main)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_an_eager_task_ends_the_context_of_whoever_starts_it(run: Run) -> None:
    """H17: the body is in the middle of its own step then, and the current task is another one."""

    async def main() -> None:
        ctx, loop = ac.background().with_cancel(), asyncio.get_running_loop()

        async def end() -> None:
            ctx.cancel()

        async with ctx.scope():
            task = asyncio.Task(end(), loop=loop, eager_start=True) if sys.version_info >= (3, 12) else None
            assert task is not None
            assert task.done()
        await clean()

    run(main)


@pytest.mark.parametrize("by", ["cancel", "deadline"])
def test_a_scope_on_a_context_that_has_ended(run: Run, by: str) -> None:
    """As with `asyncio.timeout(0)`: the body begins, and is cancelled where it waits."""

    async def main() -> None:
        ctx = ac.background().with_timeout(0 if by == "deadline" else 1e6)
        ctx.cancel()
        reached = False
        with pytest.raises(ac.Canceled if by == "cancel" else ac.DeadlineExceeded):  # noqa: PT012
            async with ctx.scope():
                reached = True
                await for_ever()
        assert reached
        await clean()

    run(main)


def test_an_end_between_body_and_leaving_changes_nothing(run: Run) -> None:
    async def main() -> None:
        ctx = ac.background().with_cancel()
        scope = ctx.scope()
        await scope.__aenter__()
        await asyncio.sleep(0)
        ctx.cancel()
        await scope.__aexit__(None, None, None)
        await clean()

    run(main)


def test_an_end_after_leaving_changes_nothing(run: Run) -> None:
    async def main() -> None:
        ctx = ac.background().with_cancel()
        async with ctx.scope():
            await asyncio.sleep(0)
        ctx.cancel()
        await clean()

    run(main)


def test_an_error_of_the_body_goes_on_as_it_is(run: Run) -> None:
    async def main() -> None:
        ctx, error = ac.background().with_cancel(), ValueError("of the body")

        async def body() -> None:
            try:
                await for_ever()
            finally:
                raise error

        soon(ctx.cancel)
        with pytest.raises(ValueError, match="of the body") as caught:
            await ctx.run(body)
        assert caught.value is error
        await clean()

    run(main)


def test_a_body_that_swallows_its_cancellation_goes_on(run: Run) -> None:
    """It is asked once, as by `asyncio.timeout`."""

    async def main() -> None:
        ctx, reached = ac.background().with_cancel(), False
        soon(ctx.cancel)
        async with ctx.scope():
            with suppress(asyncio.CancelledError):
                await for_ever()
            await asyncio.sleep(0)
            reached = True
        assert reached
        await clean()

    run(main)


@pytest.mark.parametrize("first", ["context", "task"])
def test_whoever_cancels_the_task_gets_a_cancelled_error(run: Run, first: str) -> None:
    """H11: also if the context ends in the same turn, in either order; and the count is what it was asked."""

    async def main() -> None:
        ctx, counts = ac.background().with_cancel(), list[int]()

        async def body() -> None:
            try:
                await ctx.run(for_ever)
            except asyncio.CancelledError:
                this = asyncio.current_task()
                assert this is not None
                counts.append(this.cancelling())
                raise

        task = asyncio.create_task(body())
        await asyncio.sleep(0)
        calls = [ctx.cancel, task.cancel]
        soon(*(calls if first == "context" else reversed(calls)))
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert counts == [1]

    run(main)


def test_a_task_that_was_cancelled_before_it_entered(run: Run) -> None:
    """H12: the scope takes back its own cancellation and no other."""

    async def main() -> None:
        async def body() -> str:
            task = asyncio.current_task()
            assert task is not None
            with suppress(asyncio.CancelledError):
                await for_ever()
            ctx = ac.background().with_cancel()
            soon(ctx.cancel)
            with pytest.raises(ac.Canceled):
                await ctx.run(for_ever)
            assert task.cancelling() == 1
            return "cleaned up"

        task = asyncio.create_task(body())
        await asyncio.sleep(0)
        task.cancel()
        assert await task == "cleaned up"

    run(main)


# -- groups


def test_a_group_inside_is_cancelled_and_awaited(run: Run) -> None:
    """CX04: no orphan."""

    async def main() -> None:
        ctx, ended = ac.background().with_cancel(), list[str]()

        async def child() -> None:
            try:
                assert ac.current_context() is ctx
                await for_ever()
            finally:
                await asyncio.sleep(0)
                ended.append("child")

        with pytest.raises(ac.Canceled):  # noqa: PT012
            async with ctx.scope(), asyncio.TaskGroup() as group:
                group.create_task(child())
                group.create_task(child())
                soon(lambda: soon(ctx.cancel))
                await for_ever()
        assert ended == ["child", "child"]
        await clean()

    run(main)


def test_a_task_keeps_the_context_it_was_started_in(run: Run) -> None:
    """H24: also after the scope is left; its own scopes are nobody else's."""

    async def main() -> None:
        ctx, go_on = ac.background().with_cancel(), ac.Signal()

        async def child() -> list[ac.Context]:
            seen = [ac.current_context()]
            await go_on.wait()
            seen.append(ac.current_context())
            with ctx.with_value("key", "value") as inner:
                async with inner.scope():
                    seen.append(ac.current_context())
            return [*seen, ac.current_context()]

        async with ctx.scope():
            task = asyncio.create_task(child())
            await asyncio.sleep(0)
        assert ac.current_context() is ac.background()
        go_on.close()
        before, after, inside, outside = await task
        assert before is after is outside is ctx
        assert inside.value("key") == "value"
        assert ac.current_context() is ac.background()

    run(main)


# -- async generators


def test_an_async_generator_that_is_closed_by_another_task(run: Run) -> None:
    """H24: neither its error nor its context comes to whoever closes it; asyncio's own limits refuse nothing here."""

    async def main() -> None:
        theirs, ours = ac.background().with_cancel(), ac.background().with_cancel()

        async def numbers() -> AsyncIterator[int]:
            async with theirs.scope():
                yield 1
                yield 2

        generator = numbers()

        async def begin() -> int:
            return await anext(generator)

        assert await asyncio.create_task(begin()) == 1
        async with ours.scope(), aclosing(generator):
            pass
        assert ac.current_context() is ac.background()
        async with ours.scope():
            generator = numbers()
            assert await asyncio.create_task(begin()) == 1
            await generator.aclose()
            assert ac.current_context() is ours
        assert theirs._end is not None
        assert not theirs._end.below
        theirs.cancel()
        await clean()

    run(main)


def test_an_async_generator_that_outlives_the_scope_around_it(run: Run) -> None:
    """H24: whatever was current there does not come back with it."""

    async def main() -> None:
        outer, inner = ac.background().with_cancel(), ac.background().with_cancel()

        async def numbers() -> AsyncIterator[int]:
            async with inner.scope():
                yield 1

        generator = numbers()
        await anext(generator)
        async with outer.scope():
            await generator.aclose()
            assert ac.current_context() is outer

    run(main)


# -- anyio


@pytest.mark.parametrize("ending", ["context", "anyio", "both, context first", "both, anyio first"])
def test_a_scope_within_a_scope_of_anyio(run: Run, ending: str) -> None:
    """H15: anyio cancels again and again; that is not the context's end, and leaving waits for nothing."""

    async def main() -> None:
        ctx, future = ac.background().with_cancel(), asyncio.get_running_loop().create_future()

        async def body() -> None:
            await future

        with anyio.CancelScope() as scope:
            calls = {
                "context": [ctx.cancel],
                "anyio": [scope.cancel],
                "both, context first": [ctx.cancel, scope.cancel],
            }
            soon(*calls.get(ending, [scope.cancel, ctx.cancel]))
            if ending == "context":
                with pytest.raises(ac.Canceled):
                    await ctx.run(body)
            else:
                await ctx.run(body)
        assert scope.cancelled_caught == (ending != "context")
        await clean()

    run(main)


@pytest.mark.parametrize("ending", ["context", "anyio"])
def test_a_scope_of_anyio_within_a_scope(run: Run, ending: str) -> None:
    async def main() -> None:
        ctx, behind = ac.background().with_cancel(), False
        try:
            async with ctx.scope():
                with anyio.CancelScope() as scope:
                    soon(ctx.cancel if ending == "context" else scope.cancel)
                    await for_ever()
                behind = True
                await asyncio.sleep(0)
        except ac.Canceled:
            assert ending == "context"
        assert behind == (ending == "anyio")
        await clean()

    run(main)


def test_a_scope_in_a_cancelled_scope_of_anyio(run: Run) -> None:
    """H15: entered when the anyio scope has ended: every wait in it is cut short, and the context is none the wiser."""

    async def main() -> None:
        ctx, tries = ac.background().with_cancel(), 0
        with anyio.CancelScope() as scope:
            scope.cancel()
            async with ctx.scope():
                for _ in range(3):
                    try:
                        await for_ever()
                    except asyncio.CancelledError:
                        tries += 1
                await for_ever()
        assert tries == 3
        assert scope.cancelled_caught
        assert ctx.err() is None
        await clean()

    run(main)


# -- by hand


def test_a_scope_is_left_once_and_only_after_it_was_entered(run: Run) -> None:
    async def main() -> None:
        scope = ac.background().with_cancel().scope()
        assert "not entered" in repr(scope)
        with pytest.raises(ac.MisuseError, match=r"left once.*not entered"):
            await scope.__aexit__(None, None, None)
        async with scope:
            assert repr(scope) == "<Scope of <Context background.with_cancel, open>, entered>"
        with pytest.raises(ac.MisuseError, match=r"left once.*, left"):
            scope.leave_with(None)

    run(main)


def test_a_scope_is_entered_by_a_task() -> None:
    loop = asyncio.new_event_loop()
    problems = list[ac.MisuseError]()

    def enter() -> None:
        entering = ac.background().scope().__aenter__()
        try:
            entering.send(None)
        except ac.MisuseError as problem:
            problems.append(problem)
        loop.stop()

    loop.call_soon(enter)
    loop.run_forever()
    loop.close()
    assert "entered by a task" in str(problems)


@pytest.mark.parametrize(
    ("wrong", "words"), [(None, "takes a function"), ("fn", "takes a function"), (int, "must return an awaitable")]
)
def test_run_names_what_it_cannot_run(run: Run, wrong: Any, words: str) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=words):
            await ac.background().run(wrong)

    run(main)


def test_run_refuses_a_coroutine_and_closes_it(run: Run) -> None:
    async def job() -> None: ...

    async def main() -> None:
        wrong: Any = job()
        with pytest.raises(TypeError, match="takes a function"):
            await ac.background().run(wrong)

    run(main)
