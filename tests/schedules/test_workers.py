"""`WorkerPool` under every schedule: submitters, cancellations, stops and ends in any turn (PL08, PL09, PL10, CH13).

A job returns its name, so that a result tells which job it came from. What must hold is in `World`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.groups import workshop
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order, exhaustive


class FailedError(Exception):
    """What a job fails with."""


class World:
    """A pool, its submitters, and what becomes of their jobs.

    few         at no moment more jobs run than there are workers;
    once        no job runs twice, and none that was not put in line: not if its submit was cancelled or refused;
    told        every future is done in the end: with the job's own result or error, or it says why there is none;
    counted     every job is counted once, as what it was;
    heard       an error reaches the future, the channel, or the loop's exception handler;
    in line     jobs start in the order in which they were submitted (where the loop keeps the order of its callbacks);

    and when nothing can happen any more, everybody has ended, and nothing is left in the pool.
    """

    def __init__(
        self, run: Any, size: int = 1, queue: float = 0, turns: int = 1, dying: int = 0, fails: str = "", **options: Any
    ) -> None:
        self.pool = ac.WorkerPool(size, queue=queue, **options)
        self.size, self.turns, self.dying, self.fails = size, turns, dying, fails
        self.ready = ac.Signal("ready")
        self.inside: list[str] = []
        self.started: list[str] = []
        self.failed: list[str] = []
        self.futures: dict[str, asyncio.Future[str]] = {}
        self.not_put: list[str] = []
        self.heard: list[str] = []
        run.watch(self.pool)
        run.always(self.few)
        run.at_end(lambda: self.at_end(run))
        run.loop.set_exception_handler(self.hear)

    async def job(self, name: str) -> str:
        assert name not in self.started, f"once: {name} runs again"
        self.started.append(name)
        self.inside.append(name)
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            if name in self.fails:
                raise self.error(name)
            return name
        except asyncio.CancelledError:
            for _ in range(self.dying):
                await asyncio.sleep(0)
            if name in self.fails:
                raise self.error(name) from None
            raise
        finally:
            self.inside.remove(name)

    def error(self, name: str) -> FailedError:
        self.failed.append(name)
        return FailedError(name)

    async def body(self, *calls: Callable[[], Any]) -> None:
        """Be the block: call something, then leave."""
        async with self.pool:
            self.ready.close()
            for call in calls:
                await call()

    async def submit(self, name: str) -> asyncio.Future[str] | None:
        await self.ready.wait()
        try:
            future = await self.pool.submit(self.job, name)
        except ac.MisuseError:
            self.not_put.append(name)
            return None
        except asyncio.CancelledError:
            self.not_put.append(name)
            raise
        self.futures[name] = future
        return future

    async def submit_and_cancel(self, name: str) -> None:
        future = await self.submit(name)
        await asyncio.sleep(0)
        if future is not None:
            future.cancel()

    async def submit_wait(self, name: str) -> None:
        await self.ready.wait()
        try:
            assert await self.pool.submit_wait(self.job, name) == name, "told: the result of another job"
        except (ac.MisuseError, ac.Canceled):
            pass
        except FailedError as error:
            self.heard += error.args

    def hear(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, FailedError):
            self.heard.append(error.args[0])
            loop.errors.remove(context)  # as the search would take it for a failure

    def few(self) -> None:
        assert len(self.inside) <= self.size, f"few: {self.inside} run at once"

    def at_end(self, run: Any) -> None:
        pool, started = self.pool, self.started
        if self.ready.closed:  # else the body was cancelled before it began
            assert all(task.done() for task in run.loop.labels), "somebody waits for ever"
        assert not set(self.not_put) & set(started), "once: a job runs that was not put in line"
        for name, future in self.futures.items():
            assert future.done(), f"told: the future of {name} is not done"
            if not future.cancelled() and (error := future.exception()) is not None:
                assert error.args == (name,) or isinstance(error, ac.Canceled), "told: the error of another job"
                if isinstance(error, FailedError) and pool._shop.errors is None:
                    self.heard.append(name)
            elif not future.cancelled():
                assert future.result() == name, "told: the result of another job"
                assert name in started
        if pool._shop.errors is not None:
            self.heard += [value.args[0] for value, _ in pool._shop.errors._snapshot().held]
        assert sorted(self.heard) == sorted(self.failed), "heard: an error was lost, or told twice"
        assert pool.failed == len(self.failed), "counted"
        assert pool.done + pool.failed <= len(started), "counted"
        if run.tasks.get("body") is not None and run.tasks["body"].done():
            assert "left" in repr(pool) or "not entered" in repr(pool)
            assert (pool.running, pool.waiting, pool._shop.taken) == (0, 0, 0), "something is left in the pool"


def in_line(world: World) -> None:
    """Of the jobs that were put, those that started did so in the order of their submission."""
    started = [name for name in world.futures if name in world.started]
    assert [name for name in world.started if name in world.futures] == started, "in line: out of order"


# -- scenarios


def crowd(names: str, *, cancel_body: bool = False, **options: Any) -> Scenario:
    """Several submit, and may be cancelled; the body leaves at once."""

    def scenario(run: Any) -> None:
        world = World(run, **options)
        for name in names:
            run.spawn(world.submit, name, name=name, cancel=True)
        run.spawn(world.body, lambda: until(world, len(names)), name="body", cancel=cancel_body)
        if not run.loop.start_at_once:
            run.at_end(lambda: in_line(world))

    return scenario


async def until(world: World, n: int) -> None:
    """Give the submitters a few turns before the body leaves."""
    for _ in range(n):
        await asyncio.sleep(0)


def stopped(names: str, *, wait: bool, **options: Any) -> Scenario:
    """Several submit while the pool is stopped."""

    def scenario(run: Any) -> None:
        world = World(run, **options)
        for name in names:
            run.spawn(world.submit, name, name=name, cancel=True)

        async def stop() -> None:
            await world.ready.wait()
            try:
                await world.pool.stop(wait)
            except ac.MisuseError:
                return  # it was left before

        run.spawn(stop, name="stop")
        run.spawn(world.body, lambda: until(world, 2), name="body")

    return scenario


def waited_for(names: str, **options: Any) -> Scenario:
    """Several wait for their results, and may be cancelled: in line, running, and in the turn in which the job ends."""

    def scenario(run: Any) -> None:
        world = World(run, **options)
        for name in names:
            run.spawn(world.submit_wait, name, name=name, cancel=True)
        run.spawn(world.body, lambda: until(world, 2), name="body")

    return scenario


def taken_back(names: str, **options: Any) -> Scenario:
    """Futures are cancelled: in line, as they start, as they run, as they end."""

    def scenario(run: Any) -> None:
        world = World(run, **options)
        for name in names:
            run.spawn(world.submit_and_cancel, name, name=name)
        run.spawn(world.submit, "z", name="z")
        run.spawn(world.body, lambda: until(world, 2), name="body")

    return scenario


def resized(names: str) -> Scenario:
    """The number of workers changes while several submit."""

    def scenario(run: Any) -> None:
        world = World(run, size=1, queue=0)
        world.size = 2

        async def resize() -> None:
            await world.ready.wait()
            for n in (2, 1):
                if "left" not in repr(world.pool):
                    world.pool.resize(n)
                await asyncio.sleep(0)

        for name in names:
            run.spawn(world.submit, name, name=name, cancel=True)
        run.spawn(resize)
        run.spawn(world.body, lambda: until(world, 2), name="body")

    return scenario


def ended(names: str) -> Scenario:
    """The context ends while several submit and wait."""

    def scenario(run: Any) -> None:
        ctx = ac.background().with_cancel()
        world = World(run, queue=1, ctx=ctx)

        async def end() -> None:
            ctx.cancel()

        async def body() -> None:
            try:
                await world.body(lambda: until(world, 2))
            except ac.Canceled:
                world.ready.close()

        for name in names[1:]:
            run.spawn(world.submit, name, name=name, cancel=True)
        run.spawn(world.submit_wait, names[0], name=names[0], cancel=True)
        run.spawn(end)
        run.spawn(body, name="body")

    return scenario


QUICK: dict[str, Scenario] = {
    "two submit to one worker, no queue": crowd("ab"),
    "two submit to one worker, a queue": crowd("ab", queue=1),
    "stop against submit": stopped("a", wait=True),
    "stop in a hurry against submit": stopped("a", wait=False),
    "two wait for results": waited_for("ab", queue=math.inf),
    "one waits for a result that fails": waited_for("a", fails="a"),
    "one waits for a job that dies slowly": waited_for("a", dying=1),
    "a job is taken back": taken_back("a", queue=math.inf),
    "resized": resized("a"),
    "the context ends": ended("a"),
}

LARGE: dict[str, Scenario] = {
    "three submit to one worker, no queue": crowd("abc"),
    "three submit to one worker, a queue": crowd("abc", queue=1),
    "three submit to two workers": crowd("abc", size=2),
    "two submit, and the body is cancelled": crowd("ab", cancel_body=True, dying=1),
    "two submit and fail, and the body is cancelled": crowd("ab", cancel_body=True, fails="ab"),
    "stop against two": stopped("ab", wait=True),
    "stop against two, a queue": stopped("ab", wait=True, queue=1),
    "stop in a hurry against two": stopped("ab", wait=False),
    "stop in a hurry against two, a queue": stopped("ab", wait=False, queue=1, dying=1),
    "three wait for results": waited_for("abc", queue=math.inf),
    "two wait for results, no queue": waited_for("ab"),
    "two wait for results that fail": waited_for("ab", fails="ab", queue=math.inf),
    "two wait for jobs that die slowly and fail": waited_for("ab", fails="a", dying=1, queue=1),
    "two wait, errors go to the channel": waited_for("ab", dying=1, queue=1, results=True),
    "two jobs are taken back": taken_back("ab", queue=math.inf),
    "two jobs are taken back, no queue": taken_back("ab"),
    "two jobs are taken back and fail, errors go to the channel": taken_back(
        "ab", queue=math.inf, fails="ab", dying=1, errors=True
    ),
    "two submit, resized": resized("ab"),
    "the context ends on two": ended("ab"),
}


@every_order
@pytest.mark.parametrize("title", QUICK)
def test_quick(title: str, order: str, cancels: int, searched: Searched) -> None:
    searched(explore(QUICK[title], order=order, cancels=min(cancels, 1)))


@exhaustive
@every_order
@pytest.mark.parametrize("title", [title for title in QUICK | LARGE if not title.startswith("three")])
def test_to_the_end(title: str, order: str, cancels: int, searched: Searched) -> None:
    searched(explore((QUICK | LARGE)[title], order=order, cancels=cancels))


@exhaustive
@pytest.mark.parametrize("title", [title for title in LARGE if title.startswith("three")])
def test_three_to_the_end(title: str, searched: Searched) -> None:
    searched(explore(LARGE[title], order="fifo", cancels=2))


@pytest.mark.stress  # half a minute each
@pytest.mark.parametrize("title", [title for title in LARGE if title.startswith("three")])
def test_three_in_any_order(title: str, searched: Searched) -> None:
    searched(explore(LARGE[title], order="any", cancels=1))


# -- and that the search would see it


def loses_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is promised room and cancelled before he ran keeps it."""

    async def wait(self: Any, crew: Any) -> None:
        await self._outside.park(give_back=crew.arrived)

    monkeypatch.setattr(workshop.Workshop, "wait", wait)


def forgets_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that has ended its job takes no other."""
    fill = workshop.Workshop._fill
    monkeypatch.setattr(workshop.Workshop, "_fill", lambda self, crew: None if self.running else fill(self, crew))


def tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for room is not told of a stop."""
    monkeypatch.setattr(workshop.Workshop, "_let_go", lambda *_: None)


def starts_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is cancelled while it runs counts as ended at once."""
    cancelled = workshop.Workshop._job_cancelled

    def job_cancelled(self: Any, job: Any) -> None:
        self.running -= job.task is not None
        cancelled(self, job)

    monkeypatch.setattr(workshop.Workshop, "_job_cancelled", job_cancelled)


FAULTS: dict[Callable[[pytest.MonkeyPatch], None], Scenario] = {
    loses_promises: crowd("abc"),
    forgets_the_line: crowd("abc", size=2, queue=1),
    tells_nobody: stopped("ab", wait=True),
    starts_too_many: waited_for("ab", dying=1, queue=1),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found(fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    result = explore(FAULTS[fault], order="fifo", cancels=1)
    assert result.failure is not None
