"""Go's tests of contexts: src/context/{context_test,x_test,afterfunc_test}.go (CX01-CX03, P14, E14).

Where the originals sleep, time here is virtual, or does not matter. `README.md` says what is left out.
"""

import asyncio
import random

import pytest

import aiochan as ac
from aiochan.testing import virtual
from aiochan.testing.leaks import no_leaks

FOREVER = 1e6  # seconds, of virtual time


def ended(ctx):
    """Whether a select with a default finds it done."""
    try:
        ac.select_nowait(ac.recv(ctx.done()))
    except ac.WouldBlock:
        return False
    return True


def is_open(*contexts):
    return all(not ended(ctx) and ctx.err() is None and ctx.cause() is None for ctx in contexts)


def is_canceled(*contexts):
    return all(ended(ctx) and type(ctx.err()) is ac.Canceled for ctx in contexts)


def below(ctx):
    """Count who stands below its end: Go's tests look at `children` of the same."""
    return len(ctx._end.below)


def fires_at(ctx, when):
    """Wait for the end, in time; give an awaitable."""

    async def wait():
        await ctx.done().wait()
        assert type(ctx.err()) is ac.DeadlineExceeded
        assert asyncio.get_running_loop().time() == when

    return wait()


@pytest.mark.parametrize(("root", "name"), [(ac.background, "background"), (ac.todo, "todo")])
def test_roots(root, name):
    """TestBackground, TestTODO."""
    assert not ended(root())
    assert repr(root()) == f"<Context {name}, open>"


def test_with_cancel(run):
    """TestWithCancel: what is derived from it without an end of its own, and with one, ends with it."""

    async def main():
        one = ac.background().with_cancel()
        assert repr(one) == "<Context background.with_cancel, open>"
        contexts = one, one.with_value("key", "value"), one.with_value("key", "value").with_cancel()
        assert is_open(*contexts)
        one.cancel()
        assert is_canceled(*contexts)

    run(main)


def test_parent_finishes_child(run):
    """TestParentFinishesChild: also what is below a context that has only a value."""

    async def main():
        parent = ac.background().with_cancel()
        child, valued = parent.with_cancel(), parent.with_value("key", "value")
        timed = valued.with_timeout(FOREVER)
        assert is_open(parent, child, valued, timed)
        assert set(parent._end.below) == {child._end, timed._end}
        assert child._end.above is timed._end.above is parent._end
        async with no_leaks():
            parent.cancel()
        assert below(parent) == 0
        assert is_canceled(parent, child, valued, timed)
        assert is_canceled(parent.with_value("key", "value"))

    run(main)


@pytest.mark.parametrize("parent", [ac.background(), ac.background().with_cancel()], ids=str)
def test_child_finishes_first(parent):
    """TestChildFinishesFirst: nothing goes up, and nothing of it stays there."""
    child = parent.with_cancel()
    assert is_open(parent, child)
    if parent._end is not None:
        assert child._end.above is parent._end
        assert list(parent._end.below) == [child._end]
    child.cancel()
    assert is_canceled(child)
    assert is_open(parent)
    if parent._end is not None:
        assert below(parent) == 0


@pytest.mark.parametrize(
    ("derive", "when"),
    [
        (lambda ctx: ctx.with_deadline(1.0), 1.0),
        (lambda ctx: ctx.with_deadline(1.0).with_value("key", "value"), 1.0),
        (lambda ctx: ctx.with_deadline(1.0).with_deadline(4.0), 1.0),
        (lambda ctx: ctx.with_deadline(4.0).with_deadline(1.0), 1.0),
        (lambda ctx: ctx.with_deadline(-1.0), 0.0),
        (lambda ctx: ctx.with_deadline(0.0), 0.0),
        (lambda ctx: ctx.with_timeout(1.0), 1.0),
        (lambda ctx: ctx.with_timeout(1.0).with_value("key", "value"), 1.0),
        (lambda ctx: ctx.with_timeout(1.0).with_timeout(3.0), 1.0),
        (lambda ctx: ctx.with_timeout(0.0), 0.0),
    ],
)
def test_deadline(derive, when):
    """TestDeadline, TestTimeout: alone, under a value, under a later one, in the past, now."""

    async def main():
        ctx = derive(ac.background())
        assert "background.with_" in repr(ctx)
        await fires_at(ctx, when)

    virtual.run(main)


