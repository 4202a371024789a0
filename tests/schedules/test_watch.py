"""`Watch` under every schedule: readers, views and writers, with cancellations anywhere (AT05).

What must hold: a reader never goes back, and when nothing can happen any more, whoever was not cancelled has seen the
last version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order, exhaustive


def readers(kinds: str, writers: int, sets: int) -> Scenario:
    """Readers (c: `changed`, v: a view, s: a view in a select) who read until the last value is there."""

    def scenario(run: Any) -> None:
        watch = ac.Watch(0, name="watch")
        last = writers * sets
        read: dict[str, list[int]] = {}

        async def by_changed(note: Callable[[int], bool]) -> None:
            seen = watch.version
            while note(watch.get()):
                await watch.changed(seen)
                seen = watch.version

        async def by_view(note: Callable[[int], bool]) -> None:
            async for value in watch.watch():
                if not note(value):
                    break

        async def by_select(note: Callable[[int], bool]) -> None:
            view = watch.watch()
            while note((await ac.select(ac.recv(view), ac.recv(None)))[1]):
                pass

        def noting(name: str) -> Callable[[int], bool]:
            values = read[name] = []

            def note(value: int) -> bool:
                assert not values or value > values[-1], f"{name} read {values}, and then {value}"
                values.append(value)
                return value < last

            return note

        async def write() -> None:
            for _ in range(sets):
                watch.update(lambda n: n + 1)
                await asyncio.sleep(0)

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody has missed the last version"
            for name, values in read.items():
                assert run.tasks[name].cancelled() or values[-1] == last, f"{name} has read {values}"

        run.watch(watch)
        run.state(lambda: read)
        run.at_end(end)
        reading = {"c": by_changed, "v": by_view, "s": by_select}
        for number, kind in enumerate(kinds):
            name = f"{kind}{number}"
            run.spawn(reading[kind], noting(name), name=name, cancel=True)
        for _ in range(writers):
            run.spawn(write)

    return scenario


def one_view_for_two(sets: int) -> Scenario:
    """Two receivers share a view; the newest value is received by one of them, or still in it."""

    def scenario(run: Any) -> None:
        watch = ac.Watch(0, name="watch")
        view = watch.watch()
        got: list[int] = []

        async def receive() -> None:
            got.append(await view.recv())
            got.append(await view.recv())

        async def write() -> None:
            for n in range(1, sets + 1):
                watch.set(n)
                await asyncio.sleep(0)

        def end() -> None:
            assert len(set(got)) == len(got), f"one value was received twice: {got}"
            assert sets in got or (len(view) == 1 and view.recv_nowait() == sets), f"the newest is lost: {got}"

        run.watch(watch)
        run.state(lambda: got)
        run.at_end(end)
        run.spawn(receive, name="x", cancel=True)
        run.spawn(receive, name="y", cancel=True)
        run.spawn(write)

    return scenario


@every_order
@pytest.mark.parametrize("kinds", ["cc", "v", "s"])
def test_readers_end_at_the_last_version(searched: Searched, order: str, cancels: int, kinds: str) -> None:
    searched(explore(readers(kinds, 1, 2), order=order, cancels=cancels))


@exhaustive
@every_order
@pytest.mark.parametrize(("kinds", "writers"), [("cv", 1), ("cs", 1), ("vv", 1), ("cc", 2), ("v", 2)])
def test_more_readers_and_writers(searched: Searched, order: str, cancels: int, kinds: str, writers: int) -> None:
    searched(explore(readers(kinds, writers, 2), order=order, cancels=cancels))


@every_order
def test_two_receivers_of_one_view(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(one_view_for_two(2), order=order, cancels=cancels))
