"""An operation as the coroutine that it is: sent to, thrown into and closed; fresh, asleep, woken and over."""

from __future__ import annotations

import asyncio
import collections.abc
import gc
import inspect
import itertools
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from aiochan.testing import virtual
from aiochan.testing.stepper import at_once
from tests.cores.both import PYTHON, Core, compiled, needs_both, stage
from tests.cores.words import error_words, words

Made = tuple[Any, Callable[[], object]]  # an operation that has to wait, and what it waits for


def _full(core: Core, capacity: int = 1) -> Any:
    ch = core.Chan(capacity, name="c")
    for value in range(capacity):
        ch.send_nowait(value)
    return ch


def _sends(core: Core) -> Made:
    ch = _full(core)
    return ch.send("v"), ch.recv_nowait


def _receives(core: Core, how: str) -> Made:
    ch = core.Chan(name="c")
    return getattr(ch.receiver, how)(), lambda: ch.send_nowait(("v", 1))


def _hears_the_end(core: Core, how: str) -> Made:
    ch = core.Chan(name="c")
    return getattr(ch, how)(), lambda: ch.close(KeyError("why"))


def _is_refused(core: Core) -> Made:
    ch = core.Chan(name="c")
    return ch.sender.send("v"), ch.close


def _selects(core: Core) -> Made:
    ch, other = core.Chan(name="c"), core.Chan(name="d")
    return core.select(core.recv(ch), core.recv_ok(other), core.send(ch, "w")), lambda: other.send_nowait("v")


def _parks(core: Core) -> Made:
    queue = core.WaitQueue("q")
    return queue.park("tag"), queue.wake


