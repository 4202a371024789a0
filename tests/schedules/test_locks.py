"""Locks under every schedule: nothing granted is lost, nobody is overtaken, nobody sleeps beside what is free.

Everything that excludes is held to one rule here (LK01-LK04, CH06, SM02); then `RWMutex` (LK09, LK10, P08) and
`ReentrantMutex` (LK06, LK07) to what is their own. Each is cancelled at every point, up to two times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import MODES, NAMES, Scenario, Searched, every_order, exhaustive, in_time
from tests.sync.lock_like import LOCKS, LockLike


def _need(holds: bool, why: str) -> None:
    assert holds, why


# The second is quick; what takes its time for one lock takes it for all.
any_order_in_time: Any = pytest.mark.parametrize(
    ("order", "cancels"), [pytest.param(*MODES[0], marks=exhaustive), MODES[1]], ids=NAMES
)
every_lock = pytest.mark.parametrize("make", LOCKS.values(), ids=LOCKS)


class Stage:
    """A lock, who wants it, and who has it."""

    def __init__(self, run: Any, thing: Any) -> None:
        self.run = run
        self.came: list[asyncio.Task[Any]] = []  # and wait still, first come first
        self.inside: list[str] = []
        run.watch(thing)
        run.state(lambda: [task.get_name() for task in self.came])
        run.state(lambda: list(self.inside))

    async def want(self, lock: Callable[[], Any]) -> list[asyncio.Task[Any]]:
        """Lock it; tell who was there before us, and waits still."""
        me: Any = asyncio.current_task()
        self.came.append(me)
        try:
            await lock()
            return [task for task in self.came[: self.came.index(me)] if not task.cancelling()]
        finally:
            self.came.remove(me)

    async def stay(self) -> None:
        """Be in, over a turn of the loop."""
        name = asyncio.current_task().get_name()  # type: ignore[union-attr]
        self.inside.append(name)
        try:
            await asyncio.sleep(0)
        finally:
            self.inside.remove(name)

    def ended(self) -> None:
        assert all(task.done() for task in self.run.tasks.values()), "somebody sleeps for ever"


def exclusive(make: Callable[[], LockLike], tasks: int, rounds: int) -> Scenario:
    """Tasks that lock, hold over a turn of the loop, and unlock, some rounds each."""

    def scenario(run: Any) -> None:
        lock = make()
        stage = Stage(run, lock.thing)

        async def work() -> None:
            for _ in range(rounds):
                before = await stage.want(lock.lock)
                try:
                    assert not before, f"{before} was overtaken"
                    assert not stage.inside, f"{stage.inside} is in"
                    await stage.stay()
                finally:
                    lock.unlock()

        def end() -> None:
            stage.ended()
            assert lock.waiting() == 0

        run.at_end(end)
        for number in range(tasks):
            run.spawn(work, name=f"w{number}", cancel=True)

    return scenario


@every_lock
@any_order_in_time
def test_three_tasks(searched: Searched, order: Any, cancels: int, make: Callable[[], LockLike]) -> None:
    searched(explore(exclusive(make, 3, 1), order=order, cancels=cancels))


@exhaustive
@every_lock
@every_order
def test_two_tasks_twice(searched: Searched, order: Any, cancels: int, make: Callable[[], LockLike]) -> None:
    searched(explore(exclusive(make, 2, 2), order=order, cancels=cancels))


@exhaustive
@every_lock
@every_order
@pytest.mark.parametrize(("tasks", "rounds"), [(4, 1), (3, 2)])
def test_more_tasks(
    searched: Searched, order: Any, cancels: int, make: Callable[[], LockLike], tasks: int, rounds: int
) -> None:
    searched(explore(exclusive(make, tasks, rounds), order=order, cancels=cancels))


# -- try, and a task that unlocks what another one has locked


def passed_on(run: Any) -> None:
    """One locks, another unlocks; a third tries: it never has it while somebody is being handed it (LK02, LK03)."""
    mutex = ac.Mutex("it")
    stage = Stage(run, mutex)
    held = ac.Signal("held")

    async def locks() -> None:
        await mutex.lock()
        held.close()

    async def unlocks() -> None:
        await held.wait()
        mutex.unlock()

    async def waits() -> None:
        await held.wait()
        await stage.want(mutex.lock)
        mutex.unlock()

    async def tries() -> None:
        if mutex.try_lock():
            assert not stage.came or all(task.cancelling() for task in stage.came), "it was not ours to take"
            try:
                await asyncio.sleep(0)
            finally:
                mutex.unlock()

    run.at_end(lambda: _need(not mutex.locked, "nobody has it, yet it is locked"))
    run.spawn(locks)
    run.spawn(unlocks)
    run.spawn(waits, cancel=True)
    run.spawn(tries, cancel=True)


@every_order
def test_a_lock_that_is_unlocked_by_another_task(searched: Searched, order: Any, cancels: int) -> None:
    searched(explore(passed_on, order=order, cancels=cancels, must_finish=True))


# -- readers and writers


def readers_and_writers(kinds: str, rounds: int = 1) -> Scenario:
    """Tasks that read (r) or write (w) over a turn of the loop."""

    def scenario(run: Any) -> None:
        rw = ac.RWMutex("it")
        stage = Stage(run, rw)
        writers_left = 0

        def alone() -> None:
            writers = [name for name in stage.inside if name.startswith("w")]
            assert not writers or len(stage.inside) == 1, f"{stage.inside} are in"

        async def read() -> None:
            left = writers_left
            before = await stage.want(rw.rlock)
            try:
                waiting = [task.get_name() for task in before if task.get_name().startswith("w")]
                assert not waiting or writers_left == left + 1, f"{waiting} was overtaken"
                assert writers_left <= left + 1, "we should have been in after the first writer"
                await stage.stay()
            finally:
                rw.runlock()

        async def write() -> None:
            nonlocal writers_left
            before = await stage.want(rw.lock)
            try:
                waiting = [task.get_name() for task in before if task.get_name().startswith("w")]
                assert not waiting, f"{waiting} was overtaken"
                await stage.stay()
            finally:
                writers_left += 1
                rw.unlock()

        async def work(kind: str) -> None:
            for _ in range(rounds):
                await (read() if kind == "r" else write())

        def end() -> None:
            stage.ended()
            assert (rw.readers, rw.locked) == (0, False), "nobody has it, yet it is not free"

        run.state(lambda: writers_left)
        run.always(alone)
        run.at_end(end)
        for number, kind in enumerate(kinds):
            run.spawn(work, kind, name=f"{kind}{number}", cancel=True)

    return scenario


@in_time
@pytest.mark.parametrize("kinds", ["rww", "rwr"])
def test_readers_and_writers(searched: Searched, order: Any, cancels: int, kinds: str) -> None:
    searched(explore(readers_and_writers(kinds), order=order, cancels=cancels))


@exhaustive
@every_order
@pytest.mark.parametrize(("kinds", "rounds"), [("rrw", 1), ("rrww", 1), ("rrrw", 1), ("rwr", 2)])
def test_more_readers_and_writers(searched: Searched, order: Any, cancels: int, kinds: str, rounds: int) -> None:
    searched(explore(readers_and_writers(kinds, rounds), order=order, cancels=cancels))


# -- owners


def owners(*tokens: str | None) -> Scenario:
    """Tasks that lock twice, each for itself or for a token; those of one token may be in together."""

    def scenario(run: Any) -> None:
        mutex = ac.ReentrantMutex("it")
        inside = list[Any]()
        run.watch(mutex)
        run.state(lambda: list(inside))

        async def work(name: str, token: str | None) -> None:
            owner = token or name
            await mutex.lock(token)
            inside.append(owner)
            try:
                async with mutex.held(token) if token else mutex:
                    assert set(inside) == {owner}, f"{inside} are in"
                    await asyncio.sleep(0)
                await asyncio.sleep(0)
            finally:
                inside.remove(owner)
                mutex.unlock(token)

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"
            assert not mutex.locked, "nobody has it, yet it is locked"

        run.at_end(end)
        for number, token in enumerate(tokens):
            run.spawn(work, f"w{number}", token, name=f"w{number}", cancel=True)

    return scenario


@in_time
@pytest.mark.parametrize("tokens", [(None, None), ("t", None, "t")], ids=["tasks", "a token"])
def test_owners(searched: Searched, order: Any, cancels: int, tokens: Any) -> None:
    searched(explore(owners(*tokens), order=order, cancels=cancels))


@exhaustive
@every_order
@pytest.mark.parametrize("tokens", [(None, None, None), ("t", "u", "t")], ids=["tasks", "tokens"])
def test_more_owners(searched: Searched, order: Any, cancels: int, tokens: Any) -> None:
    searched(explore(owners(*tokens), order=order, cancels=cancels))


def together(run: Any) -> None:
    """Two tasks of one token wait for each other under the lock: both must be in, whoever came between them."""
    mutex = ac.ReentrantMutex("it")
    first, second = ac.Signal("first"), ac.Signal("second")
    run.watch(mutex)

    async def meets(mine: ac.Signal, other: ac.Signal) -> None:
        async with mutex.held("t"):
            mine.close()
            await other.wait()

    async def holds() -> None:
        async with mutex:
            await asyncio.sleep(0)

    run.spawn(holds, name="holds")
    run.spawn(meets, first, second, name="first", cancel=False)
    run.spawn(holds, name="between", cancel=True)
    run.spawn(meets, second, first, name="second", cancel=False)


@every_order
def test_two_tasks_of_a_token_meet_under_the_lock(searched: Searched, order: Any, cancels: int) -> None:
    searched(explore(together, order=order, cancels=cancels, must_finish=True))
