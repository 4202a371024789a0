"""Go's tests of sync.Once: once_test.go, and of what is made of it: oncefunc_test.go (SY09, SY11, P11).

`OnceFunc`, `OnceValue` and `OnceValues` are one thing here: `OnceValue`, whose value may be None, or a tuple. A panic
is an exception; what must not happen is that a later caller does not hear of it.
"""

import asyncio
import functools
import gc
import traceback
import weakref

import pytest

import aiochan as ac

N = 10


def counting():
    """Make a function that counts its calls, and returns how many there were."""
    calls = 0

    async def fn():
        nonlocal calls
        calls += 1
        return calls

    return fn


class Panic(Exception):
    pass


def panicking(calls):
    async def fn():
        calls.append(1)
        raise Panic("x")

    return fn


# -- once_test.go


def test_once(run):
    """TestOnce: ten at the same time, and each finds it done when it returns."""

    async def main():
        one, once = [], ac.Once()

        async def increment():
            await asyncio.sleep(0)
            one.append(1)

        async def goroutine():
            await once.do(increment)
            assert one == [1], "once did not run before do() returned"

        async with asyncio.TaskGroup() as group:
            for _ in range(N):
                group.create_task(goroutine())
        assert one == [1]

    run(main)


def test_once_panic(run):
    """TestOncePanic: after a panic it counts as done, and nothing is run any more."""

    async def main():
        once, calls = ac.Once(), []
        with pytest.raises(Panic):
            await once.do(panicking(calls))
        with pytest.raises(Panic):  # in Go this returns, and nobody hears that it never worked
            await once.do(panicking(calls))
        assert calls == [1]
        assert once.done

    run(main)


# -- oncefunc_test.go


def test_once_func(run):
    """TestOnceFunc: it calls the function once; made again, it calls it again."""

    async def main():
        calls = []

        async def fn():
            calls.append(1)

        of = ac.OnceValue(fn)
        for _ in range(2):
            assert await of() is None
        assert calls == [1]
        await ac.OnceValue(fn)()
        assert calls == [1, 1]

    run(main)


def test_once_value(run):
    """TestOnceValue: and everybody gets what it returned."""

    async def main():
        of = ac.OnceValue(counting())
        assert [await of() for _ in range(3)] == [1, 1, 1]

    run(main)


def test_once_values(run):
    """TestOnceValues: of two values, both."""

    async def main():
        calc = counting()

        async def fn():
            return await calc(), 42

        of = ac.OnceValue(fn)
        assert [await of() for _ in range(3)] == [(1, 42)] * 3

    run(main)


@pytest.mark.parametrize("error", [Panic("x"), Exception()], ids=["a value", "nil"])
def test_once_func_panic(run, error):
    """TestOnceFuncPanic, TestOnceValuePanic, TestOnceValuesPanic, ...PanicNil: each call panics with the same value."""

    async def main():
        calls = []

        async def fn():
            calls.append(1)
            raise error

        of = ac.OnceValue(fn)
        for _ in range(3):
            with pytest.raises(type(error)) as raised:
                await of()
            assert raised.value is error
        assert calls == [1]

    run(main)


def test_once_func_goexit(run):
    """TestOnceFuncGoexit: the goroutine that runs it ends in there. Go leaves the others with nothing but a panic.

    What comes closest is a task that is cancelled; and here the next one runs it.
    """

    async def main():
        calls = []

        async def fn():
            calls.append(1)
            if len(calls) == 1:
                asyncio.current_task().cancel()
                await asyncio.sleep(0)
            return len(calls)

        of = ac.OnceValue(fn)
        first = asyncio.create_task(of())
        with pytest.raises(asyncio.CancelledError):
            await first
        assert [await of() for _ in range(2)] == [2, 2]

    run(main)


def test_once_func_panic_traceback(run):
    """TestOnceFuncPanicTraceback: the first panic shows where it happened; and here the later ones do, too."""

    async def where_it_happens():
        raise Panic("x")

    async def main():
        of = ac.OnceValue(where_it_happens)
        for _ in range(2):
            with pytest.raises(Panic) as raised:
                await of()
            names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
            assert names[-1] == "where_it_happens"

    run(main)


def test_once_x_gc(run):
    """TestOnceXGC: what is not needed any more can be collected.

    Go lets go of the function after its call. Here it stays, as `reset` may want it again, and goes with the rest.
    """

    class Big:
        pass

    async def main():
        big = Big()

        async def fn(_big):
            return None

        of = ac.OnceValue(functools.partial(fn, big))
        known = weakref.ref(big)
        del big
        await of()
        gc.disable()
        try:
            del of
            assert known() is None
        finally:
            gc.enable()

    run(main)
