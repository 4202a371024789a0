"""`Semaphore` under every schedule: weights, resize, newcomers, cancellations (SM01, SM03, P26, H02, H05, H29)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import Searched, every_order, in_time

Scenario = Callable[[Any], None]


class Stage:
    """A semaphore, how much of it the tasks of a scenario hold, and its line from step to step."""

    def __init__(self, run: Any, size: int) -> None:
        self.run, self.semaphore = run, ac.Semaphore(size, "places")
        self.held, self.most = 0, size
        self.sleepers, self.came = list[Any](), list[Any]()
        run.watch(self.semaphore)
        run.always(self.no_more_than_there_is)
        run.always(self.in_line)
        run.at_end(self.nobody_is_left)
        run.at_end(self.all_came_back)

    def spawn_users(self, *wants: int, plain: bool = False) -> None:
        for number, k in enumerate(wants):
            self.run.spawn(self.use, k, plain, name=f"{number} wants {k}", cancel=True)

    async def use(self, k: int, plain: bool) -> None:
        self.came.append(asyncio.current_task())
        async with self.semaphore if plain and k == 1 else self.semaphore.hold(k):
            self.nobody_before_us_sleeps()
            self.held += k
            try:
                await asyncio.sleep(0)
            finally:
                self.held -= k

    def nobody_before_us_sleeps(self) -> None:
        line: Any = self.semaphore._line
        before = self.came[: self.came.index(asyncio.current_task())]
        assert not any(place.owner in before for place in line._snapshot()), "somebody was overtaken"

    def no_more_than_there_is(self) -> None:
        assert self.held <= self.most, "more was given out than there is"
        assert self.held <= self.semaphore.held, "something is held and not counted"

    def in_line(self) -> None:
        """Nobody is overtaken, and nobody sleeps beside what he wants."""
        line: Any = self.semaphore._line
        before, self.sleepers = self.sleepers, [place.owner for place in line._snapshot()]
        asleep = [task in self.sleepers for task in before]
        still = [task for task in before if task in self.sleepers]
        assert self.sleepers[: len(still)] == still, "somebody has lost his place"
        for place, task in enumerate(before):
            left_alone = asleep[place] or task.cancelling()
            assert left_alone or not any(asleep[:place]), "somebody was overtaken"
        if line.first is not None and line.first <= self.semaphore.free:
            tasks = self.run.tasks.values()
            leaving = [task for task in tasks if not task.done() and task.cancelling()]
            assert leaving, "the first in line sleeps, though there is enough"

    def nobody_is_left(self) -> None:
        assert all(task.done() for task in self.run.tasks.values()), "somebody sleeps for ever"

    def all_came_back(self) -> None:
        assert self.semaphore.held == 0, "some of it was lost"


# -- taken, used, given back


def users(size: int, *wants: int, plain: bool = False) -> Scenario:
    """Tasks that want so much each, hold it over a turn of the loop, and give it back."""

    def scenario(run: Any) -> None:
        Stage(run, size).spawn_users(*wants, plain=plain)

    return scenario


@every_order
@pytest.mark.parametrize("wants", [(1, 1), (2, 2)], ids=str)
def test_two_users(searched: Searched, order: str, cancels: int, wants: tuple[int, ...]) -> None:
    searched(explore(users(wants[0], *wants), order=order, cancels=cancels))


@in_time
def test_three_users_of_one(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(users(1, 1, 1, 1), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
@pytest.mark.parametrize("wants", [(3, 1, 1), (2, 2, 1), (2, 3, 1, 1)], ids=str)
def test_users_of_three(searched: Searched, order: str, cancels: int, wants: tuple[int, ...]) -> None:
    searched(explore(users(3, *wants), order=order, cancels=cancels))


@in_time
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "hold"])
def test_users_of_two(searched: Searched, order: str, cancels: int, plain: bool) -> None:
    """Also with ``async with semaphore``, where one is wanted."""
    searched(explore(users(2, 1, 2, 1, plain=plain), order=order, cancels=cancels))


@every_order
def test_a_newcomer_does_not_overtake(searched: Searched, order: str, cancels: int) -> None:
    """Somebody only tries: what he gets nobody in line was promised."""

    def scenario(run: Any) -> None:
        stage = Stage(run, 2)

        async def tries() -> None:
            line = list(stage.semaphore._line)
            if stage.semaphore.try_acquire():
                assert not line, "went ahead of the line"
                stage.held += 1
                await asyncio.sleep(0)
                stage.held -= 1
                stage.semaphore.release()

        stage.spawn_users(2, 1)
        run.spawn(tries)

    searched(explore(scenario, order=order, cancels=cancels))


@pytest.mark.parametrize("wants", [(2, 2, 1), (1, 2, 1)], ids=str)
def test_users_and_an_interrupt(searched: Searched, wants: tuple[int, ...]) -> None:
    """Ctrl-C in the task that was just let in takes nothing with it."""
    searched(explore(users(2, *wants), cancels=1, interrupts=1))


# -- taken and kept


def keepers(size: int, kept: int, *wants: int) -> Scenario:
    """One takes so much and keeps it; the others want the rest, and may give up (golang/go#37852)."""

    def scenario(run: Any) -> None:
        stage = Stage(run, size)
        run.endings.clear()
        run.at_end(lambda: _nobody_who_fits(stage.semaphore))
        for number, k in enumerate((kept, *wants)):
            run.spawn(stage.semaphore.acquire, k, name=f"{number} wants {k}", cancel=number > 0)

    return scenario


def _nobody_who_fits(semaphore: ac.Semaphore) -> None:
    first: Any = semaphore._line.first
    assert first is None or first > semaphore.free, "the first in line sleeps, though there is enough"


@every_order
@pytest.mark.parametrize("wants", [(2, 2, 1), (1, 3, 2, 1)], ids=str)
def test_p26_some_of_it_is_kept(searched: Searched, order: str, cancels: int, wants: tuple[int, ...]) -> None:
    searched(explore(keepers(3, *wants), order=order, cancels=cancels))


# -- resized


def resized(size: int, sizes: tuple[int, ...], *wants: int) -> Scenario:
    """While some use it, somebody changes how much there is; in the end there is enough for each."""

    def scenario(run: Any) -> None:
        stage = Stage(run, size)
        stage.semaphore.resize(size)  # so that too much may be wanted from the beginning
        stage.most = max(size, *sizes)

        async def resize() -> None:
            for n in sizes:
                held = stage.semaphore.held
                stage.semaphore.resize(n)
                assert held <= stage.semaphore.held <= max(held, n), "somebody was let in too many, or thrown out"
                await asyncio.sleep(0)

        stage.spawn_users(*wants)
        run.spawn(resize)

    return scenario


@in_time
@pytest.mark.parametrize(
    ("size", "sizes", "wants"),
    [(1, (2,), (1, 2)), (2, (1, 2), (2, 1)), (2, (0, 2), (1, 1))],
    ids=["larger", "smaller for a while", "none for a while"],
)
def test_sm03_resized(
    searched: Searched, order: str, cancels: int, size: int, sizes: tuple[int, ...], wants: tuple[int, ...]
) -> None:
    searched(explore(resized(size, sizes, *wants), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
def test_sm03_resized_with_three_users(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(resized(2, (1, 3), 2, 3, 1), order=order, cancels=cancels))
