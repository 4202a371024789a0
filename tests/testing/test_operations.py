"""Operations in a fingerprint: two that go on differently are never taken for one, whichever core they are of.

An operation of the compiled core shows no frame, so it describes itself; see `waiter_fingerprint` in waiter.h.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from aiochan.testing.explorer import cross_check
from aiochan.testing.fingerprint import Fingerprinter
from aiochan.testing.innards import abandon
from aiochan.testing.loop import StepLoop
from aiochan.testing.scenario import Run

Chan = ac.Chan[Any]


def number(*state: object) -> int:
    return Fingerprinter(lambda task: task.get_name()).number(list(state))


def idle(one: Chan, other: Chan, queue: WaitQueue[str]) -> dict[str, Any]:
    """Make operations of every kind on two channels that are equal, and on a queue."""
    here, there, sending = ac.recv(one), ac.recv(other), ac.send(one, "a")
    return {
        "recv": one.recv(),
        "recv, other channel": other.recv(),
        "recv_ok": one.recv_ok(),
        "anext": anext(one),
        "send a": one.send("a"),
        "send b": one.send("b"),
        "send a, other channel": other.send("a"),
        "select of one": ac.select(here),
        "select of recv_ok": ac.select(ac.recv_ok(one)),
        "select of two": ac.select(here, there),
        "select of two, the other way round": ac.select(there, here),
        "select of two, biased": ac.select(here, there, biased=True),
        "select with None": ac.select(here, ac.recv(None)),
        "select that sends": ac.select(sending, there),
        "select that sends b": ac.select(ac.send(one, "b"), there),
        "select of nothing": ac.select(),
        "park": queue.park(),
        "park for a": queue.park("a"),
        "park for b": queue.park("b"),
        "park and give back": queue.park(None, queue.wake_all),
        "park elsewhere": WaitQueue[str]("elsewhere").park(),
    }


def test_operations_that_nobody_awaits_yet() -> None:
    one, other, queue = Chan(1), Chan(1), WaitQueue[str]()
    operations, again = idle(one, other, queue), idle(one, other, queue)
    fresh = {name: number(operation, one, other, queue) for name, operation in operations.items()}
    same = {name: number(operation, one, other, queue) for name, operation in again.items()}
    for operation in (*operations.values(), *again.values()):
        operation.close()
    ended = {number(operation, one, other, queue) for operation in operations.values()}
    names = {state: name for name, state in fresh.items()}
    assert {name: names[state] for name, state in fresh.items()} == {name: name for name in fresh}, "taken for another"
    assert fresh == same
    assert ended.isdisjoint(fresh.values())


def test_methods_that_return_operations() -> None:
    one, other = Chan(1), Chan(1)
    methods = one.recv, one.recv_ok, one.send, other.send, one.receiver.recv, one.reserve, Chan.recv, Chan.send
    assert len({number(method, one, other) for method in methods}) == len(methods)
    assert number(one.recv, one) == number(one.recv, one)


# -- asleep, and woken


@contextmanager
def asleep(*waits: Callable[[], Awaitable[Any]]) -> Iterator[tuple[StepLoop, list[Any]]]:
    """Start tasks that wait, one after the other; whatever they do later is done by hand."""
    with StepLoop().running() as loop:
        tasks: list[Any] = [loop.create_task(_wait(wait), name=f"t{i}") for i, wait in enumerate(waits)]
        while loop.ready:
            loop.step()
        yield loop, tasks
        for task in tasks:
            abandon(task)


async def _wait(wait: Callable[[], Awaitable[Any]]) -> Any:
    return await wait()


def told_apart(*states: int) -> bool:
    return len(set(states)) == len(states)


def test_a_select_that_was_woken_for_one_case_or_another() -> None:
    """In the channels there is no difference: what the one was promised is gone from the other."""

    def woken(first: bool) -> int:
        one, other = Chan(1), Chan(1)
        with asleep(lambda: ac.select(ac.recv(one), ac.recv(other))) as (_, [task]):
            (one if first else other).send_nowait("x")
            return number(task.get_coro())

    def told_the_end(first: bool) -> int:
        one, other = Chan(1), Chan(1)
        with asleep(lambda: ac.select(ac.recv_ok(one), ac.recv_ok(other))) as (_, [task]):
            (one if first else other).close()
            task.get_coro()
            one.closed or one.close()
            other.closed or other.close()
            return number(task.get_coro())

    assert told_apart(woken(True), woken(False), told_the_end(True), told_the_end(False))


def test_one_that_sleeps_was_granted_was_refused_or_was_cancelled() -> None:
    def after(act: Callable[[Chan, Any], object]) -> int:
        ch = Chan(0)
        with asleep(ch.recv) as (_, [task]):
            act(ch, task)
            return number(task.get_coro())

    def refuse(ch: Chan, _: object) -> None:
        ch.close()

    def sleep(*_: object) -> None:
        pass

    assert told_apart(
        after(sleep),
        after(lambda ch, _: ch.send_nowait("x")),
        after(refuse),
        after(lambda _, task: task.cancel()),
    )


def test_an_admitted_sender_of_the_first_or_the_second_of_two_equal_values() -> None:
    def admitted(order: str) -> int:
        ch = Chan(2)
        ch.send_nowait("old")
        ch.send_nowait("old")
        with asleep(lambda: ch.send("x"), lambda: ch.send("x")) as (_, [p, q]):
            ch.recv_nowait()
            ch.recv_nowait()
            ours, others = (p, q) if order == "first" else (q, p)
            others.cancel()  # whose value is taken back when it runs: the first or the second
            return number(ch, ours.get_coro(), others.get_coro())

    assert admitted("first") != admitted("second")


def test_what_is_given_back_belongs_to_the_state() -> None:
    def park(give_back: Callable[[], object] | None) -> int:
        queue = WaitQueue[str]()
        with asleep(lambda: queue.park("a", give_back)) as (_, [task]):
            queue.wake()
            return number(task.get_coro())

    assert told_apart(park(None), park(print), park(len))  # type: ignore[arg-type]


# -- programs that hold operations in variables before they await them

HELD = {
    "r": lambda one, _: one.recv(),
    "R": lambda _, other: other.recv(),
    "n": lambda one, _: anext(one),
    "o": lambda one, _: one.recv_ok(),
    "s": lambda one, _: one.send("x"),
    "S": lambda _, other: other.send("x"),
    "t": lambda one, other: ac.select(ac.recv(one), ac.recv_ok(other)),
    "T": lambda one, other: ac.select(ac.send(one, "x"), ac.recv(other)),
}
SMALL = 1, 2, 3, 5, 8, 9  # programs of a second or less
ENDS = ac.ChannelClosed, StopAsyncIteration


def program(seed: int, made: list[Any]) -> Callable[[Run], None]:
    """Two or three tasks; which operation each of them awaits is decided by who runs first. All are in `made`, too."""
    dice = random.Random(seed)
    kinds = [dice.choice("rRnosStT") for _ in range(dice.randint(2, 3))]
    capacity, workers, closes = dice.randint(0, 1), dice.randint(1, 4 - len(kinds)), dice.random() < 0.4

    def scenario(run: Run) -> None:
        one, other = Chan(capacity), Chan(capacity)
        forget(made)  # of a run that was given up half-way
        stock = [HELD[kind](one, other) for kind in kinds]
        made.extend(stock)
        log: list[object] = []

        async def work() -> None:
            while stock:
                operation = stock.pop(0)
                await asyncio.sleep(0)
                try:
                    log.append(await operation)
                except ENDS as error:
                    log.append(type(error).__name__)
                finally:
                    operation.close()

        async def swap() -> None:
            stock.reverse()

        async def close() -> None:
            one.close()

        run.watch(one, other)
        run.state(lambda: log)
        for number_ in range(workers):
            run.spawn(work, name=f"w{number_}", cancel=True)
        run.spawn(swap)
        if closes:
            run.spawn(close)

    return scenario


def forget(made: list[Any]) -> None:
    while made:
        made.pop().close()


def come_to_the_same(seed: int) -> None:
    made: list[Any] = []
    for order, cancels in (("fifo", 1), ("any", 1)):
        scenario = program(seed, made)
        pruned, plain = cross_check(scenario, order=order, cancels=cancels, limit_s=120)  # type: ignore[arg-type]
        assert pruned.complete and plain.complete
        assert pruned.runs <= plain.runs
    forget(made)


@pytest.mark.parametrize("seed", SMALL)
def test_held_operations_come_to_the_same_with_and_without_pruning(seed: int) -> None:
    come_to_the_same(seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", sorted({*range(60)} - {*SMALL}))
def test_more_of_them_come_to_the_same(seed: int) -> None:
    come_to_the_same(seed)
