"""Leak checks must find every kind of leak, on every kind of loop, and be silent about the rest."""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeAlias

import pytest
import uvloop

import aiochan as ac
from aiochan import core
from aiochan.testing.leaks import UNAWAITED_HOOK, Leaked, LeakWatch, no_leaks, watch_leaks
from aiochan.testing.loop import StepLoop
from aiochan.testing.stepper import Stepper
from aiochan.testing.virtual import VirtualLoop

Main: TypeAlias = Callable[[], Coroutine[Any, Any, Any]]

kept: list[object] = []


def plain(main: Main) -> None:
    with asyncio.Runner() as runner:
        runner.run(main())


def debug(main: Main) -> None:
    with asyncio.Runner(debug=True) as runner:
        runner.run(main())


def with_uvloop(main: Main) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def virtual(main: Main) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


def eager(main: Main) -> None:
    if sys.version_info < (3, 12):
        pytest.skip("no eager tasks yet")
    with asyncio.Runner() as runner:
        runner.get_loop().set_task_factory(asyncio.eager_task_factory)
        runner.run(main())


every_loop = pytest.mark.parametrize("run", [plain, debug, with_uvloop, virtual, eager])


@pytest.fixture(autouse=True)
def nothing_is_kept() -> Any:
    yield
    kept.clear()


# -- what leaks


async def wait_for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def leave_a_task() -> None:
    kept.append(asyncio.create_task(wait_for_ever(), name="straggler"))


async def leave_a_receiver() -> None:
    kept.append(ac.Chan[int](name="jobs"))
    kept.append(asyncio.create_task(kept[-1].recv(), name="reader"))  # type: ignore[attr-defined]
    await asyncio.sleep(0)


async def leave_a_timer() -> None:
    asyncio.get_running_loop().call_later(1000, print, "late")


async def fail_in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)


async def forget_an_error() -> None:
    asyncio.get_running_loop().create_future().set_exception(ValueError("nobody asked"))


async def forget_a_failed_task() -> None:
    async def fail() -> None:
        raise ValueError("nobody asked")

    asyncio.create_task(fail())
    await asyncio.sleep(0)


async def forget_a_waiting_task() -> None:
    asyncio.create_task(wait_for_ever())
    await asyncio.sleep(0)


async def forget_an_island() -> None:
    """A channel and the task that waits for it, with nobody who knows either."""
    asyncio.create_task(ac.Chan[int]().recv())
    await asyncio.sleep(0)


async def forget_to_await() -> None:
    wait_for_ever()


LEAKS = {
    leave_a_task: r"task straggler: waits for <Future pending.* made at test_leaks.py:\d+",
    leave_a_receiver: r"task reader: waits for recv on <Chan 'jobs' .*made at test_leaks.py:\d+",
    leave_a_timer: r"timer <(Step)?Timer(Handle)? ",
    fail_in_a_callback: r"exception handler was told: .*ZeroDivisionError",
    forget_an_error: r"exception was never retrieved.*nobody asked",
    forget_a_failed_task: r"exception was never retrieved.*nobody asked",
    forget_a_waiting_task: r"Task was destroyed but it is pending!",
    forget_an_island: r"Task was destroyed but it is pending!",
    forget_to_await: r"nobody awaited <coroutine object wait_for_ever.*made at test_leaks.py:\d+",
}


