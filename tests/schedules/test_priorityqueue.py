"""`PriorityQueue` under every schedule: poppers, pushers and a close, with cancellations anywhere (SY07, E09).

What must hold: nothing is lost or popped twice, nobody takes an item while a better one that nobody was promised is
there, nobody sleeps beside an item, and a close leaves nobody asleep.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order, exhaustive


def popping(poppers: int, batches: tuple[tuple[int, ...], ...], close: bool = False, pops: int = 1) -> Scenario:
    """Poppers, pushers that push a batch each, and then perhaps a close."""

    def scenario(run: Any) -> None:
        queue = ac.PriorityQueue[int](name="queue")
        pushed: list[int] = []
        popped: list[int] = []
        told: list[str] = []
        pushing = len(batches)

        async def pop(name: str) -> None:
            for _ in range(pops):
                try:
                    item = await queue.pop()
                except ac.ChannelClosed:
                    told.append(name)
                    return
                assert all(item <= other for other in left()[: len(queue)]), f"{item} before {left()}"
                popped.append(item)

        def left() -> list[int]:
            return sorted(set(pushed) - set(popped))

        async def push(batch: tuple[int, ...]) -> None:
            nonlocal pushing
            for item in batch:
                pushed.append(item)
                queue.push(item)
                await asyncio.sleep(0)
            pushing -= 1
            if close and not pushing:
                queue.close()

        def end() -> None:
            assert len(popped) == len(set(popped)), f"popped twice: {popped}"
            assert len(queue) == len(pushed) - len(popped), f"of {pushed} were popped {popped}, and {queue!r}"
            asleep = [task for task in run.tasks.values() if not task.done()]
            assert not asleep or not (len(queue) or close), "somebody sleeps beside an item, or after the close"
            while len(queue):
                popped.append(queue.pop_nowait())
            assert sorted(popped) == sorted(pushed)

        run.watch(queue)
        run.state(lambda: (pushed, popped, told, pushing))
        run.at_end(end)
        for number in range(poppers):
            run.spawn(pop, f"p{number}", name=f"p{number}", cancel=True)
        for batch in batches:
            run.spawn(push, batch)

    return scenario


def in_line(poppers: int) -> Scenario:
    """As many poppers as items: nobody is served while somebody sleeps who came before."""

    def scenario(run: Any) -> None:
        queue = ac.PriorityQueue[int](name="queue")
        came: list[int] = []
        served: list[int] = []

        async def pop(number: int) -> None:
            came.append(number)
            await queue.pop()
            served.append(number)

        async def push() -> None:
            for item in range(poppers):
                queue.push(item)
                await asyncio.sleep(0)

        def always() -> None:
            *_, line = queue._snapshot()  # type: ignore[misc]  # who was woken is not in it any more
            asleep = {parked.owner for parked in line}
            for place, number in enumerate(came):
                later = set(came[place:]) & set(served)
                assert run.tasks[f"p{number}"] not in asleep or not later, f"{later} overtook {number}"

        run.watch(queue)
        run.state(lambda: (came, served))
        run.always(always)
        for number in range(poppers):
            run.spawn(pop, number, name=f"p{number}", cancel=True)
        run.spawn(push)

    return scenario


@every_order
@pytest.mark.parametrize("close", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize(("poppers", "batches"), [(2, ((2, 1),)), (2, ((2,), (1,))), (3, ((1,),))], ids=str)
def test_nothing_is_lost_and_nobody_sleeps_beside_an_item(
    searched: Searched, order: str, cancels: int, poppers: int, batches: tuple[tuple[int, ...], ...], close: bool
) -> None:
    searched(explore(popping(poppers, batches, close), order=order, cancels=cancels))


@exhaustive
@every_order
@pytest.mark.parametrize("close", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize(("poppers", "batches", "pops"), [(3, ((3, 1, 2),), 1), (2, ((4, 1), (3, 2)), 2)], ids=str)
def test_more_poppers_and_pushers(
    searched: Searched,
    order: str,
    cancels: int,
    poppers: int,
    batches: tuple[tuple[int, ...], ...],
    pops: int,
    close: bool,
) -> None:
    searched(explore(popping(poppers, batches, close, pops), order=order, cancels=cancels))


@every_order
def test_poppers_are_served_in_line(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(in_line(3), order=order, cancels=cancels))
