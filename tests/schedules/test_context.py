"""Every order in which a context can end (CX01, CX02, CX04, H11): against completion, cancellation, `stop`, a value.

Each scenario also wants to see everything that it is about: `outcomes` names what has to come out in some order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing import Run
from aiochan.testing.explorer import explore
from tests.schedules.orders import Searched

Scenario = Callable[[Run, set[object]], None]


def search(searched: Searched, scenario: Scenario, outcomes: object, **options: Any) -> None:
    """Search it to the end; these outcomes have to come out, and no others."""
    seen = set[object]()
    searched(explore(lambda run: scenario(run, seen), **options))
    assert seen == outcomes


def cancelling() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def judged(body: Callable[[], Coroutine[Any, Any, object]]) -> str:
    """Run a body, and say what came out; whoever was cancelled from outside goes on with that.

    No cancellation may be left over from a scope: it would come at the next wait.
    """
    try:
        await body()
    except ac.ContextError as error:
        assert cancelling() == 0, "a scope has taken a cancellation for its own that was not"
        outcome = type(error).__name__
    else:
        outcome = "ended"
    before = cancelling()
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        assert cancelling() > before or before > 0, "a cancellation was left over"
        raise
    assert ac.current_context() is ac.background()
    return outcome


# -- a scope and what may happen to it


def completion(run: Run, seen: set[object], *, tasks: int = 1, awaits: int = 1) -> None:
    """A body waits for values; the context ends; the search may cancel."""
    ctx, ch = ac.background().with_cancel(), ac.Chan[int](1)
    got, outcomes = list[int](), list[str]()

    async def body() -> None:
        for _ in range(awaits):
            got.append(await ch.recv())

    async def work() -> None:
        outcomes.append(await judged(lambda: ctx.run(body)))

    async def feed() -> None:
        for number in range(tasks * awaits):
            await ch.send(number)

    async def end() -> None:
        ctx.cancel()

    def judge() -> None:
        held = [value for value, _ in ch._snapshot().held]
        assert got == sorted(got)
        assert [*got, *held][: len(got) + len(held)] == list(range(len(got) + len(held))), "lost, or out of order"
        assert all(task.done() for name, task in run.tasks.items() if name.startswith("work")), "the end came to nobody"
        seen.update(outcomes)

    for _ in range(tasks):
        run.spawn(work, cancel=2)
    run.spawn(feed)
    run.spawn(end)
    run.watch(ctx, ch)
    run.at_end(judge)


@pytest.mark.parametrize("cancels", [0, 1, 2])
@pytest.mark.parametrize("order", ["fifo", "any"])
def test_end_against_completion(searched: Searched, cancels: int, order: str) -> None:
    search(searched, completion, {"ended", "Canceled"}, cancels=cancels, order=order)


@pytest.mark.parametrize("order", ["fifo", "any"])
def test_end_against_completion_and_an_interrupt(searched: Searched, order: str) -> None:
    """H20."""
    search(searched, completion, {"ended", "Canceled"}, interrupts=1, order=order)


@pytest.mark.exhaustive
def test_end_of_two_bodies_against_their_completion(searched: Searched) -> None:
    search(searched, partial(completion, tasks=2, awaits=2), {"ended", "Canceled"}, cancels=2)


def nested(run: Run, seen: set[object], *, related: bool, limit: bool) -> None:
    """A scope in a scope, with an `asyncio.timeout` between them or not; both end, and so may the limit."""
    outer = ac.background().with_cancel()
    inner = outer.with_cancel() if related else ac.background().with_cancel()
    between, heard = asyncio.timeout(None), list[str]()

    async def innermost() -> None:
        try:
            await inner.run(ac.never().recv)
        except ac.Canceled:
            heard.append("inner")
        await asyncio.sleep(0)

    async def middle() -> None:
        if limit:
            try:
                async with between:
                    await innermost()
            except TimeoutError:
                heard.append("limit")
            await asyncio.sleep(0)
        else:
            await innermost()

    async def work() -> None:
        if await judged(lambda: outer.run(middle)) == "Canceled":
            heard.append("outer")

    async def end(ctx: ac.Context) -> None:
        ctx.cancel()

    async def expire() -> None:
        with suppress(AssertionError, RuntimeError):  # it is not open yet, or not any more
            between.reschedule(asyncio.get_running_loop().time())

    def judge() -> None:
        assert "work" not in run.tasks or run.tasks["work"].done(), "the end came to nobody"
        seen.add(" ".join(heard))

    run.spawn(work, cancel=2)
    run.spawn(end, inner, name="end inner")
    run.spawn(end, outer, name="end outer")
    if limit:
        run.spawn(expire)
    run.watch(outer, inner)
    run.at_end(judge)


BOTH = {"outer", "inner", "inner outer"}
ALL_THREE = BOTH | {"limit", "limit outer", "inner limit", "inner limit outer"}


@pytest.mark.parametrize("cancels", [0, 1, 2])
@pytest.mark.parametrize("related", [True, False], ids=["parent and child", "strangers"])
def test_a_scope_in_a_scope(searched: Searched, related: bool, cancels: int) -> None:
    """Cancelled from outside, it may have heard of the inner end, or of none."""
    outcomes = BOTH | {""} if cancels else BOTH
    search(searched, partial(nested, related=related, limit=False), outcomes, cancels=cancels)


@pytest.mark.parametrize("related", [True, False], ids=["parent and child", "strangers"])
def test_a_scope_in_a_limit_in_a_scope(searched: Searched, related: bool) -> None:
    search(searched, partial(nested, related=related, limit=True), ALL_THREE)


@pytest.mark.exhaustive
@pytest.mark.parametrize("order", ["fifo", "any"])
@pytest.mark.parametrize("related", [True, False], ids=["parent and child", "strangers"])
def test_a_scope_in_a_limit_in_a_scope_cancelled(searched: Searched, related: bool, order: str) -> None:
    cancels = 2 if order == "fifo" else 1
    scenario = partial(nested, related=related, limit=True)
    search(searched, scenario, ALL_THREE | {""}, cancels=cancels, order=order)


# -- calls


def calls(run: Run, seen: set[object]) -> None:
    """Two calls, one of them taken back: it is called, or `stop` was in time; never both, never neither."""
    ctx = ac.background().with_cancel()
    called, stopped = list[int](), list[bool]()

    async def ask() -> None:
        stop = ctx.after_func(lambda: called.append(1))
        ctx.after_func(lambda: called.append(2))
        await asyncio.sleep(0)
        stopped.append(stop())
        assert not stop()

    async def end() -> None:
        ctx.cancel()

    def judge() -> None:
        assert called.count(1) == (not stopped[0])
        assert called.count(2) == 1
        seen.add(stopped[0])

    run.spawn(ask)
    run.spawn(end)
    run.watch(ctx)
    run.at_end(judge)


@pytest.mark.parametrize("order", ["fifo", "any"])
def test_a_call_against_stop(searched: Searched, order: str) -> None:
    search(searched, calls, {True, False}, order=order)


# -- done() in a select


def selected(run: Run, seen: set[object], *, consumers: int) -> None:
    """Whoever selects between values and the end gets one of the two: no value is lost with the other."""
    ctx, ch = ac.background().with_cancel(), ac.Chan[int](0)
    got, sent, ends = list[int](), list[int](), list[str]()

    async def consume() -> None:
        while True:
            match await ac.select(ac.recv(ch), ac.recv(ctx.done())):
                case 0, value:
                    got.append(value)
                case 1, _:
                    ends.append("done")
                    return

    async def produce() -> None:
        for value in range(2):
            index, _ = await ac.select(ac.send(ch, value), ac.recv(ctx.done()))
            if index:
                return
            sent.append(value)

    async def end() -> None:
        ctx.cancel()

    def judge() -> None:
        held = [value for value, _ in ch._snapshot().held]
        assert set(sent) <= {*got, *held}, "lost"
        assert len({*got, *held}) == len(got) + len(held), "twice"
        assert all(task.done() for task in run.tasks.values()), "the end came to nobody"
        seen.add(len(got))

    for _ in range(consumers):
        run.spawn(consume, cancel=True)
    run.spawn(produce, cancel=True)
    run.spawn(end)
    run.watch(ctx, ch)
    run.at_end(judge)


@pytest.mark.parametrize("cancels", [0, 1, 2])
def test_done_in_a_select_against_values(searched: Searched, cancels: int) -> None:
    search(searched, partial(selected, consumers=1), {0, 1, 2}, cancels=cancels)


@pytest.mark.exhaustive
def test_done_in_two_selects_against_values(searched: Searched) -> None:
    search(searched, partial(selected, consumers=2), {0, 1, 2}, cancels=1)
    search(searched, partial(selected, consumers=1), {0, 1, 2}, cancels=1, order="any")


# -- the tree


def derived(run: Run, seen: set[object]) -> None:
    """A child is derived, waited for and ended by itself, while its parent ends."""
    parent = ac.background().with_cancel()
    children, heard = list[ac.Context](), list[str]()

    async def derive() -> None:
        with parent.with_value("key", "value").with_cancel() as child:
            children.append(child)
            await asyncio.sleep(0)
            children.append(grandchild := child.with_cancel())
            assert (grandchild.err() is None) == (parent.err() is None)
            await asyncio.sleep(0)
            await judged(lambda: grandchild.run(asyncio.sleep, 0))

    async def listen() -> None:
        await parent.with_cancel().done().wait()
        heard.append("the end")

    async def end() -> None:
        parent.cancel(ValueError("why"))

    def consistent() -> None:
        for child in children:
            assert parent.err() is None or child.err() is not None, "a child is open below what has ended"
            child._check()

    def judge() -> None:
        assert heard == ["the end"]
        assert parent._end is not None
        assert not parent._end.below
        if children:
            seen.add("with its parent" if children[0].err() is parent.err() else "before")

    run.spawn(derive, cancel=True)
    run.spawn(listen)
    run.spawn(end)
    run.watch(parent)
    run.always(consistent)
    run.at_end(judge)


@pytest.mark.parametrize("order", ["fifo", "any"])
@pytest.mark.parametrize("cancels", [0, 1])
def test_a_child_is_derived_while_its_parent_ends(searched: Searched, cancels: int, order: str) -> None:
    search(searched, derived, {"with its parent", "before"}, cancels=cancels, order=order)


def due(run: Run, seen: set[object]) -> None:
    """A deadline against a cancellation at the same time: one of them is the end, for all below."""
    kinds, outcomes = list[ac.Context](), list[str]()

    async def work() -> None:
        with ac.background().with_timeout(1.0, cause=ValueError("late")) as ctx:
            kinds.extend([ctx, ctx.with_cancel(), ctx.with_timeout(5.0)])
            outcomes.append(await judged(lambda: kinds[1].run(ac.never().recv)))

    def end() -> None:
        if kinds:
            kinds[0].cancel()

    async def set_alarm() -> None:
        run.loop.call_at(1.0, end)

    def judge() -> None:
        if kinds:
            assert len({ctx.err() for ctx in kinds}) == 1
            assert len({ctx.cause() for ctx in kinds}) == 1
            assert (kinds[0].cause() is kinds[0].err()) == isinstance(kinds[0].err(), ac.Canceled)
            assert not outcomes or outcomes == [type(kinds[0].err()).__name__]
        seen.update(outcomes)

    run.spawn(work, cancel=2)
    run.spawn(set_alarm)
    run.always(lambda: [ctx._check() for ctx in kinds])
    run.at_end(judge)


@pytest.mark.parametrize("cancels", [0, 1, 2])
def test_a_deadline_against_a_cancellation(searched: Searched, cancels: int) -> None:
    search(searched, due, {"Canceled", "DeadlineExceeded"}, cancels=cancels)
