"""What the adapter reads from asyncio and CPython is what is there, on every version of the matrix."""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing import innards
from aiochan.testing.loop import StepLoop


def suspended(coro: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
    """Run a coroutine to its first suspension."""
    coro.send(None)
    return coro


@types.coroutine
def pause() -> Any:
    return (yield)


async def two_variables(a: object, b: object) -> None:
    c = a
    if a is None:
        d = b
    await pause()
    del c, d


async def loop_over(things: list[Any]) -> None:
    for _ in things:
        await pause()


async def add(left: object) -> Any:
    return [left, await pause()]


def insides(coro: Coroutine[Any, Any, Any]) -> list[Any]:
    frame = innards.frame_of(coro)
    assert frame is not None
    return innards.insides_of(coro, frame.f_code)


def test_variables_come_first_in_order_and_without_unbound_ones() -> None:
    one, two = object(), object()
    coro = suspended(two_variables(one, two))
    assert insides(coro)[:3] == [one, two, one]
    coro.close()


def test_names_say_which_variables_are_bound() -> None:
    coro = suspended(two_variables(1, 2))
    frame = innards.frame_of(coro)
    assert frame is not None
    assert innards.bound_names(frame) == ("a", "b", "c")
    coro.close()
    coro = suspended(two_variables(None, 2))
    frame = innards.frame_of(coro)
    assert frame is not None
    assert innards.bound_names(frame) == ("a", "b", "c", "d")
    coro.close()


def test_looking_keeps_nothing_alive() -> None:
    class Thing:
        pass

    async def holds() -> None:
        thing = Thing()
        await pause()
        del thing
        await pause()

    coro = suspended(holds())
    frame = innards.frame_of(coro)
    assert frame is not None
    innards.bound_names(frame)
    insides(coro)
    coro.send(None)
    assert not [thing for thing in gc.get_objects() if isinstance(thing, Thing)]
    coro.close()


def test_iterators_and_operands_on_the_stack_are_seen() -> None:
    coro = suspended(loop_over([1, 2]))
    iterators = [part for part in insides(coro) if isinstance(part, type(iter([])))]
    assert [iterator.__length_hint__() for iterator in iterators] == [1]
    coro.close()
    left = object()
    coro = suspended(add(left))
    assert insides(coro).count(left) == 2, "the argument, and the item of the list to be"
    coro.close()


def test_free_variables_are_cells() -> None:
    value = "outer"

    async def inner() -> str:
        await pause()
        return value

    coro = suspended(inner())
    cells = [part for part in insides(coro) if isinstance(part, types.CellType)]
    assert [cell.cell_contents for cell in cells] == ["outer"]
    coro.close()


def test_an_exception_that_is_being_handled_is_seen() -> None:
    error = LookupError()

    async def handles() -> None:
        try:
            raise error
        except LookupError:
            await pause()

    coro = suspended(handles())
    assert error in insides(coro)
    coro.close()


def test_insides_of_an_asynchronous_generator_with_a_finalizer() -> None:
    async def generate() -> AsyncIterator[int]:
        for number in (7, 8):
            yield number

    async def uses() -> None:
        async for _ in generator:  # noqa: F821 - bound below, and deleted there
            await pause()

    with StepLoop().running() as loop:
        generator: Any = generate()
        coro = suspended(uses())
        parts = innards.insides_of(generator, generator.ag_frame.f_code)
        assert parts[0] == 7
        assert not [part for part in parts if isinstance(part, types.FrameType | types.CodeType | str)]
        coro.close()
        del generator
        while loop.ready:  # the finalizer has the generator closed
            loop.step()


def test_frames_of_what_has_ended_and_of_what_is_none() -> None:
    coro = two_variables(1, 2)
    coro.close()
    assert innards.frame_of(coro) is None
    assert innards.frame_of(3) is None


def test_what_a_task_waits_for_and_whether_it_sleeps() -> None:
    event = asyncio.Event()
    loop = StepLoop()
    with loop.running():
        task = loop.create_task(event.wait())
        handle = loop.ready[0]
        assert innards.stepped_by(handle) is task
        assert innards.stepped_by(loop.call_soon(print)) is None
        assert innards.waiter_of(task) is None
        assert not innards.sleeps(task)
        loop.step()
        assert not innards.waiter_of(task).done()
        assert innards.sleeps(task)
        event.set()
        assert not innards.sleeps(task)
        assert not innards.must_cancel(task)
        task.cancel()
        assert innards.must_cancel(task)
        innards.abandon(task)


def test_waiters_of_the_core_sleep_until_they_are_granted() -> None:
    loop = StepLoop()
    with loop.running():
        ch = ac.Chan[int]()
        task = loop.create_task(ch.recv())
        loop.step()
        assert innards.sleeps(task)
        ch.send_nowait(1)
        assert not innards.sleeps(task)
        loop.step()
        assert task.result() == 1


def test_looking_at_an_exception_does_not_count_as_having_asked_for_it() -> None:
    async def fails() -> None:
        raise LookupError("unseen")

    loop = StepLoop()
    with loop.running():
        task = loop.create_task(fails())
        loop.step()
        assert isinstance(innards.exception_of(task), LookupError)
        assert innards.result_of(task) is None
        assert innards.never_retrieved(task)
        innards.abandon(task)
        assert not innards.never_retrieved(task)


def test_callbacks_and_messages_of_futures() -> None:
    loop = StepLoop()
    future = loop.create_future()
    assert not innards.callbacks_of(future)
    future.add_done_callback(print)
    ((callback, _),) = innards.callbacks_of(future)
    assert callback is print
    future.cancel("why")
    assert innards.cancel_message_of(future) == "why"


@pytest.mark.parametrize("steps", [0, 1])
def test_an_abandoned_task_says_nothing(steps: int) -> None:
    ended: list[str] = []

    async def holds() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")
            raise LookupError("on its way out")

    loop = StepLoop()
    with loop.running():
        task = loop.create_task(holds())
        for _ in range(steps):
            loop.step()
        innards.abandon(task)
        assert ended == ["ended"] * steps
        loop.ready.clear()
        del task
        gc.collect()
    assert not loop.errors


def test_parts_of_a_c_object() -> None:
    loop = StepLoop()
    future = loop.create_future()
    assert innards.insides_of_c_object(future.__await__()) == [future]
