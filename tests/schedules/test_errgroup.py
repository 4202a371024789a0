"""`ErrGroup` under every schedule: errors, ends and cancellations that meet in one turn (GP01, GP07, H02, H11, H16).

Each scenario has an owner, in whose block the group is, and says at its end how that came out. A test knows every way
in which it can, so it fails as well if one of them is never seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.context import background
from aiochan.groups.errgroup import ErrGroup, Errors
from aiochan.testing.explorer import explore
from tests.schedules.orders import Searched, every_order, in_time

Scenario = Callable[["Stage"], object]
Fn = Callable[..., Awaitable[Any]]

# What takes its time in any order is searched in asyncio's by the quick tests.
every_mode: Any = pytest.mark.parametrize("errors", ["first", "all", "collect"])


class Boom(Exception):
    pass


async def turn() -> None:
    await asyncio.sleep(0)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fails(name: str) -> None:
    await turn()
    raise Boom(name)


class Stage:
    """What every scenario has: a group, its owner, and how that ended."""

    def __init__(self, run: Any, seen: set[str]) -> None:
        self.run, self.seen, self.ended = run, seen, "never began"
        self.g = ErrGroup(name="g")
        self.children = list[asyncio.Task[Any]]()

    def go(self, fn: Fn, *args: Any) -> asyncio.Task[Any]:
        child = self.g.go(fn, *args)
        self.children.append(child)
        return child

    def own(self, g: ErrGroup, body: Fn, cancels: int = 1) -> None:
        """Let a task own the group; what comes out of it is judged when all has ended."""
        self.g = g

        async def owner() -> None:
            try:
                async with g:
                    await body()
            except asyncio.CancelledError:
                self.come_out("cancelled")
                raise
            except ExceptionGroup as errors:
                self.come_out("+".join(sorted(map(str, errors.exceptions))))
            except Boom as error:  # goes before a cancellation, which is not swallowed by that
                self.come_out("+".join([str(error), *sorted(map(str, g.errors))]))
            except ac.Canceled:
                self.come_out("ended")
            else:
                self.come_out("peace")

        owning = self.run.spawn(owner, cancel=cancels, may_swallow=True)

        def check() -> None:
            assert owning.task.done(), "the owner waits for ever"
            assert owning.task.cancelling() == cancels - owning.cancels_left, "cancellations were miscounted"
            assert not owning.task.cancelling() or self.ended not in {"peace", "ended"}, "a cancellation was swallowed"
            assert owning.task.cancelling() or self.ended not in {"cancelled", "never began"}, "cancelled by nobody"
            self.seen.add(self.ended)

        self.run.watch(g)
        self.run.at_end(check)

    def come_out(self, how: str) -> None:
        self.ended = how
        assert all(child.done() for child in self.children), "left before its tasks had ended"


def see(searched: Searched, scenario: Scenario, expected: str, order: str, cancels: int) -> None:
    """Search a scenario to the end; it must come out in each of these ways and in no other."""
    seen = set[str]()

    def staged(run: Any) -> None:
        scenario(Stage(run, seen))

    searched(explore(staged, order=order, cancels=cancels))  # type: ignore[arg-type]
    assert seen == set(expected.split(", "))


# -- an error against a cancellation from outside


def one_fails(errors: Errors, waits: bool) -> Scenario:
    """One task fails, one would go on for ever; the body waits, or leaves."""

    def scenario(stage: Stage) -> None:
        async def body() -> None:
            stage.go(fails, "x")
            if errors != "collect":
                stage.go(for_ever)
            if waits:
                await for_ever()

        stage.own(ErrGroup(errors=errors), body)

    return scenario


@every_order
@pytest.mark.parametrize("errors", ["first", "all"])
@pytest.mark.parametrize("waits", [True, False], ids=["in the body", "on leaving"])
def test_an_error_against_a_cancellation(
    searched: Searched, order: str, cancels: int, errors: Errors, waits: bool
) -> None:
    see(searched, one_fails(errors, waits), "x, cancelled, never began", order, cancels)


@every_order
def test_a_collected_error_against_a_cancellation(searched: Searched, order: str, cancels: int) -> None:
    see(searched, one_fails("collect", waits=False), "x, cancelled, never began", order, cancels)


@pytest.mark.exhaustive
@every_mode
def test_an_error_against_two_cancellations(searched: Searched, errors: Errors) -> None:
    def scenario(stage: Stage) -> None:
        async def cleans_up() -> None:
            try:
                await for_ever()
            finally:
                await turn()

        async def body() -> None:
            stage.go(fails, "x")
            stage.go(cleans_up if errors != "collect" else turn)

        stage.own(ErrGroup(errors=errors), body, cancels=2)

    see(searched, scenario, "x, cancelled, never began", "fifo", 2)


# -- errors that meet


def two_fail(errors: Errors, body_fails: bool) -> Scenario:
    """Both in one turn, perhaps, and the body too."""

    def scenario(stage: Stage) -> None:
        gate = ac.Signal("gate")

        async def until(name: str) -> None:
            await gate.wait()
            raise Boom(name)

        async def opens() -> None:
            gate.close()

        async def body() -> None:
            stage.go(until, "x")
            stage.go(until, "y")
            if body_fails:
                await until("body")

        stage.own(ErrGroup(errors=errors), body)
        stage.run.spawn(opens)

    return scenario


@in_time
@every_mode
def test_two_errors_in_one_turn(searched: Searched, order: str, cancels: int, errors: Errors) -> None:
    """Both are told. In any order one may come alone: it stops the other, or the owner's cancellation does."""
    alone = "" if order == "fifo" else "x, y, y+x, " if errors == "first" else "x, y, "
    see(searched, two_fail(errors, body_fails=False), f"{alone}x+y, cancelled, never began", order, cancels)


