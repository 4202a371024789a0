"""`WaitGroup`: add, done, wait and go, and what is refused (SY01, B14-B17, P09, E07)."""

import asyncio
import contextvars
import copy
import functools
import gc
import weakref

import pytest

import aiochan as ac
from aiochan.sync.waitgroup import WaitGroup

who = contextvars.ContextVar("who", default="nobody")


async def turns(n=3):
    for _ in range(n):
        await asyncio.sleep(0)


async def asleep(*coros):
    tasks = [asyncio.ensure_future(coro) for coro in coros]
    await turns()
    assert not any(task.done() for task in tasks)
    return tasks


def listen():
    """Hear what the running loop's exception handler is told from now on."""
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    return told


# -- counting


def test_sy01_nothing_announced_is_done_at_once(run):
    run(WaitGroup().wait)


def test_sy01_wait_waits_for_all_and_tells_each(run):
    async def main():
        group = WaitGroup()
        group.add(3)
        waiting = await asleep(*(group.wait() for _ in range(3)))
        for left in (2, 1):
            group.done()
            group._check()
            await turns()
            assert (group.count, group.waiters) == (left, 3)
            assert not any(task.done() for task in waiting)
        group.done()
        group._check()
        assert (group.count, group.waiters) == (0, 0)
        await asyncio.gather(*waiting)
        await group.wait()

    run(main)


def test_sy01_it_may_be_used_again_when_all_have_returned(run):
    async def main():
        group = WaitGroup()
        for _ in range(3):
            group.add(2)
            waiting = await asleep(group.wait())
            group.add(-2)
            await asyncio.gather(*waiting)
            group._check()

    run(main)


def test_sy01_those_who_wait_return_in_the_order_in_which_they_came(run):
    async def main():
        group, order = WaitGroup(), []

        async def wait(n):
            await group.wait()
            order.append(n)

        group.add()
        waiting = await asleep(*map(wait, range(5)))
        group.done()
        await asyncio.gather(*waiting)
        assert order == [0, 1, 2, 3, 4]

    run(main)


def test_e07_the_count_can_be_looked_at_while_ten_work(run):
    async def main():
        group, seen = WaitGroup("ten"), []

        async def work():
            await asyncio.sleep(0)
            seen.append(group.count)

        for _ in range(10):
            group.go(work)
        assert group.count == 10
        assert repr(group) == "<WaitGroup 'ten' 10 to be done, 0 waiting>"
        await group.wait()
        assert sorted(seen, reverse=True) == seen
        assert group.count == 0

    run(main)


# -- misuse


def test_b17_p09_the_counter_is_never_negative():
    """Also Add that comes after its Done: the Done is refused, and not the Add."""
    group = WaitGroup("it")
    with pytest.raises(ac.MisuseError, match=r"negative WaitGroup counter: <WaitGroup 'it' 0 .* cannot add -1"):
        group.done()
    group.add(2)
    with pytest.raises(ac.MisuseError, match="cannot add -3"):
        group.add(-3)
    assert group.count == 2
    group._check()


@pytest.mark.parametrize("n", [1.0, "1", None, True])
def test_what_is_no_number_is_refused(n):
    group = WaitGroup()
    with pytest.raises(TypeError, match="add\\(\\) takes a whole number, not"):
        group.add(n)
    assert group.count == 0


def test_whatever_counts_as_a_number_will_do():
    class Three:
        def __index__(self):
            return 3

    group = WaitGroup()
    group.add(Three())
    group.add(0)
    assert group.count == 3


def test_b15_p09_reused_before_the_previous_wait_has_returned(run):
    async def main():
        group = WaitGroup("it")
        group.add()
        waiting = await asleep(group.wait(), group.wait())
        group.done()
        for reuse in (group.add, functools.partial(group.go, turns)):
            with pytest.raises(ac.MisuseError, match="reused before previous wait has returned: <WaitGroup 'it' 0"):
                reuse()
            group._check()
        group.add(0)
        await asyncio.gather(*waiting)
        group.add()
        assert group.count == 1

    run(main)


def test_b15_one_who_was_woken_and_then_cancelled_is_not_waited_for(run):
    async def main():
        group = WaitGroup()
        group.add()
        (waiting,) = await asleep(group.wait())
        group.done()
        waiting.cancel()
        with pytest.raises(ac.MisuseError):
            group.add()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        group.add()
        group._check()

    run(main)


