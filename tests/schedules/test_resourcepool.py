"""`ResourcePool` under every schedule: opening, checking, using, closing, and cancellations anywhere (PL06, PL07).

In every step no more are open than may be, and nobody has what another one has; at every end all are idle or closed,
no place is lost, nobody waits, and among those who waited nobody was overtaken.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

import aiochan as ac
from aiochan.pools import Lease, ResourcePool
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, exhaustive, in_time

# Three tasks, and those that open and close: with one cancellation in seconds, with two in minutes.
large = pytest.mark.parametrize(
    ("order", "cancels"),
    [pytest.param("fifo", 1, marks=exhaustive), pytest.param("fifo", 2, marks=pytest.mark.stress)],
    ids=["fifo-1", "fifo-2"],
)


class Refused(Exception):
    """What a factory raises."""


class World:
    """What is open, and who has it.

    Args:
        run: The execution.
        refusals: How many times opening fails.
        sick: How many times a check answers no.
    """

    def __init__(self, run: Any, most: int, *, refusals: int = 0, sick: int = 0, **options: Any) -> None:
        self.run, self.most, self.refusals, self.sick = run, most, refusals, sick
        self.made = 0
        self.opening = 0
        self.open = set[int]()
        self.used = dict[int, str]()
        self.arrived, self.served = list[str](), list[str]()
        self.pool = ResourcePool(
            self.make, self.unmake, max_open=most, check=self.check if sick else None, name="pool", **options
        )
        run.watch(self.pool)
        run.always(self.never_too_many)
        run.at_end(self.all_is_in_order)

    async def make(self) -> int:
        self.opening += 1
        try:
            await asyncio.sleep(0)
            if self.refusals:
                self.refusals -= 1
                raise Refused
            self.made += 1
            self.open.add(self.made)
            return self.made
        finally:
            self.opening -= 1

    async def unmake(self, value: int) -> None:
        assert value in self.open, "closed twice"
        assert value not in self.used, "closed while somebody has it"
        await asyncio.sleep(0)
        self.open.remove(value)

    async def check(self, value: int) -> bool:
        await asyncio.sleep(0)
        if self.sick:
            self.sick -= 1
            return False
        return True

    def never_too_many(self) -> None:
        assert len(self.open) + self.opening <= self.most, "more are open than may be"
        assert len(self.used) == self.pool.lent, "lent, yet nobody has it"

    def all_is_in_order(self) -> None:
        stats = self.pool.stats()
        assert all(task.done() for task in self.run.tasks.values()), "somebody sleeps for ever"
        assert not self.opening, "an opening was left half-way"
        assert (stats.lent, stats.waiting, stats.open) == (0, 0, stats.idle), "a place was lost"
        assert len(self.open) == stats.idle, "one was leaked, or was lost"
        assert stats.opened - sum(stats.closed.values()) == stats.idle, "miscounted"
        waited = [name for name in self.arrived if name in self.served]
        assert self.most > 1 or waited == self.served, "somebody was overtaken"

    async def borrow(self, name: str, mark: bool = False) -> None:
        self.arrived.append(name)
        async with self.pool.lease() as lease:
            self.served.append(name)
            await self.use(name, lease)
            if mark:
                lease.mark_unusable()

    async def borrow_by_hand(self, name: str) -> None:
        self.arrived.append(name)
        lease = await self.pool.acquire()
        self.served.append(name)
        try:
            await self.use(name, lease)
        finally:
            await self.pool.release(lease)

    async def use(self, name: str, lease: Lease[int]) -> None:
        value = lease.value
        assert value in self.open, "lent, but closed"
        assert value not in self.used, "lent twice"
        self.used[value] = name
        try:
            await asyncio.sleep(0)
        finally:
            del self.used[value]


def borrowed(names: str, most: int, mark: bool = False, **options: Any) -> Scenario:
    """Each borrows once."""

    def scenario(run: Any) -> None:
        world = World(run, most, **options)
        for name in names:
            run.spawn(world.borrow, name, mark, name=name, cancel=True)

    return scenario


def by_hand(names: str, most: int, **options: Any) -> Scenario:
    """Each borrows once, and gives back what it was lent, whatever happened."""

    def scenario(run: Any) -> None:
        world = World(run, most, **options)
        for name in names:
            run.spawn(world.borrow_by_hand, name, name=name, cancel=True)

    return scenario


def refused(names: str, most: int, refusals: int) -> Scenario:
    """The first openings fail; that is for those who asked, and the next in line tries again."""

    def scenario(run: Any) -> None:
        world, heard = World(run, most, refusals=refusals), list[str]()

        def hear(loop: Any, context: dict[str, Any]) -> None:
            loop.errors.remove(context)  # or the search takes it for a failure
            assert isinstance(context["exception"], Refused)
            heard.append("the loop")

        run.loop.set_exception_handler(hear)

        async def borrow(name: str) -> None:
            try:
                await world.borrow(name)
            except Refused:
                heard.append(name)

        run.at_end(lambda: _need(len(heard) == refusals - world.refusals, "an error was told to nobody, or twice"))
        for name in names:
            run.spawn(borrow, name, name=name, cancel=True)

    return scenario


def closed(names: str, most: int, closers: int = 1, **options: Any) -> Scenario:
    """The pool is closed while they borrow: whoever has come too late is refused, and the rest is waited for."""

    def scenario(run: Any) -> None:
        world = World(run, most, **options)

        async def borrow(name: str) -> None:
            with contextlib.suppress(ac.MisuseError):
                await world.borrow(name)

        async def close() -> None:
            await world.pool.close()
            assert not world.open, "closed, yet one is open"
            assert not world.opening, "closed, yet one is being opened"

        def end() -> None:
            stats = world.pool.stats()
            assert not (world.pool.closed and stats.open), "closed, yet one is open"

        run.at_end(end)
        for name in names:
            run.spawn(borrow, name, name=name, cancel=True)
        for number in range(closers):
            run.spawn(close, name=f"close{number}", cancel=True)

    return scenario


def _need(holds: bool, why: str) -> None:
    assert holds, why


# -- one place


@in_time
@pytest.mark.parametrize("mark", [False, True], ids=["kept", "closed"])
def test_two_borrow_one(searched: Searched, order: str, cancels: int, mark: bool) -> None:
    searched(explore(borrowed("ab", 1, mark), order=order, cancels=cancels))


@in_time
def test_two_borrow_one_and_give_it_back_by_hand(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(by_hand("ab", 1), order=order, cancels=cancels))


@large
def test_three_borrow_one(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(by_hand("abc", 1), order=order, cancels=cancels))


@in_time
@pytest.mark.parametrize("refusals", [1, 2])
def test_opening_fails(searched: Searched, order: str, cancels: int, refusals: int) -> None:
    searched(explore(refused("ab", 1, refusals), order=order, cancels=cancels))


@in_time
def test_a_check_fails(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(by_hand("ab", 1, sick=1), order=order, cancels=cancels))


@in_time
def test_none_is_kept(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(by_hand("ab", 1, max_idle=0), order=order, cancels=cancels))


@in_time
def test_one_that_is_idle_grows_too_old(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(by_hand("ab", 1, max_idle_time=1e-9), order=order, cancels=cancels))


@in_time
def test_it_is_closed_while_two_borrow_one(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(closed("ab", 1), order=order, cancels=cancels))


# -- two places


@large
def test_three_borrow_two(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(by_hand("abc", 2), order=order, cancels=cancels))


@large
def test_three_borrow_two_of_which_one_is_kept(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(by_hand("abc", 2, max_idle=1), order=order, cancels=cancels))


@large
def test_it_is_closed_while_two_borrow_two(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(closed("ab", 2), order=order, cancels=cancels))


@pytest.mark.stress
@pytest.mark.parametrize(("order", "cancels"), [("fifo", 1)])
def test_it_is_closed_while_three_borrow_two(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(closed("abc", 2), order=order, cancels=cancels))
