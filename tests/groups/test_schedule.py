"""`Schedule`: jobs at their times, with one timer for all (GP10, P32, E31).

What is about times runs on virtual time; what is about tasks, cancellation and what is left behind, on every loop.
"""

import asyncio
import contextvars
import functools
import gc
import math
import random
import threading
import weakref

import pytest

import aiochan as ac
from aiochan.testing import virtual
from aiochan.testing.leaks import no_leaks
from aiochan.testing.loop import StepLoop
from aiochan.testing.order import Order

who = contextvars.ContextVar("who", default="nobody")


class Boom(Exception):
    pass


class Log:
    """Remembers what was called, and when."""

    def __init__(self):
        self.calls = []

    async def __call__(self, what):
        self.calls.append((what, asyncio.get_running_loop().time()))

    @property
    def order(self):
        return [what for what, _ in self.calls]


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def fails(error):
    raise error


def on_virtual_time(test):
    """Run a test on virtual time."""

    @functools.wraps(test)
    def run():
        virtual.run(test)

    return run


# -- times


@on_virtual_time
async def test_e31_each_job_runs_at_its_time():
    log = Log()
    async with no_leaks(), ac.Schedule() as s:
        for tenth in (3, 1, 2):
            s.delay(tenth / 10, log, tenth)
        assert len(s) == 3
        await s.wait()
        assert len(s) == 0
    assert log.calls == [(1, 0.1), (2, 0.2), (3, 0.3)]


@on_virtual_time
async def test_gp10_equal_times_run_in_the_order_in_which_they_were_given():
    log, now = Log(), asyncio.get_running_loop().time()
    async with ac.Schedule() as s:
        for number in range(5):
            s.at(now + 1, log, f"at {number}")
            s.delay(1, log, f"delay {number}")
    assert log.order == [f"{how} {number}" for number in range(5) for how in ("at", "delay")]


@on_virtual_time
async def test_gp10_past_times_run_at_once_and_in_order():
    log = Log()
    await asyncio.sleep(100)
    async with ac.Schedule() as s:
        s.delay(0, log, "now")
        s.delay(-5, log, "5 ago")
        s.at(7, log, "at 7")
        s.at(-math.inf, log, "always")
        s.delay(1, log, "later")
        assert log.calls == []  # not from within the call
    assert log.calls == [("always", 100), ("at 7", 100), ("5 ago", 100), ("now", 100), ("later", 101)]


def test_gp10_a_late_loop_runs_all_that_is_due_in_order_before_what_comes_then():
    """The timer is late, and before it goes off somebody schedules for times that have passed, too."""
    loop, log = StepLoop(), Log()

    async def main():
        async with ac.Schedule() as s:
            loop.call_at(0.1, s.at, 2.5, log, 2.5)  # as late as the others: comes right before
            loop.call_at(0.1, s.at, 0.5, log, 0.5)
            for when in (3, 1, 2, 30):
                s.at(when, log, when)

    with loop.running():
        task = loop.create_task(main())
        for time in (0, 20, 20, 40):  # a past time is due at the next look at the clock
            loop.advance_to(time)
            while loop.ready:
                loop.step()
    assert task.done()
    assert task.result() is None
    assert log.calls == [(0.5, 20), (1, 20), (2, 20), (2.5, 20), (3, 20), (30, 40)]
    loop.close()


@on_virtual_time
async def test_gp10_a_timer_that_goes_off_early_finds_its_job_due():
    """As loops have it, whose clocks have a resolution: time is a little less than what was asked for."""
    log, loop = Log(), asyncio.get_running_loop()
    async with ac.Schedule() as s:
        s.delay(1, log, "first")
        s.delay(1 + 1e-9, log, "second")
        s._timer.cancel()
        s._timer = loop.call_at(1 - 1e-12, s._due, s._group.crew)
    assert log.order == ["first", "second"]
    assert log.calls[0][1] < 1


@on_virtual_time
async def test_gp10_one_timer_whatever_is_scheduled():
    """100,000 jobs, in any order: never more than one timer in use, and every job at its time."""
    loop, log, dice = asyncio.get_running_loop(), Log(), random.Random(1)
    times = [dice.randrange(1, 1000) for _ in range(100_000)]
    async with ac.Schedule() as s:
        for time in times:
            s.at(time, log, time)
            assert len(loop.timers) == 1
        assert len(s) == 100_000
    assert log.order == sorted(times)
    assert all(what == at for what, at in log.calls)


