"""`all_of`, `race`, `first_of`, `last_of`: GP08 and GP09 (E31, and the defects X17 and X18), H13, H15-H18."""

import asyncio
import contextlib
import contextvars
import functools
import gc
import traceback
import weakref

import anyio
import pytest

import aiochan as ac
from aiochan.testing import virtual

who = contextvars.ContextVar("who", default="nobody")


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def value(what, turns=0):
    for _ in range(turns):
        await asyncio.sleep(0)
    return what


async def failure(error, turns=0):
    await value(None, turns)
    raise error


def gives(what, turns=0):
    """Make a function that returns something after some turns of the loop."""
    return functools.partial(value, what, turns)


def fails(error, turns=0):
    """Make a function that fails after some turns of the loop."""
    return functools.partial(failure, error, turns)


class Clean:
    """A function that never ends by itself, and takes some turns to clean up; knows how far it came."""

    def __init__(self, turns=3, error=None, then=None):
        self.turns = turns
        self.error = error
        self.then = then
        self.began = self.cleaned = False

    async def __call__(self):
        self.began = True
        try:
            await for_ever()
        except asyncio.CancelledError:
            await value(None, self.turns)
            self.cleaned = True
            if self.error is not None:
                raise self.error from None
            if self.then is None:
                raise
        return self.then


async def after(seconds, what):
    await asyncio.sleep(seconds)
    if isinstance(what, BaseException):
        raise what
    return what


def at(seconds, what):
    """Make a function that ends after some time: fails with an error, or returns what is none."""
    return functools.partial(after, seconds, what)


EVERY = {
    "all_of": ac.all_of,
    "all_of with errors": functools.partial(ac.all_of, return_exceptions=True),
    "race": ac.race,
    "first_of": functools.partial(ac.first_of, 2),
    "last_of": functools.partial(ac.last_of, 2),
}
every = pytest.mark.parametrize("together", EVERY.values(), ids=EVERY)
SHORT = ("all_of", "first_of", "last_of")  # whom the first error ends
intolerant = pytest.mark.parametrize("together", [EVERY[name] for name in SHORT], ids=SHORT)


# -- what comes out


def test_all_of_returns_the_results_in_the_order_of_the_functions(run):
    async def main():
        assert await ac.all_of(gives("a", 3), gives("b"), gives("c", 1)) == ("a", "b", "c")
        assert await ac.all_of(gives("a")) == ("a",)

    run(main)


def test_all_of_can_let_errors_stand_in_their_places(run):
    """GP08: gollback's All does not stop at an error."""
    error, other = ValueError("a"), LookupError("c")

    async def main():
        assert await ac.all_of(fails(error), gives("b", 3), fails(other, 1), return_exceptions=True) == (
            error,
            "b",
            other,
        )

    run(main)


def test_e31_the_example_of_gollback():
    """E31: three functions that take 3, 1 and 2 seconds, one of which fails."""
    error = ValueError("failed")

    async def main():
        fns = at(3, 1), at(1, error), at(2, 3)
        assert await ac.all_of(*fns, return_exceptions=True) == (1, error, 3)
        assert asyncio.get_running_loop().time() == 3
        assert await ac.race(*fns) == 3
        assert asyncio.get_running_loop().time() == 3 + 2

    virtual.run(main)


def test_e31_the_example_of_hunch():
    """E31: All, Take and Last of functions that take 3, 1 and 2 seconds."""

    async def main():
        fns = at(3, "a"), at(1, "b"), at(2, "c")
        assert await ac.all_of(*fns) == ("a", "b", "c")
        assert asyncio.get_running_loop().time() == 3
        assert await ac.first_of(1, *fns) == ["b"]
        assert asyncio.get_running_loop().time() == 4
        assert await ac.first_of(2, *fns) == ["b", "c"]
        assert asyncio.get_running_loop().time() == 6
        assert await ac.last_of(2, *fns) == ["c", "a"]
        assert await ac.last_of(1, *fns) == ["a"]

    virtual.run(main)