def test_canceled_timeout(run):
    """TestCanceledTimeout: cancelled before its time, it is Canceled, and the time does not matter any more."""

    async def main():
        outer = ac.background().with_timeout(FOREVER)
        async with no_leaks():
            inner = outer.with_timeout(FOREVER / 2)
            inner.cancel()
        assert is_canceled(inner)
        assert is_open(outer)
        outer.cancel()

    run(main)


class Key:
    """Keys are compared by equality; this one with others of its kind, as `type key int` has it."""

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        return type(other) is type(self) and other.number == self.number

    __hash__ = None


class OtherKey(Key):
    pass


def test_values():
    """TestValues: one number as keys of two types, two numbers as keys of one; what comes later hides the earlier.

    The keys cannot be hashed: nothing asks for that.
    """
    k1, k2, k3 = Key(1), OtherKey(1), OtherKey(3)

    def values(ctx):
        return [ctx.value(key) for key in (Key(1), OtherKey(1), OtherKey(3))]

    contexts = [ac.background()]
    for key, value in ((k1, "c1k1"), (k2, "c2k2"), (k3, "c3k3"), (k1, None), (k3, None)):
        contexts.append(contexts[-1].with_value(key, value))
    assert [values(ctx) for ctx in contexts] == [
        [None, None, None],
        ["c1k1", None, None],
        ["c1k1", "c2k2", None],
        ["c1k1", "c2k2", "c3k3"],
        [None, "c2k2", "c3k3"],
        [None, "c2k2", None],
    ]
    assert repr(contexts[1].with_value(str, "secret")).startswith("<Context background.with_value(<")
    assert "secret" not in repr(contexts[1].with_value(str, "secret"))


@pytest.mark.parametrize("seed", range(5))
def test_simultaneous_cancels(run, seed):
    """TestSimultaneousCancels: a tree of a hundred, all cancelled in some order by tasks of their own."""

    async def main():
        dice = random.Random(seed)
        tree, line = [ac.background().with_cancel()], 0
        while len(tree) < 100:
            tree += [tree[line].with_cancel() for _ in range(4)]
            line += 1
        waiting = [asyncio.create_task(ctx.done().wait()) for ctx in dice.sample(tree, len(tree))]

        async def cancel(ctx):
            ctx.cancel()

        async with asyncio.TaskGroup() as group:
            for ctx in dice.sample(tree, len(tree)):
                group.create_task(cancel(ctx))
        await asyncio.gather(*waiting)
        assert is_canceled(*tree)
        assert not any(map(below, tree))

    run(main)


def test_interlocked_cancels(run):
    """TestInterlockedCancels: whoever looks at the parent while it is cancelled may cancel the child."""

    async def main():
        parent = ac.background().with_cancel()
        child = parent.with_cancel()

        async def look():
            await parent.done().wait()
            child.cancel(ValueError("too late"))

        looking = asyncio.create_task(look())
        await asyncio.sleep(0)
        stop = child.after_func(lambda: parent.cancel(ValueError("too late")))
        parent.cancel()
        await child.done().wait()
        await looking
        assert not stop()
        assert child.cause() is parent.cause() is parent.err()

    run(main)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("by_timeout", [False, True])
def test_layers(seed, by_timeout):
    """TestLayersCancel, TestLayersTimeout: at least thirty layers of values, cancels and timeouts."""

    async def main():
        dice, ctx = random.Random(seed), ac.background()
        values, cancels, timers = list[object](), list[ac.Context](), 0
        while len(values) + len(cancels) < 30 or not (values and timers and len(cancels) > timers):
            match dice.randrange(3):
                case 0:
                    values.append(object())
                    ctx = ctx.with_value(values[-1], values[-1])
                case 1:
                    cancels.append(ctx := ctx.with_cancel())
                case 2:
                    cancels.append(ctx := ctx.with_timeout(2.0))
                    timers += 1
        assert not ended(ctx)
        assert repr(ctx).startswith("<Context background.")
        if by_timeout:
            await fires_at(ctx, 2.0)
        else:
            dice.choice(cancels).cancel()
            assert is_canceled(ctx)
        assert all(ctx.value(value) is value for value in values)
        cancels[0].cancel()

    virtual.run(main)


