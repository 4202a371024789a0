"""Contexts at the edges: memory (H23), other threads and loops (H22), interruptions (H20), what user code may break."""

from __future__ import annotations

import asyncio
import functools
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import pytest

import aiochan as ac
from aiochan.testing import virtual
from tests.conftest import Run, Silence, _factory

SLACK = 40  # objects: what the loop keeps for its next turn
MANY = 100_000


def elsewhere(fn: Callable[[], object]) -> BaseException | None:
    """Call it in another thread, and return what it raised."""
    raised = list[BaseException]()

    def call() -> None:
        try:
            fn()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    return raised[0] if raised else None


async def for_ever() -> None:
    await ac.never().recv()


# -- memory


async def growth(once: Callable[[], Awaitable[object]], times: int) -> int:
    """Count the objects that are there after so many times, and were not before; the collector is off meanwhile."""
    for _ in range(100):
        await once()
    await asyncio.sleep(0)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(times):
            await once()
        await asyncio.sleep(0)
        return len(gc.get_objects()) - before
    finally:
        gc.enable()


ROOT = ac.background().with_cancel()


async def ends_in_its_error() -> None:
    ctx = ROOT.with_cancel()
    asyncio.get_running_loop().call_soon(ctx.cancel)
    with pytest.raises(ac.Canceled):
        await ctx.run(for_ever)


async def ends_with_a_cause() -> None:
    with ROOT.with_cancel() as ctx:
        asyncio.get_running_loop().call_soon(ctx.cancel, ValueError("why"))
        with pytest.raises(ac.Canceled):
            await ctx.run(for_ever)


async def is_too_late() -> None:
    with ROOT.with_timeout(0) as ctx, pytest.raises(ac.DeadlineExceeded):
        await ctx.run(for_ever)


async def is_in_time() -> None:
    with ROOT.with_timeout(1e6) as ctx:
        await ctx.run(asyncio.sleep, 0)


async def fails() -> None:
    with pytest.raises(ZeroDivisionError):
        async with ROOT.scope():
            1 / 0  # noqa: B018


async def is_selected() -> None:
    with ROOT.with_cancel() as ctx:
        asyncio.get_running_loop().call_soon(ctx.cancel)
        assert await ac.select(ac.recv(None), ac.recv(ctx.done())) == (1, None)


async def has_a_call() -> None:
    with ROOT.with_cancel() as ctx:
        ctx.after_func(lambda: None)
        assert ctx.after_func(lambda: None)()
    await asyncio.sleep(0)


async def has_a_value() -> None:
    ctx = ROOT.with_value("key", object())
    assert ctx.without_cancel().value("key") is not None


LIVES = [ends_in_its_error, ends_with_a_cause, is_too_late, is_in_time, fails, is_selected, has_a_call, has_a_value]