def test_race_returns_the_first_success_and_not_the_first_end(run):
    """GP08."""

    async def main():
        loser = Clean()
        assert await ac.race(fails(ValueError()), loser, gives("won", 2), gives("late", 9)) == "won"
        assert loser.cleaned

    run(main)


def test_x17_that_the_last_function_fails_does_not_end_the_race(run):
    """X17: an old gollback returned as soon as the function with the last index had failed."""

    async def main():
        assert await ac.race(gives("won", 5), fails(ValueError())) == "won"

    run(main)


def test_x17_a_race_that_nobody_wins_raises_the_error_that_came_last(run):
    """X17: not that of the last function."""
    first, second, last = ValueError("first"), LookupError("second"), OSError("last")

    async def main():
        with pytest.raises(OSError, match="last") as raised:
            await ac.race(fails(last, 4), fails(first), fails(second, 2))
        assert raised.value is last
        assert last.__notes__ == ["earlier errors in race: ValueError: first; LookupError: second"]

    run(main)


def test_of_two_winners_in_one_turn_the_one_that_ended_first_wins(run, loop_kind):
    async def main():
        gate = ac.Signal()

        async def waits(what):
            await gate.wait()
            return what

        racing = asyncio.create_task(ac.race(*(functools.partial(waits, n) for n in range(3))))
        await value(None, 3)
        gate.close()
        assert await racing == 0

    run(main)


def test_first_of_returns_results_in_the_order_in_which_they_came(run):
    """GP09."""

    async def main():
        loser = Clean()
        assert await ac.first_of(2, loser, gives("b", 3), gives("c", 1), gives("d", 9)) == ["c", "b"]
        assert loser.cleaned

    run(main)


def test_last_of_returns_results_in_the_order_in_which_they_came(run):
    """GP09."""

    async def main():
        assert await ac.last_of(2, gives("a", 9), gives("b", 3), gives("c", 1)) == ["b", "a"]

    run(main)


@pytest.mark.parametrize(
    ("n", "first", "last"), [(3, "cba", "cba"), (4, "cba", "cba"), (99, "cba", "cba"), (1, "c", "a")]
)
def test_x18_a_number_that_is_too_large_means_all(run, n, first, last):
    """GP09, X18: hunch takes no more than there are."""

    async def main():
        fns = gives("a", 6), gives("b", 4), gives("c", 2)
        assert "".join(await ac.first_of(n, *fns)) == first
        assert "".join(await ac.last_of(n, *fns)) == last

    run(main)


def test_x18_the_first_none_run_nobody_and_the_last_none_run_all(run):
    """X18: hunch waits for ever when asked for none."""

    async def main():
        ran = []

        async def runs():
            ran.append(True)

        assert await ac.first_of(0, runs, runs) == []
        assert ran == []
        assert await ac.last_of(0, runs, runs) == []
        assert ran == [True, True]

    run(main)


def test_x18_without_functions_nobody_waits(run):
    """X18: hunch and gollback wait for ever."""

    async def main():
        assert await ac.all_of() == ()
        assert await ac.all_of(return_exceptions=True) == ()
        assert await ac.first_of(0) == await ac.first_of(3) == await ac.last_of(0) == await ac.last_of(3) == []
        with pytest.raises(ValueError, match=r"race\(\) needs at least one function"):
            await ac.race()

    run(main)


# -- errors


@intolerant
def test_x18_an_error_cancels_the_others_and_comes_out_when_they_have_ended(run, together):
    """X18: on this path hunch leaves its tasks behind."""
    error = ValueError("why")

    async def main():
        others = Clean(), Clean(7)
        with pytest.raises(ValueError, match="why") as raised:
            await together(others[0], fails(error, 2), others[1])
        assert raised.value is error
        assert all(other.cleaned for other in others)
        assert not hasattr(error, "__notes__")

    run(main)