@on_virtual_time
async def test_gp10_a_job_costs_log_n_comparisons():
    """Counted, not timed: earlier and earlier times, the worst for a heap, and each of them moves the timer."""
    compared = 0

    class Time(float):
        def __lt__(self, other):
            nonlocal compared
            compared += 1
            return float.__lt__(self, other)

    n = 10_000
    async with ac.Schedule() as s:
        for number in range(n):
            s._add(s._group.crew, Time(n - number), Log(), ())
        assert compared < 2 * n * math.log2(n)
        s._drop()


@on_virtual_time
async def test_a_job_may_schedule_itself_also_while_the_body_leaves():
    log = Log()

    async def tick(n):
        await log(n)
        if n:
            s.delay(60, tick, n - 1)

    async with ac.Schedule() as s:
        s.delay(60, tick, 2)
    assert log.calls == [(2, 60), (1, 120), (0, 180)]


# -- taking back


@on_virtual_time
async def test_a_job_can_be_taken_back_until_it_starts():
    log, loop = Log(), asyncio.get_running_loop()
    async with ac.Schedule() as s:
        first, second = s.delay(1, log, 1), s.delay(2, log, 2)
        assert (len(s), loop.next_time()) == (2, 1)
        assert first() is True
        assert (first(), len(s), loop.next_time()) == (False, 1, 2)
        await virtual.advance(2)
        assert second() is False
        third = s.delay(1, log, 3)
        assert third() is True
        assert loop.next_time() is None  # nobody waits for nothing
    assert log.order == [2]
    assert third() is False


@on_virtual_time
async def test_jobs_that_were_taken_back_do_not_pile_up():
    """A schedule that is full of them is no larger than what is left, and keeps nothing of them alive."""
    async with ac.Schedule() as s:
        keep = s.delay(1, Log(), "keeps the heap in use")
        for number in range(10_000):
            log = Log()
            cancel, seen = s.delay(10 + number, log, "x"), weakref.ref(log)
            del log
            assert cancel()
            assert seen() is None
            s._check()
            assert len(s._heap) <= 33
        assert keep()
        assert not s._heap


@on_virtual_time
async def test_what_was_taken_back_is_not_in_the_way_when_all_is_dropped():
    with pytest.raises(Boom):
        async with ac.Schedule() as s:
            s.delay(1, for_ever)
            assert s.delay(2, for_ever)()
            raise Boom
    assert len(s) == 0


@on_virtual_time
async def test_a_job_may_take_back_another_that_is_due_in_the_same_moment():
    log = Log()

    async def cancels():
        assert others[0]() is False  # it has been started with us: all that is due is
        assert others[1]() is True

    async with ac.Schedule() as s:
        s.delay(1, cancels)
        others = [s.delay(1, log, "same time"), s.delay(2, log, "later")]
    assert log.order == ["same time"]


# -- wait


@on_virtual_time
async def test_p32_nothing_can_be_scheduled_after_wait_and_wait_is_called_once():
    async with ac.Schedule(name="nightly") as s:
        s.delay(1, Log(), 1)
        await s.wait()
        with pytest.raises(ac.MisuseError, match=r"cannot delay: <Schedule 'nightly' .*waited for> takes no more jobs"):
            s.delay(1, Log(), 1)
        with pytest.raises(ac.MisuseError, match="cannot at"):
            s.at(1, Log(), 1)
        with pytest.raises(ac.MisuseError, match=r"cannot wait.*no second wait"):
            await s.wait()


@on_virtual_time
async def test_p32_also_while_wait_still_waits():
    async with ac.Schedule() as s:
        end = asyncio.Event()
        s.delay(1, end.wait)
        waiting = asyncio.create_task(s.wait())
        await virtual.advance(2)
        assert not waiting.done()
        with pytest.raises(ac.MisuseError):
            s.delay(1, Log(), 1)
        with pytest.raises(ac.MisuseError):
            await s.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert repr(s) == "<Schedule 0 waiting 1 running, waited for>"
        end.set()


@on_virtual_time
async def test_wait_waits_for_what_runs_and_for_what_is_to_come():
    async with Order() as order, ac.Schedule() as s:

        async def job(step):
            await asyncio.sleep(5)
            order.expect(step)

        s.delay(1, job, 1)
        s.delay(10, job, 2)
        await s.wait()
        order.finish(3)


