"""The readers and the writers, and what they found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiochan as ac
from examples.readers_writers.bank import Bank, Locks, Pause

ACCOUNTS = 5


@dataclass(slots=True)
class Found:
    """What the readers found.

    Attributes:
        sums: How many they have made.
        wrong: How many of these were not what there is.
        most: How many were made at the same time.
        seconds: How long it took them.
    """

    sums: int = 0
    wrong: int = 0
    most: int = 0
    seconds: float = 0.0


async def read_and_write(locks: Callable[[], Locks], readers: int, writers: int, rounds: int, pause: Pause) -> Found:
    """Let each reader sum up so many times, while writers move money as long as anybody reads."""
    bank, found, loop = Bank(ACCOUNTS, locks(), pause), Found(), asyncio.get_running_loop()
    began = loop.time()

    async def read() -> None:
        for _ in range(rounds):
            total = await bank.total()  # on a line of its own: `+=` would read the number of wrong ones before it waits
            found.wrong += total != 100 * ACCOUNTS
            found.sums += 1

    async def write(number: int) -> None:
        while found.sums < readers * rounds:
            await bank.move(1, number % ACCOUNTS, (number + ACCOUNTS // 2) % ACCOUNTS)
            await pause()
            number += 1

    async with ac.ErrGroup(name="bank") as g:
        for number in range(writers):
            g.go(write, number)
        for _ in range(readers):
            g.go(read)
    found.most, found.seconds = bank.most, loop.time() - began
    return found