@intolerant
def test_an_error_comes_with_its_own_traceback_and_context(run, together):
    async def deep():
        try:
            await value(None, 2)
            raise LookupError("inner")
        except LookupError:
            raise ValueError("outer")  # noqa: B904 - the context is what this is about

    async def main():
        try:
            raise OSError("what the caller is busy with")
        except OSError:
            with pytest.raises(ValueError, match="outer") as raised:
                await together(deep, for_ever)
        assert traceback.extract_tb(raised.tb)[-1].name == "deep"
        assert repr(raised.value.__context__) == "LookupError('inner')"

    run(main)


@intolerant
def test_errors_of_those_who_are_being_cancelled_are_named(run, together):
    error = ValueError("first")

    async def main():
        with pytest.raises(ValueError, match="first"):
            await together(Clean(2, error=LookupError("two")), fails(error, 3), Clean(1, error=OSError("one")), Clean())
        (note,) = error.__notes__
        assert note.startswith("later errors in ")
        assert note.endswith(": OSError: one; LookupError: two")

    run(main)


@intolerant
def test_a_note_names_five_and_counts_the_rest(run, together):
    error = ValueError("first")

    async def main():
        late = [Clean(n, error=LookupError(str(n))) for n in range(1, 8)]
        with pytest.raises(ValueError, match="first"):
            await together(*late, fails(error, 1))
        (note,) = error.__notes__
        assert note.endswith(": " + "; ".join(f"LookupError: {n}" for n in range(1, 6)) + "; and 2 more")

    run(main)


@every
def test_one_error_that_several_meet_is_not_named_beside_itself(run, together):
    error = OSError("the connection is gone")

    async def main():
        future = asyncio.get_running_loop().create_future()
        future.set_exception(error)

        async def meets():
            return await future

        if together is EVERY["all_of with errors"]:
            assert await together(meets, meets) == (error, error)
        else:
            with pytest.raises(OSError, match="the connection is gone"):
                await together(meets, meets)
        assert not hasattr(error, "__notes__")

    run(main)


@pytest.mark.parametrize("together", [ac.race, functools.partial(ac.first_of, 1)], ids=["race", "first_of"])
def test_errors_behind_a_winner_go_to_the_exception_handler(run, together):
    """The results are there, so nobody else is left to hear of it."""
    error = LookupError("while being cancelled")

    async def main():
        heard = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
        assert await together(Clean(2, error=error), gives("won", 3), Clean(then="dropped")) in ("won", ["won"])
        (context,) = heard
        assert context["exception"] is error
        assert "/Clean has failed while it was cancelled, because " in context["message"]
        assert context["task"].done()

    run(main)


def test_the_error_of_a_context_is_the_way_to_say_that_one_was_cancelled(run):
    async def main():
        async def obedient():
            ctx = ac.current_context()
            with contextlib.suppress(asyncio.CancelledError):
                await for_ever()
            raise ctx.err() or AssertionError("it goes on")

        assert await ac.race(obedient, gives("won", 2)) == "won"

    run(main)


@every
def test_what_a_function_raises_when_it_is_called_comes_out_at_once(run, together):
    async def main():
        other, never = Clean(), Clean()

        def wrong():
            raise LookupError("called")

        with pytest.raises(LookupError, match="called"):
            await together(other, wrong, never)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert other.cleaned == other.began
        assert not never.began

    run(main)


@every
def test_a_function_that_is_cancelled_by_others_has_failed(run, together):
    """Its result is missing, and CancelledError would say that the caller was cancelled."""

    async def main():
        async def gives_up():
            await value(None, 2)
            asyncio.current_task().cancel()
            await for_ever()

        if together is EVERY["all_of with errors"]:
            error, result = await together(gives_up, gives("b"))
            assert result == "b"
        else:
            with pytest.raises(ac.Canceled) as raised:
                await together(gives_up)
            error = raised.value
        assert str(error).endswith("/gives_up was cancelled")
        assert isinstance(error, ac.Canceled)
        assert isinstance(error.__cause__, asyncio.CancelledError)

    run(main)


