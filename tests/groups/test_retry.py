"""`retry`: GP08, GP09 (E31: five attempts five seconds apart), on virtual time where time matters."""

import asyncio
import functools
import gc
import random
import sys
import weakref

import pytest

import aiochan as ac
from aiochan.testing import virtual


class Flaky:
    """A function that fails as often as it is told to, and writes down when it was called."""

    def __init__(self, *errors, result="result", takes=0.0):
        self.errors = list(errors)
        self.result = result
        self.takes = takes
        self.calls = []

    async def __call__(self, *args):
        self.calls.append(asyncio.get_running_loop().time())
        if self.takes:
            await asyncio.sleep(self.takes)
        if self.errors:
            raise self.errors.pop(0)
        return (self.result, *args) if args else self.result


def failing(times):
    return Flaky(*(OSError(f"failure {n}") for n in range(1, times + 1)))


@pytest.fixture(params=["asyncio", "eager"] if sys.version_info >= (3, 12) else ["asyncio"])
def on_virtual_time(request):
    """Run on virtual time, also with eager tasks where there are any."""
    return functools.partial(virtual.run, eager=request.param == "eager")


def test_a_success_is_returned_at_once(on_virtual_time):
    async def main():
        fn = failing(0)
        assert await ac.retry(fn, 1, "x") == ("result", 1, "x")
        assert fn.calls == [0]

    on_virtual_time(main)


def test_e31_five_attempts_five_seconds_apart(on_virtual_time):
    """E31."""

    async def main():
        fn = failing(4)
        assert await ac.retry(fn, attempts=5, delay=5, factor=1, jitter=0) == "result"
        assert fn.calls == [0, 5, 10, 15, 20]

    on_virtual_time(main)


def test_after_the_last_attempt_the_last_error_is_raised(on_virtual_time):
    """GP08, GP09: gollback raises the last error, hunch one of its own."""

    async def main():
        fn = failing(9)
        last = fn.errors[4]
        with pytest.raises(OSError, match="failure 5") as raised:
            await ac.retry(fn, attempts=5, jitter=0)
        assert raised.value is last
        assert last.__notes__ == ["retry: Flaky has failed 5 times"]
        assert len(fn.calls) == 5

    on_virtual_time(main)


@pytest.mark.parametrize("attempts", [0, None])
def test_without_a_number_it_goes_on_until_it_succeeds(on_virtual_time, attempts):
    """GP08: as in gollback, 0 is for ever."""

    async def main():
        fn = failing(200)
        assert await ac.retry(fn, attempts=attempts, delay=0) == "result"
        assert len(fn.calls) == 201

    on_virtual_time(main)


def test_pauses_become_longer_up_to_a_ceiling(on_virtual_time):
    async def main():
        fn = failing(6)
        await ac.retry(fn, attempts=None, delay=1, factor=3, max_delay=20, jitter=0)
        assert [later - at for at, later in zip(fn.calls, fn.calls[1:], strict=False)] == [1, 3, 9, 20, 20, 20]
        first = failing(1)
        await ac.retry(first, delay=100, max_delay=7, jitter=0)
        assert first.calls[1] - first.calls[0] == 7

    on_virtual_time(main)


def test_pauses_begin_when_a_call_has_ended(on_virtual_time):
    async def main():
        fn = failing(2)
        fn.takes = 10
        await ac.retry(fn, delay=1, factor=2, jitter=0)
        assert fn.calls == [0, 11, 23]

    on_virtual_time(main)


@pytest.mark.parametrize("jitter", [0.25, 1])
def test_dice_make_pauses_shorter_and_the_same_dice_the_same_pauses(on_virtual_time, jitter):
    async def pauses(seed):
        fn = failing(50)
        await ac.retry(fn, attempts=0, delay=8, factor=1, jitter=jitter, random=random.Random(seed))
        return [round(later - at, 6) for at, later in zip(fn.calls, fn.calls[1:], strict=False)]

    async def main():
        dice, seen = random.Random(7), await pauses(7)
        assert seen == [round(8 - 8 * jitter * dice.random(), 6) for _ in range(50)]
        assert 8 * (1 - jitter) <= min(seen) < max(seen) <= 8
        assert await pauses(8) != seen

    on_virtual_time(main)


def test_by_default_the_dice_are_those_of_python(on_virtual_time):
    async def main():
        random.seed(7)
        fn = failing(1)
        await ac.retry(fn, delay=8, jitter=1)
        assert fn.calls[1] == 8 - 8 * random.Random(7).random()

    on_virtual_time(main)


