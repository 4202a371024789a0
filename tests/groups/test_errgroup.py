"""`ErrGroup`: the first error stops the others, leaving waits for all (GP01, GP07, GP11, CX01, H21)."""

import asyncio
import contextlib
import contextvars
import traceback

import pytest

import aiochan as ac
from aiochan.context import background, current_context
from aiochan.groups.errgroup import ErrGroup
from aiochan.testing.order import Order

who = contextvars.ContextVar("who", default="nobody")
MODES = ["first", "all", "collect"]


class Boom(Exception):
    pass


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def value(what):
    return what


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def fails(error, after=0):
    await turns(after)
    raise error


async def fails_when_cancelled(error):
    try:
        await for_ever()
    except asyncio.CancelledError:
        raise error from None


async def swallows(turns_more=3):
    try:
        await for_ever()
    except asyncio.CancelledError:
        await turns(turns_more)


# -- peace


def test_gp01_leaving_waits_for_all_and_the_tasks_have_their_results(run):
    async def main():
        async with ErrGroup() as g:
            tasks = [g.go(value, n) for n in range(10)]
        assert [task.result() for task in tasks] == list(range(10))
        assert g.errors == ()

    run(main)


def test_gp01_leaving_in_peace_ends_the_context(run):
    async def main():
        async with ErrGroup() as g:
            g.go(turns, 3)
            assert g.ctx.err() is None
        assert isinstance(g.ctx.err(), ac.Canceled)
        assert isinstance(g.ctx.cause(), ac.Canceled)

    run(main)


def test_an_empty_group(run):
    async def main():
        async with ErrGroup():
            pass
        with pytest.raises(Boom):
            async with ErrGroup():
                raise Boom

    run(main)


def test_tasks_may_start_tasks_as_long_as_one_is_left(run):
    async def main():
        seen = []
        async with ErrGroup() as g:

            async def child(depth):
                await asyncio.sleep(0)
                seen.append(depth)
                if depth:
                    g.go(child, depth - 1)
                    g.go(child, depth - 1)

            g.go(child, 3)
        assert sorted(seen) == [0] * 8 + [1] * 4 + [2] * 2 + [3]

    run(main)


def test_a_group_as_a_part_of_a_larger_thing_that_is_entered_by_hand(run):
    async def main():
        async with contextlib.AsyncExitStack() as stack:
            g = await stack.enter_async_context(ErrGroup())
            task = g.go(value, 1)
        assert task.result() == 1

    run(main)


# -- the first error


def test_gp01_the_first_error_is_raised_itself_and_stops_the_others(run):
    async def main():
        error = Boom("first")
        with pytest.raises(Boom) as raised:
            async with ErrGroup() as g:
                ctx = g.ctx
                other = g.go(for_ever)
                g.go(fails, error, 1)
                await for_ever()
        assert raised.value is error
        assert other.cancelled()
        assert g.errors == ()
        assert isinstance(ctx.err(), ac.Canceled)
        assert ctx.cause() is error

    run(main)


def test_the_first_error_stops_a_group_that_is_being_left(run):
    async def main():
        with pytest.raises(Boom):
            async with ErrGroup() as g:
                other = g.go(for_ever)
                g.go(fails, Boom(), 5)
        assert other.cancelled()
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)

    run(main)


def test_an_error_of_the_body_stops_the_tasks_and_goes_on(run):
    async def main():
        error = Boom("body")
        with pytest.raises(Boom) as raised:
            async with ErrGroup() as g:
                ctx = g.ctx
                other = g.go(for_ever)
                await turns(2)
                raise error
        assert raised.value is error
        assert error.__context__ is None
        assert other.cancelled()
        assert ctx.cause() is error

    run(main)


@pytest.mark.parametrize("errors", ["first", "all"])
def test_the_body_is_cancelled_once_and_the_task_is_as_it_was(run, errors):
    async def main():
        heard = []
        with pytest.raises((Boom, ExceptionGroup)):
            async with ErrGroup(errors=errors) as g:
                g.go(fails, Boom())
                g.go(fails, Boom())
                try:
                    await for_ever()
                except asyncio.CancelledError:
                    heard.append(asyncio.current_task().cancelling())
                    raise
        assert heard == [1]
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)

    run(main)


