"""What every group stands on: tasks are started, watched, cancelled and awaited in one place (H13, H15, H16, H17)."""

import asyncio
import contextlib
import contextvars
import functools

import anyio
import pytest

import aiochan as ac
from aiochan.context import background, current_context
from aiochan.groups.crew import Crew
from aiochan.testing import virtual

who = contextvars.ContextVar("who", default="nobody")


def crew(ended=None, ctx=None):
    return Crew("crew", background() if ctx is None else ctx, ended)


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def value(what):
    return what


async def slowly_cleaning_up(turns, log):
    try:
        await for_ever()
    finally:
        for _ in range(turns):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        log.append("cleaned up")


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


def test_it_gives_the_task_and_waits_for_it(run):
    async def main():
        people = crew()
        task = people.start(value, ("result",))
        await people.join()
        assert task.result() == "result"
        assert not people.tasks

    run(main)


def test_the_owner_hears_of_every_end_before_anybody_who_waits(run):
    async def main():
        ended = []
        people = crew(ended.append)
        tasks = [people.start(value, (1,)), people.start(for_ever, ())]
        await turns(2)
        tasks[1].cancel()
        await people.join()
        assert ended == tasks

    run(main)


def test_h16_a_task_that_is_cancelled_before_its_first_step_is_accounted_for(run, loop_kind):
    async def main():
        ended, ran = [], []
        people = crew(ended.append)

        async def child():
            ran.append(True)
            await for_ever()

        task = people.start(child, ())
        task.cancel()
        await people.join()
        assert task.cancelled()
        assert ended == [task]
        assert ran == ([True] if loop_kind == "eager" else [])

    run(main)


def test_h17_an_eager_task_that_has_ended_at_once_is_accounted_for(run):
    async def main():
        ended = []
        people = crew(ended.append)
        tasks = [people.start(value, (n,)) for n in range(3)]
        await people.join()
        assert ended == tasks

    run(main)


def test_it_waits_for_those_who_are_started_by_others(run):
    async def main():
        log = []
        people = crew()

        async def child(depth):
            await asyncio.sleep(0)
            log.append(depth)
            if depth:
                people.start(child, (depth - 1,))

        people.start(child, (3,))
        await people.join()
        assert log == [3, 2, 1, 0]

    run(main)


def test_stopped_it_cancels_everybody_once_in_the_order_of_their_start(run):
    async def main():
        heard = []
        people = crew()

        async def child(n):
            try:
                await for_ever()
            except asyncio.CancelledError:
                heard.append(n)
                raise

        tasks = [people.start(child, (n,)) for n in range(10)]
        await turns(2)
        people.stop()
        people.stop()
        assert [task.cancelling() for task in tasks] == [1] * 10
        people._check()
        await people.join()
        assert heard == list(range(10))

    run(main)


def test_once_stopped_it_calls_no_function_and_gives_a_cancelled_task(run):
    async def main():
        called = []

        def fn():
            called.append(True)
            return for_ever()

        people = crew()
        people.stop()
        task = people.start(fn, ())
        assert task.done() or task.cancelling()
        await people.join()
        assert task.cancelled()
        assert not called

    run(main)


def test_a_task_that_stops_the_crew_in_its_first_step_is_cancelled_too(run):
    async def main():
        people = crew()

        async def child():
            people.stop()
            await for_ever()

        task = people.start(child, ())
        await people.join()
        assert task.cancelled()

    run(main)


def test_h13_whoever_waits_is_told_once_and_waits_on_however_often_it_is_cancelled(run):
    async def main():
        log, told = [], []
        people = crew()
        people.start(slowly_cleaning_up, (20, log))
        await turns(2)

        def cancelled():
            told.append(True)
            people.stop()

        waiting = asyncio.create_task(people.join(cancelled))
        for n in range(10):
            await turns(2)
            assert waiting.cancel(f"cancellation {n}")
        with pytest.raises(asyncio.CancelledError) as raised:
            await waiting
        assert raised.value.args == ("cancellation 0",)
        assert waiting.cancelling() == 10
        assert log == ["cleaned up"]
        assert told == [True]

    run(main)


