"""`Once` under every schedule: one run at a time, and the turn is never lost (SY09, SY10, P11)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order


class Boom(Exception):
    pass


def asked_by(callers: int, fails: int = 0, *, retry: bool = False) -> Scenario:
    """Some ask for it, any of them may be cancelled, and the first runs fail."""

    def scenario(run: Any) -> None:
        once = ac.Once(retry=retry, name="once")
        inside, began, ended, told = set[int](), list[int](), list[str](), list[str]()

        async def fn(n: int) -> None:
            assert not inside, "two run at once"
            inside.add(n)
            began.append(n)
            failing = len(began) <= fails
            try:
                await asyncio.sleep(0)
                ended.append("Boom" if failing else "well")
                if failing:
                    raise Boom
            finally:
                inside.discard(n)

        async def ask(n: int) -> None:
            try:
                await once.do(fn, n)
            except Boom:
                told.append("Boom")
            else:
                told.append("well")
                assert ended and once.done, "told before it was done"

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"
            assert once.done == (bool(ended) and (not retry or ended[-1] == "well")), "done, or not, without reason"
            if retry:
                assert ended.count("well") <= 1, "it was run again after it had worked"
                assert told.count("Boom") <= ended.count("Boom"), "an error was told to another one than its runner"
            else:
                assert len(ended) <= 1, "it was run twice"
                assert set(told) <= set(ended), "somebody was told something else"

        run.watch(once)
        run.at_end(end)
        for n in range(callers):
            run.spawn(ask, n, name=f"caller {n}", cancel=True)

    return scenario


def reset_meanwhile(callers: int) -> Scenario:
    """It is reset at any time: everybody gets the value of the round that he has asked for, or of a later one."""

    def scenario(run: Any) -> None:
        made, got, inside = list[int](), list[tuple[int, int]](), set[object]()

        async def make() -> int:
            assert not inside, "two make it at once"
            inside.add(me := object())
            try:
                await asyncio.sleep(0)
            finally:
                inside.discard(me)
            made.append(len(made))
            return made[-1]

        value = ac.OnceValue(make, name="value")

        async def ask() -> None:
            before = len(made) - (1 if value.done else 0)
            got.append((before, await value()))

        async def reset() -> None:
            try:
                value.reset()
            except ac.MisuseError:
                assert not value.done, "it was done, and could not be reset"

        def end() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody sleeps for ever"
            assert all(before <= n for before, n in got), "somebody got a value that had been thrown away before"
            assert len(made) <= 2, "it was made more often than it was thrown away"

        run.watch(value)
        run.at_end(end)
        for n in range(callers):
            run.spawn(ask, name=f"caller {n}", cancel=True)
        run.spawn(reset)

    return scenario


@every_order
@pytest.mark.parametrize(("fails", "retry"), [(0, False), (1, False), (2, True)], ids=["well", "fails", "retries"])
def test_three_ask(searched: Searched, order: str, cancels: int, fails: int, retry: bool) -> None:
    searched(explore(asked_by(3, fails, retry=retry), order=order, cancels=cancels))


@every_order
@pytest.mark.parametrize("callers", [2, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_it_is_reset_meanwhile(searched: Searched, order: str, cancels: int, callers: int) -> None:
    searched(explore(reset_meanwhile(callers), order=order, cancels=cancels))
