"""`WaitGroup` under every schedule: who waits returns when all is done, and the next round begins then (SY01, B15)."""

from __future__ import annotations

from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order


def one_round(workers: int, waiters: int) -> Scenario:
    """What was announced is done by some, while others wait for it."""

    def scenario(run: Any) -> None:
        group, left = ac.WaitGroup("group"), list[int]()
        group.add(workers)

        async def work() -> None:
            group.done()

        async def wait() -> None:
            await group.wait()
            left.append(group.count)

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"
            assert not any(left), "somebody left before all was done"

        run.watch(group)
        run.at_end(end)
        for _ in range(waiters):
            run.spawn(wait, cancel=True)
        for _ in range(workers):
            run.spawn(work)

    return scenario


def the_next_round(waiters: int) -> Scenario:
    """Somebody begins a new round at any time: he is refused if some of the last one have not left."""

    def scenario(run: Any) -> None:
        group, rounds, left = ac.WaitGroup("group"), [1], list[tuple[int, int]]()
        group.add()

        async def wait() -> None:
            began = rounds[0]
            await group.wait()
            left.append((began, rounds[0]))

        async def begin() -> None:
            try:
                group.add()
            except ac.MisuseError:
                return
            if group.count == 1:
                rounds[0] += 1
            group.done()

        async def work() -> None:
            group.done()

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"
            assert all(began == ended for began, ended in left), "somebody left in the middle of the next round"
            group.add()  # nobody is waited for any more
            group.done()

        run.watch(group)
        run.at_end(end)
        for _ in range(waiters):
            run.spawn(wait, cancel=True)
        run.spawn(work)
        run.spawn(begin)

    return scenario


@every_order
def test_one_round(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(one_round(2, 2), order=order, cancels=cancels))


@every_order
def test_the_next_round(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(the_next_round(2), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
def test_one_round_of_more(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(one_round(2, 3), order=order, cancels=cancels))


@every_order
def test_tasks_of_its_own(searched: Searched, order: str, cancels: int) -> None:
    """A task of `go` is cancelled at any time, also before it begins: it is counted as done."""

    def scenario(run: Any) -> None:
        group, ran = ac.WaitGroup("group"), list[int]()

        async def work() -> None:
            ran.append(1)

        async def start() -> None:
            started = [group.go(work), group.go(work)]
            started[0].cancel()
            await group.wait()
            assert all(task.done() for task in started)

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"
            assert group.count == 0, "somebody was not counted as done"

        run.watch(group)
        run.at_end(end)
        run.spawn(start, cancel=True)

    searched(explore(scenario, order=order, cancels=cancels))
