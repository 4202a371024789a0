"""The table: a fork between any two philosophers, and each needs both beside him (Dijkstra, 1965).

left first    all take the left one and wait for the right one, which their neighbour has: a circle, for ever
lower first   all take the one with the lower number first. Then whoever waits has forks with lower numbers than the
              one he waits for, so numbers rise along any chain of who waits for whom, and it cannot come back
seats         a waiter lets all but one sit down. A circle needs all, so somebody at the table has two forks
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import aiochan as ac

Taking = Callable[[ac.Mutex], AbstractAsyncContextManager[object]]
Pause = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Way:
    """What the philosophers have agreed upon.

    Attributes:
        lower_first: Whether all take the fork with the lower number first, and not the one on their left.
        empty_seats: How many of them may not sit down while the others do.
    """

    lower_first: bool = False
    empty_seats: int = 0


WAYS = {"left-first": Way(), "lower-first": Way(lower_first=True), "seats": Way(empty_seats=1)}


def plainly(fork: ac.Mutex) -> AbstractAsyncContextManager[object]:
    """Take a fork, and wait for it as long as it takes."""
    return fork


async def dine(way: Way, names: Sequence[str], meals: int, pause: Pause, take: Taking = plainly) -> list[str]:
    """Let philosophers think and eat; return who ate, in order.

    Args:
        way: What they have agreed upon.
        names: Theirs: two or more.
        meals: How many each of them wants.
        pause: What thinking, reaching for the second fork and eating take.
        take: How to take a fork, and put it back.
    """
    forks = [ac.Mutex(name=f"fork {number}") for number in range(len(names))]
    seats = ac.Semaphore(len(names) - way.empty_seats, name="seats")
    eaten: list[str] = []

    async def live(name: str, first: ac.Mutex, second: ac.Mutex) -> None:
        for _ in range(meals):
            await pause()
            async with seats, take(first):
                await pause()
                async with take(second):
                    eaten.append(name)
                    await pause()

    async with ac.ErrGroup(name="table") as g:
        for number, name in enumerate(names):
            beside = number, (number + 1) % len(names)
            first, second = sorted(beside) if way.lower_first else beside
            g.go(live, name, forks[first], forks[second]).set_name(name)
    return eaten