def test_an_error_that_is_not_asked_for_goes_on_at_once(on_virtual_time):
    async def main():
        error = ValueError("wrong for ever")
        fn = Flaky(OSError(), TimeoutError(), error, OSError())
        with pytest.raises(ValueError, match="wrong for ever") as raised:
            await ac.retry(fn, attempts=9, on=(OSError, TimeoutError))
        assert raised.value is error
        assert not hasattr(error, "__notes__")
        assert len(fn.calls) == 3
        with pytest.raises(OSError, match="once"):
            await ac.retry(Flaky(OSError("once")), on=())

    on_virtual_time(main)


def test_an_error_of_the_call_itself_counts(on_virtual_time):
    async def main():
        answers = [None, None, 7]

        def fn():
            if (answer := answers.pop(0)) is None:
                raise OSError("when it was called")
            return asyncio.sleep(0, answer)

        assert await ac.retry(fn) == 7

    on_virtual_time(main)


# -- what ends it


def test_it_leaves_others_their_turn_between_calls(run):
    async def main():
        fn, log = failing(3), []

        async def other():
            while True:
                await asyncio.sleep(0)
                log.append(len(fn.calls))

        task = asyncio.create_task(other())
        await ac.retry(fn, attempts=4, delay=0)
        task.cancel()
        await asyncio.wait([task])
        assert log == sorted(set(log))
        assert len(log) >= 2

    run(main)


@pytest.mark.parametrize("takes", [0, 10])
@pytest.mark.parametrize("when", [2, 5, 12])
def test_a_cancellation_ends_the_pause_or_the_call(on_virtual_time, when, takes):
    async def main():
        fn = failing(99)
        fn.takes = takes
        task = asyncio.create_task(ac.retry(fn, attempts=None, delay=4, factor=1, jitter=0))
        await virtual.advance(when)
        calls = len(fn.calls)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await task
        assert asyncio.get_running_loop().time() == when
        await asyncio.sleep(100)
        assert len(fn.calls) == calls

    on_virtual_time(main)


def test_cancelled_error_is_never_retried(run):
    async def main():
        calls = []

        async def fn():
            calls.append(True)
            raise asyncio.CancelledError("of its own")

        with pytest.raises(asyncio.CancelledError, match="of its own"):
            await ac.retry(fn, attempts=None, delay=0)
        assert calls == [True]

    run(main)


