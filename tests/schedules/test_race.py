"""The combinators under every schedule: winners, errors and cancellations that meet in one turn (GP08, GP09, H11, H16).

Each scenario has a caller, and says at its end how his call came out. A test knows every way in which it can, so it
fails as well if one of them is never seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

import aiochan as ac
from aiochan.context import background
from aiochan.groups import together
from aiochan.testing.explorer import explore
from tests.schedules.orders import Searched, every_order, in_time

Scenario = Callable[["Stage"], object]
Fn = Callable[[], Awaitable[Any]]


class Boom(Exception):
    """What functions fail with."""


async def turn() -> None:
    await asyncio.sleep(0)


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


class Heat(together._Heat[Any]):
    """A call that can be asked for its invariants from outside."""

    at_work: list[Heat]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.at_work.append(self)

    def leave(self) -> None:
        self._check()
        self.at_work.remove(self)
        super().leave()


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_Heat", Heat)


class Stage:
    """What every scenario has: somebody who calls a combinator, functions, and how the call came out.

    Attributes:
        ended: The functions that have come to their end, in order.
        gate: What functions wait for that are to end in one turn.
    """

    def __init__(self, run: Any, seen: set[str]) -> None:
        self.run, self.seen = run, seen
        self.came_out, self.told = "never began", list[str]()
        self.ended = list[str]()
        self.gate = ac.Signal("gate")
        Heat.at_work = self.heats = list[Heat]()
        run.always(self.always)
        run.loop.set_exception_handler(self.hear)

    # -- functions

    def ends(self, name: str, turns: int = 0) -> Fn:
        """Wait at the gate, or for some turns, and return the name."""

        async def fn() -> str:
            await self.wait(turns)
            self.ended.append(name)
            return name

        return fn

    def fails(self, name: str, turns: int = 0) -> Fn:
        """Wait at the gate, or for some turns, and fail."""

        async def fn() -> str:
            await self.wait(turns)
            self.ended.append(name)
            raise Boom(name)

        return fn

    def cleans_up(self, name: str, how: str) -> Fn:
        """Wait for ever; cancelled, take a turn to clean up, and then obey, fail, or return as if nothing were."""

        async def fn() -> str:
            try:
                await for_ever()
            finally:
                await turn()
                self.ended.append(name)
                if how == "fails":
                    raise Boom(name)
                if how == "returns":
                    return name  # noqa: B012 - this is what must be dropped
            return "never"

        return fn

    async def wait(self, turns: int) -> None:
        for _ in range(turns):
            await turn()
        if not turns:
            await self.gate.wait()

    # -- the caller

    def call(self, fn: Fn, cancels: int = 1) -> None:
        """Let a task make the call; what comes out of it is judged when all has ended."""

        async def caller() -> None:
            try:
                answer = await fn()
            except asyncio.CancelledError:
                self.come_out("cancelled")
                raise
            except Boom as error:  # goes before a cancellation, which is not swallowed by that
                self.come_out("!".join([str(error), *getattr(error, "__notes__", ())]))
            except ac.Canceled:
                self.come_out("ended")
            else:
                self.come_out(answer if isinstance(answer, str) else "".join(map(str, answer)))

        calling = self.run.spawn(caller, cancel=cancels, may_swallow=True)

        def check() -> None:
            due = cancels - calling.cancels_left
            assert calling.task.done(), "the caller waits for ever"
            assert calling.task.cancelling() == due, "cancellations were miscounted"
            if calling.task.cancelled():
                assert due, "cancelled by nobody"
            elif due:
                assert self.came_out.startswith("x"), "a cancellation was swallowed"
            self.seen.add("+".join([self.came_out, *self.told]))

        self.run.at_end(check)

    def open(self) -> None:
        async def opens() -> None:
            self.gate.close()

        self.run.spawn(opens)

    def come_out(self, how: str) -> None:
        self.came_out = how
        left = [label for task, label in self.run.loop.labels.items() if "/" in label and not task.done()]
        assert not left, f"the call is over, and {left} are at work"
        assert not self.heats, "a call was not left"

    # -- what must hold

    def always(self) -> None:
        for heat in self.heats:
            heat._check()

    def hear(self, loop: Any, context: dict[str, Any]) -> None:
        self.told.append(str(context["exception"]))
        loop.errors.remove(context)  # as the search would take it for a failure


def see(searched: Searched, scenario: Scenario, expected: str, order: str, cancels: int) -> None:
    """Search a scenario to the end; it must come out in each of these ways and in no other."""
    seen = set[str]()

    def staged(run: Any) -> None:
        scenario(Stage(run, seen))

    searched(explore(staged, order=order, cancels=cancels))  # type: ignore[arg-type]
    assert seen == set(expected.split(", ")) | {"never began"}


# -- winners


def two_winners(stage: Stage) -> None:
    stage.call(partial(ac.race, stage.ends("a"), stage.ends("b")), cancels=2)
    stage.open()


@every_order
def test_two_winners_in_one_turn_and_a_cancellation_in_the_same(searched: Searched, order: str, cancels: int) -> None:
    """In the order of asyncio the one that ended first wins."""
    see(searched, two_winners, "a, cancelled" if order == "fifo" else "a, b, cancelled", order, cancels)


def winner_and_loser(how: str, turns: int) -> Scenario:
    """In any order the winner may come before the loser has taken its first step."""

    def scenario(stage: Stage) -> None:
        stage.call(partial(ac.race, stage.cleans_up("x", how), stage.ends("a", turns)), cancels=2)
        stage.open()

    return scenario


@in_time
@pytest.mark.parametrize("how", ["obeys", "returns", "fails"])
@pytest.mark.parametrize("turns", [0, 1])
def test_a_loser_that_cleans_up(searched: Searched, order: str, cancels: int, how: str, turns: int) -> None:
    """Its error is heard by the loop behind a winner, and by the caller if he was cancelled."""
    before_its_first_step = "" if order == "fifo" else "a, cancelled, "
    expected = before_its_first_step + "a+x, x" if how == "fails" else "a, cancelled"
    see(searched, winner_and_loser(how, turns), expected, order, cancels)


def nobody_wins(stage: Stage) -> None:
    stage.call(partial(ac.race, stage.fails("x"), stage.fails("xx"), stage.fails("xxx", 1)))
    stage.open()


@in_time
def test_a_race_that_nobody_wins(searched: Searched, order: str, cancels: int) -> None:
    """X17: the error that came last, whoever it comes from; all the others are named."""
    orders = ["x xx xxx", "xxx x xx"]
    if order == "any":
        orders += ["x xxx xx", "xx x xxx", "xx xxx x", "xxx xx x"]
    see(searched, nobody_wins, ", ".join(["cancelled", *map(notes, orders)]), order, cancels)


def notes(order: str) -> str:
    """Say how a race comes out that ends in this order."""
    *others, last = order.split()
    named = "; ".join(f"tests.schedules.test_race.Boom: {other}" for other in others)
    return f"{last}!earlier errors in race: {named}"


# -- some of them


def two_of_three(stage: Stage) -> None:
    stage.call(partial(ac.first_of, 2, stage.ends("a"), stage.fails("x"), stage.ends("b")))
    stage.open()


@in_time
def test_the_nth_success_against_an_error(searched: Searched, order: str, cancels: int) -> None:
    expected = "x, cancelled" if order == "fifo" else "ab, ba, x, cancelled"
    see(searched, two_of_three, expected, order, cancels)


def two_come_before_the_error(stage: Stage) -> None:
    stage.call(partial(ac.first_of, 2, stage.ends("a"), stage.ends("b"), stage.fails("x")))
    stage.open()


@in_time
def test_an_error_right_behind_the_nth_success(searched: Searched, order: str, cancels: int) -> None:
    """It is dropped, unless the caller was cancelled."""
    expected = "ab, x, cancelled" if order == "fifo" else "ab, ba, x, cancelled"
    see(searched, two_come_before_the_error, expected, order, cancels)


def last(stage: Stage) -> None:
    stage.call(partial(ac.last_of, 1, stage.ends("a"), stage.ends("b", 2), stage.ends("c", 1)))
    stage.open()


@in_time
def test_the_last_one(searched: Searched, order: str, cancels: int) -> None:
    see(searched, last, "a, b, cancelled" if order == "fifo" else "a, b, c, cancelled", order, cancels)


# -- all of them


def an_error(how: str) -> Scenario:
    def scenario(stage: Stage) -> None:
        stage.call(partial(ac.all_of, stage.ends("a"), stage.fails("x", 1), stage.cleans_up("xx", how)), cancels=2)

    return scenario


@in_time
@pytest.mark.parametrize("how", ["obeys", "returns"])
def test_an_error_against_a_cancellation(searched: Searched, order: str, cancels: int, how: str) -> None:
    """The error goes before it, once it was there."""
    see(searched, an_error(how), "x, cancelled", order, cancels)


@in_time
def test_an_error_and_one_of_cleaning_up_against_a_cancellation(searched: Searched, order: str, cancels: int) -> None:
    both = "x!later errors in all_of: tests.schedules.test_race.Boom: xx"
    other = "xx!later errors in all_of: tests.schedules.test_race.Boom: x"
    expected = f"{both}, xx" if order == "fifo" else f"{both}, {other}, x, xx, cancelled"
    see(searched, an_error("fails"), expected, order, cancels)


def two_errors(stage: Stage) -> None:
    stage.call(partial(ac.all_of, stage.fails("x"), stage.fails("xx")))
    stage.open()


@every_order
def test_two_errors_in_one_turn(searched: Searched, order: str, cancels: int) -> None:
    first = "x!later errors in all_of: tests.schedules.test_race.Boom: xx"
    second = "xx!later errors in all_of: tests.schedules.test_race.Boom: x"
    expected = f"{first}, cancelled" if order == "fifo" else f"{first}, {second}, x, xx, cancelled"
    see(searched, two_errors, expected, order, cancels)


def with_errors(stage: Stage) -> None:
    stage.call(partial(ac.all_of, stage.ends("a"), stage.fails("x"), stage.ends("b", 1), return_exceptions=True))
    stage.open()


@in_time
def test_errors_in_their_places(searched: Searched, order: str, cancels: int) -> None:
    """Whoever is cancelled gets no error that stood in its place: it was a result."""
    see(searched, with_errors, "axb, cancelled", order, cancels)


# -- the context's end


def context_ends(stage: Stage) -> None:
    ctx = background().with_cancel()

    async def ends() -> None:
        ctx.cancel()

    stage.call(partial(ctx.run, partial(ac.race, stage.ends("a", 1), for_ever)), cancels=2)
    stage.run.spawn(ends)


@in_time
def test_a_winner_against_the_end_of_the_context_and_a_cancellation(
    searched: Searched, order: str, cancels: int
) -> None:
    see(searched, context_ends, "a, ended, cancelled", order, cancels)


def told_by_the_context(stage: Stage) -> None:
    async def deaf() -> str:
        ctx = ac.current_context()
        while ctx.err() is None:
            try:
                await ctx.done().wait()
            except asyncio.CancelledError:
                continue
        return "x"

    stage.call(partial(ac.race, deaf, stage.ends("a", 1)), cancels=2)


@every_order
def test_a_loser_that_only_listens_to_its_context(searched: Searched, order: str, cancels: int) -> None:
    see(searched, told_by_the_context, "a, cancelled", order, cancels)


# -- one in another


def nested(stage: Stage) -> None:
    inner = partial(ac.all_of, stage.cleans_up("x", "obeys"))
    stage.call(partial(ac.race, inner, stage.ends("b")), cancels=2)
    stage.open()


@pytest.mark.exhaustive
@every_order
def test_a_loser_with_functions_of_its_own(searched: Searched, order: str, cancels: int) -> None:
    see(searched, nested, "b, cancelled", order, cancels)


# -- again and again


def again(stage: Stage) -> None:
    ctx = background().with_cancel()

    async def ends() -> None:
        await asyncio.sleep(1)
        await turn()  # as the attempts do, so that either timer may be the first
        await asyncio.sleep(1)
        ctx.cancel()

    calls = iter([stage.fails("xx", 1), stage.fails("x", 1), stage.ends("a", 1)])

    def attempt() -> Awaitable[Any]:
        assert ctx.err() is None, "called again, although the context has ended"
        return next(calls)()

    retry = partial(ac.retry, attempt, attempts=3, delay=1, factor=1, jitter=0)
    stage.call(partial(ctx.run, retry), cancels=1)
    stage.run.spawn(ends)


@every_order
def test_attempts_against_the_end_of_the_context_and_a_cancellation(
    searched: Searched, order: str, cancels: int
) -> None:
    see(searched, again, "a, ended, cancelled", order, cancels)
