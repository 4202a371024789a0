"""`AsyncMap` under every schedule: a value that is made once, and a lock for a key, with cancellations anywhere.

What must hold: one factory runs for a key at a time; who asks gets a value that was in the map, or the error of a
factory; nobody sleeps for a value that is there, or for a call that nobody makes; one task at a time holds a key, first
come first served; and at the end nothing is left under any key.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order, exhaustive


class FailedError(Exception):
    """What a factory fails with: its number."""


def asking(askers: int, fails: int = 0, changes: str = "") -> Scenario:
    """Those who ask for one key; the first `fails` factories fail; somebody stores (s) and deletes (d) meanwhile."""

    def scenario(run: Any) -> None:
        m = ac.AsyncMap[str, int](name="map")
        calls = running = 0
        been: set[int] = set()  # the values that were in the map

        async def make() -> int:
            nonlocal calls, running
            assert not running, "two factories run at the same time"
            running += 1
            calls += 1
            number = calls
            try:
                await asyncio.sleep(0)
            finally:
                running -= 1
            if number <= fails:
                raise FailedError(number)
            been.add(number)
            return number

        async def ask() -> None:
            with contextlib.suppress(FailedError):
                value = await m.get_or_create("key", make)
                assert value in been, f"{value} was never there"

        async def change() -> None:
            for n, step in enumerate(changes):
                if step == "s":
                    been.add(100 + n)
                    m.store("key", 100 + n)
                else:
                    m.delete("key")
                await asyncio.sleep(0)

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"
            _items, making, locks = m._snapshot()  # type: ignore[misc]
            assert not making and not locks, f"something is left in {m!r}"
            assert not any(not task.cancelled() and task.exception() for task in run.tasks.values())

        run.watch(m)
        run.state(lambda: (calls, running, been))
        run.at_end(end)
        for number in range(askers):
            run.spawn(ask, name=f"a{number}", cancel=True)
        if changes:
            run.spawn(change)

    return scenario


def locking(tasks: int, rounds: int, by_block: bool) -> Scenario:
    """Tasks that lock a key, hold it over a turn of the loop, and unlock it."""

    def scenario(run: Any) -> None:
        m = ac.AsyncMap[str, int](name="map")
        inside: set[str] = set()

        async def stay(name: str) -> None:
            assert not inside, f"{name} is inside beside {inside}"
            inside.add(name)
            try:
                await asyncio.sleep(0)
            finally:
                inside.discard(name)

        async def work(name: str) -> None:
            for _ in range(rounds):
                if by_block:
                    async with m.locking("key"):
                        await stay(name)
                else:
                    await m.lock("key")
                    try:
                        await stay(name)
                    finally:
                        m.unlock("key")

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"
            _items, making, locks = m._snapshot()  # type: ignore[misc]
            assert not making and not locks, f"something is left in {m!r}"

        run.watch(m)
        run.state(lambda: inside)
        run.at_end(end)
        for number in range(tasks):
            run.spawn(work, f"w{number}", name=f"w{number}", cancel=True)

    return scenario


def line_for_a_key(tasks: int) -> Scenario:
    """Nobody is overtaken: the key goes through the tasks in the order in which they came."""

    def scenario(run: Any) -> None:
        m = ac.AsyncMap[str, int](name="map")
        came: list[int] = []
        served: list[int] = []

        async def work(number: int) -> None:
            came.append(number)
            async with m.locking("key"):
                earlier = came[: came.index(number)]
                for other in earlier:
                    task = run.tasks[f"w{other}"]
                    assert other in served or task.done() or task.cancelling(), f"{number} overtook {other}"
                served.append(number)
                await asyncio.sleep(0)

        run.watch(m)
        run.state(lambda: (came, served))
        run.at_end(lambda: _all_done(run))
        for number in range(tasks):
            run.spawn(work, number, name=f"w{number}", cancel=True)

    return scenario


def _all_done(run: Any) -> None:
    for task in run.tasks.values():
        assert task.done(), "somebody sleeps for ever"
        assert task.cancelled() or task.exception() is None


ASKING = [(2, 0, ""), (3, 0, ""), (3, 1, ""), (2, 0, "s"), (2, 0, "sd"), (2, 1, "s"), (2, 2, "")]
MORE_ASKING = [(4, 0, ""), (4, 2, ""), (3, 0, "s"), (3, 0, "sd"), (3, 1, "sds")]


@every_order
@pytest.mark.parametrize(("askers", "fails", "changes"), ASKING, ids=str)
def test_a_value_that_is_made_once(
    searched: Searched, order: str, cancels: int, askers: int, fails: int, changes: str
) -> None:
    searched(explore(asking(askers, fails, changes), order=order, cancels=cancels))


@exhaustive
@every_order
@pytest.mark.parametrize(("askers", "fails", "changes"), MORE_ASKING, ids=str)
def test_more_who_ask(searched: Searched, order: str, cancels: int, askers: int, fails: int, changes: str) -> None:
    searched(explore(asking(askers, fails, changes), order=order, cancels=cancels))


@every_order
@pytest.mark.parametrize("by_block", [False, True], ids=["by hand", "by block"])
def test_a_lock_for_a_key(searched: Searched, order: str, cancels: int, by_block: bool) -> None:
    searched(explore(locking(2, 2, by_block), order=order, cancels=cancels))


@exhaustive
@every_order
@pytest.mark.parametrize("tasks", [3, 4])
def test_more_who_lock_a_key(searched: Searched, order: str, cancels: int, tasks: int) -> None:
    searched(explore(locking(tasks, 1, by_block=True), order=order, cancels=cancels))


@every_order
def test_nobody_is_overtaken_before_a_key(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(line_for_a_key(3), order=order, cancels=cancels))
