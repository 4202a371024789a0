"""Operations that first go once round the loop: a cancellation there finds nothing done.

Who breathes begins later than it was called, so the order among tasks says nothing here; what one task sends stays in
order, and nothing is lost or doubled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import Result, explore

Searched = Callable[[Result], None]


def busy(capacity: int, *, select: bool) -> Callable[[Any], None]:
    """Two producers and a consumer who hardly ever have to wait."""

    def scenario(run: Any) -> None:
        ch = ac.Chan[str](capacity)
        sent: list[str] = []
        doubtful: list[str] = []  # their sender was cancelled
        received: list[str] = []

        async def produce(name: str) -> None:
            for n in range(2):
                value = f"{name}{n}"
                try:
                    if select:
                        await ac.select(ac.send(ch, value))
                    else:
                        await ch.send(value)
                except asyncio.CancelledError:
                    doubtful.append(value)
                    inside = value in [value for value, _ in ch._snapshot().held]
                    assert not (inside and len(ch)), f"{value} could have been taken back"
                    raise
                sent.append(value)

        async def consume() -> None:
            for _ in range(2):
                if select:
                    _, value = await ac.select(ac.recv(ch))
                    received.append(value)
                else:
                    received.append(await ch.recv())

        def end() -> None:
            there = received + [value for value, _ in ch._snapshot().held]
            assert len(there) == len(set(there)), f"something is there twice: {there}"
            assert set(sent) <= set(there), f"lost: {set(sent) - set(there)}"
            assert set(there) <= set(sent) | set(doubtful), "from nowhere"
            for name in "xy":
                mine = [value for value in there if value[0] == name]
                assert mine == sorted(mine), f"order lost: {mine}"

        run.watch(ch)
        run.at_end(end)
        run.spawn(produce, "x", name="x", cancel=True)
        run.spawn(produce, "y", name="y", cancel=True)
        run.spawn(consume, name="c", cancel=True)

    return scenario


@pytest.mark.parametrize("select", [False, True], ids=["plain", "select"])
@pytest.mark.parametrize("capacity", [0, 1, 3])
@pytest.mark.parametrize("budget", [(1, 1), (2, 3)], ids=str)
def test_one_cancellation(searched: Searched, budget: tuple[int, int], capacity: int, select: bool) -> None:
    searched(explore(busy(capacity, select=select), budget=budget, cancels=1))


@pytest.mark.exhaustive
@pytest.mark.parametrize("select", [False, True], ids=["plain", "select"])
@pytest.mark.parametrize("capacity", [0, 1, 3])
@pytest.mark.parametrize("order", ["fifo", "any"])
def test_two_cancellations(searched: Searched, order: str, capacity: int, select: bool) -> None:
    searched(explore(busy(capacity, select=select), budget=(1, 1), cancels=2 if order == "fifo" else 1, order=order))
