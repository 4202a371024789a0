"""`Schedule` under every schedule: timers, jobs, cancellations and ends in any turn (GP10, P32)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.groups import schedule
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order, exhaustive


class FailedError(Exception):
    """What a job fails with."""


class World:
    """A schedule, its jobs, and what becomes of them.

    once        no job runs twice, and none that was taken back;
    in time     no job starts before its time;
    in order    jobs start in the order of their times (where the loop keeps the order of its callbacks);
    all or why  a schedule that is left in peace has run every job to its end that was not taken back;
    heard       the first error is raised;

    left        when it was left, it has no timer in the loop;

    and when nothing can happen any more, everybody has ended, and no job is left. An error of a job goes before the
    cancellation of the body, as in every group; so a body may end otherwise than cancelled, where jobs may fail.
    """

    def __init__(
        self, run: Any, turns: int = 1, dying: int = 0, fails: str = "", ctx: ac.Context | None = None
    ) -> None:
        self.s = ac.Schedule(ctx)
        self.turns, self.dying, self.fails = turns, dying, fails
        self.when: dict[str, float] = {}
        self.take_back: dict[str, Callable[[], bool]] = {}
        self.taken_back: list[str] = []
        self.started: list[str] = []
        self.ended: list[str] = []
        self.how = "not left"
        self.loop = run.loop
        run.watch(self.s)
        run.at_end(lambda: self.at_end(run))

    async def job(self, name: str) -> None:
        assert name not in self.started, f"once: {name} runs again"
        assert name not in self.taken_back, f"once: {name} runs although it was taken back"
        assert self.loop.time() >= self.when[name], f"in time: {name} runs too early"
        self.started.append(name)
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            if name in self.fails:
                raise FailedError(name)
            self.ended.append(name)
        except asyncio.CancelledError:
            for _ in range(self.dying):
                await asyncio.sleep(0)
            raise

    def add(self, when: float, name: str) -> None:
        self.when[name] = when
        self.take_back[name] = self.s.at(when, self.job, name)

    async def body(self, names: str, *calls: Callable[[], Any]) -> None:
        """Schedule jobs for 1, 2, ...; a capital letter has the time of the one before it."""
        try:
            async with self.s:
                time = 0
                for name in names:
                    time += name.islower()
                    self.add(time, name)
                for call in calls:
                    await call()
        except asyncio.CancelledError:
            self.how = "cancelled"
            raise
        except (FailedError, ac.ContextError) as error:
            self.how = type(error).__name__
        else:
            self.how = "in peace"
        finally:
            timers = [timer for timer in self.loop.timers if not timer.cancelled()]
            assert not [timer for timer in timers if timer._callback == self.s._due], "its timer is left"

    async def changes_its_mind(self, at: float, name: str) -> None:
        await asyncio.sleep(at)
        if name in self.take_back and self.take_back[name]():
            assert name not in self.started, "once: taken back, although it has started"
            self.taken_back.append(name)

    def at_end(self, run: Any) -> None:
        assert len(self.s) == 0, "jobs are left"
        if self.how == "in peace":
            wanted = sorted(set(self.when) - set(self.taken_back))
            assert sorted(self.ended) == wanted, f"all or why: {self.ended}, not {wanted}"
        if set(self.fails) & (set(self.started) - set(self.ended)) and self.how == "in peace":
            raise AssertionError("heard: nobody has heard of the error")
        if not run.loop.start_at_once:
            assert self.started == sorted(self.started, key=self.place), "in order"

    def place(self, name: str) -> tuple[float, int]:
        return self.when[name], list(self.when).index(name)


def jobs(names: str, *, wait: bool = False, **options: Any) -> Scenario:
    """Some jobs, and a body that may be cancelled."""

    def scenario(run: Any) -> None:
        world = World(run, **options)
        run.spawn(
            world.body, names, *([world.s.wait] if wait else []), name="body", cancel=2, may_swallow=bool(world.fails)
        )

    return scenario


def taken_back(names: str, *, at: float, which: str, cancel: bool = True, **options: Any) -> Scenario:
    """A job is taken back by another task, in the turn of its timer perhaps."""

    def scenario(run: Any) -> None:
        world = World(run, **options)
        run.spawn(world.body, names, name="body", cancel=cancel, may_swallow=bool(world.fails))
        run.spawn(world.changes_its_mind, at, which, name="doubt")

    return scenario


def waited_for(names: str, **options: Any) -> Scenario:
    """Another task waits for the jobs, and may be cancelled; wait() against the end of the last one."""

    def scenario(run: Any) -> None:
        world = World(run, **options)

        async def wait() -> None:
            try:
                await world.s.wait()
            except (FailedError, ac.ContextError):
                return
            except ac.MisuseError:
                assert "left" in repr(world.s) or "not entered" in repr(world.s)
                return
            assert len(world.s) == 0
            assert len(world.started) == len(world.when), "waited for less than all"

        async def later() -> None:
            await asyncio.sleep(0.5)
            task = asyncio.create_task(wait())
            try:
                await task
            except asyncio.CancelledError:
                current = asyncio.current_task()
                if current is not None and current.cancelling():
                    raise

        run.spawn(world.body, names, later, name="body", cancel=True, may_swallow=bool(world.fails))

    return scenario


def ended(names: str, *, at: float, **options: Any) -> Scenario:
    """The context ends, in the turn of a timer perhaps."""

    def scenario(run: Any) -> None:
        ctx = ac.background().with_cancel()
        world = World(run, ctx=ctx, **options)

        async def end() -> None:
            await asyncio.sleep(at)
            ctx.cancel()

        run.spawn(world.body, names, name="body", cancel=True, may_swallow=bool(world.fails))
        run.spawn(end)

    return scenario


def chained(run: Any) -> None:
    """A job schedules another one while the body leaves."""
    world = World(run)

    async def first() -> None:
        world.add(2, "b")

    async def start() -> None:
        world.s.at(1, first)

    run.spawn(world.body, "", start, name="body", cancel=True)


QUICK: dict[str, Scenario] = {
    "two jobs": jobs("ab"),
    "two jobs at one time": jobs("aB"),
    "wait for a job": jobs("a", wait=True),
    "one of two fails": jobs("ab", fails="a"),
    "taken back in time": taken_back("ab", at=0.5, which="a"),
    "taken back in the turn of the timer": taken_back("a", at=1, which="a"),
    "taken back, and the timer is set anew": taken_back("ab", at=1, which="b"),
    "wait against the end of the job": waited_for("a"),
    "the context ends in the turn of the timer": ended("a", at=1),
    "the context ends while a job runs": ended("a", at=1, turns=2),
    "a job schedules another": chained,
}

LARGE: dict[str, Scenario] = {
    "wait for two jobs": jobs("aB", wait=True),
    "one of three fails": jobs("aBc", fails="a", dying=1),
    "the context ends while a job runs and dies slowly": ended("ab", at=1, turns=2, dying=1),
    "four jobs": jobs("aBcD", turns=2),
    "four jobs that die slowly": jobs("aBcD", dying=2),
    "two of three fail": jobs("aBC", fails="aB"),
    "wait for three, one fails": jobs("aBc", wait=True, fails="B"),
    "the first of three is taken back in its turn": taken_back("aBc", at=1, which="a"),
    "the second of three is taken back in its turn": taken_back("aBc", at=1, which="B"),
    "one is taken back as another fails": taken_back("aBc", at=1, which="c", fails="a", dying=1),
    "wait against the ends of three": waited_for("aBc", dying=1),
    "wait against an error": waited_for("aBc", fails="B", dying=1),
    "the context ends in the turn of two": ended("aB", at=1, dying=1),
    "the context ends as one fails": ended("aBc", at=1, fails="a", dying=1),
}


@every_order
@pytest.mark.parametrize("title", QUICK)
def test_quick(title: str, order: str, cancels: int, searched: Searched) -> None:
    searched(explore(QUICK[title], order=order, cancels=cancels, must_finish=True))


@exhaustive
@every_order
@pytest.mark.parametrize("title", LARGE)
def test_to_the_end(title: str, order: str, cancels: int, searched: Searched) -> None:
    searched(explore(LARGE[title], order=order, cancels=cancels, must_finish=True))


# -- and that the search would see it


def drops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule.Schedule, "_drop", lambda self: None)


def expects_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group is left while jobs wait for their time."""
    adjust = schedule.Schedule._adjust

    def careless(self: Any, crew: Any) -> None:
        adjust(self, crew)
        if self._expected:
            self._expected = False
            crew.arrived()

    monkeypatch.setattr(schedule.Schedule, "_adjust", careless)
    monkeypatch.setattr(schedule.Schedule, "_check", lambda self: None)


def takes_back_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that has been started claims to be taken back."""
    monkeypatch.setattr(schedule._Job, "cancel", lambda self: True)


def keeps_its_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    adjust = schedule.Schedule._adjust

    def careless(self: Any, crew: Any) -> None:
        if not self._heap:
            self._timer = None  # and it goes on in the loop
        adjust(self, crew)

    monkeypatch.setattr(schedule.Schedule, "_adjust", careless)


FAULTS: dict[Callable[[pytest.MonkeyPatch], None], Scenario] = {
    drops_nothing: jobs("ab"),
    expects_nobody: jobs("ab"),
    takes_back_too_late: taken_back("a", at=1, which="a"),
    keeps_its_timer: jobs("ab"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found(fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    assert explore(FAULTS[fault], order="fifo", cancels=1, must_finish=True).failure is not None