def test_wait_by_a_job_is_refused(run):
    async def main():
        async def waits():
            await s.wait()

        with pytest.raises(ac.MisuseError, match="would wait for itself"):
            async with ac.Schedule() as s:
                s.delay(0, waits)

    run(main)


def test_an_empty_schedule_waits_for_nobody(run):
    async def main():
        async with ac.Schedule() as s:
            await s.wait()
        async with ac.Schedule() as s:
            pass
        assert (len(s), bool(s), repr(s)) == (0, True, "<Schedule left>")

    run(main)


# -- errors, cancellation, contexts: as in an ErrGroup


def test_gp10_a_failing_job_drops_the_rest_cancels_what_runs_and_is_raised_itself(run):
    async def main():
        boom, ended, log = Boom("boom"), [], Log()

        async def runs():
            try:
                await for_ever()
            finally:
                await asyncio.sleep(0)
                ended.append("runs")

        async with no_leaks():
            with pytest.raises(Boom) as raised:
                async with ac.Schedule() as s:
                    s.delay(0, runs)
                    never = s.delay(3600, log, 1)
                    s.delay(0, fails, boom)
                    await s.wait()
            assert raised.value is boom
            assert "fails" in [entry.name for entry in raised.traceback]
        assert (ended, log.calls, never(), len(s)) == (["runs"], [], False, 0)

    run(main)


def test_later_errors_are_named_on_the_first(run):
    async def main():
        async def dies():
            try:
                await for_ever()
            finally:
                raise KeyError("later")

        with pytest.raises(Boom) as raised:
            async with ac.Schedule(name="nightly") as s:
                s.delay(0, dies)
                s.delay(0, fails, Boom())
        assert raised.value.__notes__ == ["later errors in Schedule 'nightly': KeyError: 'later'"]

    run(main)


@pytest.mark.parametrize(
    ("fn", "error", "says"),
    [
        (lambda: fails(Boom("awaited")), Boom, "awaited"),
        (lambda: 1 / 0, ZeroDivisionError, "division"),
        (lambda: 7, TypeError, "must return an awaitable, not 7"),
        (lambda missing: None, TypeError, "missing"),
    ],
    ids=["when awaited", "when called", "no awaitable", "called wrongly"],
)
def test_however_a_job_fails(run, fn, error, says):
    async def main():
        with pytest.raises(error, match=says):
            async with ac.Schedule() as s:
                s.delay(0, fn)
                s.delay(3600, for_ever)

    run(main)


def test_gp10_the_end_of_the_context_drops_the_rest(run):
    async def main():
        log, cancelled = Log(), []

        async def runs():
            try:
                await for_ever()
            except asyncio.CancelledError:
                cancelled.append("runs")
                raise

        ctx = ac.background().with_cancel()
        async with no_leaks():
            with pytest.raises(ac.Canceled):
                async with ac.Schedule(ctx) as s:
                    s.delay(0, runs)
                    take_back = s.delay(3600, log, 1)
                    s.delay(0, self_cancel := Later(ctx.cancel))
            assert self_cancel.called
        assert (cancelled, log.calls, take_back()) == (["runs"], [], False)

    run(main)


class Later:
    """Calls a plain function, as a job."""

    def __init__(self, fn):
        self.fn = fn
        self.called = False

    async def __call__(self):
        self.called = True
        self.fn()


def test_entered_under_a_context_that_has_ended_it_runs_nothing(run):
    async def main():
        log, ctx = Log(), ac.background().with_cancel()
        ctx.cancel()
        with pytest.raises(ac.Canceled):
            async with ac.Schedule(ctx) as s:
                take_back = s.delay(0, log, 1)
                assert (take_back(), len(s)) == (False, 0)
                await asyncio.sleep(0)
        assert log.calls == []

    run(main)


@on_virtual_time
async def test_gp10_a_deadline_drops_the_rest():
    log = Log()
    with ac.background().with_timeout(2.5) as ctx, pytest.raises(ac.DeadlineExceeded):
        async with ac.Schedule(ctx) as s:
            for second in (1, 2, 3, 4):
                s.delay(second, log, second)
            await s.wait()
    assert log.order == [1, 2]
    assert asyncio.get_running_loop().time() == 2.5


