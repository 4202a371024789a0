"""`CyclicBarrier` under every schedule: rounds, action, reset and abort, cancellations anywhere (CB01, P28, X15).

Each task notes what `wait` told it. What must hold in every schedule: a round is left by all of its parties or by none;
who leaves, leaves after the action, which ran once; nobody is told of a break that nobody has caused; and who still
sleeps in the end waits for somebody who never came.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import Searched, every_order, in_time

Scenario = Callable[[Any], None]
Action = Callable[[], object] | None


class Boom(Exception):
    pass


class Stage:
    """A barrier, and what its parties were told.

    Attributes:
        told: For each `wait` that returned or raised: the task, and what came of it.
        acted: How often the action has run to its end.
        free: How many parties of an unbroken barrier may sleep in the end.
    """

    def __init__(self, run: Any, parties: int, action: Action = None) -> None:
        self.run, self.barrier = run, ac.CyclicBarrier(parties, self.act if action else None, "steps")
        self.action, self.acting, self.acted = action, 0, 0
        self.told = list[tuple[str, object]]()
        self.causes = set[str]()
        run.watch(self.barrier)
        run.at_end(self.check)

    async def act(self) -> None:
        assert self.action is not None
        self.acting += 1
        assert self.acting == 1 or "reset" in self.causes, "two actions at once"
        try:
            made: Any = self.action()
            if made is not None:
                await made
            self.acted += 1
        finally:
            self.acting -= 1

    def spawn(self, tasks: int, rounds: int = 1, cancel: bool = True) -> None:
        for number in range(tasks):
            self.run.spawn(self.party, f"p{number}", rounds, name=f"p{number}", cancel=cancel)

    async def party(self, name: str, rounds: int) -> None:
        for _ in range(rounds):
            try:
                index = await self.barrier.wait()
            except ac.BrokenBarrier:
                self.told.append((name, "broken"))
                return
            except asyncio.CancelledError:
                self.told.append((name, "cancelled"))
                raise
            except Boom:
                self.told.append((name, "boom"))
                return
            assert self.action is None or self.acted, "somebody has left before the action"
            if index == self.barrier.parties - 1:
                self.nobody_was_missing()
            self.told.append((name, index))

    def nobody_was_missing(self) -> None:
        """The first round is complete in this step, so who was cancelled before was not there any more."""
        if not self.told and not self.causes:
            tasks = self.run.tasks.values()
            assert not any(task.cancelling() and not task.done() and _waits(task) for task in tasks), "one was missing"

    def counts(self) -> Counter[object]:
        return Counter(how for _, how in self.told)

    def check(self) -> None:
        """Look at how it ended; without a reset, all that was complete came before all that was not."""
        barrier, counts = self.barrier, self.counts()
        asleep = [task for task in self.run.tasks.values() if not task.done()]
        assert len(asleep) == barrier.waiting < barrier.parties, "somebody sleeps, and nobody knows"
        left = [counts[index] for index in range(barrier.parties)]
        complete = left[-1]  # the last one is never released, so nothing can hit it between release and return
        assert max(left) == complete, "a round was left before the last one had come"
        late = complete * barrier.parties - sum(left)
        assert late <= counts["cancelled"], "a round was left by some and not by others"
        assert self.action is None or self.acted >= complete, "a round was left without its action"
        early = counts["cancelled"] - late
        if self.causes:
            assert not barrier.broken or early or "abort" in self.causes, "broken by nobody"
        else:
            assert barrier.broken == bool(early or counts["boom"]), "broken by nobody, or not by him who should"
            assert barrier.broken or not counts["broken"], "somebody was told of a break, and there is none"


def _waits(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task has begun to wait, and was not told anything yet."""
    coro: Any = task.get_coro()
    return coro.cr_await is not None


# -- rounds


def rounds(parties: int, tasks: int, rounds: int = 1, action: Action = None) -> Scenario:
    def scenario(run: Any) -> None:
        Stage(run, parties, action).spawn(tasks, rounds)

    return scenario


async def turn() -> None:
    await asyncio.sleep(0)


def at_once() -> None:
    pass


