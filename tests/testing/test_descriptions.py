"""What the describer knows of asyncio and of Python's own objects."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import itertools
import logging
import math
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from aiochan.testing.descriptions import describe_type
from aiochan.testing.fingerprint import Fingerprinter
from aiochan.testing.innards import abandon
from aiochan.testing.loop import StepLoop


def number(*state: object) -> int:
    return Fingerprinter(lambda task: task.get_name()).number(list(state))


def differ(*states: object) -> bool:
    return len({number(state) for state in states}) == len(states)


# -- functions


def counter(start: int, step: int = 1, *, scale: int = 1) -> Callable[[], int]:
    def advance(by: int = step, *, times: int = scale) -> int:
        nonlocal start
        start += by * times
        return start

    return advance


def test_a_function_is_its_code_its_closure_and_its_defaults() -> None:
    assert number(counter(1)) == number(counter(1))
    assert differ(counter(1), counter(2), counter(1, 2), counter(1, scale=3), differ)
    one, other = counter(1), counter(1)
    one()
    assert number(one) != number(other)
    other()
    assert number(one) == number(other)
    setattr(other, "mark", 1)  # noqa: B010 - a function has attributes
    assert number(one) != number(other)


def test_a_shared_cell_is_not_two_cells() -> None:
    def pair(shared: bool) -> tuple[Callable[[], int], Callable[[], int]]:
        n = m = 0

        def get() -> int:
            return n

        def get_same() -> int:
            return n

        def get_other() -> int:
            return m

        return get, get_same if shared else get_other

    (one, same), (_, other) = pair(True), pair(False)
    assert number(one, same.__closure__) != number(one, other.__closure__)


def test_an_empty_cell() -> None:
    assert differ(types.CellType(), types.CellType(None))


def test_methods_builtins_and_names() -> None:
    items: list[int] = []
    assert differ(
        items.append, [1].append, items.extend, len, math.sin, "a".join, (1).__add__, str.join, object.__init__
    )
    assert number(items.append) == number([].append)
    assert differ(counter, test_an_empty_cell, math, logging, list, dict, counter.__code__, logging.getLogger("a"))


# -- waiting


async def pass_by(n: int) -> int:
    for _ in range(n):
        await asyncio.sleep(0)
    return n


def test_a_task_is_named_and_not_described() -> None:
    with StepLoop().running() as loop:
        one, other = loop.create_task(pass_by(1), name="one"), loop.create_task(pass_by(1), name="other")
        before = number([one])
        assert before != number([other])
        loop.step()
        assert number([one]) == before
        abandon(one)
        abandon(other)


def test_futures() -> None:
    loop = StepLoop()

    def future(set_up: Callable[[asyncio.Future[Any]], object]) -> asyncio.Future[Any]:
        made = loop.create_future()
        set_up(made)
        return made

    error = LookupError("b")
    ways: list[Callable[[asyncio.Future[Any]], object]] = [
        lambda _: None,
        lambda f: f.set_result(None),
        lambda f: f.set_result(1),
        lambda f: f.set_exception(LookupError("a")),
        lambda f: f.set_exception(error),
        lambda f: f.cancel(),
        lambda f: f.cancel("message"),
        lambda f: f.add_done_callback(print),
        lambda f: f.add_done_callback(repr),
    ]
    made = [future(way) for way in ways]
    assert differ(*made)
    assert number(made[1]) == number(future(ways[1]))
    for each in made[3:5]:
        each.exception()


def test_coroutines_by_how_far_they_are() -> None:
    with StepLoop().running() as loop:
        tasks = [loop.create_task(pass_by(3)) for _ in range(3)]
        loop.step()
        loop.step()
        loop.step()
        assert number(tasks[0].get_coro()) == number(tasks[1].get_coro())
        loop.step()
        assert number(tasks[0].get_coro()) != number(tasks[1].get_coro())
        for task in tasks:
            abandon(task)
        assert number(tasks[0].get_coro()) == number(tasks[1].get_coro()), "ended"


def test_generators_by_how_far_they_are() -> None:
    def numbers() -> Any:
        yield from (1, 1, 1)

    one, other = numbers(), numbers()
    assert number(one) == number(other)
    next(one)
    next(other)
    assert number(one) == number(other)
    next(one)
    assert number(one) != number(other)


def test_handles() -> None:
    loop = StepLoop()
    now, later, last = loop.call_soon(print, 1), loop.call_later(1, print, 1), loop.call_later(2, print, 1)
    other = loop.call_soon(print, 2)
    assert differ(now, later, last, other)
    last.cancel()
    other.cancel()
    assert number(last) == number(other), "cancelled is cancelled"


def test_loops_are_all_alike() -> None:
    assert number(StepLoop()) == number(StepLoop(start_time=3))


# -- data


def test_contexts_by_name_and_in_any_order() -> None:
    a: contextvars.ContextVar[int] = contextvars.ContextVar("a")
    b: contextvars.ContextVar[int] = contextvars.ContextVar("b")

    def context(*pairs: tuple[contextvars.ContextVar[int], int]) -> contextvars.Context:
        made = contextvars.Context()
        for variable, value in pairs:
            made.run(variable.set, value)
        return made

    assert number(context((a, 1), (b, 2))) == number(context((b, 2), (a, 1)))
    assert differ(context(), context((a, 1)), context((a, 2)), context((b, 1)))


def test_exceptions() -> None:
    def error(
        kind: type[Exception] = LookupError, *args: object, cause: Exception | None = None, note: str = ""
    ) -> Exception:
        made = kind(*args)
        made.__cause__ = cause
        if note:
            made.add_note(note)
        return made

    assert number(error(LookupError, 1)) == number(error(LookupError, 1))
    assert differ(error(), error(KeyError), error(LookupError, 1), error(cause=error()), error(note="x"))
    with pytest.raises(LookupError) as raised:
        raise error()
    assert number(raised.value) == number(error()), "where it was raised does not matter"
    assert raised.tb is not None
    assert isinstance(number(raised.tb), int)


def test_enumerations_and_references() -> None:
    class Colour(enum.Enum):
        RED = 1
        BLUE = 2

    class Thing:
        def __init__(self, n: int) -> None:
            self.n = n

    assert differ(Colour.RED, Colour.BLUE)
    one, two = Thing(1), Thing(2)
    assert differ(weakref.ref(one), weakref.ref(two), one)
    dead, alive = weakref.ref(Thing(1)), weakref.ref(one)
    assert number(dead) != number(alive)
    del one
    assert number(dead) == number(alive)


# -- aiochan


async def send(ch: ac.Chan[Any], value: object) -> None:
    await ch.send(value)


async def reserve(ch: ac.Chan[Any]) -> None:
    async with ch.reserve():
        pass


def full() -> ac.Chan[Any]:
    ch = ac.Chan[Any](1)
    ch.send_nowait("x")
    return ch


def after(*programs: tuple[str, Any], start: Callable[[], ac.Chan[Any]] = full) -> int:
    """Park tasks on a channel in a given order; the number of the state of the channel."""
    with StepLoop().running() as loop:
        ch = start()
        tasks = [loop.create_task(program(ch), name=name) for name, program in programs]
        while loop.ready:
            loop.step()
        found = number(ch)
        for task in tasks:
            abandon(task)
        return found


def test_channels_by_what_they_hold() -> None:
    def chan(
        *values: object,
        capacity: float = 3,
        overflow: Any = "wait",
        cause: Exception | None = None,
        close: bool = False,
    ) -> Any:
        made = ac.Chan[Any](capacity, overflow=overflow)
        for value in values:
            made.send_nowait(value)
        if close:
            made.close(cause)
        return made

    channels = [
        chan(),
        chan(1),
        chan(1, 2),
        chan(2, 1),
        chan(capacity=4),
        chan(overflow="drop_oldest"),
        chan(overflow="drop_newest"),
        chan(close=True),
        chan(close=True, cause=LookupError("a")),
        chan(close=True, cause=LookupError("b")),
    ]
    assert differ(*channels)
    assert number(chan(1, 2)) == number(chan(1, 2))


def test_channels_by_who_sleeps_there_in_order() -> None:
    def send_x(ch: ac.Chan[Any]) -> Any:
        return send(ch, "x")

    def send_y(ch: ac.Chan[Any]) -> Any:
        return send(ch, "y")

    programs = [
        [("p", send_x)],
        [("q", send_x)],
        [("p", send_y)],
        [("p", send_x), ("q", send_x)],
        [("q", send_x), ("p", send_x)],
        [("p", send_x), ("r", reserve)],
        [("r", reserve), ("p", send_x)],
        [("r", reserve), ("q", reserve), ("p", send_x)],
        [("r", reserve), ("p", send_x), ("q", reserve)],
    ]
    assert len({after(*program) for program in programs}) == len(programs)
    assert after(*programs[3]) == after(*programs[3])


def test_numbers_of_tickets_do_not_matter() -> None:
    def used() -> ac.Chan[Any]:
        ch = full()
        with pytest.raises(ac.WouldBlock):
            ch.send_nowait("y")
        task = asyncio.get_running_loop().create_task(send(ch, "y"))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StepLoop)
        loop.step()
        task.cancel()
        loop.step()
        return ch

    programs = [("r", reserve), ("p", lambda ch: send(ch, "x"))]
    assert after(*programs, start=used) == after(*programs)


def test_equal_values_of_different_senders_are_told_apart() -> None:
    def promoted(order: str) -> int:
        with StepLoop().running() as loop:
            ch = full()
            tasks = {name: loop.create_task(send(ch, "x"), name=name) for name in order}
            while loop.ready:
                loop.step()
            ch.recv_nowait()  # the first in line is let in
            found = number(ch, [tasks[name].get_coro() for name in sorted(tasks)])
            for task in tasks.values():
                abandon(task)
            return found

    assert promoted("pq") != promoted("qp")


def test_other_primitives_by_their_snapshot() -> None:
    def queue(*tags: str) -> int:
        with StepLoop().running() as loop:
            line = WaitQueue[str]()
            tasks = [loop.create_task(line.park(tag), name=tag) for tag in tags]
            while loop.ready:
                loop.step()
            found = number(line)
            for task in tasks:
                abandon(task)
            return found

    assert len({queue(*tags) for tags in itertools.permutations("abc")}) == 6


def test_views_and_signals_by_their_channel() -> None:
    one, other = full(), ac.Chan[Any](1)
    assert differ(one.sender, other.sender, one.receiver)
    said, unsaid = ac.Signal(), ac.Signal()
    said.close()
    assert differ(said, unsaid)


def test_a_type_is_chosen_for_once() -> None:
    assert describe_type(ac.Chan) is describe_type(ac.Chan)