@pytest.mark.parametrize(
    "derive", [lambda ctx: ctx.with_cancel(), lambda ctx: ctx.with_timeout(FOREVER)], ids=["cancel", "timeout"]
)
def test_cancel_removes(run, derive):
    """TestCancelRemoves; with a call, TestCustomContextAfterFuncUnregister*."""

    async def main():
        ctx = ac.background().with_cancel()
        assert below(ctx) == 0
        one, another = derive(ctx), derive(ctx)
        assert below(ctx) == 2
        one.cancel()
        assert below(ctx) == 1
        another.cancel()
        assert below(ctx) == 0
        stop = ctx.after_func(lambda: None)
        assert below(ctx) == 1
        assert stop()
        assert below(ctx) == 0

    run(main)


def test_with_cancel_canceled_parent():
    """TestWithCancelCanceledParent: what is derived from it has ended from the beginning, with its cause."""
    parent, cause = ac.background().with_cancel(), ValueError("because")
    parent.cancel(cause)
    child = parent.with_cancel()
    assert is_canceled(child)
    assert child.cause() is parent.cause() is cause
    assert below(parent) == 0


def test_with_value_checks_key():
    """TestWithValueChecksKey: what cannot be compared, or is nothing."""
    with pytest.raises(TypeError, match="not None"):
        ac.background().with_value(None, "bar")


def test_deadline_exceeded_supports_timeout():
    """TestDeadlineExceededSupportsTimeout: Python's way to say so is to be a TimeoutError."""
    assert issubclass(ac.DeadlineExceeded, TimeoutError)
    assert not issubclass(ac.Canceled, TimeoutError)


# -- causes

PARENT, CHILD = ValueError("parent cause"), ValueError("child cause")
TOO_SLOW, EARLY = ValueError("too slow"), ValueError("finished early")


def _canceled(cause=None):
    ctx = ac.background().with_cancel()
    ctx.cancel(cause)
    return ctx


def _two(*steps):
    """Make a parent and a child, and cancel them in this order."""
    parent = ac.background().with_cancel()
    child = parent.with_cancel()
    for who, cause in steps:
        (parent if who == "parent" else child).cancel(cause)
    return child


def _timed(seconds, cause=None):
    ctx = ac.background().with_timeout(seconds, cause=cause)
    ctx.cancel()
    return ctx


def _stacked(seconds):
    parent = ac.background().with_cancel()
    child = parent.with_timeout(seconds, cause=TOO_SLOW)
    parent.cancel(EARLY)
    return child


def _freed():
    parent = ac.background().with_cancel()
    child = parent.without_cancel()
    parent.cancel(EARLY)
    return child


CAUSES = {  # how it is made; what kind of err it has; its cause, where that is not the err itself
    "Background": (ac.background, None, None),
    "TODO": (ac.todo, None, None),
    "WithCancel": (_canceled, ac.Canceled, ...),
    "WithCancelCause": (lambda: _canceled(PARENT), ac.Canceled, PARENT),
    "WithCancelCause nil": (lambda: _canceled(None), ac.Canceled, ...),
    "parent cause before child": (lambda: _two(("parent", PARENT), ("child", CHILD)), ac.Canceled, PARENT),
    "parent cause after child": (lambda: _two(("child", CHILD), ("parent", PARENT)), ac.Canceled, CHILD),
    "parent cause before nil": (lambda: _two(("parent", PARENT), ("child", None)), ac.Canceled, PARENT),
    "parent cause after nil": (lambda: _two(("child", None), ("parent", PARENT)), ac.Canceled, ...),
    "child cause after nil": (lambda: _two(("parent", None), ("child", CHILD)), ac.Canceled, ...),
    "child cause before nil": (lambda: _two(("child", CHILD), ("parent", None)), ac.Canceled, CHILD),
    "WithTimeout": (lambda: _timed(0), ac.DeadlineExceeded, ...),
    "WithTimeout canceled": (lambda: _timed(FOREVER), ac.Canceled, ...),
    "WithTimeoutCause": (lambda: _timed(0, TOO_SLOW), ac.DeadlineExceeded, TOO_SLOW),
    "WithTimeoutCause canceled": (lambda: _timed(FOREVER, TOO_SLOW), ac.Canceled, ...),
    "WithTimeoutCause stacked": (lambda: _stacked(0), ac.DeadlineExceeded, TOO_SLOW),
    "WithTimeoutCause stacked canceled": (lambda: _stacked(FOREVER), ac.Canceled, EARLY),
    "WithoutCancel": (lambda: ac.background().without_cancel(), None, None),
    "WithoutCancel canceled": (_freed, None, None),
    "WithoutCancel timeout": (lambda: _timed(0, TOO_SLOW).without_cancel(), None, None),
}