def test_h21_later_errors_are_kept_and_named_in_one_note(run):
    async def main():
        first, later = Boom("first"), [ValueError("second"), KeyError("third")]
        with pytest.raises(Boom) as raised:
            async with ErrGroup(name="crawl") as g:
                for error in later:
                    g.go(fails_when_cancelled, error)
                g.go(fails, first, 2)
        assert raised.value is first
        assert g.errors == tuple(later)
        assert first.__notes__ == ["later errors in ErrGroup 'crawl': ValueError: second; KeyError: 'third'"]

    run(main)


def test_h21_of_many_later_errors_the_note_names_some(run):
    async def main():
        with pytest.raises(Boom) as raised:
            async with ErrGroup() as g:
                for n in range(8):
                    g.go(fails_when_cancelled, ValueError(n))
                g.go(fails, Boom(), 2)
        assert len(g.errors) == 8
        assert raised.value.__notes__[0].endswith("ValueError: 4; and 3 more")

    run(main)


def test_an_error_that_cannot_be_shown_is_named_all_the_same(run):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    async def main():
        with pytest.raises(Boom) as raised:
            async with ErrGroup() as g:
                g.go(fails_when_cancelled, Mute())
                g.go(fails, Boom(), 2)
        assert "exception str() failed" in raised.value.__notes__[0]

    run(main)


def test_one_error_that_is_met_twice_is_one_error(run):
    """By the task that raised it, by another that awaits this task, and by the body that awaits both."""

    async def main():
        error = Boom("one")
        with pytest.raises(Boom) as raised:
            async with ErrGroup() as g:
                task = g.go(fails, error, 1)

                async def asks():
                    await asyncio.wait([task])
                    await task

                other = g.go(asks)
                await asyncio.wait([task])
                await asyncio.shield(asyncio.wait([other]))
        assert raised.value is error
        assert g.errors == ()
        assert not hasattr(error, "__notes__")

    run(main)


def test_errors_come_in_the_order_in_which_they_were_raised(run):
    """A body that is woken by the end of a task hears of it before the task's callbacks are called."""

    async def main():
        first, ch = Boom("first"), ac.Chan()

        async def producer():
            with ch:
                await asyncio.sleep(0)
                raise first

        with pytest.raises(Boom) as raised:
            async with ErrGroup() as g:
                g.go(producer)
                async for _ in ch:
                    pass
        assert raised.value is first
        [later] = g.errors
        assert isinstance(later, ac.ChannelClosed)
        assert later.__cause__ is first

    run(main)


def test_errors_keep_their_tracebacks_and_contexts(run):
    async def deep():
        try:
            raise LookupError("the cause of it")
        except LookupError:
            raise Boom("deep")  # noqa: B904 - the context is to be seen

    async def main():
        with pytest.raises(Boom) as raised:
            async with ErrGroup() as g:
                g.go(deep)
                await for_ever()
        error = raised.value
        assert traceback.extract_tb(error.__traceback__)[-1].name == "deep"
        assert isinstance(error.__context__, LookupError)
        assert error.__context__.__context__ is None
        assert error.__cause__ is None
        assert not error.__suppress_context__

    run(main)


def test_a_task_that_is_cancelled_by_itself_is_no_error(run):
    async def main():
        async with ErrGroup() as g:
            tasks = [g.go(for_ever), g.go(turns, 5)]
            await turns(2)
            tasks[0].cancel()
        assert tasks[0].cancelled()
        assert not tasks[1].cancelled()

    run(main)


def test_h16_a_task_that_is_cancelled_before_its_first_step(run):
    async def main():
        async with ErrGroup() as g:
            task = g.go(for_ever)
            task.cancel()
        assert task.cancelled()

    run(main)


def test_gp11_subtasks_that_are_cancelled_by_one_error_clean_up_before_the_group_is_left(run):
    async def main():
        async with Order() as order:

            async def child():
                try:
                    await for_ever()
                finally:
                    await turns(5)
                    order.expect(2)

            with pytest.raises(Boom):
                async with ErrGroup() as g:
                    g.go(child)
                    await turns(2)
                    order.expect(1)
                    g.go(fails, Boom())
            order.finish(3)

    run(main)


