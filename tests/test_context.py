"""`aiochan.context`: the tree (CX01-CX03, P14, E14), and its bridge to asyncio's cancellation (CX04)."""

from __future__ import annotations

import asyncio
import copy
import gc
import math
import pickle
import weakref
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing import virtual
from aiochan.testing.leaks import no_leaks
from tests.conftest import Run


class User:
    """A key of its own."""


# -- the tree


def test_the_roots_never_end() -> None:
    """CX01."""
    for root, name in (ac.background(), "background"), (ac.todo(), "todo"):
        assert (root.err(), root.cause(), root.deadline(), root.value(User)) == (None, None, None, None)
        assert not root.done().closed
        assert repr(root) == f"<Context {name}, open>"
        with pytest.raises(ac.MisuseError, match=rf"{name}.*cannot be cancelled"):
            root.cancel()
        with pytest.raises(ac.MisuseError, match="with_cancel"), root:
            pass
    assert ac.background() is ac.background()


def test_cancelling_goes_down_and_never_up() -> None:
    """CX01."""
    root = ac.background().with_cancel()
    left, right = root.with_cancel(), root.with_cancel()
    below = left.with_value(User, "u").with_cancel()
    left.cancel()
    assert [type(ctx.err()) for ctx in (root, left, right, below)] == [
        type(None),
        ac.Canceled,
        type(None),
        ac.Canceled,
    ]
    assert below.done().closed
    assert not root.done().closed
    err = left.err()
    root.cancel(ValueError("later"))
    left.cancel(ValueError("later still"))
    assert left.err() is err
    assert left.cause() is err
    assert repr(right.cause()) == "ValueError('later')"


def test_a_child_of_what_has_ended_has_ended() -> None:
    """CX01."""
    root = ac.background().with_cancel()
    root.cancel(cause := ValueError("why"))
    child = root.with_cancel().with_value(User, "u")
    assert child.err() is root.err()
    assert child.cause() is cause
    assert child.done().closed


def test_with_cancels_on_the_way_out() -> None:
    root = ac.background().with_cancel()
    for derive in (
        root.with_cancel,
        lambda: root.with_value(User, "u"),
        root.without_cancel,
        lambda: root.without_cancel().with_value(User, "u"),
    ):
        with derive() as ctx:
            assert ctx.err() is None
            inner = ctx.with_cancel()
        assert isinstance(ctx.err(), ac.Canceled)
        assert isinstance(inner.err(), ac.Canceled)
    assert root.err() is None


def test_a_with_that_is_entered_twice_is_refused() -> None:
    ctx = ac.background().with_value(User, "u")
    with ctx, pytest.raises(ac.MisuseError, match="entered already"), ctx:
        pass
    with ctx as again:
        assert again.value(User) == "u"


def test_the_nearest_value_wins() -> None:
    """CX03: a chain of four, typed keys."""
    ctx = ac.background()
    for number in range(1, 5):
        ctx = ctx.with_value(f"key{number}", number)
    assert [ctx.value(f"key{number}") for number in range(1, 6)] == [1, 2, 3, 4, None]
    nearer = ctx.with_cancel().with_value("key1", "nearer")
    assert (nearer.value("key1"), ctx.value("key1")) == ("nearer", 1)
    assert nearer.value(User, "nobody") == "nobody"
    assert ctx.with_value(User, None).value(User, "default") is None
    assert ctx.without_cancel().value("key3") == 3
    with pytest.raises(TypeError, match="key that is not None"):
        ctx.with_value(None, 1)


def test_without_cancel_goes_on() -> None:
    root = ac.background().with_value(User, "u").with_cancel()
    free = root.without_cancel()
    child = free.with_cancel()
    root.cancel()
    assert (free.err(), child.err(), free.deadline(), child.value(User)) == (None, None, None, "u")
    with pytest.raises(ac.MisuseError, match=r"without_cancel.*cannot be cancelled"):
        free.cancel()