@pytest.mark.parametrize(("make", "err", "cause"), CAUSES.values(), ids=CAUSES.keys())
def test_cause(make, err, cause):
    """TestCause: the whole table."""

    async def main():
        ctx = make()
        assert (type(ctx.err()) if ctx.err() is not None else None) is err
        assert ctx.cause() is (ctx.err() if cause is ... else cause)
        assert ended(ctx) == (err is not None)

    virtual.run(main)


def test_cause_of_a_timeout_that_fires():
    """TestCause, with time that goes on: the cause given with the deadline, down the tree too."""

    async def main():
        ctx = ac.background().with_timeout(1.0, cause=TOO_SLOW)
        child = ctx.with_cancel()
        await fires_at(child, 1.0)
        assert child.cause() is ctx.cause() is TOO_SLOW

    virtual.run(main)


def test_cause_race(run):
    """TestCauseRace: whoever looks again and again sees no cause, then the cause, and nothing else."""

    async def main():
        ctx, seen = ac.background().with_cancel(), []
        asyncio.get_running_loop().call_later(0.001, ctx.cancel, PARENT)
        while ctx.cause() is None:
            seen.append(ctx.err())
            await asyncio.sleep(0)
        assert ctx.cause() is PARENT
        assert set(seen) == {None}

    run(main)


def test_without_cancel():
    """TestWithoutCancel: the values stay, and nothing else does."""

    async def main():
        ctx = ac.background().with_value("key", "value").with_timeout(1.0).without_cancel()
        assert ctx.deadline() is None
        assert is_open(ctx)
        assert ctx.value("key") == "value"
        await asyncio.sleep(2.0)
        assert is_open(ctx)

    virtual.run(main)


# -- AfterFunc


def test_after_func_called_after_cancel(run):
    """TestAfterFuncCalledAfterCancel, TestAfterFuncCalledAsynchronously: not before, once, and not inside `cancel`."""

    async def main():
        ctx, called = ac.background().with_cancel(), []
        stop = ctx.after_func(lambda: called.append(asyncio.current_task()))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not called
        ctx.cancel()
        assert not called
        for _ in range(3):
            await asyncio.sleep(0)
        assert called == [None]
        assert not stop()

    run(main)


def test_after_func_called_after_timeout():
    """TestAfterFuncCalledAfterTimeout."""

    async def main():
        done, loop = ac.Signal(), asyncio.get_running_loop()
        ac.background().with_timeout(1.0).after_func(done.close)
        await done.wait()
        assert loop.time() == 1.0

    virtual.run(main)


@pytest.mark.parametrize("derive", ["with_cancel", "with_timeout", None])
def test_after_func_called_when_the_parent_is_cancelled(run, derive):
    """TestCustomContextAfterFuncCancel, -Timeout, -AfterFunc: of the context itself, or of one below."""

    async def main():
        done, ctx = ac.Signal(), ac.background().with_cancel()
        child = {"with_cancel": ctx.with_cancel, "with_timeout": lambda: ctx.with_timeout(FOREVER)}.get(
            derive, lambda: ctx
        )
        stop = child().after_func(done.close)
        ctx.cancel()
        await done.wait()
        assert not stop()

    run(main)


def test_after_func_called_immediately(run):
    """TestAfterFuncCalledImmediately: of a context that has ended."""

    async def main():
        done = ac.Signal()
        stop = _canceled().after_func(done.close)
        assert not done.closed
        assert not stop()
        await done.wait()

    run(main)


def test_after_func_not_called_after_stop(run):
    """TestAfterFuncNotCalledAfterStop: the first stop says that it was in time, the second that there is nothing."""

    async def main():
        ctx, called = ac.background().with_cancel(), []
        stop = ctx.after_func(lambda: called.append(1))
        assert stop()
        ctx.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert not called
        assert not stop()

    run(main)
