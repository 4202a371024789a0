"""Who may leave a `SingleFlight` when, and what becomes of its call and of an error that nobody has got (SF01, P27)."""

import asyncio
import contextvars

import anyio
import pytest

import aiochan as ac
from aiochan.testing import virtual
from tests.conformance.kit import asleep
from tests.groups.kit import Calls, dismiss, flights, listen, settle, task_of

who = contextvars.ContextVar("who", default="nobody")


# -- leaving


@pytest.mark.parametrize("who", [0, 1, 2])
def test_a_caller_who_leaves_takes_nobody_with_him(run, who):
    async def main():
        group, calls = flights(), Calls()
        tasks = await asleep(*(group.do("ann", calls) for _ in range(3)))
        await dismiss(tasks.pop(who))
        calls.end("value")
        await settle()
        assert [task.result() for task in tasks] == [("value", True)] * 2
        assert not calls.cancelled

    run(main)


def test_the_last_one_who_leaves_cancels_the_call(run):
    async def main():
        group, calls = flights(), Calls()
        first, second = await asleep(group.do("ann", calls), group.do("ann", calls))
        await dismiss(first)
        assert not calls.cancelled
        await dismiss(second)
        assert calls.cancelled == [0]

    run(main)


def test_it_is_cancelled_too_if_it_has_not_begun(run):
    async def main():
        group, calls = flights(), Calls()
        asking = group.do("ann", calls)
        asking.send(None)
        with pytest.raises(asyncio.CancelledError):
            asking.throw(asyncio.CancelledError())
        await settle()
        assert calls.cancelled == [0] or not calls  # eager tasks have begun
        assert repr(group) == "<SingleFlight 'users' 0 in flight>"

    run(main)


def test_the_key_is_free_in_the_moment_in_which_the_last_one_leaves(run):
    """A newcomer never joins a call that is about to die, and its end does not touch the newcomer's."""

    async def main():
        group, calls, dying = flights(), Calls(), asyncio.Event()

        async def dies_slowly():
            try:
                await calls()
            finally:
                await dying.wait()

        (leaving,) = await asleep(group.do("ann", dies_slowly))
        leaving.cancel()
        leaving.add_done_callback(lambda _: late.append(asyncio.create_task(group.do("ann", calls))))
        late = []
        await settle()
        assert leaving.cancelled()  # and has not waited for the call
        assert len(calls) == 2 and calls.cancelled == [0]
        dying.set()
        await settle()
        (third,) = await asleep(group.do("ann", calls))
        calls.end("fresh", 1)
        await settle()
        assert late[0].result() == third.result() == ("fresh", True)
        assert len(calls) == 2

    run(main)


def test_a_cancellation_in_the_turn_in_which_the_call_has_ended(run):
    async def main():
        group, calls = flights(), Calls()
        staying, leaving = await asleep(group.do("ann", calls), group.do("ann", calls))
        task_of("users['ann']").add_done_callback(lambda _: leaving.cancel())
        calls.end("value")
        await settle()
        assert staying.result() == ("value", True)
        assert leaving.cancelled()

    run(main)


def test_a_deadline_of_the_caller_does_not_reach_the_call():
    async def main():
        group, seen = flights(), []

        async def load():
            seen.append((ac.current_context().deadline(), ac.current_context().value("who")))
            await asyncio.sleep(10)
            return "value"

        async def hasty():
            with pytest.raises(ac.DeadlineExceeded):
                async with ac.background().with_value("who", "hasty").with_timeout(5).scope():
                    await group.do("ann", load)

        async def patient():
            await asyncio.sleep(1)
            return await group.do("ann", load)

        hurrying, waiting = asyncio.create_task(hasty()), asyncio.create_task(patient())
        assert await waiting == ("value", True)
        assert hurrying.done() and seen == [(None, "hasty")]
        assert asyncio.get_running_loop().time() == 10

    virtual.run(main)


def test_a_timeout_is_a_way_to_leave():
    async def main():
        group, calls = flights(), Calls()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await group.do("ann", calls)
        await settle()
        assert calls.cancelled == [0]
        assert asyncio.current_task().cancelling() == 0

    virtual.run(main)


def test_a_scope_of_anyio_is_one_too(run):
    async def main():
        group, calls = flights(), Calls()

        async def ask():
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                await group.do("ann", calls)
            return scope.cancelled_caught

        scopes = []
        first, second = await asleep(ask(), ask())
        scopes[0].cancel()
        await asyncio.wait([first])
        assert first.result() and not calls.cancelled
        calls.end("value")
        await asyncio.wait([second])
        assert not second.result()

    run(main)


# -- errors that nobody has got


def test_an_error_after_all_have_left_is_told_to_the_loop(run):
    async def main():
        group, told, error = flights(), listen(), LookupError("on the way out")

        async def fails_when_cancelled():
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                raise error

        (leaving,) = await asleep(group.do("ann", fails_when_cancelled))
        task = task_of("users['ann']")
        await dismiss(leaving)
        (context,) = told
        assert context["exception"] is error
        assert context["task"] is task
        assert context["message"] == "users['ann'] has failed, and nobody waits for it any more"

    run(main)


@pytest.mark.parametrize("stays", [False, True])
def test_one_that_all_were_about_to_get(run, stays):
    """It was too late for the last one who left: it is told, unless somebody else has got it."""

    async def main():
        group, calls, told, error = flights(), Calls(), listen(), LookupError("no such user")
        leaving = await asleep(group.do("ann", calls), group.do("ann", calls))
        staying = await asleep(group.do("ann", calls)) if stays else []
        task_of("users['ann']").add_done_callback(lambda _: [task.cancel() for task in leaving])
        calls.end(error)
        await settle()
        assert all(task.cancelled() for task in leaving)
        assert [task.exception() for task in staying] == [error] * stays
        assert [context["exception"] for context in told] == [error] * (not stays)

    run(main)


def test_a_value_or_a_cancellation_that_nobody_gets_is_told_to_nobody(run):
    async def main():
        group, told = flights(), listen()

        async def stubborn():
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                return "value"

        await dismiss(*await asleep(group.do("ann", stubborn), group.do("bob", Calls())))
        await settle()
        assert not told

    run(main)


# -- context


def test_the_call_has_the_variables_of_who_asked_first(run):
    async def main():
        group, calls = flights(), Calls()

        async def look():
            await calls()
            return who.get()

        async def ask(name):
            who.set(name)
            return await group.do("ann", look)

        tasks = await asleep(ask("first"), ask("second"))
        calls.end()
        await settle()
        assert [task.result() for task in tasks] == [("first", True)] * 2

    run(main)


@pytest.mark.parametrize("leaves", [False, True])
def test_the_context_of_the_call_ends_with_it(run, leaves):
    async def main():
        group, calls, seen, ends = flights(), Calls(), [], []

        async def look():
            seen.append(ac.current_context())
            try:
                await calls()
            finally:
                ends.append(ac.current_context().err())

        with ac.background().with_value("who", "ann").with_cancel() as mine:
            async with mine.scope():
                (task,) = await asleep(group.do("ann", look))
        (ctx,) = seen
        assert mine.err() is not None and ctx.err() is None
        assert ctx.value("who") == "ann"
        if leaves:
            task.cancel()
        else:
            calls.end()
        await settle()
        assert isinstance(ctx.err(), ac.Canceled)
        assert (
            isinstance(ends[0], ac.Canceled) == leaves
        )  # it ends when the last one leaves, before the call hears of it

    run(main)