def test_once_the_context_has_ended_nothing_is_scheduled_any_more(run):
    """Even before we were told: jobs are dropped at once."""

    async def main():
        log, ctx = Log(), ac.background().with_cancel()
        with pytest.raises(ac.Canceled):
            async with ac.Schedule(ctx) as s:
                before = s.delay(0, log, 1)
                ctx.cancel()
                assert before() is False
                after = s.delay(0, log, 2)
                assert (after(), len(s)) == (False, 0)
        assert log.calls == []

    run(main)


def test_gp10_cancelled_from_outside(run):
    async def main():
        log, ended = Log(), []

        async def runs():
            try:
                await for_ever()
            finally:
                await asyncio.sleep(0)
                ended.append("runs")

        async def body(leaving):
            async with ac.Schedule() as s:
                s.delay(0, runs)
                s.delay(3600, log, 1)
                if not leaving:
                    await for_ever()

        for leaving in (False, True):
            task = asyncio.create_task(body(leaving))
            for _ in range(5):
                await asyncio.sleep(0)
            task.cancel("why")
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
            assert raised.value.args == ("why",)
        assert (ended, log.calls) == (["runs", "runs"], [])

    run(main)


def test_an_error_of_the_body_drops_everything(run):
    async def main():
        log = Log()
        with pytest.raises(Boom):
            async with ac.Schedule() as s:
                s.delay(3600, log, 1)
                raise Boom
        assert log.calls == []

    run(main)


@on_virtual_time
async def test_timeouts_around_and_inside():
    log = Log()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5), ac.Schedule() as s:
            s.delay(1, log, 1)
            s.delay(2, log, 2)
    async with ac.Schedule() as s:
        s.delay(1, log, 3)
        s.delay(2, log, 4)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await s.wait()
    assert log.order == [1, 3, 4]


def test_a_schedule_that_was_left_in_a_hurry_has_no_timer(run):
    """The coroutine of the body is closed while it waits; nobody is there to wait for anything."""

    async def main():
        async def body():
            async with ac.Schedule() as s:
                s.delay(3600, for_ever)
                held.append(s)

        held = []
        async with no_leaks():
            coro = body()
            coro.send(None)
            assert len(held[0]) == 1
            coro.close()
            assert len(held[0]) == 0

    run(main)


def test_keyboard_interrupt_of_a_job_goes_out():
    async def main():
        async with ac.Schedule() as s:
            s.delay(0, fails, KeyboardInterrupt())
            s.delay(3600, for_ever)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())


# -- tasks, contexts, memory


def test_jobs_see_the_variables_of_whoever_scheduled_them(run):
    async def main():
        seen = []

        async def looks():
            await asyncio.sleep(0)  # an eager task has its name from here on
            seen.append((who.get(), ac.current_context() is ctx, asyncio.current_task().get_name()))
            who.set("nobody else sees this")

        async with ac.Schedule(name="nightly") as s:
            ctx = ac.current_context()
            for name in ("ann", "bob"):
                who.set(name)
                s.delay(0, looks)
            who.set("later")
        assert seen == [("ann", True, "nightly/looks"), ("bob", True, "nightly/looks")]
        assert ctx.err() is not None

    run(main)


def test_what_has_run_is_not_kept(run):
    async def main():
        async with ac.Schedule() as s:
            log = Log()
            seen, take_back = weakref.ref(log), s.delay(0, log, 1)
            del log
            await s.wait()
            gc.collect()
            assert seen() is None
            assert take_back() is False

    run(main)


def test_a_schedule_that_was_left_dies_without_the_collector():
    async def main():
        async with ac.Schedule() as s:
            s.delay(0, asyncio.sleep, 0)
        return weakref.ref(s)

    gc.disable()
    try:
        with asyncio.Runner() as runner:
            seen = runner.run(main())
            assert seen() is None
    finally:
        gc.enable()


# -- misuse


@pytest.mark.parametrize("time", ["1", None, True, 1j, [1]], ids=repr)
def test_times_that_are_no_numbers(run, time):
    async def main():
        async with ac.Schedule() as s:
            with pytest.raises(TypeError, match=r"^seconds must be a number of seconds, not ") as raised:
                s.delay(time, for_ever)
            assert repr(time) in str(raised.value)
            with pytest.raises(TypeError, match=r"^when must be a number of seconds, not "):
                s.at(time, for_ever)

    run(main)


@pytest.mark.parametrize("time", [math.nan, math.inf, 10**400], ids=["nan", "inf", "10**400"])
def test_times_that_never_come(run, time):
    async def main():
        async with ac.Schedule() as s:
            with pytest.raises(ValueError, match=r"seconds must be a (finite )?number of seconds, not ") as raised:
                s.delay(time, for_ever)
            assert repr(time) in str(raised.value)
            with pytest.raises(ValueError, match="when must be"):
                s.at(time, for_ever)
            assert len(s) == 0

    run(main)


