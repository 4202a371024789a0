"""The loop that is cranked by hand does what asyncio asks of a loop, and nothing by itself."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from aiochan.testing.loop import StepLoop

eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")


def crank(loop: StepLoop) -> None:
    """Run everything, with time jumping ahead."""
    while True:
        while loop.ready:
            loop.step()
        if (when := loop.next_time()) is None:
            return
        loop.advance_to(when)


def test_nothing_happens_by_itself() -> None:
    seen: list[int] = []
    loop = StepLoop()
    with loop.running():
        loop.call_soon(seen.append, 1)
        loop.call_later(0, seen.append, 2)
    assert seen == []
    assert len(loop.ready) == len(loop.timers) == 1


def test_callbacks_run_in_the_order_that_the_driver_wants() -> None:
    seen: list[int] = []
    loop = StepLoop()
    for number in range(4):
        loop.call_soon(seen.append, number)
    loop.step(2)
    loop.step()
    loop.step(1)
    loop.step()
    assert seen == [2, 0, 3, 1]
    with pytest.raises(IndexError):
        loop.step()


@pytest.mark.parametrize("schedule", ["call_soon", "call_soon_threadsafe"])
def test_call_soon_appends(schedule: str) -> None:
    loop = StepLoop()
    seen: list[str] = []
    getattr(loop, schedule)(seen.append, "a")
    getattr(loop, schedule)(seen.append, "b")
    loop.step()
    loop.step()
    assert seen == ["a", "b"]


def test_a_cancelled_callback_is_out_of_sight_at_once() -> None:
    loop = StepLoop()
    first, second = loop.call_soon(print), loop.call_soon(print)
    first.cancel()
    first.cancel()
    assert first.cancelled()
    assert list(loop.ready) == [second]


def test_a_cancelled_timer_is_out_of_sight_at_once() -> None:
    loop = StepLoop()
    early, late = loop.call_later(1, print), loop.call_later(2, print)
    early.cancel()
    assert loop.timers == [late]
    assert loop.next_time() == 2
    late.cancel()
    assert loop.next_time() is None


def test_a_timer_cancelled_after_it_came_due_does_not_run() -> None:
    loop = StepLoop()
    seen: list[int] = []
    timer = loop.call_later(1, seen.append, 1)
    loop.advance_to(1)
    assert list(loop.ready) == [timer]
    timer.cancel()
    assert not loop.ready


def test_time_moves_only_when_told() -> None:
    loop = StepLoop(start_time=100)
    seen: list[str] = []
    loop.call_at(103, seen.append, "third")
    loop.call_later(1, seen.append, "first")
    loop.call_at(101, seen.append, "second")
    assert [timer.when() for timer in loop.timers] == [101, 101, 103]
    loop.advance_to(100.5)
    assert loop.time() == 100.5
    assert not loop.ready
    loop.advance_to(102)
    while loop.ready:
        loop.step()
    assert seen == ["first", "second"]
    assert loop.next_time() == 103


def test_time_does_not_go_back() -> None:
    loop = StepLoop(start_time=5)
    with pytest.raises(ValueError, match="from 5 to 4"):
        loop.advance_to(4)


def test_a_task_runs_step_by_step() -> None:
    async def main() -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(3)
        return "done"

    loop = StepLoop()
    with loop.running():
        task = loop.create_task(main(), name="main")
        assert task.get_name() == "main"
        loop.step()
        loop.step()
        assert not loop.ready
        crank(loop)
    assert task.result() == "done"
    assert loop.time() == 3


def test_the_owner_of_a_callback_is_the_task_it_steps_or_that_asked_for_it() -> None:
    owners: list[Any] = []
    event = asyncio.Event()

    async def waits() -> None:
        await event.wait()

    async def sets() -> None:
        event.set()
        owners.append(loop.call_soon(print).owner)
        owners.append(loop.call_later(1, print).owner)
        await asyncio.sleep(0)

    loop = StepLoop()
    with loop.running():
        assert loop.call_soon(print).owner is None
        waiting, setting = loop.create_task(waits()), loop.create_task(sets())
        assert [handle.owner for handle in loop.ready] == [None, waiting, setting]
        loop.step(1)
        loop.step(1)
        assert loop.ready[1].owner is waiting, "the wake-up of a task, scheduled by another one"
        assert loop.ready[3].owner is setting, "the next step, after a bare yield"
        for handle in loop.ready:
            if handle.owner is not None:
                handle.owner.cancel()
        crank(loop)
    assert owners == [setting, setting]


def test_a_failing_callback_is_told_to_the_exception_handler() -> None:
    def fails() -> None:
        raise LookupError("no")

    heard: list[Any] = []
    loop = StepLoop()
    loop.call_soon(fails)
    loop.step()
    assert isinstance(loop.errors[0]["exception"], LookupError)
    loop.set_exception_handler(lambda _, context: heard.append(context))
    loop.call_exception_handler({"message": "hello"})
    assert heard == [{"message": "hello"}]
    assert len(loop.errors) == 2
    assert loop.get_exception_handler() is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_must_stop_the_program_comes_through(error: type[BaseException]) -> None:
    def stops() -> None:
        raise error

    loop = StepLoop()
    loop.call_soon(stops)
    loop.call_soon(print)
    with pytest.raises(error):
        loop.step()
    assert len(loop.ready) == 1, "the others are still ready"


def test_context_is_that_of_the_caller_or_the_given_one() -> None:
    var: contextvars.ContextVar[str] = contextvars.ContextVar("var", default="none")
    seen: list[str] = []

    def look() -> None:
        seen.append(var.get())

    loop = StepLoop()
    inner = contextvars.copy_context()
    inner.run(var.set, "given")
    token = var.set("caller's")
    loop.call_soon(look)
    loop.call_later(1, look)
    var.reset(token)
    loop.call_soon(look)
    loop.call_soon(look, context=inner)
    crank(loop)
    assert seen == ["caller's", "none", "given", "caller's"]


def test_running_says_so_and_only_one_loop_runs() -> None:
    loop, other = StepLoop(), StepLoop()
    assert not loop.is_running()
    with loop.running():
        assert loop.is_running()
        assert asyncio.get_running_loop() is loop
        with pytest.raises(RuntimeError, match="another event loop"), other.running():
            pass
        with pytest.raises(RuntimeError, match="running"):
            loop.close()
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_a_closed_loop_takes_nothing() -> None:
    loop = StepLoop()
    loop.call_soon(print)
    loop.call_later(1, print)
    loop.close()
    assert loop.is_closed()
    assert not loop.ready
    assert not loop.timers
    calls: list[Callable[[], object]] = [
        lambda: loop.call_soon(print),
        lambda: loop.call_later(1, print),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="closed"):
            call()


def test_a_task_factory_makes_the_tasks() -> None:
    made: list[str] = []

    class MyTask(asyncio.Task[Any]):
        pass

    def factory(loop: StepLoop, coro: Any, **options: Any) -> MyTask:
        made.append(options["name"])
        return MyTask(coro, loop=loop, **options)

    async def main() -> None:
        pass

    loop = StepLoop()
    loop.set_task_factory(factory)
    assert loop.get_task_factory() is factory
    with loop.running():
        task = loop.create_task(main(), name="mine")
        crank(loop)
    assert isinstance(task, MyTask)
    assert made == ["mine"]


@eager
def test_eager_tasks() -> None:
    async def main() -> int:
        return 3

    loop = StepLoop()
    with loop.running():
        assert loop.create_task(main(), eager_start=True).result() == 3
        loop.set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009 - since 3.12
        assert loop.create_task(main()).result() == 3
    assert not loop.ready


def test_debug_mode_is_what_was_set() -> None:
    loop = StepLoop()
    assert not loop.get_debug()
    loop.set_debug(True)
    assert loop.get_debug()


def test_asyncios_own_tools_work() -> None:
    async def child(n: int) -> int:
        await asyncio.sleep(n)
        return n

    async def main() -> Any:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(child(n)) for n in (3, 1)]
        results = await asyncio.gather(*map(child, (2, 1)))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await child(5)
        return [task.result() for task in tasks], results

    loop = StepLoop()
    with loop.running():
        task = loop.create_task(main())
        crank(loop)
    assert task.result() == ([3, 1], [2, 1])
    assert loop.time() == 6
    assert not loop.errors


async def numbers(closed: list[str]) -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        await asyncio.sleep(0)
        closed.append("closed")


def test_a_dropped_asynchronous_generator_is_closed() -> None:
    closed: list[str] = []

    async def main() -> None:
        async for _ in numbers(closed):
            break
        gc.collect()

    loop = StepLoop()
    with loop.running():
        loop.create_task(main())
        crank(loop)
    assert closed == ["closed"]


def test_shutdown_closes_the_generators_that_are_left() -> None:
    closed: list[str] = []
    loop = StepLoop()
    with loop.running():
        left = numbers(closed)
        task = loop.create_task(anext(left))  # type: ignore[arg-type]
        crank(loop)
        assert task.result() == 1
        loop.create_task(loop.shutdown_asyncgens())
        loop.create_task(loop.shutdown_default_executor())
        crank(loop)
    assert closed == ["closed"]


def test_a_generator_dropped_after_the_loop_was_closed_is_left_alone() -> None:
    loop = StepLoop()
    with loop.running():
        left = numbers([])
        loop.create_task(anext(left))  # type: ignore[arg-type]
        crank(loop)
    loop.close()
    del left
    gc.collect()
    assert not loop.ready


@pytest.mark.parametrize(
    "name", ["run_forever", "run_until_complete", "stop", "add_reader", "run_in_executor", "sock_recv"]
)
def test_what_it_has_not_it_says(name: str) -> None:
    with pytest.raises(NotImplementedError, match="cranked by hand"):
        getattr(StepLoop(), name)()


def test_repr_shows_the_state() -> None:
    loop = StepLoop(start_time=1.5)
    loop.call_soon(print)
    loop.call_later(1, print)
    assert repr(loop) == "<StepLoop open, 1 ready, 1 timers, time 1.5>"
    loop.close()
    assert repr(loop) == "<StepLoop closed, 0 ready, 0 timers, time 1.5>"


def test_core_wakes_each_task_by_a_callback_of_its_own() -> None:
    assert StepLoop.single_steps is True