def test_repr_shows_the_path() -> None:
    async def main() -> None:
        ctx = ac.background().with_timeout(5).with_value(User, "secret").with_cancel()
        assert repr(ctx) == "<Context background.with_timeout(5).with_value(User).with_cancel, open>"
        ctx.cancel()
        assert repr(ctx).endswith("context canceled>")
        for _ in range(100):
            ctx = ctx.with_cancel()
        assert "(94 more)" in repr(ctx)

    virtual.run(main)


@pytest.mark.parametrize("wrong", ["cause", ValueError, 1], ids=str)
def test_a_cause_that_is_no_exception_is_refused(wrong: Any) -> None:
    ctx = ac.background().with_cancel()
    with pytest.raises(TypeError, match="must be an exception"):
        ctx.cancel(wrong)
    assert ctx.err() is None


def test_a_context_stays_where_it_is() -> None:
    for ctx in ac.background(), ac.background().with_cancel():
        for move in copy.copy, copy.deepcopy, pickle.dumps:
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                move(ctx)
    with pytest.raises(TypeError, match="made by background"):
        ac.Context()


def test_a_finished_child_is_forgotten() -> None:
    """CX01: detach on cancel."""
    root = ac.background().with_cancel()
    gc.disable()
    try:
        child = root.with_cancel()
        child.done()
        gone = weakref.ref(child)
        child.cancel()
        end = child._end
        assert end is not None
        assert root._end is not None
        assert not root._end.below
        del child
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("shape", ["wide", "deep"])
def test_a_tree_of_100_000_ends_without_recursion(shape: str) -> None:
    root = ac.background().with_cancel()
    tree = [root]
    for _ in range(100_000):
        tree.append((root if shape == "wide" else tree[-1]).with_cancel())
    root.cancel()
    assert all(ctx.err() is root.err() for ctx in tree)
    root._check()
    while tree:
        tree.pop()


# -- time


def test_the_earliest_deadline_wins() -> None:
    """CX02."""

    async def main() -> None:
        now = asyncio.get_running_loop().time()
        outer = ac.background().with_timeout(2.0)
        assert outer.with_timeout(5.0).deadline() == now + 2.0
        inner = outer.with_deadline(now + 1.0)
        assert inner.deadline() == now + 1.0
        await inner.done().wait()
        assert asyncio.get_running_loop().time() == now + 1.0
        assert isinstance(inner.err(), ac.DeadlineExceeded)
        assert isinstance(inner.err(), TimeoutError)
        assert outer.err() is None
        await outer.done().wait()
        assert asyncio.get_running_loop().time() == now + 2.0

    virtual.run(main)


def test_a_deadline_in_the_past_has_ended_at_once(run: Run) -> None:
    """CX02: expired at creation."""

    async def main() -> None:
        now = asyncio.get_running_loop().time()
        cause = ValueError("too late")
        for ctx in (
            ac.background().with_timeout(0),
            ac.background().with_timeout(-math.inf),
            ac.background().with_deadline(now - 1),
            ac.background().with_timeout(-1, cause=cause),
        ):
            assert isinstance(ctx.err(), ac.DeadlineExceeded)
            assert ctx.done().closed
            ctx.cancel()
            assert isinstance(ctx.err(), ac.DeadlineExceeded)
        assert ctx.cause() is cause

    run(main)


def test_the_timer_is_freed() -> None:
    """CX02: by cancelling it or what is above, and by leaving."""

    async def main() -> None:
        root = ac.background().with_cancel()
        async with no_leaks():  # a timer would be one
            with root.with_timeout(1e6):
                pass
            root.with_timeout(1e6).cancel()
            root.with_timeout(1e6)
            root.with_value(User, 1).with_timeout(1e6)
            root.with_timeout(2e6).with_timeout(3e6)
            root.cancel()
            ac.background().with_timeout(math.inf)

    virtual.run(main)


def test_a_time_that_is_none_is_refused() -> None:
    async def main() -> None:
        for wrong in "1", None, True, 1j:
            with pytest.raises(TypeError, match="must be a number of seconds"):
                ac.background().with_timeout(wrong)  # type: ignore[arg-type]
            with pytest.raises(TypeError, match="must be a number of seconds"):
                ac.background().with_deadline(wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="nan"):
            ac.background().with_timeout(math.nan)

    virtual.run(main)
    with pytest.raises(ac.MisuseError, match="no running event loop"):
        ac.background().with_timeout(1)