def test_cancelled_while_it_waits_it_stops_everybody(run):
    async def main():
        people = crew()
        task = people.start(for_ever, ())
        waiting = asyncio.create_task(people.join())
        await turns(2)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert task.cancelled()

    run(main)


def test_cancelled_in_the_turn_in_which_the_last_task_ends_it_says_so(run):
    async def main():
        people, gate = crew(), asyncio.Event()
        task = people.start(gate.wait, ())
        waiting = asyncio.create_task(people.join())
        await turns(2)
        task.add_done_callback(lambda _: waiting.cancel())
        gate.set()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert task.result() is True

    run(main)


class Counting(virtual.VirtualLoop):
    """Count the callbacks that have run."""

    steps = 0

    def call_soon(self, *args, **options):
        self.steps += 1
        return super().call_soon(*args, **options)


def test_h15_no_busy_loop_in_a_cancelled_anyio_scope():
    """The scope would cancel whoever waits in it in every turn; the wait is behind a shield after the first time."""

    async def main():
        loop = asyncio.get_running_loop()

        async def takes_an_hour_to_leave():
            try:
                await for_ever()
            finally:
                await asyncio.sleep(3600)

        people = crew()
        with anyio.CancelScope() as scope:
            people.start(takes_an_hour_to_leave, ())
            await turns(2)
            scope.cancel()
            before = loop.steps
            await people.join()
        assert scope.cancelled_caught
        assert loop.time() == 3600
        return loop.steps - before

    with asyncio.Runner(loop_factory=Counting) as runner:
        assert runner.run(main()) < 30


def test_idle_waits_for_those_who_are_there_and_changes_nothing(run):
    async def main():
        people, gates = crew(), [asyncio.Event(), asyncio.Event()]
        people.start(gates[0].wait, ())
        waiting = [asyncio.create_task(people.idle()) for _ in range(2)]
        await turns(2)
        waiting[0].cancel()
        await turns(2)
        assert waiting[0].cancelled()
        assert not waiting[1].done()
        gates[0].set()
        await waiting[1]
        await people.idle()  # nobody is left: at once

    run(main)


def test_idle_is_over_once_nobody_was_left_even_if_somebody_new_is_at_work(run):
    async def main():
        people, gate = crew(), asyncio.Event()
        task = people.start(gate.wait, ())
        waiting = asyncio.create_task(people.idle())
        await turns(2)
        gate.set()
        await task
        other = people.start(for_ever, ())
        await waiting
        assert not other.done()
        other.cancel()
        await people.join()

    run(main)


def test_a_cancelled_wait_does_not_wake_those_who_wait_for_somebody_else(run):
    """Everybody is woken at once, so nobody has a turn to pass on."""

    async def main():
        people, gate = crew(), asyncio.Event()
        task = people.start(gate.wait, ())
        first = asyncio.create_task(people.idle())
        await turns(2)
        task.add_done_callback(lambda _: first.cancel())
        task.add_done_callback(lambda _: people.start(for_ever, ()))
        gate.set()
        await task
        second = asyncio.create_task(people.idle())
        await turns(3)
        assert first.cancelled()
        assert not second.done()
        people.stop()
        await second

    run(main)


def test_a_task_of_the_crew_cannot_wait_for_it(run):
    async def main():
        people = crew()
        task = people.start(people.idle, ())
        await asyncio.wait([task])
        with pytest.raises(ac.MisuseError, match="wait for itself"):
            await task

    run(main)


def test_those_who_are_expected_are_waited_for(run):
    async def main():
        people = crew()
        people.expect()
        waiting = asyncio.create_task(people.join())
        await turns(3)
        assert not waiting.done()
        task = people.start(value, ("came",))
        people.arrived()
        await waiting
        assert task.result() == "came"

    run(main)