def test_race_goes_on_without_a_function_that_was_cancelled_by_others(run):
    async def main():
        async def gives_up():
            asyncio.current_task().cancel()
            await for_ever()

        assert await ac.race(gives_up, gives("won", 5)) == "won"

    run(main)


class Stop(BaseException):
    """What is no Exception, as KeyboardInterrupt; that one would stop the loop of the test too."""


@every
def test_what_is_no_exception_comes_out_alone_whatever_it_meets(run, together):
    async def main():
        other = Clean()
        with pytest.raises(Stop):
            await together(other, fails(Stop(), 2))
        assert other.cleaned
        with pytest.raises(Stop):
            await together(Clean(error=Stop()), gives("a", 2), gives("b", 2), fails(ValueError("before"), 9))

    async def patient():
        with pytest.raises(Stop):
            await together(fails(Stop(), 2), gives("a"))

    run(patient if together in (EVERY["all_of with errors"], EVERY["last_of"]) else main)


@every
@pytest.mark.parametrize("called", [False, True])
def test_an_error_is_not_kept_by_what_raised_it(run, together, called):
    """Its traceback leads to frames; none of them leads back, so no collector is needed."""

    def wrong():
        raise Stop

    async def fails_later():
        await value(None, 2)
        raise Stop

    async def main():
        try:
            await together(for_ever, Clean(error=OSError()), wrong if called else fails_later)
        except Stop as error:
            gone = weakref.ref(error)
        await value(None, 2)
        return gone() is None

    gc.disable()
    try:
        assert run(main)
    finally:
        gc.enable()


# -- cancelled from outside


@every
@pytest.mark.parametrize("times", [1, 5])
def test_h13_whoever_is_cancelled_takes_the_functions_along(run, together, times):
    async def main():
        fns = Clean(), Clean(40), Clean()
        waiting = asyncio.create_task(together(*fns))
        await value(None, 3)
        for n in range(times):
            assert waiting.cancel(f"cancellation {n}")
            await value(None, 2)
        with pytest.raises(asyncio.CancelledError) as raised:
            await waiting
        assert raised.value.args == ("cancellation 0",)
        assert waiting.cancelling() == times
        assert all(fn.cleaned for fn in fns)

    run(main)


@every
def test_h16_cancelled_while_the_functions_take_their_first_step(run, together):
    async def main():
        fns = Clean(), Clean()
        waiting = asyncio.create_task(together(*fns))
        await value(None, 1)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert all(fn.began == fn.cleaned for fn in fns)

    run(main)


@every
def test_errors_of_cleaning_up_go_before_a_cancellation(run, together):
    """As with asyncio.TaskGroup."""
    error = OSError("while being cancelled")

    async def main():
        waiting = asyncio.create_task(together(Clean(2, error=error), Clean(4, error=LookupError("later"))))
        await value(None, 3)
        waiting.cancel()
        with pytest.raises(OSError, match="while being cancelled"):
            await waiting
        assert waiting.cancelling() == 1
        (note,) = error.__notes__
        assert note.endswith(": LookupError: later")

    run(main)


@every
def test_a_timeout_around_it_ends_it(together):
    async def main():
        fns = Clean(), Clean()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await together(*fns)
        assert all(fn.cleaned for fn in fns)
        assert asyncio.get_running_loop().time() == 5
        assert asyncio.current_task().cancelling() == 0

    virtual.run(main)


class Counting(virtual.VirtualLoop):
    """Count the callbacks that were asked for."""

    steps = 0

    def call_soon(self, *args, **options):
        self.steps += 1
        return super().call_soon(*args, **options)


