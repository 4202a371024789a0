"""`SingleFlight` under every schedule: callers who come, leave and are answered, in any turn (SF01, SF02).

A load returns its number, so that an answer tells which load it came from. What must hold is in `World`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.groups import singleflight
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order, exhaustive


class FailedError(Exception):
    """What a load fails with: its number."""


class World:
    """One key, its loads, and what becomes of those who ask for it.

    live        at any moment there is at most one load that was neither cancelled nor forgotten;
    wanted      a load that nobody waits for any more is cancelled;
    fresh       nobody gets the answer of a load that had ended before the question;
    alone       who is told of no others got an answer that nobody else has got;
    heard       an error reaches at least one caller, or else the loop's exception handler, once;

    and when nothing can happen any more, everybody has ended, and nothing is left in the group. That nobody is told of
    a cancellation that was meant for others needs no rule: the task would have failed.
    """

    def __init__(self, run: Any, turns: int = 1, dying: int = 0, fails: bool = False) -> None:
        self.group = ac.SingleFlight[str, int]("group")
        self.turns, self.dying, self.fails = turns, dying, fails
        self.running: dict[int, asyncio.Task[Any]] = {}
        self.ended: list[int] = []
        self.forgotten = 0
        self.waiting = 0
        self.answers: list[tuple[int, bool]] = []
        self.failed: list[int] = []  # the loads
        self.heard: list[int] = []  # by callers
        self.told: list[int] = []  # to the loop
        run.watch(self.group)
        run.always(self.always)
        run.at_end(lambda: self.at_end(run))
        run.loop.set_exception_handler(self.hear)

    async def load(self) -> int:
        number = len(self.running) + len(self.ended)
        task = asyncio.current_task()
        assert task is not None
        self.running[number] = task
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            if self.fails:
                self.failed.append(number)
                raise FailedError(number)
            return number
        finally:
            for _ in range(self.dying if task.cancelling() else 0):
                await asyncio.sleep(0)
            del self.running[number]
            self.ended.append(number)

    async def do(self, load: Callable[[], Any]) -> tuple[int, bool]:
        self.waiting += 1
        try:
            return await self.group.do("key", load)
        finally:
            self.waiting -= 1

    async def ask(self) -> None:
        before = tuple(self.ended)
        try:
            number, shared = await self.do(self.load)
        except FailedError as error:
            self.answer(before, None, error, False)
        else:
            self.answer(before, number, None, shared)

    async def ask_by_channel(self) -> None:
        before = tuple(self.ended)
        ch = self.group.do_chan("key", self.load)
        self.waiting += 1
        result = await ch.recv()
        self.waiting -= 1
        assert await ch.recv_ok() == (None, False), "a channel gives one result"
        self.answer(before, *result)

    def answer(self, before: tuple[int, ...], number: int | None, error: BaseException | None, shared: bool) -> None:
        if isinstance(error, FailedError):
            number = error.args[0]
            self.heard.append(number)
        elif error is not None:
            raise error
        else:
            assert number is not None
            self.answers.append((number, shared))
        assert number not in before, "fresh: the load had ended before"

    async def forget(self) -> None:
        self.forgotten += 1
        self.group.forget("key")

    def hear(self, loop: Any, context: dict[str, Any]) -> None:
        self.told.append(context["exception"].args[0])
        loop.errors.remove(context)  # as the search would take it for a failure

    def always(self) -> None:
        live = [number for number, task in self.running.items() if not task.cancelling()]
        assert len(live) <= 1 + self.forgotten, "live: two loads for one key"
        assert len(live) <= self.waiting, "wanted: not any more"
        got = Counter(number for number, _ in self.answers)
        assert all(shared or got[number] == 1 for number, shared in self.answers), "alone: not so"
        heard = set(self.heard) | set(self.told)
        assert heard <= set(self.failed) and len(heard) == len(set(self.heard)) + len(self.told), "heard: twice"

    def at_end(self, run: Any) -> None:
        assert all(task.done() for task in run.tasks.values()), "somebody waits for ever"
        assert not self.running, "a load runs for ever"
        assert self.group._snapshot() == (), "a flight is left"
        assert set(self.failed) == set(self.heard) | set(self.told), "heard: by nobody"


def callers(n: int, **how: Any) -> Scenario:
    """Some who ask, and each of them may be cancelled: the one who asked first, the last one who is left, anyone."""

    def scenario(run: Any) -> None:
        world = World(run, **how)
        for number in range(n):
            run.spawn(world.ask, name=f"caller {number}", cancel=True)

    return scenario


def forgetting(n: int, **how: Any) -> Scenario:
    """The same, and somebody lets the group forget the key at any moment."""

    def scenario(run: Any) -> None:
        world = World(run, **how)
        for number in range(n):
            run.spawn(world.ask, name=f"caller {number}", cancel=True)
        run.spawn(world.forget)

    return scenario


def by_channel(n: int, **how: Any) -> Scenario:
    """One who cannot leave before the end, and others who can; nobody may take the load away."""

    def scenario(run: Any) -> None:
        world = World(run, **how)
        run.spawn(world.ask_by_channel, name="reader")
        for number in range(n):
            run.spawn(world.ask, name=f"caller {number}", cancel=True)

    return scenario


def killed(n: int) -> Scenario:
    """Somebody cancels the load, who does not wait for it: every caller is told, and none is cancelled by that."""

    def scenario(run: Any) -> None:
        world, told = World(run, turns=2), list[str]()

        async def ask() -> None:
            try:
                await world.ask()
            except ac.Canceled as error:
                told.append(str(error))

        async def kill() -> None:
            for task in world.running.values():
                task.cancel()

        for number in range(n):
            run.spawn(ask, name=f"caller {number}", cancel=True)
        run.spawn(kill)
        run.always(lambda: _need(len(world.answers) + len(told) <= n))

    return scenario


def _need(holds: bool) -> None:
    assert holds


def cached(n: int, cancel: bool) -> Scenario:
    """SF02: some who look into a cache whose entry has expired. They cause one load, unless all of them go away."""

    def scenario(run: Any) -> None:
        world, cache = World(run), dict[str, int]()

        async def load() -> int:
            cache["key"] = await world.load()
            return cache["key"]

        async def look() -> None:
            value = cache.get("key")
            if value is None:
                value, _ = await world.do(load)
            assert value == cache["key"]

        def one_load() -> None:
            loads = len(world.ended)
            if cancel:
                assert all(task.cancelled() for task in run.tasks.values()) or cache["key"] == loads - 1
            else:
                assert loads == 1, f"{loads} loads"

        for number in range(n):
            run.spawn(look, name=f"caller {number}", cancel=cancel)
        run.at_end(one_load)

    return scenario


def entangled(n: int) -> Scenario:
    """Loads that ask for each other's keys in a circle, each of them asked for from outside: nobody waits for ever."""

    def scenario(run: Any) -> None:
        group, refused = ac.SingleFlight[int, int]("group"), list[int]()

        async def load(key: int) -> int:
            await asyncio.sleep(0)
            value, _ = await group.do((key + 1) % n, load, (key + 1) % n)
            return value

        async def ask(key: int) -> None:
            try:
                await group.do(key, load, key)
            except ac.MisuseError:
                refused.append(key)

        def all_are_told() -> None:
            assert all(task.done() for task in run.tasks.values()), "somebody waits for ever"
            assert sorted(refused) == list(range(n)), "somebody has not heard of it"

        for key in range(n):
            run.spawn(ask, key, name=f"caller {key}")
        run.watch(group)
        run.at_end(all_are_told)

    return scenario


