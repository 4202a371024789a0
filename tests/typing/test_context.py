"""What type checkers know of contexts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, assert_type

import aiochan as ac


class User:
    """A key of its own: what is stored for it is one of these."""

    def __init__(self, name: str) -> None:
        self.name = name


def values(ctx: ac.Context) -> str:
    """A class as the key tells what is stored for it; any other key tells nothing."""
    ctx = assert_type(ctx.with_value(User, User("ada")), ac.Context)
    assert_type(ctx.value(User), User | None)
    assert_type(ctx.value(User, "nobody"), User | str)
    user = ctx.value(User, User("nobody"))
    assert_type(user, User)
    number: int = ctx.with_value("number", 1).value("number")
    return user.name * number


def derived(ctx: ac.Context) -> ac.Context:
    assert_type(ac.background(), ac.Context)
    assert_type(ac.todo(), ac.Context)
    assert_type(ac.current_context(), ac.Context)
    assert_type(ctx.with_cancel(), ac.Context)
    assert_type(ctx.without_cancel(), ac.Context)
    assert_type(ctx.with_timeout(1, cause=ValueError()), ac.Context)
    assert_type(ctx.with_deadline(1.0), ac.Context)
    with ctx.with_cancel() as inner:
        assert_type(inner, ac.Context)
    return inner


def looks(ctx: ac.Context) -> str:
    assert_type(ctx.err(), ac.ContextError | None)
    assert_type(ctx.cause(), BaseException | None)
    assert_type(ctx.deadline(), float | None)
    assert_type(ctx.done(), ac.Signal)
    match ctx.err():
        case None:
            return "open"
        case ac.DeadlineExceeded():
            return "late"
        case error:
            assert_type(error, ac.ContextError)
            return "canceled"


async def selected(ctx: ac.Context, jobs: ac.RecvChan[int]) -> int:
    match await ac.select(ac.recv(jobs), ac.recv(ctx.done())):
        case 0, job:
            return assert_type(job, int)
        case 1, nothing:
            assert_type(nothing, None)
            return 0


async def fetch(page: int, *, retries: int = 0) -> str:
    return f"page {page}" + "!" * retries


async def runs(ctx: ac.Context) -> str:
    """`run` returns what the function returns, and checks its arguments; a scope gives the context."""
    assert_type(await ctx.run(fetch, 1), str)
    assert_type(await ctx.run(asyncio.sleep, 0, 1), int)
    assert_type(await ctx.run(ac.Chan[int](1).send, 1), None)
    async with ctx.scope() as inside:
        assert_type(inside, ac.Context)
        page = await fetch(2)
    page += "!"  # reachable: a scope swallows nothing
    return page.rstrip("!")


def calls(ctx: ac.Context) -> bool:
    """What is called may return anything."""
    assert_type(ctx.after_func(ac.Signal().close), Callable[[], bool])
    stop = ctx.after_func(lambda: 1)
    return assert_type(stop(), bool)


# -- and run


def test_values_run() -> None:
    assert values(ac.background()) == "ada"


def test_derived_run() -> None:
    async def main() -> tuple[str, str]:
        return looks(ac.background().with_timeout(0)), looks(derived(ac.background()))

    assert asyncio.run(main()) == ("late", "canceled")


def test_selects_run() -> None:
    async def main() -> Literal[True]:
        jobs = ac.Chan[int](1)
        await jobs.send(7)
        assert await selected(ac.background(), jobs) == 7
        assert await selected(derived(ac.background()), jobs) == 0
        return True

    assert asyncio.run(main())


def test_bodies_run() -> None:
    async def main() -> tuple[str, bool]:
        return await runs(ac.background()), calls(ac.background())

    assert asyncio.run(main()) == ("page 2", True)