@pytest.mark.parametrize(("limit", "outcome", "when"), [(0.05, "DeadlineExceeded", 0.05), (0.2, "done", 0.1)])
def test_a_slow_operation_under_a_limit(limit: float, outcome: str, when: float) -> None:
    """E14, P14: one that takes 100 ms, selecting on the end or cancelled by it; nothing is left of it either way."""

    async def selects(ctx: ac.Context) -> str:
        match await ac.select(ac.recv(ac.after(0.1)), ac.recv(ctx.done())):
            case 0, _:
                return "done"
            case 1, _:
                return type(ctx.err()).__name__

    async def is_cancelled(ctx: ac.Context) -> str:
        try:
            await ctx.run(asyncio.sleep, 0.1)
        except ac.ContextError as error:
            return type(error).__name__
        return "done"

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for operation in selects, is_cancelled:
            began = loop.time()
            async with no_leaks():
                with ac.background().with_timeout(limit) as ctx:
                    assert await operation(ctx) == outcome
            assert loop.time() - began == pytest.approx(when)

    virtual.run(main)


def test_a_loop_that_goes_on_until_it_is_cancelled() -> None:
    """E14: a task that works every ten milliseconds; cancelled after fifty-five it has worked five times."""

    async def main() -> None:
        worked = 0

        async def work(ctx: ac.Context) -> None:
            nonlocal worked
            while True:
                match await ac.select(ac.recv(ac.after(0.01)), ac.recv(ctx.done())):
                    case 0, _:
                        worked += 1
                    case 1, _:
                        return

        with ac.background().with_cancel() as ctx:
            task = asyncio.create_task(work(ctx))
            await virtual.advance(0.055)
        await task
        assert worked == 5

    virtual.run(main)


# -- after_func


def test_after_func_is_called_in_the_next_turn_once(run: Run) -> None:
    async def main() -> None:
        called = list[int]()
        ctx = ac.background().with_cancel()
        stop = ctx.after_func(lambda: called.append(1))
        taken_back = ctx.after_func(lambda: called.append(2))
        assert taken_back()
        assert not taken_back()
        ctx.cancel()
        assert called == []
        assert not stop()
        await asyncio.sleep(0)
        assert called == [1]
        stop = ctx.after_func(lambda: called.append(3))
        assert not stop()
        await asyncio.sleep(0)
        assert called == [1, 3]
        assert ac.background().after_func(print)()

    run(main)


# -- scopes


def test_the_end_cancels_the_body(run: Run) -> None:
    """CX04."""

    async def main() -> None:
        ctx = ac.background().with_cancel()
        asyncio.get_running_loop().call_soon(ctx.cancel, cause := ValueError("why"))

        async def body() -> None:
            async with ctx.scope() as inside:
                assert inside is ctx
                assert ac.current_context() is ctx
                await ac.Chan[int]().recv()

        with pytest.raises(ac.Canceled) as caught:
            await body()
        assert caught.value.__cause__ is cause
        assert caught.value is not ctx.err()
        assert ac.current_context() is ac.background()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)

    run(main)


def test_run_is_a_scope_for_one_call(run: Run) -> None:
    async def main() -> None:
        async def double(n: int) -> int:
            await asyncio.sleep(0)
            return 2 * n

        with ac.background().with_timeout(1e3) as ctx:
            assert await ctx.run(double, 21) == 42
        with pytest.raises(ac.Canceled):
            await ctx.run(asyncio.sleep, 0)

    run(main)


def test_a_task_that_ends_its_own_context_is_not_cancelled_later(run: Run) -> None:
    """On 3.11 and 3.12 a cancellation that a task asks of itself cannot be taken back."""

    async def main() -> None:
        ctx = ac.background().with_cancel()
        async with ctx.scope():
            ctx.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    run(main)


def test_a_scope_is_entered_once_and_by_a_task() -> None:
    async def main() -> None:
        scope = ac.background().scope()
        async with scope:
            pass
        with pytest.raises(ac.MisuseError, match="once"):
            async with scope:
                pass

    virtual.run(main)