def test_an_error_that_a_function_makes_out_of_a_cancellation_is_not_retried(run):
    async def main():
        calls = []

        async def fn():
            calls.append(True)
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                raise OSError("the connection was lost") from None

        task = asyncio.create_task(ac.retry(fn, attempts=None, delay=0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(OSError, match="the connection was lost"):
            await task
        assert calls == [True]

    run(main)


def test_a_timeout_of_the_function_is_retried(on_virtual_time):
    """What a function cancels within itself is its own business."""

    async def main():
        calls = []

        async def fn():
            calls.append(True)
            async with asyncio.timeout(1 if len(calls) < 3 else 100):
                await asyncio.sleep(10)
            return len(calls)

        assert await ac.retry(fn, jitter=0) == 3

    on_virtual_time(main)


@pytest.mark.parametrize("takes", [0, 10])
def test_the_end_of_the_context_ends_it(on_virtual_time, takes):
    """GP08: gollback looks at its context between the calls."""

    async def main():
        fn = failing(99)
        fn.takes = takes
        with ac.background().with_timeout(13) as ctx, pytest.raises(ac.DeadlineExceeded):
            await ctx.run(functools.partial(ac.retry, fn, attempts=None, delay=4, factor=1, jitter=0))
        assert asyncio.get_running_loop().time() == 13
        assert len(fn.calls) == (4 if takes == 0 else 1)

    on_virtual_time(main)


def test_the_end_of_the_context_has_the_last_error_behind_it(on_virtual_time):
    async def main():
        fn = failing(99)
        with ac.background().with_timeout(9) as ctx:
            async with ctx.scope():
                # in the context, but the scope does not cancel it
                task = asyncio.create_task(ac.retry(fn, attempts=None, delay=4, factor=1, jitter=0))
            with pytest.raises(ac.DeadlineExceeded) as raised:
                await task
            assert asyncio.get_running_loop().time() == 9  # and not when the pause would have ended
        behind, error = [], raised.value
        while (error := error.__cause__ or error.__context__) is not None:
            behind.append(repr(error))
        assert "OSError('failure 3')" in behind

    on_virtual_time(main)


def test_a_context_that_ends_during_a_call_that_does_not_wait_ends_it_too(run):
    async def main():
        calls = []
        ctx = ac.background().with_cancel()

        async def fn():
            calls.append(True)
            ctx.cancel()
            raise OSError("and fails")

        with pytest.raises(ac.Canceled):
            await ctx.run(functools.partial(ac.retry, fn, attempts=None, delay=0))
        assert calls == [True]

    run(main)


def test_in_a_context_that_has_ended_nothing_is_called(run):
    async def main():
        fn, ctx = failing(0), ac.background().with_cancel()

        async def body():
            ctx.cancel()
            with pytest.raises(ac.Canceled, match="context canceled"):
                await ac.retry(fn)
            assert not fn.calls

        await ctx.run(body)

    run(main)


def test_the_call_runs_in_the_context_of_the_caller(run):
    async def main():
        async def fn():
            return ac.current_context()

        with ac.background().with_cancel() as ctx:
            assert await ctx.run(ac.retry, fn) is ctx

    run(main)


def test_an_error_is_not_kept_by_what_raised_it(run):
    class Referable(Exception):
        """Can be referred to weakly, which OSError cannot."""

    async def fn():
        raise Referable

    async def main():
        try:
            await ac.retry(fn, attempts=3, delay=0)
        except Referable as error:
            gone = weakref.ref(error)
        return gone() is None

    gc.disable()
    try:
        assert run(main)
    finally:
        gc.enable()


# -- wrong arguments


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ({"attempts": -1}, ValueError, r"attempts of retry\(\) must be 0 or more, not -1"),
        ({"attempts": True}, TypeError, r"attempts of retry\(\) must be a whole number, not True"),
        ({"attempts": 2.0}, TypeError, r"attempts of retry\(\) must be a whole number, not 2\.0"),
        ({"delay": -1}, ValueError, r"delay of retry\(\) must be a number from 0 up, and finite, not -1"),
        ({"delay": "1"}, TypeError, r"delay of retry\(\) must be a number, not '1'"),
        ({"delay": float("nan")}, ValueError, r"delay of retry\(\) must be a number from 0 up, and finite, not nan"),
        ({"factor": 0.5}, ValueError, r"factor of retry\(\) must be a number from 1 up, and finite, not 0\.5"),
        ({"factor": float("inf")}, ValueError, r"factor of retry\(\) must be a number from 1 up, and finite, not inf"),
        ({"factor": None}, TypeError, r"factor of retry\(\) must be a number, not None"),
        ({"max_delay": -0.1}, ValueError, r"max_delay of retry\(\) must be a number from 0 to inf, not -0\.1"),
        ({"jitter": 1.5}, ValueError, r"jitter of retry\(\) must be a number from 0 to 1, not 1\.5"),
        ({"jitter": True}, TypeError, r"jitter of retry\(\) must be a number, not True"),
        ({"on": BaseException}, TypeError, "must be a class below Exception, .* not <class 'BaseException'>"),
        ({"on": asyncio.CancelledError}, TypeError, "must be a class below Exception, .*CancelledError"),
        ({"on": (OSError, KeyboardInterrupt)}, TypeError, "must be a class below Exception, .*KeyboardInterrupt"),
        ({"on": OSError()}, TypeError, r"must be a class below Exception, .* not OSError\(\)"),
        ({"on": [OSError]}, TypeError, "must be a class below Exception"),
        ({"random": 7}, TypeError, r"random of retry\(\) must be a random.Random, not 7"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_before_anything_is_called(run, wrong, kind, message):
    async def main():
        fn = failing(0)
        with pytest.raises(kind, match=message):
            await ac.retry(fn, **wrong)
        assert not fn.calls

    run(main)


def test_what_is_no_function_or_gives_nothing_to_await_is_refused_and_not_retried(run):
    async def main():
        calls = []

        def wrong():
            calls.append(True)
            return 7

        with pytest.raises(TypeError, match="must return an awaitable, not 7"):
            await ac.retry(wrong, delay=0)
        assert calls == [True]
        for fn in 7, None, asyncio.sleep(0):
            with pytest.raises(TypeError, match=r"retry\(\) takes functions, not"):
                await ac.retry(fn)

    run(main)