SMALL = {
    "one caller": callers(1),
    "two callers": callers(2),
    "a caller of a load that fails": callers(1, fails=True),
    "two callers of a load that fails": callers(2, fails=True),
    "two callers of a load that is slow to die": callers(2, dying=1),
    "a caller, and the key is forgotten": forgetting(1),
    "a channel and a caller": by_channel(1),
    "a load that is killed": killed(1),
    "two loads that wait for each other": entangled(2),
    "an expired key and two who look": cached(2, cancel=False),
    "an expired key and two who may leave": cached(2, cancel=True),
}
LARGE = {
    "three callers": callers(3),
    "three callers of a load that never waits": callers(3, turns=0),
    "three callers of a load that fails": callers(3, fails=True),
    "three callers of a load that is slow to die": callers(3, dying=1),
    "two callers, and the key is forgotten": forgetting(2, dying=1),
    "two callers of a load that fails, and the key is forgotten": forgetting(2, fails=True),
    "a channel and two callers of a load that fails": by_channel(2, fails=True),
    "a load that is killed, with two callers": killed(2),
    "an expired key and four who look": cached(4, cancel=False),
    "an expired key and three who may leave": cached(3, cancel=True),
}


@every_order
@pytest.mark.parametrize("scenario", SMALL.values(), ids=SMALL)
def test_small(searched: Searched, scenario: Scenario, order: Any, cancels: int) -> None:
    searched(explore(scenario, order=order, cancels=cancels))