def test_what_a_task_says_of_its_cancellation_in_gos_manner_is_no_error(run):
    """Go's functions return ctx.Err() when they were told to stop."""

    async def in_gos_manner():
        ctx = current_context()
        with contextlib.suppress(asyncio.CancelledError):
            await ctx.done().wait()
        raise ctx.err()

    async def main():
        with pytest.raises(Boom):
            async with ErrGroup(errors="first") as g:
                g.go(in_gos_manner)
                g.go(fails, Boom(), 2)
        assert g.errors == ()
        with pytest.raises(ac.Canceled):
            async with ErrGroup() as g:
                g.go(in_gos_manner)
                await turns(2)
                g.ctx.cancel()

    run(main)


def test_the_error_of_a_context_that_is_not_the_groups_is_one(run):
    async def main():
        with pytest.raises(ac.DeadlineExceeded):
            async with ErrGroup() as g:
                ctx = g.ctx
                other = g.go(for_ever)
                g.go(background().with_timeout(0).run, for_ever)
        assert other.cancelled()
        assert isinstance(ctx.cause(), ac.DeadlineExceeded)

    run(main)


# -- all errors


def test_all_errors_in_one_group(run):
    async def main():
        first, second, body = Boom("first"), Boom("second"), Boom("body")
        with pytest.raises(ExceptionGroup) as raised:
            async with ErrGroup(errors="all", name="crawl") as g:
                ctx = g.ctx
                other = g.go(for_ever)
                g.go(fails_when_cancelled, second)
                g.go(fails, first, 2)
                try:
                    await for_ever()
                finally:
                    raise body
        assert raised.value.args == ("ErrGroup 'crawl' failed", [first, second, body])
        assert type(raised.value) is ExceptionGroup
        assert raised.value.__context__ is None
        assert other.cancelled()
        assert ctx.cause() is first
        assert g.errors == ()

    run(main)


def test_gp07_collected_errors_stop_nobody(run):
    """All errors or the first and skip: go-pkgz/syncs, ErrSizedGroup with and without termOnError."""

    async def main():
        errors = [Boom(n) for n in range(4)]
        with pytest.raises(ExceptionGroup) as raised:
            async with ErrGroup(errors="collect", limit=2) as g:
                tasks = []
                for n, error in enumerate(errors):
                    g.go(fails, error, n)
                    tasks.append(g.go(turns, 10))
                assert g.ctx.err() is None
        assert raised.value.exceptions == tuple(errors)
        assert not any(task.cancelled() for task in tasks)
        assert isinstance(g.ctx.cause(), ac.Canceled)

    run(main)


def test_gp07_an_error_of_the_body_is_collected_too(run):
    async def main():
        body = Boom("body")
        with pytest.raises(ExceptionGroup) as raised:
            async with ErrGroup(errors="collect") as g:
                task = g.go(turns, 5)
                g.go(fails, Boom("task"), 5)
                raise body
        assert raised.value.exceptions[0] is body
        assert len(raised.value.exceptions) == 2
        assert not task.cancelled()

    run(main)


def test_gp07_stopped_by_its_first_error_later_calls_return_without_running(run):
    async def main():
        ran = []

        def fn():
            ran.append(True)
            return for_ever()

        refused = []
        with pytest.raises(Boom):
            async with ErrGroup(limit=1) as g:
                g.go(fails, Boom())
                refused.append(g.go(fn))  # in line
                try:
                    await for_ever()
                finally:
                    refused += [g.go(fn), await g.submit(fn)]
                    assert all(task.done() or task.cancelling() for task in refused)
                    assert g.try_go(fn) is False
        assert not ran
        assert all(task.cancelled() for task in refused)

    run(main)


@pytest.mark.parametrize("errors", MODES)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, BaseException])
def test_h21_what_is_no_exception_comes_out_alone(run, errors, kind):
    """From the body: out of a task, the loop itself raises it."""

    async def main():
        error = kind("stop")
        try:
            async with ErrGroup(errors=errors) as g:
                g.go(fails_when_cancelled, Boom())
                other = g.go(for_ever)
                await turns(2)
                raise error
        except BaseException as raised:
            assert raised is error  # noqa: PT017 - pytest itself would stop for a KeyboardInterrupt
        assert other.cancelled()

    run(main)


# -- cancelled from outside