@every_order
@pytest.mark.parametrize("action", [None, at_once, turn], ids=["no action", "plain", "async"])
def test_two_parties(searched: Searched, order: str, cancels: int, action: Action) -> None:
    searched(explore(rounds(2, 2, action=action), order=order, cancels=cancels))


@in_time
@pytest.mark.parametrize("action", [None, turn], ids=["no action", "async"])
def test_three_parties(searched: Searched, order: str, cancels: int, action: Action) -> None:
    searched(explore(rounds(3, 3, action=action), order=order, cancels=cancels))


@in_time
@pytest.mark.parametrize("action", [None, turn], ids=["no action", "async"])
def test_two_parties_twice(searched: Searched, order: str, cancels: int, action: Action) -> None:
    searched(explore(rounds(2, 2, 2, action), order=order, cancels=cancels))


@pytest.mark.parametrize("action", [None, turn], ids=["no action", "async"])
def test_more_tasks_than_parties(searched: Searched, action: Action) -> None:
    """While the action runs for two, the next two have come."""
    searched(explore(rounds(2, 4, action=action), cancels=1))


@pytest.mark.exhaustive
@every_order
@pytest.mark.parametrize("action", [None, turn], ids=["no action", "async"])
def test_more_tasks_than_parties_to_the_end(searched: Searched, order: str, cancels: int, action: Action) -> None:
    searched(explore(rounds(2, 4, action=action), order=order, cancels=cancels))


# -- the action fails


async def fails_later() -> None:
    await asyncio.sleep(0)
    raise Boom


def fails_at_once() -> None:
    raise Boom


@in_time
@pytest.mark.parametrize("action", [fails_at_once, fails_later])
def test_the_action_fails(searched: Searched, order: str, cancels: int, action: Action) -> None:
    searched(explore(rounds(2, 2, action=action), order=order, cancels=cancels))


@pytest.mark.parametrize("order", ["fifo", "any"])
def test_the_action_fails_while_others_have_come(searched: Searched, order: str) -> None:
    searched(explore(rounds(2, 4, action=fails_later), order=order))


@pytest.mark.exhaustive
def test_the_action_fails_while_others_have_come_and_go(searched: Searched) -> None:
    searched(explore(rounds(2, 4, action=fails_later), cancels=2))


# -- reset and abort


def disturbed(how: str, tasks: int, action: Action = None) -> Scenario:
    """Somebody resets or aborts it at any moment, from outside; who is told of it comes once more."""

    def scenario(run: Any) -> None:
        stage = Stage(run, 2, action)
        stage.causes.add(how)

        async def disturb() -> None:
            getattr(stage.barrier, how)()
            if how == "abort":
                assert stage.barrier.broken
                assert not stage.barrier.waiting
            else:
                assert not stage.barrier.broken

        async def comes_again(name: str) -> None:
            await stage.party(name, 1)
            if stage.told[-1] == (name, "broken"):
                await stage.party(name, 1)

        for number in range(tasks):
            run.spawn(comes_again, f"p{number}", name=f"p{number}", cancel=True)
        run.spawn(disturb)

    return scenario


@in_time
@pytest.mark.parametrize("how", ["reset", "abort"])
@pytest.mark.parametrize("action", [None, turn], ids=["no action", "async"])
def test_disturbed(searched: Searched, order: str, cancels: int, how: str, action: Action) -> None:
    searched(explore(disturbed(how, 2, action), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
@pytest.mark.parametrize("how", ["reset", "abort"])
def test_disturbed_with_three_tasks(searched: Searched, order: str, cancels: int, how: str) -> None:
    searched(explore(disturbed(how, 3, turn), order=order, cancels=1 if order == "any" else cancels))


@pytest.mark.parametrize("tasks", [2, 3])
def test_p28_nothing_of_the_old_round_reaches_the_new_one(searched: Searched, tasks: int) -> None:
    """Without cancellations, the round after a reset is complete if both come again."""

    def scenario(run: Any) -> None:
        disturbed("reset", tasks)(run)
        stage: Stage = run.endings[0].__self__

        def both_met() -> None:
            counts = stage.counts()
            assert counts[0] == counts[1], "one was let go, and the other was not"

        run.at_end(both_met)

    searched(explore(scenario))
    searched(explore(scenario, order="any"))