@pytest.mark.parametrize("times", [500, pytest.param(10_000, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_h23_a_life_leaves_nothing_behind(run: Run, loop_kind: str, life: Callable[[], Any], times: int) -> None:
    """CX01, CX02: no object more, without the collector; nothing stands below the context it was derived from."""
    if loop_kind == "debug":
        pytest.skip("debug mode keeps the stack of every task and callback, for as long as that is known")

    async def main() -> int:
        more = await growth(life, times)
        assert ROOT._end is not None
        assert not ROOT._end.below
        return more

    assert run(main) <= SLACK


def test_h23_what_is_cancelled_before_its_time_is_not_kept_by_its_timer() -> None:
    class Cause(Exception):
        pass

    async def main() -> None:
        cause = Cause()
        gone = weakref.ref(cause)
        with ac.background().with_timeout(1e6, cause=cause):
            pass
        del cause
        assert gone() is None

    virtual.run(main)


def test_h23_a_call_that_is_taken_back_is_forgotten_by_the_context() -> None:
    async def main() -> None:
        class Thing:
            def method(self) -> None: ...

        thing, ctx = Thing(), ac.background().with_cancel()
        gone = weakref.ref(thing)
        stop = ctx.after_func(thing.method)
        del thing
        assert gone() is not None
        assert stop()
        del stop
        assert gone() is None
        ctx.cancel()

    virtual.run(main)


@pytest.mark.parametrize("end", [True, False], ids=["ended", "open"])
def test_a_tree_of_100_000_is_let_go_of_without_recursion(end: bool) -> None:
    """From its deepest context: each keeps the one above."""
    root = ctx = ac.background().with_cancel()
    for number in range(MANY):
        ctx = ctx.with_cancel() if number % 2 else ctx.with_value(number, number)
    gone = weakref.ref(ctx)
    assert ctx.value("nothing of the kind") is None
    assert ctx.value(0) == 0
    if end:
        root.cancel()
        assert ctx.err() is root.err()
    del root, ctx
    assert gone() is None


# -- other threads


async def waits_for_done(ctx: ac.Context) -> None:
    await ctx.done().wait()


async def waits_in_a_scope(ctx: ac.Context) -> None:
    with pytest.raises(ac.Canceled):
        await ctx.run(for_ever)


async def waits_for_a_call(ctx: ac.Context) -> None:
    called = ac.Signal()
    ctx.after_func(called.close)
    await called.wait()


async def waits_for_a_call_of_a_child(ctx: ac.Context) -> None:
    await waits_for_a_call(ctx.with_cancel().with_value("key", "value"))


def _waits_for_a_signal_of_before() -> Callable[[ac.Context], Awaitable[None]]:
    async def waits_for_a_signal_of_before(ctx: ac.Context) -> None:
        await SIGNALS[ctx].wait()

    return waits_for_a_signal_of_before


SIGNALS: weakref.WeakKeyDictionary[ac.Context, ac.Signal] = weakref.WeakKeyDictionary()
WAITS = [
    waits_for_done,
    waits_in_a_scope,
    waits_for_a_call,
    waits_for_a_call_of_a_child,
    _waits_for_a_signal_of_before(),
]
every_wait = pytest.mark.parametrize("wait", WAITS, ids=lambda wait: wait.__name__)


@every_wait
def test_another_thread_may_not_end_it(run: Run, wait: Callable[[ac.Context], Any]) -> None:
    """And nothing has ended; a call through the loop does it."""
    parent = ac.background().with_cancel()
    ctx = parent.with_cancel()
    SIGNALS[ctx] = ctx.done()  # while no loop is running

    async def main() -> None:
        task = asyncio.create_task(wait(ctx))
        await asyncio.sleep(0)
        for refused in ctx, parent:
            error = elsewhere(refused.cancel)
            assert isinstance(error, ac.WrongLoop)
            assert "call_soon_threadsafe" in str(error)
        assert (parent.err(), ctx.err(), ctx.done().closed) == (None, None, False)
        ctx._check()
        loop = asyncio.get_running_loop()
        assert elsewhere(lambda: loop.call_soon_threadsafe(parent.cancel)) is None
        await task
        assert isinstance(ctx.err(), ac.Canceled)

    run(main)


@every_wait
@pytest.mark.parametrize("where", [lambda fn: fn(), elsewhere], ids=["here", "elsewhere"])
def test_after_the_loop_was_closed_anybody_may_end_it(
    run: Run, wait: Callable[[ac.Context], Any], where: Callable[[Callable[[], None]], BaseException | None]
) -> None:
    """H22."""
    if wait is WAITS[-1] and where is elsewhere:
        pytest.skip("a signal that was asked for where no loop ran does not say which loop it is that was closed")
    ctx = ac.background().with_cancel()
    SIGNALS[ctx] = ctx.done()

    async def main() -> None:
        task = asyncio.create_task(wait(ctx))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    run(main)
    assert where(ctx.cancel) is None
    assert isinstance(ctx.err(), ac.Canceled)
    assert ctx.done().closed
    ctx._check()


@pytest.mark.parametrize("where", [lambda fn: fn(), elsewhere], ids=["here", "elsewhere"])
def test_after_the_loop_was_closed_its_timers_do_not_matter(
    run: Run, where: Callable[[Callable[[], None]], BaseException | None]
) -> None:
    """H22."""
    made = list[ac.Context]()

    async def main() -> None:
        made.append(ac.background().with_timeout(1e6))

    run(main)
    (ctx,) = made
    assert where(ctx.cancel) is None
    assert isinstance(ctx.err(), ac.Canceled)


@every_wait
def test_one_context_in_one_run_after_the_other(run: Run, wait: Callable[[ac.Context], Any]) -> None:
    """As one that a module makes when it is imported: what waited in a closed loop waits no more."""
    if wait is WAITS[-1]:
        pytest.skip("a signal that was kept belongs to the loop in which it was waited for; so ask ctx.done() again")
    ctx = ac.background().with_cancel()
    signal = ctx.done()

    async def leave() -> None:
        task = asyncio.create_task(wait(ctx))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    async def stay() -> None:
        task = asyncio.create_task(wait(ctx))
        await asyncio.sleep(0)
        assert ctx.done() is ctx.done()
        asyncio.get_running_loop().call_soon(ctx.cancel)
        await task
        assert ctx.done().closed

    run(leave)
    run(leave)
    run(stay)
    ctx._check()
    del signal


def test_the_signal_is_of_one_loop() -> None:
    """The same at every call; in another thread's loop there is none to be had, and without a loop anybody may look."""
    ctx = ac.background().with_cancel()
    before = ctx.done()

    async def main() -> None:
        assert ctx.done() is before

        async def other() -> None:
            with pytest.raises(ac.WrongLoop, match="another thread"):
                ctx.done()

        assert await asyncio.to_thread(elsewhere, lambda: asyncio.run(other())) is None
        assert elsewhere(ctx.done) is None

    asyncio.run(main())
    assert ctx.done() is not before
    assert ac.background().done() is not ac.background().done()


def test_h22_a_loop_that_is_closed_under_a_scope(loop_kind: str, silence: Silence) -> None:
    """Its task is kept until the end, and is closed then where no loop is running: without a sound."""
    loop = _factory(loop_kind)()
    ctx = ac.background().with_cancel()
    task = loop.create_task(ctx.run(for_ever))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    gone = weakref.ref(task)
    del task
    ctx.cancel()
    gc.collect()
    assert gone() is None
    assert ac.current_context() is ac.background()
    silence.check()


def test_h22_a_loop_that_shuts_down_cancels_what_runs_in_scopes(loop_kind: str, silence: Silence) -> None:
    """A thousand tasks, and a limit that has not come: all leave their scopes, and nobody says a word."""
    ctx, outcomes, tasks = ac.background().with_cancel(), list[str](), list[asyncio.Task[None]]()

    async def work() -> None:
        try:
            await ctx.run(for_ever)
        except asyncio.CancelledError:
            outcomes.append("cancelled")
            raise

    async def main() -> None:
        limited = ctx.with_timeout(1e6)
        tasks.extend(asyncio.create_task(limited.run(work)) for _ in range(1000))
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=_factory(loop_kind), debug=loop_kind == "debug") as runner:
        runner.get_loop().set_exception_handler(silence.heard_by_loop)
        runner.run(main())
    assert outcomes == ["cancelled"] * 1000
    assert all(task.cancelled() for task in tasks)
    assert ctx._end is not None
    (limited,) = ctx._end.below
    assert not limited.below
    ctx.cancel()
    assert not ctx._end.below
    silence.check()


# -- what others may break


class Stop(BaseException):
    """As KeyboardInterrupt, but nobody takes it for one."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Stop, ValueError])
def test_h20_whoever_cannot_be_told_keeps_it_from_nobody(kind: type[BaseException]) -> None:
    """The tree has ended before anybody is told, and all others are told; then the error goes on."""

    async def main() -> None:
        loop, called = asyncio.get_running_loop(), list[int]()
        root = ac.background().with_cancel()
        children = [root.with_cancel() for _ in range(4)]
        for number, child in enumerate(children):
            child.after_func(functools.partial(called.append, number))
        waiting = [asyncio.create_task(child.done().wait()) for child in children]
        await asyncio.sleep(0)
        call_soon, refusals = loop.call_soon, [kind("first"), ValueError("second")]

        def refuse(*args: Any, **kwargs: Any) -> Any:
            if getattr(args[0], "func", None) == called.append and refusals:
                raise refusals.pop(0)
            return call_soon(*args, **kwargs)

        loop.call_soon = refuse  # type: ignore[method-assign]
        try:
            with pytest.raises(kind, match="first"):
                root.cancel()
        finally:
            loop.call_soon = call_soon  # type: ignore[method-assign]
        assert all(child.err() is root.err() is not None for child in children)
        assert all(child.done().closed for child in children)
        await asyncio.gather(*waiting)
        assert called == [2, 3]
        root._check()

    virtual.run(main)


def test_h20_a_future_that_refuses_to_be_cancelled(run: Run) -> None:
    """It is the task's own; the loop tells of it, and the scopes of the other tasks end."""

    class Stubborn(asyncio.Future[None]):
        def cancel(self, msg: object = None) -> NoReturn:
            raise ZeroDivisionError

    async def main() -> None:
        loop, heard, counts = asyncio.get_running_loop(), list[object](), list[int]()
        loop.set_exception_handler(lambda _, context: heard.append(type(context.get("exception"))))
        future, ctx = Stubborn(loop=loop), ac.background().with_cancel()

        async def stubborn() -> None:
            async with ctx.scope():
                await future
            task = asyncio.current_task()
            assert task is not None
            counts.append(task.cancelling())

        tasks = [asyncio.create_task(stubborn()), *(asyncio.create_task(ctx.run(for_ever)) for _ in range(2))]
        await asyncio.sleep(0)
        ctx.cancel()
        await asyncio.wait(tasks[1:])
        assert [type(task.exception()) for task in tasks[1:]] == [ac.Canceled, ac.Canceled]
        assert heard == [ZeroDivisionError]
        future.set_result(None)
        await tasks[0]
        assert counts == [0]

    run(main)


def test_h20_a_call_that_fails_is_told_of_by_the_loop(run: Run) -> None:
    async def main() -> None:
        loop, heard, called = asyncio.get_running_loop(), list[object](), list[int]()
        loop.set_exception_handler(lambda _, context: heard.append(type(context.get("exception"))))
        ctx = ac.background().with_cancel()
        ctx.after_func(lambda: 1 // 0)
        ctx.after_func(lambda: called.append(1))
        ctx.cancel()
        await asyncio.sleep(0)
        assert (heard, called) == ([ZeroDivisionError], [1])

    run(main)


class Coroutine:
    async def __call__(self) -> None: ...

    async def method(self) -> None: ...


@pytest.mark.parametrize(
    "wrong",
    [for_ever, functools.partial(for_ever), Coroutine(), Coroutine().method, None, for_ever.__name__],
    ids=["function", "partial", "object", "method", "None", "str"],
)
def test_after_func_takes_what_is_done_at_once(wrong: Any) -> None:
    async def main() -> None:
        ctx = ac.background().with_cancel()
        with pytest.raises(TypeError, match="plain function"):
            ctx.after_func(wrong)
        assert ctx._end is not None
        assert not ctx._end.below

    virtual.run(main)
    with pytest.raises(ac.MisuseError, match="no running event loop"):
        ac.background().after_func(print)


def test_a_time_that_no_float_can_hold_is_as_good_as_infinite() -> None:
    async def main() -> None:
        assert ac.background().with_timeout(10**400).deadline() is None
        assert isinstance(ac.background().with_deadline(-(10**400)).err(), ac.DeadlineExceeded)

    virtual.run(main)