@pytest.mark.parametrize("errors", MODES)
def test_cancelled_from_outside_in_the_body_the_same_cancellation_goes_on(run, errors):
    async def main():
        seen = []

        async def owner():
            try:
                async with ErrGroup(errors=errors) as g:
                    seen.append(g)
                    seen.append(g.go(swallows))
                    try:
                        await for_ever()
                    except asyncio.CancelledError as error:
                        seen.append(error)
                        raise
            except asyncio.CancelledError as error:
                assert error is seen[2]  # noqa: PT017
                raise

        task = asyncio.create_task(owner())
        await turns(3)
        task.cancel("from outside")
        with pytest.raises(asyncio.CancelledError, match="from outside"):
            await task
        assert task.cancelling() == 1
        assert seen[1].done()
        assert isinstance(seen[0].ctx.err(), ac.Canceled)

    run(main)


@pytest.mark.parametrize("errors", MODES)
def test_cancelled_from_outside_while_it_is_left(run, errors):
    async def main():
        children = []

        async def owner():
            async with ErrGroup(errors=errors) as g:
                children.append(g.go(swallows, 10))

        task = asyncio.create_task(owner())
        await turns(3)
        for n in range(4):
            task.cancel(f"cancellation {n}")
            await turns(2)
        assert not task.done()
        with pytest.raises(asyncio.CancelledError, match="cancellation 0"):
            await task
        assert task.cancelling() == 4
        assert children[0].done()

    run(main)


@pytest.mark.parametrize("errors", MODES)
def test_errors_go_before_a_cancellation_from_outside_which_stays_counted(run, errors):
    async def main():
        async def owner():
            try:
                async with ErrGroup(errors=errors) as g:
                    g.go(fails_when_cancelled, Boom())
                    await for_ever()
            finally:
                assert asyncio.current_task().cancelling() == 1

        task = asyncio.create_task(owner())
        await turns(3)
        task.cancel()
        with pytest.raises(Boom if errors == "first" else ExceptionGroup) as raised:
            await task
        assert errors == "first" or raised.value.__context__ is None
        assert task.cancelling() == 1

    run(main)


def test_cancelled_from_outside_and_by_an_error_in_one_turn(run):
    """The error is raised, and the cancellation stays counted."""

    async def main():
        async def owner():
            async with ErrGroup() as g:
                g.go(gate.wait).add_done_callback(lambda _: None)
                g.go(fails_at, gate)
                await for_ever()

        async def fails_at(gate):
            await gate.wait()
            raise Boom

        gate = asyncio.Event()
        task = asyncio.create_task(owner())
        await turns(3)
        gate.set()
        task.cancel()
        with pytest.raises((Boom, asyncio.CancelledError)):
            await task
        assert task.cancelling() == 1

    run(main)


def test_a_storm_of_cancellations_from_all_sides(run):
    async def main():
        async def owner():
            async with ErrGroup(limit=3) as g:
                for _ in range(10):
                    g.go(swallows, 5)
                await for_ever()

        task = asyncio.create_task(owner())
        await turns(3)
        for _ in range(20):
            task.cancel()
            for other in asyncio.all_tasks() - {asyncio.current_task()}:
                other.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)


def test_h22_asyncio_run_ends_a_group_of_ten_thousand_tasks(silence):
    """It cancels them all, and their owner too."""

    async def owner():
        async with ErrGroup(limit=5_000) as g:
            for _ in range(10_000):
                g.go(for_ever)

    async def main():
        owning = asyncio.create_task(owner())
        await turns(2)
        return owning

    assert asyncio.run(main()).cancelled()


# -- the context ends from elsewhere


@pytest.mark.parametrize("errors", MODES)
@pytest.mark.parametrize("where", ["body", "leaving"])
def test_the_end_of_the_context_stops_body_and_tasks(run, errors, where):
    async def main():
        cause = LookupError("why")
        with background().with_cancel() as ctx:
            with pytest.raises(ac.Canceled) as raised:
                async with ErrGroup(ctx, errors=errors) as g:
                    child = g.go(swallows)
                    asyncio.get_running_loop().call_later(0, ctx.cancel, cause)
                    if where == "body":
                        await for_ever()
            assert raised.value.__cause__ is cause
            assert raised.value is not g.ctx.err()
            assert child.done()
            assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)

    run(main)