def test_somebody_who_was_expected_and_does_not_come_ends_the_wait(run):
    async def main():
        people = crew()
        people.expect()
        waiting = asyncio.create_task(people.idle())
        await turns(2)
        people.arrived()
        await waiting

    run(main)


def test_its_context_is_the_current_one_whoever_starts_a_task(run):
    async def main():
        seen = []

        async def child():
            seen.append((current_context(), who.get()))

        with background().with_cancel() as ctx:
            people = crew(ctx=ctx)
            who.set("outside")
            people.start(child, ())
            async with ctx.scope():
                who.set("inside")
                people.start(child, ())
                async with ctx.with_value("key", "value").scope():
                    people.start(child, ())
            await people.join()
            assert seen == [(ctx, "outside"), (ctx, "inside"), (ctx, "inside")]
        assert current_context() is background()

    run(main)


def test_names_say_the_crew_and_the_function(run):
    class Callable:
        def __call__(self):
            return value(1)

    async def main():
        people = crew()
        partial = functools.partial(functools.partial(value), 1)
        tasks = [people.start(fn, ()) for fn in (for_ever, partial, Callable(), ac.Chan().recv)]
        assert [task.get_name() for task in tasks] == ["crew/for_ever", "crew/value", "crew/Callable", "crew/recv"]
        people.stop()
        await people.join()

    run(main)


def test_whatever_can_be_awaited_will_do(run):
    class Awaitable:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return "awaited"

    async def main():
        people, ch = crew(), ac.Chan(1)
        future = asyncio.get_running_loop().create_future()
        tasks = [
            people.start(Awaitable, ()),
            people.start(lambda: future, ()),
            people.start(ch.send, ("sent",)),
            people.start(ch.recv, ()),
        ]
        future.set_result("future")
        await people.join()
        assert [task.result() for task in tasks] == ["awaited", "future", None, "sent"]

    run(main)


@pytest.mark.parametrize("fn", [lambda: None, lambda: 7, print], ids=["None", "7", "print"])
def test_a_function_that_returns_no_awaitable_is_refused_at_once(run, fn):
    async def main():
        people = crew()
        with pytest.raises(TypeError, match="must return an awaitable"):
            people.start(fn, ())
        assert not people.tasks

    run(main)


def test_what_cannot_be_called_is_refused_and_a_coroutine_closed(run):
    async def main():
        people = crew()
        with pytest.raises(TypeError, match=r"a function is needed, not <coroutine"):
            people.start(value(1), ())
        with pytest.raises(TypeError, match=r"a function is needed, not 7"):
            people.start(7, ())
        with pytest.raises(TypeError, match="missing 1 required"):
            people.start(value, ())
        assert not people.tasks

    run(main)


def test_what_a_function_raises_when_it_is_called_is_for_the_caller(run):
    def fn():
        raise LookupError("not there")

    async def main():
        people = crew()
        with pytest.raises(LookupError, match="not there"):
            people.start(fn, ())
        assert not people.tasks

    run(main)


def test_another_thread_cannot_start_tasks(run):
    async def main():
        people = crew()

        async def there():
            people.start(value, (1,))

        with pytest.raises(ac.WrongLoop, match="works in the event loop"):
            await asyncio.to_thread(asyncio.run, there())
        assert not people.tasks

    run(main)


def test_a_task_that_cannot_be_made_leaves_nothing_behind(run):
    async def main():
        loop, people = asyncio.get_running_loop(), crew()
        factory = loop.get_task_factory()

        def fails(loop, coro, **options):
            raise MemoryError("no room")

        loop.set_task_factory(fails)
        try:
            with pytest.raises(MemoryError, match="no room"):
                people.start(value, (1,))
        finally:
            loop.set_task_factory(factory)
        assert not people.tasks
        await people.join()

    run(main)


def test_repr(run):
    async def main():
        people = crew()
        people.start(for_ever, ())
        assert repr(people) == "<Crew 'crew', 1 at work>"
        people.stop()
        assert repr(people) == "<Crew 'crew', 1 at work, stopped>"
        await people.join()

    run(main)