@every
def test_h15_no_busy_loop_in_a_cancelled_anyio_scope(together):
    async def takes_an_hour_to_leave():
        try:
            await for_ever()
        finally:
            await asyncio.sleep(3600)

    async def main():
        loop = asyncio.get_running_loop()
        with anyio.CancelScope() as scope:
            loop.call_later(1, scope.cancel)
            await together(takes_an_hour_to_leave, takes_an_hour_to_leave)
        assert scope.cancelled_caught
        assert loop.time() == 3601
        return loop.steps

    with asyncio.Runner(loop_factory=Counting) as runner:
        assert runner.run(main()) < 80


def test_h18_a_function_that_shields_itself_hears_of_the_end_from_its_context(run):
    async def main():
        async def until_the_end():
            await ac.current_context().done().wait()
            log.append("shielded")

        async def shields():
            work = asyncio.create_task(until_the_end())
            await asyncio.shield(work)

        async def stubborn():
            ctx = ac.current_context()
            while ctx.err() is None:
                with contextlib.suppress(asyncio.CancelledError):
                    await ctx.done().wait()
            log.append("stubborn")

        log = []
        assert await ac.race(shields, stubborn, gives("won", 3)) == "won"
        await value(None, 3)
        assert sorted(log) == ["shielded", "stubborn"]

    run(main)


# -- contexts, variables, names


@every
def test_the_functions_run_in_a_context_that_ends_with_the_call(run, together):
    async def main():
        who.set("caller")
        seen = []

        async def looks():
            seen.append((ac.current_context(), ac.current_context().err(), who.get()))
            who.set("function")
            return len(seen)

        with ac.background().with_value("key", "value") as outer:
            async with outer.scope():
                await together(looks, looks)
                assert ac.current_context() is outer
                assert outer.err() is None
        assert {err for _, err, _ in seen} == {None}
        assert {name for _, _, name in seen} == {"caller"}
        for ctx, _, _ in seen:
            assert ctx is not outer
            assert ctx.value("key") == "value"
            assert isinstance(ctx.err(), ac.Canceled)
        outer._check()
        assert who.get() == "caller"

    run(main)


def test_the_cause_of_the_end_is_the_error(run):
    async def main():
        contexts = []

        async def looks():
            contexts.append(ac.current_context())
            await for_ever()

        error = ValueError("why")
        with pytest.raises(ValueError, match="why"):
            await ac.all_of(looks, fails(error, 3))
        assert contexts[0].cause() is error

    run(main)


@every
def test_a_scope_around_it_ends_it_with_the_error_of_the_context(together):
    async def main():
        fns = Clean(), Clean()
        with pytest.raises(ac.DeadlineExceeded), ac.background().with_timeout(5) as ctx:
            async with ctx.scope():
                await together(*fns)
        assert all(fn.cleaned for fn in fns)
        assert asyncio.get_running_loop().time() == 5
        assert asyncio.current_task().cancelling() == 0

    virtual.run(main)


@every
def test_the_end_of_the_context_ends_it_where_no_scope_would(together):
    """GP09: hunch returns the error of its parent context at once."""

    async def main():
        fns = Clean(), Clean()
        with ac.background().with_cancel() as ctx:
            async with ctx.scope():
                waiting = asyncio.create_task(together(*fns))  # in the context, but the scope does not cancel it
            await virtual.settle()
            assert not waiting.done()
            ctx.cancel(LookupError("the reason"))
            with pytest.raises(ac.Canceled) as raised:
                await waiting
        assert isinstance(raised.value.__cause__, LookupError)
        assert all(fn.cleaned for fn in fns)
        assert waiting.cancelling() == 0

    virtual.run(main)


@every
def test_in_a_context_that_has_ended_nobody_is_started(run, together):
    async def main():
        fn = Clean()
        ctx = ac.background().with_cancel()
        async with ctx.with_value("key", "value").scope():
            ctx.cancel()
            with pytest.raises(ac.Canceled, match="context canceled"):
                await together(fn, fn)
        assert not fn.began

    run(main)