@pytest.mark.parametrize(("errors", "three"), [("first", "x+body+y"), ("all", "body+x+y")])
def test_two_errors_and_one_of_the_body_in_one_turn(searched: Searched, errors: Errors, three: str) -> None:
    """The body's comes alone if the gate was open before, and not at all if it was cancelled in that turn."""
    see(searched, two_fail(errors, body_fails=True), f"body, x+y, {three}, cancelled, never began", "fifo", 2)


# -- the body against its tasks


def body_ends(turns: int, fails_too: bool) -> Scenario:
    def scenario(stage: Stage) -> None:
        async def body() -> None:
            stage.go(fails, "x")
            for _ in range(turns):
                await turn()
            if fails_too:
                raise Boom("body")

        stage.own(ErrGroup(), body)

    return scenario


@every_order
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_body_that_ends_against_an_error(searched: Searched, order: str, cancels: int, turns: int) -> None:
    see(searched, body_ends(turns, fails_too=False), "x, cancelled, never began", order, cancels)


# -- the context's end


def context_ends(child: Fn, waits: bool) -> Scenario:
    def scenario(stage: Stage) -> None:
        ctx = background().with_cancel()

        async def body() -> None:
            stage.go(child)
            if waits:
                await turn()

        async def ends() -> None:
            ctx.cancel()

        stage.own(ErrGroup(ctx), body)
        stage.run.spawn(ends)

    return scenario


async def fails_x() -> None:
    await fails("x")


@every_order
@pytest.mark.parametrize("waits", [True, False], ids=["the body waits", "the body leaves"])
@pytest.mark.parametrize(
    ("child", "expected"),
    [(turn, "peace, ended, cancelled, never began"), (fails_x, "x, ended, cancelled, never began")],
    ids=["a task that ends", "a task that fails"],
)
def test_the_end_of_the_context(
    searched: Searched, order: str, cancels: int, child: Fn, waits: bool, expected: str
) -> None:
    see(searched, context_ends(child, waits), expected, order, cancels)


def from_inside(stage: Stage) -> None:
    """A task ends the context, and another fails."""

    async def quits() -> str:
        await turn()
        stage.g.ctx.cancel()
        return "quit"

    async def body() -> None:
        stage.go(quits)
        stage.go(fails, "x")

    stage.own(ErrGroup(), body)


@in_time
def test_the_end_of_the_context_by_a_task(searched: Searched, order: str, cancels: int) -> None:
    error_comes_first = order == "fifo"
    see(searched, from_inside, f"x{'' if error_comes_first else ', ended'}, cancelled, never began", order, cancels)


# -- places


class Jobs:
    """Tasks that hold their places over a turn of the loop."""

    def __init__(self, run: Any, limit: int) -> None:
        self.inside, self.ran, self.limit = set[str](), list[str](), limit
        run.always(self.check)

    async def __call__(self, name: str) -> None:
        self.inside.add(name)
        self.ran.append(name)
        try:
            await turn()
        finally:
            self.inside.discard(name)

    def check(self) -> None:
        assert len(self.inside) <= self.limit, f"{self.inside} are inside at once"


def one_is_cancelled(which: str, names: str, limit: int = 1) -> Scenario:
    """Somebody cancels one of the tasks at any moment: before its first step, in line, and when it has its place."""

    def scenario(stage: Stage) -> None:
        jobs = Jobs(stage.run, limit)
        tasks = dict[str, asyncio.Task[Any]]()

        async def body() -> None:
            for name in names:
                tasks[name] = stage.go(jobs, name)

        async def canceller() -> None:
            if which in tasks:
                tasks[which].cancel()

        def order_is_kept() -> None:
            if stage.ended == "peace":
                others = [name for name in names if name != which]
                assert [name for name in jobs.ran if name != which] == others, "the line was not kept"
                assert which in jobs.ran or tasks[which].cancelled()

        stage.own(ErrGroup(limit=limit), body)
        stage.run.spawn(canceller)
        stage.run.at_end(order_is_kept)

    return scenario


@in_time
@pytest.mark.parametrize("which", "ab")
def test_a_queued_task_is_cancelled(searched: Searched, order: str, cancels: int, which: str) -> None:
    see(searched, one_is_cancelled(which, "ab"), "peace, cancelled, never began", order, cancels)


@pytest.mark.exhaustive
@pytest.mark.parametrize("which", "abc")
@pytest.mark.parametrize("limit", [1, 2])
def test_a_queued_task_is_cancelled_among_others(searched: Searched, which: str, limit: int) -> None:
    see(searched, one_is_cancelled(which, "abc", limit), "peace, cancelled, never began", "fifo", 2)