def test_a_deadline_stops_body_and_tasks(run):
    async def main():
        with background().with_timeout(0.001) as ctx, pytest.raises(ac.DeadlineExceeded):
            async with ErrGroup(ctx) as g:
                child = g.go(for_ever)
        assert child.cancelled()
        assert isinstance(g.ctx.err(), ac.DeadlineExceeded)

    run(main)


def test_ended_by_the_body_itself(run):
    async def main():
        with pytest.raises(ac.Canceled):
            async with ErrGroup() as g:
                child = g.go(for_ever)
                g.ctx.cancel()
        assert child.cancelled()
        assert asyncio.current_task().cancelling() == 0

    run(main)


def test_ended_by_a_task_which_goes_on_to_its_own_end(run):
    async def main():
        with pytest.raises(ac.Canceled):
            async with ErrGroup() as g:

                async def quits():
                    await asyncio.sleep(0)
                    g.ctx.cancel()
                    return "done"

                task, other = g.go(quits), g.go(for_ever)
        assert task.result() == "done"
        assert other.cancelled()

    run(main)


def test_errors_go_before_the_end_of_the_context(run):
    async def main():
        error = Boom()
        with background().with_cancel() as ctx, pytest.raises(Boom) as raised:
            async with ErrGroup(ctx) as g:
                g.go(fails_when_cancelled, error)
                await turns(2)
                ctx.cancel()
        assert raised.value is error

    run(main)


@pytest.mark.parametrize("how", ["go", "submit", "try_go"])
def test_under_a_context_that_has_ended_nothing_is_called(run, how):
    async def main():
        ran = []

        async def fn():
            ran.append(True)

        ctx = background().with_cancel()
        ctx.cancel()
        tasks = []
        with pytest.raises(ac.Canceled):
            async with ErrGroup(ctx) as g:
                if how == "go":
                    tasks.append(g.go(fn))
                elif how == "submit":
                    tasks.append(await g.submit(fn))
                else:
                    assert g.try_go(fn) is False
                assert all(task.done() or task.cancelling() for task in tasks)
        assert all(task.cancelled() for task in tasks)
        assert not ran

    run(main)


def test_cancelled_from_outside_and_by_the_context_in_one_turn_the_outside_wins(run):
    async def main():
        async def owner(ctx):
            async with ErrGroup(ctx) as g:
                g.go(for_ever)

        with background().with_cancel() as ctx:
            task = asyncio.create_task(owner(ctx))
            await turns(3)
            ctx.cancel()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert task.cancelling() == 1

    run(main)


@pytest.mark.parametrize("by", ["an error", "a deadline", "a cause"])
def test_a_group_that_was_left_has_an_ended_context_and_keeps_no_cause(run, by):
    """The cause leads to the frames that it went through, and from there to the group."""

    async def main():
        with background().with_cancel() as above:
            parent = above.with_timeout(0.001, cause=Boom()) if by == "a deadline" else above
            with contextlib.suppress(Boom, ac.ContextError):
                async with ErrGroup(parent) as g:
                    ctx = g.ctx
                    if by == "an error":
                        g.go(fails, Boom())
                    elif by == "a cause":
                        g.ctx.cancel(Boom())
                    await for_ever()
        assert isinstance(ctx.cause(), Boom)
        assert type(g.ctx.err()) is type(ctx.err())
        assert g.ctx.cause() is g.ctx.err()
        assert g.ctx is g.ctx

    run(main)


# -- who is current


def test_h24_context_variables_and_the_current_context_reach_the_tasks(run):
    async def main():
        seen = []

        async def child():
            seen.append((who.get(), current_context()))

        who.set("main")
        with background().with_value("key", "value").with_cancel() as ctx:
            async with ctx.scope():
                async with ErrGroup() as g:
                    g.go(child)
                    who.set("body")
                    g.go(child)
                    assert current_context() is g.ctx
                    assert g.ctx.value("key") == "value"
                assert current_context() is ctx
        assert seen == [("main", g.ctx), ("body", g.ctx)]

    run(main)


def test_tasks_started_from_outside_have_the_groups_context_and_the_callers_variables(run):
    async def main():
        seen = []

        async def child():
            seen.append((who.get(), current_context()))

        async def outsider(g):
            who.set("outsider")
            g.go(child)
            await g.submit(child)
            assert g.try_go(child)

        async with ErrGroup(background(), limit=5) as g:
            outside = contextvars.Context()
            await asyncio.create_task(outsider(g), context=outside)
        assert seen == [("outsider", g.ctx)] * 3

    run(main)