@every_loop
@pytest.mark.parametrize(("leak", "text"), LEAKS.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_finds(run: Callable[[Main], None], leak: Main, text: str) -> None:
    async def main() -> None:
        with pytest.raises(Leaked, match=text) as caught:
            async with no_leaks():
                await leak()
        assert len(caught.value.leaks) == 1

    run(main)


@every_loop
def test_is_silent_about_what_was_there_before(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        ch = ac.Chan[int]()
        task = asyncio.create_task(read_twice(ch))
        await asyncio.sleep(0)
        timer = asyncio.get_running_loop().call_later(1000, print)
        async with no_leaks():
            await ch.send(1)
            await asyncio.sleep(0)  # it waits anew, within the block
        timer.cancel()
        await ch.send(2)
        await task

    async def read_twice(ch: ac.Chan[int]) -> None:
        await ch.recv()
        await ch.recv()

    run(main)


@every_loop
def test_is_silent_about_a_program_that_cleans_up(run: Callable[[Main], None]) -> None:
    async def generate() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        async with no_leaks():
            ch = ac.Chan[int](1)
            async with asyncio.timeout(1000), asyncio.TaskGroup() as group:
                group.create_task(ch.send(1))
                assert await ch.recv() == 1
            asyncio.create_task(wait_for_ever()).cancel()  # needs a turn to end
            asyncio.get_running_loop().call_later(1000, print).cancel()
            async for _ in generate():
                break  # closed by a task that the garbage collector makes
            waiting = asyncio.create_task(ac.select(ac.recv(ch), ac.recv(ac.Chan[int]())))
            await asyncio.sleep(0)
            waiting.cancel()

    run(main)


def test_an_error_keeps_its_type_and_gets_notes() -> None:
    async def main() -> None:
        with pytest.raises(LookupError) as caught:
            await block()
        assert "left behind:\n  task straggler: ready to run" in caught.value.__notes__[0]

    async def block() -> None:
        async with no_leaks():
            await leave_a_task()
            raise LookupError

    asyncio.run(main())


def test_a_cancellation_comes_out_without_waiting() -> None:
    async def main() -> None:
        async def block() -> None:
            async with no_leaks():
                await wait_for_ever()

        task = asyncio.create_task(block())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        assert task.cancelled()

    asyncio.run(main())


def test_two_equal_timers_are_two() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        first = loop.call_at(1000, print)
        with pytest.raises(Leaked):
            async with no_leaks():
                loop.call_at(1000, print)
        first.cancel()

    virtual(main)


# -- from outside


def test_watches_a_loop_from_outside() -> None:
    with asyncio.Runner() as runner:
        with pytest.raises(Leaked, match="task straggler"), watch_leaks(runner.get_loop()):
            runner.run(leave_a_task())
        with watch_leaks(runner.get_loop()):
            runner.run(asyncio.sleep(0))


def test_watches_a_loop_that_is_cranked_by_hand() -> None:
    loop = StepLoop()

    def leave_something() -> None:
        with watch_leaks(loop), loop.running():
            kept.append(loop.create_task(leave_a_receiver(), name="outer"))
            loop.step()

    with pytest.raises(Leaked) as caught:
        leave_something()
    assert len(caught.value.leaks) == 2
    with watch_leaks(loop), loop.running():
        while loop.ready:
            loop.step()
        for task in asyncio.all_tasks():
            task.cancel()
        while loop.ready:
            loop.step()


def test_finds_a_sleeper_that_is_no_task() -> None:
    loop = StepLoop()
    ch = ac.Chan[int](name="c")
    stepper = Stepper(ch.recv(), loop=loop)
    with pytest.raises(Leaked, match=r"asleep, without .*: recv on <Chan 'c'"), watch_leaks(loop):
        stepper.step()
    stepper.close()


def test_ignores_other_loops() -> None:
    mine, other = StepLoop(), StepLoop()
    stepper = Stepper(ac.Chan[int]().recv(), loop=other)
    with watch_leaks(mine):
        stepper.step()
    stepper.close()


def test_hears_beside_others_and_puts_everything_back() -> None:
    class Other(core.hooks.Observer):
        def __init__(self) -> None:
            self.heard: list[str] = []

        def parked(self, waiter: core.Waiter) -> None:
            self.heard.append("parked")

        def woken(self, waiter: core.Waiter) -> None:
            self.heard.append("woken")

        def left(self, waiter: core.Waiter) -> None:
            self.heard.append("left")

        def closed(self, channel: object) -> None:
            self.heard.append("closed")

    other, contexts = Other(), list[object]()

    def handler(_: asyncio.AbstractEventLoop, context: object) -> None:
        contexts.append(context)

    hook = getattr(warnings, UNAWAITED_HOOK)
    loop = StepLoop()
    loop.set_exception_handler(handler)
    before = core.hooks.install(other)
    try:
        watch = LeakWatch(loop)
        watch.start()
        with loop.running():
            ch = ac.Chan[int]()
            task = loop.create_task(ch.recv())
            loop.step()
            ch.send_nowait(1)
            loop.step()
            assert task.done()
            cancelled = Stepper(ch.recv())
            cancelled.step()
            cancelled.close()
            ch.close()
        assert other.heard == ["parked", "woken", "parked", "left", "closed"]
        assert watch.leaks() == []
        loop.call_exception_handler({"message": "hear, hear"})
        assert watch.leaks() == ["the loop's exception handler was told: message: 'hear, hear'"]
        assert contexts == [{"message": "hear, hear"}]
        watch.stop()
    finally:
        assert core.hooks.install(before) is other
    assert loop.get_exception_handler() is handler
    assert getattr(warnings, UNAWAITED_HOOK) is hook
    assert sys.get_coroutine_origin_tracking_depth() == 0


def test_blocks_within_blocks() -> None:
    async def main() -> None:
        with pytest.raises(Leaked) as caught:
            await outer()
        assert len(caught.value.leaks) == 1

    async def outer() -> None:
        async with no_leaks():
            with pytest.raises(Leaked):
                async with no_leaks():
                    await leave_a_timer()

    asyncio.run(main())


def test_serves_as_a_fixture() -> None:
    """Each half of a fixture may run in a task of its own."""

    async def fixture() -> AsyncIterator[None]:
        async with no_leaks():
            yield

    async def step(generator: AsyncIterator[None]) -> None:
        await anext(generator)

    with asyncio.Runner() as runner:
        silent, noisy = fixture(), fixture()
        runner.run(step(silent))
        runner.run(asyncio.sleep(0))
        with pytest.raises(StopAsyncIteration):
            runner.run(step(silent))
        runner.run(step(noisy))
        runner.run(leave_a_task())
        with pytest.raises(Leaked, match="straggler"):
            runner.run(step(noisy))
