"""`WaitQueue` under every schedule: a lock, a semaphore and a broadcast, with cancellations anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aiochan import core
from aiochan.testing.explorer import explore
from tests.schedules.orders import Searched, every_order
from tests.schedules.primitives import Event, Lock, Semaphore


def needs_room(*wants: int) -> Callable[[Any], None]:
    """Tasks that want so much of a semaphore of three, hold it over a turn of the loop, and give it back."""

    def scenario(run: Any) -> None:
        semaphore = Semaphore(3)
        held: list[int] = []

        async def work(n: int) -> None:
            await semaphore.acquire(n)
            held.append(n)
            try:
                await asyncio.sleep(0)
            finally:
                held.remove(n)
                semaphore.release(n)

        def end() -> None:
            assert semaphore.free == 3, "some of it was lost"
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"

        run.watch(semaphore)
        run.always(lambda: _need(sum(held) <= 3, "more was given out than there is"))
        run.at_end(end)
        for number, n in enumerate(wants):
            run.spawn(work, n, name=f"{number} wants {n}", cancel=True)

    return scenario


def _need(holds: bool, why: str) -> None:
    assert holds, why


def exclusive(tasks: int, rounds: int) -> Callable[[Any], None]:
    """Tasks that lock, hold over a turn of the loop, and unlock, some rounds each."""

    def scenario(run: Any) -> None:
        lock, inside = Lock(), set[str]()

        async def work(name: str) -> None:
            for _ in range(rounds):
                await lock.lock()
                inside.add(name)
                try:
                    await asyncio.sleep(0)
                finally:
                    inside.discard(name)
                    lock.unlock()

        def end() -> None:
            assert not lock.locked, "nobody holds it, yet it is locked"
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"

        run.watch(lock)
        run.always(lambda: _need(len(inside) <= 1, f"{inside} are inside at once"))
        run.at_end(end)
        for number in range(tasks):
            run.spawn(work, f"w{number}", name=f"w{number}", cancel=True)

    return scenario


def kept(kept: int, *wants: int) -> Callable[[Any], None]:
    """One task takes so much of a semaphore of three and keeps it; the others want the rest. (As Go's issue 37852.)"""

    def scenario(run: Any) -> None:
        semaphore = Semaphore(3)

        def end() -> None:
            first = semaphore.line.first
            assert first is None or first > semaphore.free, "the first in line sleeps, though there is enough"

        run.watch(semaphore)
        run.at_end(end)
        for number, n in enumerate((kept, *wants)):
            run.spawn(semaphore.acquire, n, name=f"{number} wants {n}", cancel=number > 0)

    return scenario


class Counting(core.WaitQueue[None]):
    """Count who is woken; by default that is also what a task does that was woken and then cancelled."""

    def __init__(self) -> None:
        super().__init__("line")
        self.calls = self.woken = 0

    def wake(self, n: int = 1) -> int:
        self.calls += 1
        woken = super().wake(n)
        self.woken += woken
        return woken


def woken_one_by_one(waiters: str, tellings: int) -> Callable[[Any], None]:
    """Each telling wakes one, who does nothing with it; who was cancelled after that wakes the next, told or not."""

    def scenario(run: Any) -> None:
        line, heard = Counting(), list[str]()

        async def wait(name: str) -> None:
            await line.park()
            heard.append(name)

        async def tell() -> None:
            line.wake()

        run.watch(line)
        run.at_end(lambda: _need(line.calls - tellings == line.woken - len(heard), "a turn was not handed on"))
        for name in waiters:
            run.spawn(wait, name, name=name, cancel=True)
        for _ in range(tellings):
            run.spawn(tell)

    return scenario


def told(waiters: str) -> Callable[[Any], None]:
    """Everybody who slept when it was said hears it, once; those who were cancelled after that give it back."""

    def scenario(run: Any) -> None:
        event, heard = Event(), list[str]()

        async def wait(name: str) -> None:
            await event.wait()
            heard.append(name)

        async def say() -> None:
            event.broadcast()

        run.watch(event)
        run.always(lambda: _need(len(heard) <= event.woken, "heard without being told"))
        run.at_end(lambda: _need(len(heard) == event.woken, "told, yet neither heard nor given back"))
        for name in waiters:
            run.spawn(wait, name, name=name, cancel=True)
        run.spawn(say)
        run.spawn(say)

    return scenario


@every_order
def test_a_lock_for_two_tasks_twice(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(exclusive(2, 2), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
@pytest.mark.parametrize(("tasks", "rounds"), [(3, 1), (4, 1), (3, 2)])
def test_a_lock(searched: Searched, order: str, cancels: int, tasks: int, rounds: int) -> None:
    searched(explore(exclusive(tasks, rounds), order=order, cancels=cancels))


@every_order
def test_a_semaphore_for_two(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(needs_room(2, 2), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
@pytest.mark.parametrize("wants", [(3, 1, 1), (2, 2, 1), (2, 3, 1, 1)], ids=str)
def test_a_semaphore(searched: Searched, order: str, cancels: int, wants: tuple[int, ...]) -> None:
    searched(explore(needs_room(*wants), order=order, cancels=cancels))


@every_order
def test_a_broadcast_to_two(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(told("xy"), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
def test_a_broadcast_to_three(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(told("xyz"), order=order, cancels=cancels))


@every_order
@pytest.mark.parametrize("wants", [(2, 2, 1), (1, 3, 2, 1)], ids=str)
def test_a_semaphore_of_which_some_is_kept(
    searched: Searched, order: str, cancels: int, wants: tuple[int, ...]
) -> None:
    searched(explore(kept(*wants), order=order, cancels=cancels))


@every_order
def test_two_are_woken_one_by_one(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(woken_one_by_one("xy", 1), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
def test_three_are_woken_one_by_one(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(woken_one_by_one("xyz", 2), order=order, cancels=cancels))
