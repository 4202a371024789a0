"""What everybody in a soak shares: dice, tasks, cancellations, the channels and their books."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from typing import Any, TypeAlias

import aiochan as ac
from aiochan.core import Waiter, hooks
from tests.soak.ledger import Account, Totals, Value

__all__ = ["KINDS", "World"]

Task: TypeAlias = "asyncio.Task[Any]"

KINDS: list[tuple[float, Any]] = [
    *((capacity, "wait") for capacity in (0, 0, 1, 1, 3, 8, math.inf)),
    (1, "drop_oldest"),
    (4, "drop_oldest"),
    (2, "drop_newest"),
]


class World(hooks.Observer):
    """One soak.

    Args:
        seed: Of the dice.
        pause_s: How long who has worked rests, on average; the pace changes it.
    """

    def __init__(self, seed: int, pause_s: float = 0.0) -> None:
        self.dice = random.Random(seed)
        self.pause_s = pause_s
        self.totals = Totals()
        self.left_in_channels = 0
        self.accounts: dict[int, Account] = {}  # of all channels that are in use
        self.channels = 0
        self.over = False
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self._asleep: set[int] = set()  # the waiters that fell asleep here, by id: one of before may leave only now
        self._running: set[Task] = set()
        self._told: set[Task] = set()  # to end, and must
        self._doomed: set[Task] = set()  # to be cancelled as soon as they are woken
        self._woken: list[Task] = []

    # -- the observer of the library

    def parked(self, waiter: Waiter) -> None:
        self._asleep.add(id(waiter))
        self.counts["waits"] += 1

    def woken(self, waiter: Waiter) -> None:
        self._asleep.discard(id(waiter))
        if self._doomed and (task := waiter.owner) in self._doomed and task is not None:
            self._woken.append(task)

    def left(self, waiter: Waiter) -> None:
        self._asleep.discard(id(waiter))

    @property
    def asleep(self) -> int:
        return len(self._asleep)

    # -- tasks

    def spawn(self, coro: Coroutine[Any, Any, Any]) -> Task:
        task = asyncio.create_task(coro)
        self.counts["tasks"] += 1
        self._running.add(task)
        self.counts["most tasks"] = max(self.counts["most tasks"], len(self._running))
        task.add_done_callback(self._ended)
        return task

    @property
    def running(self) -> int:
        return len(self._running)

    def _ended(self, task: Task) -> None:
        self._running.discard(task)
        self._doomed.discard(task)
        told = task in self._told
        self._told.discard(task)
        if not self._running:
            self._forget()
        if task.cancelled():
            self.counts["tasks cancelled"] += 1
            if not told:
                self.problem(f"a task ended cancelled, and nobody had cancelled it: {task!r}")
        elif (error := task.exception()) is not None:
            self.problem(f"{task!r} failed: {error!r}")
        elif told:
            self.problem(f"a task swallowed its cancellation: {task!r}")

    def _forget(self) -> None:
        """Let go of the tables of sets that are empty: they only ever grow otherwise, and look like a leak."""
        for tasks in (self._running, self._doomed, self._told):
            if not tasks:
                tasks.clear()

    def problem(self, text: str) -> None:
        self.counts["problems"] += 1
        if len(self.problems) < 20:
            self.problems.append(text)

    # -- cancellations

    def cancel(self, task: Task, moment: str) -> bool:
        """Cancel a task now."""
        if task in self._told or not task.cancel():
            return False
        self._told.add(task)
        self._doomed.discard(task)
        self.counts[f"cancelled {moment}"] += 1
        return True

    def is_told(self, task: Task) -> bool:
        """Tell whether the task was cancelled already."""
        return task in self._told

    def doom(self, task: Task) -> None:
        """Cancel a task when it has been woken, before it runs."""
        self._doomed.add(task)

    def strike(self) -> None:
        """Cancel those of the doomed who were woken just now."""
        while self._woken:
            self.cancel(self._woken.pop(), "in the turn of the wake-up")

    # -- channels

    def open(self, capacity: float = 0, overflow: Any = "wait") -> Account:
        chan: ac.Chan[Value] = ac.Chan(capacity, overflow=overflow)
        account = Account(chan, overflow != "wait")
        self.accounts[id(account)] = account
        self.channels += 1
        return account

    def open_any(self) -> Account:
        return self.open(*self.dice.choice(KINDS))

    def shut(self, *accounts: Account) -> None:
        """Be done with channels that nobody uses any more, closed or not."""
        for account in accounts:
            self.guard(account.finish)
            self.left_in_channels += len(account.chan)
            self.totals.add(account)
            del self.accounts[id(account)]

    def guard(self, check: Callable[[], object]) -> None:
        try:
            check()
        except AssertionError as error:
            self.problem(f"{type(error).__name__}: {error}")

    def all_totals(self) -> Totals:
        totals = Totals()
        totals.add(self.totals)
        for account in self.accounts.values():
            totals.add(account)
        return totals

    # -- time

    def burst(self, most: int = 40) -> range:
        return range(self.dice.randint(1, most))

    async def rest(self) -> None:
        """Let others work; how long depends on the pace."""
        await asyncio.sleep(self.pause_s * (0.5 + self.dice.random()))

    async def ended(self, tasks: Collection[Task]) -> None:
        if tasks:
            await asyncio.wait(tasks)