def test_a_function_with_a_scope_of_its_own_is_disturbed_once(run):
    """Its context ends and it is cancelled; cleaning up it is left in peace."""

    async def main():
        log = []

        async def careful():
            async with ac.current_context().with_cancel().scope():
                try:
                    await for_ever()
                finally:
                    await value(None, 5)
                    log.append("cleaned up")

        assert await ac.race(careful, gives("won", 3)) == "won"
        assert log == ["cleaned up"]

    run(main)


def test_tasks_are_named_after_the_call_and_the_function(run):
    async def main():
        async def fetch():
            await value(None, 1)  # an eager task gets its name after its first step
            return asyncio.current_task().get_name()

        assert await ac.race(fetch) == "race/fetch"
        assert await ac.all_of(fetch, functools.partial(fetch)) == ("all_of/fetch", "all_of/fetch")
        assert await ac.first_of(1, fetch) == ["first_of/fetch"]
        assert await ac.last_of(1, fetch) == ["last_of/fetch"]

    run(main)


def test_they_nest(run):
    async def main():
        async def inner(n):
            return await ac.race(gives(n, n), Clean())

        fns = [functools.partial(inner, n) for n in range(5)]
        assert await ac.all_of(*fns) == (0, 1, 2, 3, 4)
        assert await ac.race(*fns, Clean()) in range(5)
        loser = Clean()
        assert await ac.race(functools.partial(ac.all_of, loser, for_ever), gives("won", 3)) == "won"
        assert loser.cleaned

    run(main)


def test_h17_eager_functions_decide_before_the_others_are_started(run, loop_kind):
    async def main():
        other = Clean()
        assert await ac.race(gives("won"), other) == "won"
        assert await ac.first_of(1, gives("won"), other) == ["won"]
        with pytest.raises(ValueError, match="at once"):
            await ac.all_of(fails(ValueError("at once")), other)
        assert not (other.began and loop_kind == "eager")

    run(main)


# -- wrong arguments


@every
def test_what_is_no_function_is_refused_before_anybody_is_started(run, together):
    async def main():
        fn = Clean()
        for wrong in 7, None, value(1), "fetch":
            with pytest.raises(
                TypeError, match=rf"takes functions, not {str(wrong)[:10]!s}|takes functions, not 'fetch'"
            ):
                await together(fn, wrong, value(2))
        assert not fn.began

    run(main)


@every
def test_a_function_that_returns_no_awaitable_is_refused(run, together):
    async def main():
        with pytest.raises(TypeError, match="must return an awaitable, not 7"):
            await together(Clean(), lambda: 7)

    run(main)


@pytest.mark.parametrize("together", [ac.first_of, ac.last_of], ids=["first_of", "last_of"])
def test_a_wrong_number_is_refused(run, together):
    async def main():
        for wrong in True, 1.0, "1", None, gives(1):
            with pytest.raises(TypeError, match=r"n of (first|last)_of\(\) must be a whole number, not"):
                await together(wrong, gives(1))
        with pytest.raises(ValueError, match="must be 0 or more, not -1"):
            await together(-1, gives(1))

    run(main)


@pytest.mark.parametrize(
    "call", [ac.all_of, functools.partial(ac.first_of, 1), functools.partial(ac.last_of, 1), ac.race]
)
def test_a_cancellation_in_the_turn_in_which_the_context_ends_is_not_swallowed(call):
    """A function that says that the context is over was taken for an error, which goes before a cancellation."""

    async def body():
        with ac.background().with_timeout(1.0) as ctx:
            async with ctx.scope():
                await call(lambda: ac.retry(asyncio.sleep, 2.0))

    async def main():
        task = asyncio.create_task(body())
        heard = []
        asyncio.get_running_loop().call_later(1.0, lambda: heard.append(task.cancel()))
        await asyncio.wait([task])
        await asyncio.sleep(0.0)
        assert task.cancelled() == heard[0]
        return task.cancelled()

    cancelled = [virtual.run(main, seed=seed) for seed in range(100)]
    assert any(cancelled)