def test_times_of_any_other_kind_of_number(run):
    async def main():
        log = Log()
        async with ac.Schedule() as s:
            far = s.at(1e300, log, "far")
            s.delay(0, log, "int")
            s.delay(-0.0, log, "float")
            s.delay(0, Later(far))
        assert log.order == ["int", "float"]

    run(main)


def test_functions_that_are_none(run):
    async def main():
        async with ac.Schedule() as s:
            with pytest.raises(TypeError, match="not 7"):
                s.delay(0, 7)
            with pytest.raises(TypeError, match=r"write go\(fn, arg\)"):
                s.at(0, for_ever())
            assert len(s) == 0

    run(main)


def test_only_inside_of_its_block(run):
    async def main():
        s = ac.Schedule()
        assert repr(s) == "<Schedule not entered>"
        for _ in range(2):
            with pytest.raises(ac.MisuseError, match=r"cannot delay: <Schedule (not entered|left)>"):
                s.delay(0, for_ever)
            with pytest.raises(ac.MisuseError):
                s.at(0, for_ever)
            with pytest.raises(ac.MisuseError):
                await s.wait()
            if "left" not in repr(s):
                async with s:
                    pass
        with pytest.raises(ac.MisuseError, match="entered before"):
            await s.__aenter__()

    run(main)


def test_only_in_its_loop(run):
    async def main():
        async with ac.Schedule() as s:
            take_back = s.delay(3600, for_ever)
            errors = []

            def elsewhere():
                for call in (lambda: s.delay(0, for_ever), take_back):
                    try:
                        call()
                    except ac.WrongLoop as error:
                        errors.append(error)

            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            assert len(errors) == 2
            assert take_back()

    run(main)


@pytest.mark.parametrize("arguments", [{"ctx": 7}, {"name": 7}], ids=repr)
def test_bad_arguments(arguments):
    with pytest.raises(TypeError, match="not 7"):
        ac.Schedule(**arguments)


# -- against a model


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_do_what_a_list_would_do(seed):
    """Schedule, take back and let time pass, at random; a sorted list says what has to run when."""

    async def main():
        loop, dice, log = asyncio.get_running_loop(), random.Random(seed), Log()
        waiting, expected = [], []
        async with ac.Schedule() as s:
            for number in range(dice.randrange(5, 120)):
                match dice.randrange(5):
                    case 0 | 1:
                        when = loop.time() + dice.randrange(-3, 10)
                        waiting.append((when, number, s.at(when, log, number)))
                    case 2:
                        when = loop.time() + (delay := dice.randrange(-3, 10))
                        waiting.append((when, number, s.delay(delay, log, number)))
                    case 3 if waiting:
                        entry = waiting.pop(dice.randrange(len(waiting)))
                        assert entry[2]() is True
                        assert entry[2]() is False
                    case _:
                        step = dice.randrange(4)
                        due = sorted(entry for entry in waiting if entry[0] <= loop.time() + step)
                        expected += [(n, max(when, loop.time())) for when, n, _ in due]
                        waiting = [entry for entry in waiting if entry[0] > loop.time() + step]
                        await virtual.advance(step)
                        assert log.calls == expected
                s._check()
                assert len(s) == len(waiting)
            expected += [(n, max(when, loop.time())) for when, n, _ in sorted(waiting)]
        assert log.calls == expected

    virtual.run(main)


@pytest.mark.parametrize("eager", [False, pytest.param(True, marks=pytest.mark.skipif("sys.version_info < (3, 12)"))])
def test_a_job_that_schedules_itself_for_a_time_that_has_passed_lets_the_others_go_on(eager):
    """An eager one, which ends before the next is looked at, kept the loop for ever."""
    runs, others = [], []

    async def main():
        async with ac.Schedule() as s:

            async def again():
                runs.append(1)
                if len(runs) < 1000:
                    s.at(-1.0, again)

            async def other():
                others.append(len(runs))

            s.at(0.0, other)
            s.at(-1.0, again)
            for _ in range(5):
                await asyncio.sleep(0)
            assert len(runs) < 10
        return len(runs)

    assert virtual.run(main, eager=eager) == 1000
    assert others[0] < 10
