"""`go`: a task that belongs to nobody is kept alive, and what it fails with is heard (H19, H23)."""

import asyncio
import contextvars
import functools
import gc
import types
import weakref

import pytest

import aiochan as ac
from aiochan.testing import virtual
from aiochan.testing.leaks import Leaked, no_leaks

who = contextvars.ContextVar("who", default="nobody")


async def giving(value):
    await asyncio.sleep(0)
    return value


async def failing(error):
    await asyncio.sleep(0)
    raise error


async def waiting():
    await asyncio.get_running_loop().create_future()


def listen():
    """Hear what the running loop's exception handler is told from now on."""
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    return told


# -- it runs


def test_it_runs_and_gives_what_it_returns(run):
    async def main():
        task = ac.go(giving, 7)
        assert isinstance(task, asyncio.Task)
        assert await task == 7

    run(main)


def test_what_it_is_called(run):
    class Loader:
        async def load(self):
            pass

    async def main():
        partly = functools.partial(giving, 1)
        tasks = [ac.go(giving, 1), ac.go(Loader().load), ac.go(partly), ac.go(giving, 1, name="the one")]
        assert [task.get_name() for task in tasks] == ["giving", "load", "giving", "the one"]
        await asyncio.gather(*tasks)

    run(main)


def test_whatever_can_be_awaited_will_do(run):
    class Ready:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return "an object"

    @types.coroutine
    def generator():
        yield
        return "a generator"

    async def main():
        future = asyncio.get_running_loop().create_future()
        future.set_result("a future")
        ch = ac.Chan(1)
        ch.send_nowait("a channel")
        fns = Ready, generator, lambda: future, ch.recv, ch.receiver.recv_ok
        tasks = [ac.go(fn) for fn in fns]
        ch.close()
        assert [await task for task in tasks] == [
            *("an object", "a generator", "a future", "a channel"),
            (None, False),
        ]

    run(main)


def test_it_has_the_variables_and_the_context_of_whoever_starts_it(run):
    async def look():
        return who.get(), ac.current_context()

    async def main():
        who.set("the starter")
        with ac.background().with_value(str, "a value").with_cancel() as ctx:
            async with ctx.scope():
                task = ac.go(look)
        starter, inside = await task
        assert (starter, inside.value(str), inside.err()) == ("the starter", "a value", None)
        assert isinstance(ctx.err(), ac.Canceled)
        assert await ac.go(look) == ("the starter", ac.background())

    run(main)


# -- it lives as long as it runs (H19)


def test_nobody_else_needs_to_keep_it(run):
    async def main():
        ended = asyncio.Event()

        async def waits_for_what_only_it_knows():
            future = asyncio.get_running_loop().create_future()
            futures.add(future)
            await future
            ended.set()

        futures = weakref.WeakSet()
        ac.go(waits_for_what_only_it_knows)
        await asyncio.sleep(0)
        gc.collect()
        (future,) = futures
        future.set_result(None)
        await ended.wait()

    run(main)


@pytest.mark.parametrize("fn", [functools.partial(giving, 1), functools.partial(failing, ValueError())])
def test_nobody_keeps_it_after_its_end(run, fn):
    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # which keeps nothing
        task = ac.go(fn)
        await asyncio.wait([task])
        await asyncio.sleep(0)
        ended = weakref.ref(task)
        del task
        gc.collect()
        assert ended() is None

    run(main)


def test_nobody_keeps_its_loop(run):
    async def main():
        await ac.go(giving, 1)
        return weakref.ref(asyncio.get_running_loop())

    loop = run(main)
    gc.collect()
    assert loop() is None


def test_what_a_closed_loop_has_left_goes_when_another_one_has_tasks(run):
    told = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: told.append(context["message"]))

    async def start():
        return weakref.ref(ac.go(waiting))

    task = loop.run_until_complete(start())
    loop.close()
    gc.collect()
    assert task() is not None
    run(lambda: ac.go(giving, 1))
    gc.collect()
    assert task() is None
    assert told == ["Task was destroyed but it is pending!"]