def test_b16_p09_what_is_announced_too_late_is_not_waited_for(run):
    """The add inside of the task: wait() knows of nothing yet, and returns at once."""

    async def main():
        group, go_on = WaitGroup(), ac.Signal()

        async def late():
            group.add()
            await go_on.wait()
            group.done()

        await asyncio.sleep(0)
        coro = late()  # begun later than the wait, as any task may be
        await group.wait()
        task = asyncio.ensure_future(coro)
        await turns()
        assert group.count == 1, "the work was still to come when wait() returned"
        go_on.close()
        await task

    run(main)


def test_p09_a_missing_done_leaves_those_who_wait_asleep(run):
    async def main():
        group = WaitGroup("it")
        group.add(2)
        group.done()
        (waiting,) = await asleep(group.wait())
        assert repr(group) == "<WaitGroup 'it' 1 to be done, 1 waiting>"
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert group.waiters == 0

    run(main)


def test_b14_it_cannot_be_copied():
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(WaitGroup())


def test_another_loop_cannot_wake_those_who_wait(run):
    async def main():
        group = WaitGroup()
        group.add()
        (waiting,) = await asleep(group.wait())
        with pytest.raises(ac.WrongLoop):
            await asyncio.to_thread(group.done)
        assert (group.count, group.waiters) == (1, 1)
        group.done()
        await waiting

    run(main)


# -- go


def test_go_counts_before_the_task_begins(run):
    async def main():
        group = WaitGroup()
        tasks = [group.go(asyncio.sleep, 0, n) for n in range(3)]
        assert group.count == 3
        await group.wait()
        assert [task.result() for task in tasks] == [0, 1, 2]

    run(main)


def test_go_waits_also_for_a_task_that_never_ran_a_line(run):
    async def main():
        group, begun = WaitGroup(), []

        async def work():
            await asyncio.sleep(0)
            begun.append(1)

        task = group.go(work)
        task.cancel()
        await group.wait()
        assert task.cancelled() and not begun

    run(main)


def test_an_error_of_a_task_is_told_and_counts_as_done(run):
    async def main():
        told, group = listen(), WaitGroup("it")

        async def fail():
            raise LookupError("it failed")

        task = group.go(fail, name="f")
        await group.wait()
        (report,) = told
        assert report["exception"] is task.exception()
        assert report["message"] == "the task 'f', which go() of WaitGroup 'it' started, has failed"

    run(main)


@pytest.mark.parametrize(
    ("fn", "args", "error"),
    [
        (None, (), TypeError),
        (lambda: None, (), TypeError),
        (asyncio.sleep, (), TypeError),
        (lambda: 1 // 0, (), ZeroDivisionError),
    ],
    ids=["no function", "nothing to await", "too few arguments", "raises"],
)
def test_what_cannot_be_started_is_not_counted(run, fn, args, error):
    async def main():
        group = WaitGroup()
        with pytest.raises(error):
            group.go(fn, *args)
        assert group.count == 0
        await group.wait()

    run(main)


def test_a_task_needs_a_name_that_is_a_string_and_a_loop(run):
    async def main():
        group = WaitGroup()
        with pytest.raises(TypeError, match="the name of a task is a string, not 7"):
            group.go(turns, name=7)
        assert group.count == 0

    run(main)
    with pytest.raises(ac.MisuseError, match="needs a running event loop, to run turns in"):
        WaitGroup().go(turns)


def test_a_done_too_many_is_told_where_the_task_ends(run):
    async def main():
        told, group = listen(), WaitGroup()

        async def done_twice():
            group.done()

        await group.go(done_twice)
        await turns()
        (report,) = told
        assert isinstance(report["exception"], ac.MisuseError)
        assert group.count == 0

    run(main)


def test_the_task_has_the_variables_of_its_starter_and_not_its_end(run):
    async def look():
        return who.get(), ac.current_context()

    async def main():
        who.set("the starter")
        with ac.background().with_value(str, "a value").with_cancel() as ctx:
            async with ctx.scope():
                task = WaitGroup().go(look)
        starter, inside = await task
        assert (starter, inside.value(str), inside.err()) == ("the starter", "a value", None)

    run(main)


def test_nobody_has_to_keep_the_task_or_the_group(run):
    async def main():
        group, ended = WaitGroup(), ac.Signal()

        async def waits_for_what_only_it_knows(futures):
            future = asyncio.get_running_loop().create_future()
            futures.add(future)
            await future
            ended.close()

        futures = weakref.WeakSet()
        group.go(waits_for_what_only_it_knows, futures)
        known = weakref.ref(group)
        del group
        await turns()
        gc.collect()
        assert known() is not None
        for future in futures:
            future.set_result(None)
        del future
        await ended.wait()
        await turns()
        gc.disable()
        try:
            assert known() is None
        finally:
            gc.enable()

    run(main)
