"""A coroutine that is cranked by hand must behave as it would in a task, step by step."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Generator
from typing import Any

import pytest

from aiochan.testing.loop import StepLoop
from aiochan.testing.stepper import Stepper, Suspension, at_once

var: contextvars.ContextVar[str] = contextvars.ContextVar("var", default="unset")


class HandMade:
    """A future-like object as a compiled core might yield it: no asyncio.Future, no generator."""

    def __init__(self) -> None:
        self.wakeup: Any = None
        self.cancelled = False
        self._asyncio_future_blocking = True

    def add_done_callback(self, wakeup: Any, *, context: contextvars.Context) -> None:
        self.wakeup = wakeup

    def cancel(self, msg: object = None) -> bool:
        self.cancelled = True
        self.wakeup(None)
        return True


class CoroutineLike:
    """What a compiled function returns instead of a coroutine: it suspends once."""

    def __init__(self, waiter: HandMade) -> None:
        self.waiter, self.log = waiter, list[str]()

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: object) -> Any:
        self.log.append("send")
        if len(self.log) == 1:
            return self.waiter
        raise StopIteration(42)

    def throw(self, exc: BaseException) -> Any:
        self.log.append(type(exc).__name__)
        raise exc

    def close(self) -> None:
        self.log.append("close")


def parked_at(suspension: Suspension | None) -> Any:
    assert suspension is not None
    return suspension.waits_for


def test_runs_to_the_next_suspension_and_says_what_it_waits_for() -> None:
    loop = StepLoop()
    future: asyncio.Future[int] = loop.create_future()

    async def program() -> int:
        return await future + 1

    stepper = Stepper(program(), loop=loop)
    assert stepper.woken
    assert not stepper.done
    assert parked_at(stepper.step()) is future
    assert not stepper.woken
    with pytest.raises(AssertionError, match="was not woken"):
        stepper.step()
    future.set_result(1)
    assert stepper.woken
    assert stepper.step() is None
    assert stepper.done
    assert stepper.result == 2
    assert stepper.steps == 2
    assert not loop.ready  # its wake-up is used up


def test_the_wake_up_is_seen_after_the_loop_called_it_too() -> None:
    loop = StepLoop()
    future: asyncio.Future[int] = loop.create_future()
    stepper = Stepper(asyncio.wait_for(future, None), loop=loop)
    stepper.step()
    future.set_result(5)
    loop.step()
    assert stepper.woken
    stepper.step()
    assert stepper.result == 5


def test_a_bare_yield_is_woken_at_once() -> None:
    stepper = Stepper(asyncio.sleep(0, "slept"))
    suspension = stepper.step()
    assert parked_at(suspension) is None
    assert stepper.woken
    assert stepper.step() is None
    assert stepper.result == "slept"


def test_drives_objects_that_are_like_coroutines() -> None:
    waiter = HandMade()
    like = CoroutineLike(waiter)
    stepper: Stepper[int] = Stepper(like)
    assert parked_at(stepper.step()) is waiter
    assert waiter._asyncio_future_blocking is False
    assert not stepper.woken
    waiter.wakeup(None)
    assert stepper.woken
    stepper.step()
    assert stepper.result == 42
    assert like.log == ["send", "send"]


def test_drives_a_plain_future_and_other_awaitables() -> None:
    loop = StepLoop()
    future: asyncio.Future[str] = loop.create_future()
    future.set_result("x")
    assert at_once(future, loop=loop) == "x"

    class Bare:
        def __await__(self) -> Generator[None, None, int]:
            yield
            return 7

    stepper = Stepper(Bare())
    stepper.step()
    stepper.step()
    assert stepper.result == 7


def test_exceptions_come_out_of_the_step_and_are_kept() -> None:
    async def program() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    stepper = Stepper(program())
    stepper.step()
    with pytest.raises(ZeroDivisionError):
        stepper.step()
    assert stepper.done
    with pytest.raises(ZeroDivisionError):
        _ = stepper.result
    with pytest.raises(RuntimeError, match="cannot go on"):
        stepper.step()


def test_throw_reaches_the_point_of_suspension_and_forgets_the_old_wait() -> None:
    loop = StepLoop()
    first, second = loop.create_future(), loop.create_future()

    async def program() -> str:
        try:
            await first
        except KeyError:
            await second
        return "survived"

    stepper = Stepper(program(), loop=loop)
    stepper.step()
    assert parked_at(stepper.throw(KeyError())) is second
    first.set_result(None)
    assert not stepper.woken
    second.set_result(None)
    stepper.step()
    assert stepper.result == "survived"


def test_throw_before_the_first_step() -> None:
    stepper = Stepper(asyncio.sleep(0))
    with pytest.raises(KeyError):
        stepper.throw(KeyError())
    assert stepper.done


def test_close_runs_the_finally_blocks() -> None:
    log: list[str] = []

    async def program() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            log.append("cleaned up")

    stepper = Stepper(program())
    stepper.step()
    stepper.close()
    stepper.close()
    assert log == ["cleaned up"]
    with pytest.raises(GeneratorExit):
        _ = stepper.result


def test_close_of_one_that_will_not_end() -> None:
    async def program() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)

    stepper = Stepper(program())
    stepper.step()
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        stepper.close()


def test_cancel_goes_to_what_is_waited_for() -> None:
    loop = StepLoop()
    future: asyncio.Future[None] = loop.create_future()

    async def program() -> None:
        await future

    stepper = Stepper(program(), loop=loop)
    stepper.step()
    assert stepper.cancel("enough")
    assert future.cancelled()
    assert stepper.woken
    with pytest.raises(asyncio.CancelledError, match="enough"):
        stepper.step()
    assert not stepper.cancel()


def test_cancel_that_comes_too_late_for_the_wait_is_thrown_at_the_next_step() -> None:
    loop = StepLoop()
    future: asyncio.Future[None] = loop.create_future()
    log: list[str] = []

    async def program() -> None:
        try:
            await future
        except asyncio.CancelledError:
            log.append(f"cancelled, though woken: {future.done()}")
            raise

    stepper = Stepper(program(), loop=loop)
    stepper.step()
    future.set_result(None)
    stepper.cancel()
    with pytest.raises(asyncio.CancelledError):
        stepper.step()
    assert log == ["cancelled, though woken: True"]


def test_cancel_before_the_first_step_never_starts_it() -> None:
    log: list[str] = []

    async def program() -> None:
        log.append("started")

    stepper = Stepper(program())
    stepper.cancel()
    with pytest.raises(asyncio.CancelledError):
        stepper.step()
    assert log == []


def test_it_stands_in_for_the_running_loop_and_the_current_task() -> None:
    seen: list[object] = []

    async def program() -> None:
        seen.extend([asyncio.get_running_loop(), asyncio.current_task()])
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    stepper = Stepper(program(), name="mine")
    stepper.step()
    stepper.step()
    assert seen == [stepper.loop, stepper, stepper]
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    assert stepper.get_name() == "mine"


def test_asyncio_timeout_cancels_it() -> None:
    loop = StepLoop()

    async def program() -> str:
        try:
            async with asyncio.timeout(3):
                await loop.create_future()
        except TimeoutError:
            return "timed out"
        return "never"

    stepper = Stepper(program(), loop=loop)
    stepper.step()
    loop.advance_to(3)
    loop.step()
    assert stepper.woken
    stepper.step()
    assert stepper.result == "timed out"
    assert stepper.cancelling() == 0


def test_it_has_a_context_of_its_own() -> None:
    async def program() -> str:
        var.set("inside")
        await asyncio.sleep(0)
        return var.get()

    stepper = Stepper(program())
    stepper.step()
    assert var.get() == "unset"
    stepper.step()
    assert stepper.result == "inside"


def test_steppers_on_the_running_loop_share_it() -> None:
    with StepLoop().running() as loop:
        first, second = Stepper(asyncio.sleep(0)), Stepper(asyncio.sleep(0))
        assert first.loop is second.loop is loop
        first.step()
        second.step()
        first.step()
        second.step()


def test_a_yield_that_no_loop_understands_is_an_error() -> None:
    def program() -> Generator[int, None, None]:
        yield 5

    stepper: Stepper[None] = Stepper(program())
    with pytest.raises(RuntimeError, match="no event loop understands: 5"):
        stepper.step()


def test_at_once_fails_for_what_suspends_and_ends_it() -> None:
    log: list[str] = []

    async def program() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            log.append("ended")

    with pytest.raises(AssertionError, match="expected no suspension, got <Suspension at a bare"):
        at_once(program())
    assert log == ["ended"]


def test_no_result_before_the_end() -> None:
    stepper = Stepper(asyncio.sleep(0))
    with pytest.raises(RuntimeError, match="no result yet"):
        _ = stepper.result
    assert "not suspended" in repr(stepper)
    stepper.step()
    assert "1 steps, <Suspension at a bare yield, woken>" in repr(stepper)
    stepper.close()