def submits(callers: int, ends: bool = False) -> Scenario:
    """Callers wait for the only place and may be cancelled; they come in time, or when the group was left."""

    def scenario(stage: Stage) -> None:
        jobs = Jobs(stage.run, 1)

        async def caller(name: str) -> None:
            try:
                stage.children.append(task := await stage.g.submit(jobs, name))
            except ac.MisuseError:
                return
            await asyncio.wait([task])

        async def body() -> None:
            stage.go(jobs, "a")
            if ends:
                await turn()
                stage.g.ctx.cancel()

        stage.own(ErrGroup(limit=1), body)
        for number in range(callers):
            stage.run.spawn(caller, f"caller {number}", name=f"caller {number}", cancel=True)
        stage.run.at_end(lambda: _all_done(stage.run))

    return scenario


def _all_done(run: Any) -> None:
    assert all(task.done() for task in run.tasks.values()), "somebody waits for ever"


@in_time
def test_a_submit_is_cancelled(searched: Searched, order: str, cancels: int) -> None:
    see(searched, submits(1), "peace, cancelled, never began", order, cancels)


@pytest.mark.exhaustive
def test_two_submits_are_cancelled(searched: Searched) -> None:
    see(searched, submits(2), "peace, cancelled, never began", "fifo", 2)


@in_time
def test_a_submit_against_the_end(searched: Searched, order: str, cancels: int) -> None:
    see(searched, submits(1, ends=True), "ended, cancelled, never began", order, cancels)


# -- waiting beside the owner


def waits_beside(child: Fn, ways: set[str]) -> Scenario:
    """Somebody else waits, and may be cancelled; he hears what the owner hears."""

    def scenario(stage: Stage) -> None:
        heard = list[str]()

        async def waiter() -> None:
            try:
                await stage.g.wait()
                heard.append("peace")
            except Boom as error:
                heard.append(str(error))
            except ac.Canceled:
                heard.append("ended")
            except ac.MisuseError:
                heard.append("not now")

        async def body() -> None:
            stage.go(child)

        def same() -> None:
            ways.update(f"{stage.ended}/{how}" for how in heard)

        stage.own(ErrGroup(), body)
        stage.run.spawn(waiter, cancel=True)
        stage.run.at_end(same)
        stage.run.at_end(lambda: _all_done(stage.run))

    return scenario


@in_time
@pytest.mark.parametrize(
    ("child", "peace", "hears"),
    [
        (turn, "peace", "peace/peace, peace/not now, cancelled/ended, cancelled/not now, never began/not now"),
        (fails_x, "x", "x/x, x/not now, cancelled/ended, cancelled/not now, never began/not now"),
    ],
    ids=["a task that ends", "a task that fails"],
)
def test_somebody_else_waits(searched: Searched, order: str, cancels: int, child: Fn, peace: str, hears: str) -> None:
    ways = set[str]()
    see(searched, waits_beside(child, ways), f"{peace}, cancelled, never began", order, cancels)
    assert ways <= {*hears.split(", "), "cancelled/peace"}
    assert {f"{peace}/{peace}", "cancelled/ended"} <= ways


# -- before the first step


@every_order
@every_mode
def test_a_task_that_is_cancelled_before_its_first_step(
    searched: Searched, order: str, cancels: int, errors: Errors
) -> None:
    def scenario(stage: Stage) -> None:
        async def body() -> None:
            child = stage.go(fails, "x")
            stage.go(turn)
            child.cancel()

        stage.own(ErrGroup(errors=errors), body)

    see(searched, scenario, "peace, cancelled, never began", order, cancels)


# -- groups in groups


def nested(waits: bool) -> Scenario:
    """A group in a group in the same task: the error of a task of the outer one stops both."""

    def scenario(stage: Stage) -> None:
        async def body() -> None:
            stage.go(fails, "outer")
            async with ErrGroup() as inner:
                stage.children.append(inner.go(for_ever if waits else turn))
                if waits:
                    await for_ever()

        stage.own(ErrGroup(), body)

    return scenario


@in_time
@pytest.mark.parametrize("waits", [True, False])
def test_a_group_in_a_group(searched: Searched, order: str, cancels: int, waits: bool) -> None:
    error_comes_first = order == "fifo"  # the inner group needs another turn to be left
    see(searched, nested(waits), f"outer{'' if error_comes_first else ', cancelled'}, never began", order, cancels)


@in_time
def test_both_of_two_groups_fail(searched: Searched, order: str, cancels: int) -> None:
    """The outer error is the first of two even if it is met last: an inner group is left behind its own."""

    def scenario(stage: Stage) -> None:
        async def body() -> None:
            stage.go(fails, "outer")
            async with ErrGroup() as inner:
                stage.children.append(inner.go(fails, "inner"))
                await for_ever()

        stage.own(ErrGroup(), body)

    others = "" if order == "fifo" else "inner, cancelled, "
    see(searched, scenario, f"{others}outer, outer+inner, never began", order, cancels)