def _parks_and_fails(core: Core) -> Made:
    queue = core.WaitQueue("q")
    return queue.park("tag", lambda: 1 // 0), queue.wake


def _waits(core: Core, how: str) -> Made:
    signal = core.Signal("s")
    return getattr(signal, how)(), signal.close


def _reserves(core: Core) -> Made:
    ch = _full(core)
    return ch.reserve().__aenter__(), ch.recv_nowait


def _goes_round(core: Core) -> Made:
    ch = core.Chan(name="c")
    return core.select_loop(core.recv(ch)).__anext__(), lambda: ch.send_nowait("v")


OPERATIONS: dict[str, Callable[[Core], Made]] = {
    "send": _sends,
    "a refused send": _is_refused,
    **{how: lambda core, how=how: _receives(core, how) for how in ("recv", "recv_ok", "__anext__")},  # type: ignore[misc]
    **{
        f"{how}, the end": lambda core, how=how: _hears_the_end(core, how)  # type: ignore[misc]
        for how in ("recv", "recv_ok", "__anext__")
    },
    "select": _selects,
    "park": _parks,
    "park, give_back fails": _parks_and_fails,
    **{f"signal {how}": lambda core, how=how: _waits(core, how) for how in ("wait", "recv", "recv_ok")},  # type: ignore[misc]
    "reserve": _reserves,
    "select_loop": _goes_round,
}
OUR_OWN = [name for name in OPERATIONS if name not in ("reserve", "select_loop")]  # what is not Python code in both

STATES = "fresh", "asleep", "woken", "answered", "closed", "cancelled in its sleep"
ACTIONS: dict[str, Callable[[Any], object]] = {
    "send None": lambda op: op.send(None),
    "send 3": lambda op: op.send(3),
    "throw an error": lambda op: op.throw(ValueError("thrown")),
    "throw a type": lambda op: op.throw(ValueError),
    "throw a cancellation": lambda op: op.throw(asyncio.CancelledError("thrown")),
    "throw KeyboardInterrupt": lambda op: op.throw(KeyboardInterrupt()),
    "close": lambda op: op.close(),
    "await": lambda op: _awaiting(op).send(None),
}


async def _awaiting(operation: Any) -> object:
    return await operation


def _prepare(core: Core, name: str, state: str) -> Any:
    """Make an operation, and bring it into a state; return it and its waiter."""
    operation, serve = OPERATIONS[name](core)
    if state == "fresh":
        return operation
    if state == "closed":
        operation.close()
        return operation
    waiter = operation.send(None)
    waiter.add_done_callback(lambda _: None)
    if state == "asleep":
        return operation
    if state == "cancelled in its sleep":
        waiter.cancel("reason")
        return operation
    serve()
    if state == "answered":
        _act(operation, ACTIONS["send None"])
    return operation


def _act(operation: Any, action: Callable[[Any], object]) -> tuple[Any, ...]:
    try:
        answer = action(operation)
    except StopIteration as stop:
        return "answers", words(stop.value)
    except BaseException as error:
        return "raises", error_words(error)
    return "sleeps" if hasattr(answer, "add_done_callback") else "returns", answer is None


def _story(core: Core, name: str, state: str, actions: tuple[str, ...]) -> list[tuple[Any, ...]]:
    with stage(core):
        operation = _prepare(core, name, state)
        return [_act(operation, ACTIONS[action]) for action in (*actions, "close")]


@needs_both
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("state", STATES)
def test_what_is_done_to_an_operation_has_the_same_effect(name: str, state: str) -> None:
    for actions in itertools.product(ACTIONS, repeat=2):
        told, expected = _story(compiled(), name, state, actions), _story(PYTHON, name, state, actions)
        assert told == expected, actions


@needs_both
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("state", STATES)
def test_the_end_of_another_generator_is_no_answer(name: str, state: str) -> None:
    """PEP 479: a StopIteration that is thrown in must not come out, where it would be taken for the answer."""
    lets_it_out = state == "fresh" and sys.version_info >= (3, 12)  # a coroutine of Python's own does, since 3.12
    if lets_it_out and name not in OUR_OWN:
        pytest.skip("written in Python, for both cores")
    told = _thrown_into(compiled(), name, state)
    if lets_it_out:
        assert isinstance(told.__cause__, StopIteration)
        return
    expected = _thrown_into(PYTHON, name, state)
    assert type(told) is type(expected)
    assert error_words(told.__cause__) == error_words(expected.__cause__)


def _thrown_into(core: Core, name: str, state: str) -> BaseException:
    with stage(core), pytest.raises((RuntimeError, ZeroDivisionError)) as caught:
        _prepare(core, name, state).throw(StopIteration("thrown"))
    return caught.value


# -- what others take it for


def _taken_for(core: Core, name: str) -> dict[str, object]:
    with stage(core):
        operation, _ = OPERATIONS[name](core)
        seen: dict[str, object] = {
            "awaitable": inspect.isawaitable(operation),
            "asyncio's coroutine": asyncio.iscoroutine(operation),
            "future": asyncio.isfuture(operation),
            "abc": [
                isinstance(operation, kind)
                for kind in (
                    collections.abc.Coroutine,
                    collections.abc.Awaitable,
                    collections.abc.Iterator,
                    collections.abc.AsyncIterator,
                    types.GeneratorType,
                )
            ],
            "name": operation.__qualname__,
            "true": bool(operation),
        }
        operation.close()
        return seen


@needs_both
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_taken_for_the_same(name: str) -> None:
    assert _taken_for(compiled(), name) == _taken_for(PYTHON, name)


def _warning(core: Core, name: str) -> list[tuple[type[Warning], str]]:
    with stage(core), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        operation, _ = OPERATIONS[name](core)
        del operation
        gc.collect()
        return [(warning.category, str(warning.message)) for warning in caught]


@needs_both
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_that_is_never_awaited_warns_alike(name: str) -> None:
    told = _warning(PYTHON, name)
    assert len(told) == 1
    assert _warning(compiled(), name) == told


# -- in asyncio's hands


async def _shielded(core: Core, name: str) -> object:
    operation, serve = OPERATIONS[name](core)
    task = asyncio.ensure_future(operation)
    outer = asyncio.shield(task)
    await asyncio.sleep(0)
    outer.cancel()
    serve()
    return await asyncio.wait_for(task, 10)


async def _waited_for_in_vain(core: Core, name: str) -> object:
    operation, _ = OPERATIONS[name](core)
    return await asyncio.wait_for(operation, 0.001)


async def _gathered(core: Core, name: str) -> object:
    (one, serve), (other, serve_other) = OPERATIONS[name](core), OPERATIONS[name](core)
    both = asyncio.gather(one, other, return_exceptions=True)
    await virtual.settle()
    serve()
    serve_other()
    return [words(answer) for answer in await both]


async def _awaited_twice(core: Core, name: str) -> object:
    operation, serve = OPERATIONS[name](core)
    asyncio.get_running_loop().call_soon(serve)
    return [await _caught(operation), await _caught(operation)]


async def _caught(operation: Any) -> object:
    try:
        return words(await operation)
    except Exception as error:
        return error_words(error)


USES = {use.__name__.strip("_"): use for use in (_shielded, _waited_for_in_vain, _gathered, _awaited_twice)}


@needs_both
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_asyncio_uses_both_alike(name: str, use: Callable[[Core, str], Any]) -> None:
    told = [virtual.run(lambda core=core: _caught(use(core, name))) for core in (compiled(), PYTHON)]  # type: ignore[misc]
    assert told[0] == told[1]


def test_a_core_of_another_kind_is_seen() -> None:
    """Else these comparisons would prove nothing: one that answers where the other one raises."""
    with stage(PYTHON):
        sleeping = _act(_prepare(PYTHON, "recv", "fresh"), ACTIONS["send None"])
        assert sleeping == ("sleeps", False)
        assert _act(_prepare(PYTHON, "recv", "woken"), ACTIONS["send None"]) == ("answers", "('v', 1)")
        assert at_once(_full(PYTHON).recv()) == 0
    assert _story(PYTHON, "recv", "asleep", ("close", "send None")) != _story(
        PYTHON, "recv", "asleep", ("send None",) * 2
    )
