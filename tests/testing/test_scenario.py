"""What a scenario can say, and how its tasks are known."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from aiochan.testing.explorer import cross_check
from aiochan.testing.innards import frame_of
from aiochan.testing.scenario import Interrupt, Interruptible, Run, ScenarioLoop


async def nothing() -> None:
    pass


async def nap() -> str:
    await asyncio.sleep(0)
    return "rested"


def lazy() -> ScenarioLoop:
    return ScenarioLoop(start_at_once=False, interrupts=False)


def crank(loop: ScenarioLoop) -> None:
    while loop.ready:
        loop.step()


def test_names_are_those_of_the_functions_made_unique() -> None:
    run = Run(lazy())
    names = [run.spawn(nothing).name, run.spawn(nap).name, run.spawn(nothing).name, run.spawn(nothing).name]
    assert names == ["nothing", "nap", "nothing2", "nothing3"]
    assert run.spawn(nothing, name="mine").name == "mine"
    with pytest.raises(ValueError, match="named 'mine' already"):
        run.spawn(nothing, name="mine")


def test_spawned_tasks_start_when_told_or_at_once() -> None:
    loop = lazy()
    with loop.running():
        run = Run(loop)
        spawned = run.spawn(asyncio.sleep, 0, "rested", name="sleeper")
        assert spawned.task is None
        assert run.tasks == {}
        assert spawned.program() == (asyncio.sleep, 0, "rested")
        spawned.start(loop)
        assert run.tasks == {"sleeper": spawned.task}
        assert spawned.task is not None
        assert spawned.task.get_name() == "sleeper"
        crank(loop)
        assert spawned.task.result() == "rested"
    eager = ScenarioLoop(start_at_once=True, interrupts=False)
    with eager.running():
        run = Run(eager)
        run.spawn(nap)
        assert list(run.tasks) == ["nap"]
        eager.abandon()


def test_a_scenario_may_keep_what_it_was_given() -> None:
    def scenario(run: Run) -> None:
        spawned = run.spawn(nap)

        def rule() -> None:
            assert (spawned.task is None) == (spawned.name not in run.tasks)

        run.always(rule)
        run.spawn(nap)

    pruned, _ = cross_check(scenario)
    assert pruned.states == 4 * 4 + 2 * 2, "not started, or 0, 1 or 2 steps; where both are ready, in either order"


@pytest.mark.parametrize(("cancel", "times"), [(False, 0), (True, 1), (3, 3)])
def test_a_task_may_be_cancelled_as_often_as_was_said(cancel: bool | int, times: int) -> None:
    loop = lazy()
    with loop.running():
        spawned = Run(loop).spawn(nap, cancel=cancel)
        assert spawned.cancels_left == times
        assert not spawned.cancellable, "not started yet"
        spawned.start(loop)
        for left in reversed(range(times)):
            assert spawned.cancellable
            spawned.cancel()
            assert spawned.cancels_left == left
        assert not spawned.cancellable
        crank(loop)


def test_a_task_that_has_ended_is_not_cancelled() -> None:
    loop = lazy()
    with loop.running():
        spawned = Run(loop).spawn(nothing, cancel=True)
        spawned.start(loop)
        crank(loop)
        assert not spawned.cancellable


def test_labels_say_whose_child_a_task_is() -> None:
    async def parent() -> None:
        await asyncio.create_task(nap())
        await asyncio.create_task(nap(), name="reader")

    made: list[object] = []
    loop = lazy()
    with loop.running():
        Run(loop).spawn(parent, name="p").start(loop)
        loop.call_soon(lambda: made.append(loop.create_task(nap())))
        crank(loop)
    assert list(loop.labels.values()) == ["p", "p/1", "/1", "p/2"]
    assert [task.get_name() for task in loop.labels] == ["p", "p/1", "/1", "reader"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_children_of_eager_tasks_are_known_too() -> None:
    made: list[object] = []

    async def parent() -> None:
        made.append(asyncio.create_task(child()))
        await asyncio.sleep(0)

    async def child() -> None:
        made.append(asyncio.create_task(nap()))

    loop = lazy()
    loop.set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009 - since 3.12
    with loop.running():
        Run(loop).spawn(parent, name="p").start(loop)
        crank(loop)
    assert sorted(loop.labels.values()) == ["p", "p/1", "p/1/1"]


def test_abandoned_tasks_end_without_a_word_and_start_nothing_new() -> None:
    closed: list[str] = []

    async def numbers() -> Any:
        try:
            yield 1
        finally:
            closed.append("generator")

    async def consumer() -> None:
        async for _ in numbers():
            await asyncio.Event().wait()

    loop = lazy()
    with loop.running():
        Run(loop).spawn(consumer).start(loop)
        Run(loop).spawn(nothing).start(loop)
        loop.step()
        loop.abandon()
        assert len(loop.labels) == 2
    loop.close()
    assert not loop.errors


def test_what_abandoned_tasks_start_on_their_way_out_is_abandoned_too() -> None:
    began: list[str] = []

    async def last_word() -> None:
        began.append("last word")

    async def parent() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            asyncio.create_task(last_word())

    loop = lazy()
    with loop.running():
        for name in "pq":
            Run(loop).spawn(parent, name=name).start(loop)
        crank(loop)
        loop.abandon()
    loop.close()
    assert list(loop.labels.values()) == ["p", "q", "/1", "/2"]
    assert not began and not loop.errors


# -- interrupts


def interrupted(coro: Any, at: int) -> tuple[asyncio.Task[Any], bool]:
    """Run a coroutine as a task, with an interrupt at the given step; whether it came out of the loop."""
    loop = ScenarioLoop(start_at_once=False, interrupts=True)
    came_out = False
    with loop.running():
        task = loop.create_task(coro)
        for step in range(10):
            if loop.ready:
                try:
                    (loop.step_interrupted if step == at else loop.step)(0)
                except Interrupt:
                    came_out = True
    return task, came_out


@pytest.mark.parametrize("at", [0, 1])
def test_an_interrupt_ends_the_task_and_comes_out_of_the_loop(at: int) -> None:
    task, came_out = interrupted(nap(), at)
    assert came_out
    assert isinstance(task.exception(), Interrupt)


def test_without_an_interrupt_everything_is_as_ever() -> None:
    task, came_out = interrupted(nap(), at=-1)
    assert not came_out
    assert task.result() == "rested"


def test_an_interrupt_can_be_dealt_with() -> None:
    async def deals() -> str:
        try:
            await asyncio.sleep(0)
        except KeyboardInterrupt:
            await asyncio.sleep(0)
            return "dealt with"
        return "missed"

    task, came_out = interrupted(deals(), at=1)
    assert not came_out
    assert task.result() == "dealt with"


def test_a_cancellation_goes_through() -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    loop = ScenarioLoop(start_at_once=False, interrupts=True)
    with loop.running():
        task = loop.create_task(waits())
        loop.step()
        task.cancel()
        crank(loop)
        assert task.cancelled()
        again = loop.create_task(waits())
        loop.step()
        assert frame_of(again.get_coro()) is not None
        again.cancel()
        with pytest.raises(Interrupt):
            loop.step_interrupted(0)
        assert isinstance(again.exception(), Interrupt), "in its place"


def test_an_interruptible_coroutine_is_for_tasks_only() -> None:
    loop = ScenarioLoop(start_at_once=False, interrupts=True)
    with loop.running():
        task = loop.create_task(nap())
        coro: Any = task.get_coro()
        assert isinstance(coro, Interruptible)
        with pytest.raises(TypeError, match="only a task"):
            coro.__await__()
        loop.abandon()