@exhaustive
@pytest.mark.parametrize("scenario", LARGE.values(), ids=LARGE)
def test_large(searched: Searched, scenario: Scenario) -> None:
    searched(explore(scenario, order="fifo", cancels=2))


@pytest.mark.stress  # minutes each
@pytest.mark.parametrize("scenario", LARGE.values(), ids=LARGE)
def test_large_in_any_order(searched: Searched, scenario: Scenario) -> None:
    searched(explore(scenario, order="any", cancels=1))


@exhaustive
def test_three_loads_that_wait_for_each_other(searched: Searched) -> None:
    searched(explore(entangled(3)))  # in the loop's own order: in any order there are too many


# -- a search that finds nothing may be blind: mistakes that it has to find

Flight = singleflight._Flight


def keeps_the_key(self: Any) -> None:
    pass


def frees_the_key_of_another(self: Any) -> None:
    self.table.pop(self.key, None)


def leaves_without_a_word(self: Any, aboard: Any) -> None:
    self.callers -= 1
    if not self.callers:
        self.free_key()


def takes_all_down(self: Any, aboard: Any) -> None:
    self.callers = 1
    the_real["leave"](self, aboard)


def leaves_uncounted(self: Any, aboard: Any) -> None:
    pass


def joins_unseen(self: Any, aboard: Any) -> None:
    self.callers += 1


def joins_uncounted(self: Any, aboard: Any) -> None:
    self.joined = True


def sees_one_step(self: Any, other: Any) -> bool:
    return self is other


def tells_nobody(self: Any) -> None:
    pass


def tells_always(self: Any) -> None:
    self.heard = False
    the_real["tell_the_loop"](self)


the_real = {name: getattr(Flight, name) for name in ("leave", "tell_the_loop")}

MISTAKES = [
    ("ended", property(lambda self: False), callers(2), "fresh"),
    ("free_key", keeps_the_key, callers(1), "F3"),
    ("free_key", frees_the_key_of_another, callers(3, dying=2), "live"),
    ("leave", leaves_without_a_word, callers(2), "wanted"),
    ("leave", takes_all_down, callers(2), "Canceled"),
    ("leave", leaves_uncounted, callers(1, fails=True), "heard: by nobody"),
    ("join", joins_unseen, callers(2), "alone"),
    ("join", joins_uncounted, callers(2), "F"),
    ("waits_for", sees_one_step, entangled(2), "somebody waits for ever"),
    ("tell_the_loop", tells_nobody, callers(1, fails=True), "heard: by nobody"),
    ("tell_the_loop", tells_always, callers(2, fails=True), "heard: twice"),
]


@pytest.mark.parametrize(
    ("name", "mistake", "scenario", "reason"),
    MISTAKES,
    ids=[f"{name}-{number}" for number, (name, *_) in enumerate(MISTAKES)],
)
def test_a_mistake_is_found(monkeypatch: Any, name: str, mistake: Any, scenario: Scenario, reason: str) -> None:
    monkeypatch.setattr(Flight, name, mistake)
    failure = explore(scenario, cancels=2).failure
    assert failure is not None
    assert reason in failure.reason