# -- its errors are heard


def test_its_error_is_told_to_the_loop_at_once(run):
    async def main():
        told, error = listen(), ValueError("broken")
        task = ac.go(failing, error)
        await asyncio.wait([task])
        (context,) = told
        assert context["exception"] is error
        assert context["task"] is task
        assert context["message"] == "the task 'failing', which go() started, has failed"
        del task, context, error
        told.clear()
        gc.collect()  # asyncio would tell it now if nobody had asked for it
        assert not told

    run(main)


def test_whoever_awaits_it_gets_the_error_too(run):
    async def main():
        told, error = listen(), ValueError("broken")
        with pytest.raises(ValueError, match="broken") as raised:
            await ac.go(failing, error)
        assert raised.value is error
        assert [context["exception"] for context in told] == [error]

    run(main)


def test_an_error_that_is_no_exception_is_heard_as_well(run):
    class Strange(BaseException):
        pass

    async def main():
        told = listen()
        await asyncio.wait([ac.go(failing, Strange())])
        assert [type(context["exception"]) for context in told] == [Strange]

    run(main)


def test_a_cancellation_is_silent(run):
    async def main():
        told = listen()
        early, late = ac.go(waiting), ac.go(waiting)
        early.cancel()  # with tasks that are not eager, before its first step (H16)
        await asyncio.sleep(0)
        late.cancel()
        await asyncio.wait([early, late])
        assert early.cancelled() and late.cancelled()
        assert not told

    run(main)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_comes_out_of_the_loop_and_is_not_told_again(run, error):
    told = []

    async def main():
        told.append(listen())
        ac.go(failing, error())
        await waiting()

    with pytest.raises(error):
        run(main)
    assert told == [[]]


def test_an_error_before_anything_is_awaited(run):
    """With eager tasks it happens inside of `go`, and is told like any other."""

    async def fail():
        raise ValueError("at once")

    async def main():
        told = listen()
        task = ac.go(fail)
        await asyncio.wait([task])
        await asyncio.sleep(0)
        assert [str(context["exception"]) for context in told] == ["at once"]

    run(main)


# -- it is seen


def test_the_leak_check_sees_it():
    async def main():
        with pytest.raises(Leaked, match="task waiting: waits"):
            async with no_leaks():
                task = ac.go(waiting)
        task.cancel()
        await asyncio.wait([task])

    virtual.run(main)


# -- misuse


def test_it_needs_a_loop():
    called = []
    with pytest.raises(ac.MisuseError, match=r"go\(\) needs a running event loop, to run append in"):
        ac.go(called.append, 1)
    assert not called


async def numbers():
    yield 1


def test_what_cannot_be_awaited_is_refused(run):
    def plain():
        return 7

    def generator():
        yield

    async def main():
        with pytest.raises(TypeError, match=r"plain.* must return an awaitable, not 7"):
            ac.go(plain)
        with pytest.raises(TypeError, match=r"generator.* must return an awaitable"):
            ac.go(generator)
        with pytest.raises(TypeError, match=r"numbers.* must return an awaitable"):
            ac.go(numbers)

    run(main)


def test_what_cannot_be_called_is_refused(run):
    async def main():
        with pytest.raises(
            TypeError, match=r"a function is needed, not <coroutine object giving.*; write go\(fn, arg\)"
        ):
            ac.go(giving(1))
        with pytest.raises(TypeError, match="a function is needed, not None"):
            ac.go(None)

    run(main)


def test_the_name_is_a_string(run):
    async def main():
        with pytest.raises(TypeError, match="the name of a task is a string, not 7"):
            ac.go(giving, 1, name=7)

    run(main)


def test_what_the_function_raises_when_it_is_called_is_raised_at_once(run):
    async def main():
        with pytest.raises(TypeError, match="positional argument"):
            ac.go(giving)
        with pytest.raises(ZeroDivisionError):
            ac.go(lambda: 1 / 0)

    run(main)
