"""`Cond` under every schedule: no wake-up is lost or doubled, and who leaves has the lock (SY03-SY05, SY08, P10)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import aiochan as ac
from aiochan.sync.primitive import Line
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order, in_time


class Guarded:
    """A lock, and who is inside of it: never two."""

    def __init__(self, run: Any) -> None:
        self.mutex = ac.Mutex("mutex")
        self.inside = list[str]()
        run.watch(self.mutex)

    @contextmanager
    def entered(self, who: str) -> Iterator[None]:
        assert self.mutex.locked, f"{who} is inside without the lock"
        assert not self.inside, f"{who} is inside beside {self.inside}"
        self.inside.append(who)
        try:
            yield
        finally:
            self.inside.remove(who)

    async def wait(self, cond: ac.Cond, who: str) -> None:
        """Wait inside; however that ends, we are inside again."""
        self.inside.remove(who)
        try:
            await cond.wait()
        finally:
            assert self.mutex.locked, f"{who} came back without the lock"
            assert not self.inside, f"{who} came back beside {self.inside}"
            self.inside.append(who)


class Counting(Line[None]):
    """Count who is asked to be woken, and who was."""

    __slots__ = ("asked", "woken")

    def __init__(self, of: ac.Cond) -> None:
        super().__init__(of)
        self.asked = self.woken = 0

    def wake(self, n: int = 1) -> int:
        woken = super().wake(n)
        self.asked += n
        self.woken += woken
        return woken


def all_done(run: Any) -> None:
    assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"


def signalled(waiters: int, signals: int) -> Scenario:
    """Each signal wakes one, who hears it, or passes it on when it is cancelled."""

    def scenario(run: Any) -> None:
        guarded = Guarded(run)
        cond = ac.Cond(guarded.mutex, "cond")
        cond._line = line = Counting(cond)
        heard = list[str]()

        async def wait(who: str) -> None:
            async with cond:
                with guarded.entered(who):
                    await guarded.wait(cond, who)
                    heard.append(who)

        async def tell() -> None:
            async with cond:
                with guarded.entered("tell"):
                    cond.signal()
                    await asyncio.sleep(0)  # so who was woken waits for the lock, too

        def end() -> None:
            assert guarded.mutex.locked is False, "nobody holds the lock, yet it is locked"
            assert line.asked - signals == line.woken - len(heard), "a signal was not passed on, or doubled"

        run.watch(cond)
        run.at_end(end)
        for n in range(waiters):
            run.spawn(wait, f"w{n}", name=f"w{n}", cancel=2)
        for _ in range(signals):
            run.spawn(tell)

    return scenario


def broadcast(waiters: int) -> Scenario:
    """Everybody who waits when it is said hears it, or is cancelled; and nobody else."""

    def scenario(run: Any) -> None:
        guarded = Guarded(run)
        cond = ac.Cond(guarded.mutex, "cond")
        waiting, heard, told = set[str](), set[str](), set[str]()

        async def wait(who: str) -> None:
            async with cond:
                waiting.add(who)
                with guarded.entered(who):
                    await guarded.wait(cond, who)
                    heard.add(who)

        async def tell() -> None:
            async with cond:
                told.update(waiting)
                cond.broadcast()
                await asyncio.sleep(0)

        def end() -> None:
            assert heard <= told, "somebody was woken who came later"
            for who, task in run.tasks.items():
                assert task.done() or who not in told, "somebody sleeps although it was told"

        run.watch(cond)
        run.at_end(end)
        for n in range(waiters):
            run.spawn(wait, f"w{n}", name=f"w{n}", cancel=2)
        run.spawn(tell)

    return scenario


def things(consumers: int, producers: int) -> Scenario:
    """Each producer makes one thing and signals; nobody sleeps while there are things."""

    def scenario(run: Any) -> None:
        cond = ac.Cond(name="cond")
        made, taken = list[int](), list[int]()

        async def consume() -> None:
            async with cond:
                await cond.wait_for(lambda: made)
                taken.append(made.pop(0))

        async def produce(n: int) -> None:
            async with cond:
                made.append(n)
                cond.signal()

        def end() -> None:
            assert not (made and cond.waiters), "somebody sleeps beside a thing"
            assert len(made) + len(taken) <= producers

        run.watch(cond)
        run.at_end(end)
        for n in range(consumers):
            run.spawn(consume, name=f"c{n}", cancel=True)
        for n in range(producers):
            run.spawn(produce, n, name=f"p{n}")

    return scenario


def timed(waiters: int) -> Scenario:
    """The end of the time meets a signal: one of those who wait is told, as long as anybody waits."""

    def scenario(run: Any) -> None:
        guarded = Guarded(run)
        cond = ac.Cond(guarded.mutex, "cond")
        cond._line = line = Counting(cond)
        heard = list[str]()

        async def wait(who: str, seconds: float) -> None:
            async with cond:
                if await cond.wait_timed(seconds):
                    heard.append(who)
                with guarded.entered(who):
                    pass

        async def tell() -> None:
            async with cond:
                cond.signal()
                await asyncio.sleep(0)

        def end() -> None:
            assert guarded.mutex.locked is False, "nobody holds the lock, yet it is locked"
            assert line.asked - 1 == line.woken - len(heard), "a signal was not passed on, or doubled"

        run.watch(cond)
        run.at_end(end)
        for n in range(waiters):
            run.spawn(wait, f"w{n}", float(n), name=f"w{n}", cancel=True)
        run.spawn(tell)

    return scenario


def bounded_queue(size: int, values: int) -> Scenario:
    """A queue of so many on two conditions with one lock (SY08): all arrives in order; nobody sleeps without reason."""

    def scenario(run: Any) -> None:
        mutex = ac.Mutex("mutex")
        not_empty, not_full = ac.Cond(mutex, "not empty"), ac.Cond(mutex, "not full")
        held, put, taken = list[int](), list[int](), list[int]()

        async def putter() -> None:
            for n in range(values):
                async with mutex:
                    await not_full.wait_for(lambda: len(held) < size)
                    held.append(n)
                    put.append(n)
                    not_empty.signal()

        async def taker() -> None:
            async with mutex:
                await not_empty.wait_for(lambda: held)
                taken.append(held.pop(0))
                not_full.signal()

        def end() -> None:
            assert taken + held == put, "something was lost, or came out of order"
            assert not (held and not_empty.waiters), "a taker sleeps beside a value"
            assert not (len(held) < size and not_full.waiters), "a putter sleeps beside a place"

        for watched in (mutex, not_empty, not_full):
            run.watch(watched)
        run.at_end(end)
        run.spawn(putter, cancel=True)
        for n in range(values):
            run.spawn(taker, name=f"taker {n}", cancel=True)

    return scenario


@in_time
def test_a_signal_to_two(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(signalled(2, 1), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
@pytest.mark.parametrize(("waiters", "signals"), [(2, 2), (3, 1)])
def test_signals(searched: Searched, order: str, cancels: int, waiters: int, signals: int) -> None:
    searched(explore(signalled(waiters, signals), order=order, cancels=cancels))


@in_time
def test_a_broadcast(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(broadcast(2), order=order, cancels=cancels))


@in_time
def test_two_consumers_and_two_things(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(things(2, 2), order=order, cancels=cancels))


@in_time
def test_a_time_that_ends(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(timed(2), order=order, cancels=cancels))


@in_time
def test_sy08_a_bounded_queue(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(bounded_queue(1, 2), order=order, cancels=cancels))