def test_the_names_of_the_tasks_say_the_group(run):
    async def main():
        async with ErrGroup(name="crawl") as g:
            assert g.go(value, 1).get_name() == "crawl/value"
        async with ErrGroup() as g:
            assert g.go(value, 1).get_name() == "ErrGroup/value"

    run(main)


# -- wait


def test_gp01_wait_waits_and_may_be_repeated(run):
    async def main():
        async with ErrGroup() as g:
            for n in range(3):
                task = g.go(turns, n)
                await g.wait()
                assert task.done()
            await g.wait()
            assert g.ctx.err() is None

    run(main)


def test_gp01_wait_raises_the_first_error_again_and_again(run):
    async def main():
        error = Boom()
        with pytest.raises(Boom):
            async with ErrGroup() as g:
                g.go(fails, error, 2)

                async def outsider():
                    for _ in range(3):
                        with pytest.raises(Boom) as raised:
                            await g.wait()
                        assert raised.value is error
                        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
                        assert names == ["outsider", "wait", "fails"]

                await asyncio.create_task(outsider())

    run(main)


@pytest.mark.parametrize("errors", ["all", "collect"])
def test_wait_raises_the_group_of_errors_and_in_the_body_it_is_no_further_error(run, errors):
    async def main():
        error = Boom()
        with pytest.raises(ExceptionGroup) as raised:
            async with ErrGroup(errors=errors) as g:
                g.go(fails, error)
                await asyncio.shield(g.wait())
        assert raised.value.exceptions == (error,)

    run(main)


def test_gp07_wait_may_go_on_after_collected_errors(run):
    async def main():
        with pytest.raises(ExceptionGroup) as raised:
            async with ErrGroup(errors="collect") as g:
                for n in range(3):
                    g.go(fails, Boom(n))
                    with pytest.raises(ExceptionGroup) as so_far:
                        await g.wait()
                    assert len(so_far.value.exceptions) == len(g.errors) == n + 1
        assert len(raised.value.exceptions) == 3

    run(main)


def test_somebody_who_waits_while_the_group_is_left_hears_how_it_ended(run):
    async def main():
        async def outsider(g):
            await g.wait()
            return "in peace"

        async with ErrGroup() as g:
            g.go(turns, 3)
            peace = asyncio.create_task(outsider(g))
            await asyncio.sleep(0)
        assert await peace == "in peace"

        with pytest.raises(Boom):
            async with ErrGroup() as g:
                g.go(fails, Boom(), 3)
                failing = asyncio.create_task(outsider(g))
                await asyncio.sleep(0)
        with pytest.raises(Boom):
            await failing

        with pytest.raises(ac.Canceled):
            async with ErrGroup() as g:
                g.go(for_ever)
                stopped = asyncio.create_task(outsider(g))
                await turns(2)
                g.ctx.cancel()
        with pytest.raises(ac.Canceled):
            await stopped

    run(main)


def test_a_task_of_the_group_cannot_wait_for_it(run):
    async def main():
        with pytest.raises(ac.MisuseError, match="wait for itself"):
            async with ErrGroup() as g:

                async def child():
                    await g.wait()

                g.go(child)

    run(main)


# -- misuse


def test_outside_of_its_block_a_group_does_nothing(run):
    async def main():
        g = ErrGroup(name="crawl")
        for _ in range(2):
            with pytest.raises(ac.MisuseError, match=r"cannot go: <ErrGroup 'crawl' .*"):
                g.go(value, 1)
            with pytest.raises(ac.MisuseError, match="cannot try_go"):
                g.try_go(value, 1)
            with pytest.raises(ac.MisuseError, match="cannot submit"):
                await g.submit(value, 1)
            with pytest.raises(ac.MisuseError, match="cannot wait"):
                await g.wait()
            if g.errors == () and repr(g) == "<ErrGroup 'crawl' not entered>":
                with pytest.raises(ac.MisuseError, match="has a context once it is entered"):
                    g.ctx  # noqa: B018 - a property that raises
                async with g:
                    pass
        with pytest.raises(ac.MisuseError, match="was entered before"):
            async with g:
                pass
        with pytest.raises(ac.MisuseError, match="was entered before"):
            async with ErrGroup() as g, g:
                pass

    run(main)


@pytest.mark.parametrize(
    ("arguments", "error", "why"),
    [
        ({"limit": 0}, ValueError, "at least 1, not 0"),
        ({"limit": -1}, ValueError, "at least 1, not -1"),
        ({"limit": True}, TypeError, "not True"),
        ({"limit": 2.0}, TypeError, "not 2.0"),
        ({"limit": "3"}, TypeError, "not '3'"),
        ({"errors": "none"}, ValueError, "'first', 'all' or 'collect', not 'none'"),
        ({"name": 3}, TypeError, "a string or None, not 3"),
        ({"ctx": "ctx"}, TypeError, "a Context or None, not 'ctx'"),
    ],
    ids=str,
)
def test_a_bad_argument_is_refused_by_name(arguments, error, why):
    with pytest.raises(error, match=why):
        ErrGroup(**arguments)


def test_whatever_is_no_coroutine_function_is_refused(run):
    async def main():
        async with ErrGroup() as g:
            with pytest.raises(TypeError, match="a function is needed, not <coroutine"):
                g.go(value(1))
            with pytest.raises(TypeError, match="must return an awaitable, not None"):
                g.go(lambda: None)

    run(main)


def test_without_a_task_it_cannot_be_entered():
    loop = asyncio.new_event_loop()
    try:
        ctx, refused = background().with_cancel(), []

        def callback():
            entering = ErrGroup(ctx).__aenter__()
            with pytest.raises(ac.MisuseError, match="entered by a task") as raised:
                entering.send(None)
            refused.append(raised.value)
            loop.stop()

        loop.call_soon(callback)
        loop.run_forever()
        assert len(refused) == 1
        ctx._check()
        assert not ctx._snapshot()[4]  # nobody stands below it
    finally:
        loop.close()


def test_repr(run):
    async def main():
        async with ErrGroup(name="crawl", limit=3) as g:
            for _ in range(5):
                g.go(turns, 3)
            assert repr(g) == "<ErrGroup 'crawl' 3 running 2 queued>"
        assert repr(g) == "<ErrGroup 'crawl' left>"
        with pytest.raises(Boom):
            async with ErrGroup(name="crawl") as g:
                g.go(fails_when_cancelled, Boom())
                await turns(2)
                assert repr(g) == "<ErrGroup 'crawl' 1 running>"
                g.ctx.cancel()
                try:
                    await for_ever()
                finally:
                    assert repr(g) == "<ErrGroup 'crawl' 1 running, over>"
        assert repr(ErrGroup()).endswith(" not entered>")

    run(main)


# -- from another loop, or from none


@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize("what", ["go", "try_go", "submit", "wait"])
def test_another_loop_is_refused_before_anything_happens(run, what, limit):
    """It was not, and a stranger who waited took the group's own end away."""
    called = []

    async def job():
        called.append(job)

    async def ask(g):
        asked = g.wait() if what == "wait" else getattr(g, what)(job)
        return await asked if what in ("submit", "wait") else asked

    async def main():
        async with ac.ErrGroup(limit=limit) as g:
            go_on = ac.Signal()
            g.go(go_on.wait)
            with pytest.raises(ac.WrongLoop, match="in the event loop that it was made in"):
                await asyncio.to_thread(lambda: asyncio.run(ask(g)))
            with pytest.raises(ac.WrongLoop, match="in the event loop that it was made in"):
                await asyncio.to_thread(lambda: ask(g).send(None))
            go_on.close()
        assert not called

    run(main)


@pytest.mark.parametrize("what", ["try_go", "submit", "wait"])
def test_another_loop_of_the_same_thread_is_refused(what):
    """A program may run one loop inside of another by force; a stranger who waited was never told."""

    async def ask(g):
        asked = g.wait() if what == "wait" else getattr(g, what)(asyncio.sleep, 0)
        return await asked if what != "try_go" else asked

    async def main():
        async with ErrGroup() as g:
            go_on, outer = ac.Signal(), asyncio.get_running_loop()
            g.go(go_on.wait)
            asyncio.events._set_running_loop(None)
            try:
                with asyncio.Runner() as runner, pytest.raises(ac.WrongLoop, match="event loop that it was made in"):
                    runner.run(ask(g))
            finally:
                asyncio.events._set_running_loop(outer)
            go_on.close()

    asyncio.run(main())
