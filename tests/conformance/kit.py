"""Channels of every kind, by their two ends, and the means to move tasks around them.

    def test_a_receiver_that_came_first_is_served_first(run, make):
        async def main():
            ch = make()
            first, second = await asleep(ch.rx.recv(), ch.rx.recv())
            ch.put("a")
            await settle()
            assert first.result() == "a"
            await dismiss(second)

        run(main)

A test decides in which order things happen by what it does between two calls of `settle`: until then nobody else runs.
So "woken, then cancelled before it runs" is two lines. Every channel made by `make` is checked after every step.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import weakref
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, NamedTuple

import pytest

import aiochan as ac
from aiochan import core

TURNS = 1000  # of the loop, until everybody must have come to rest
PYTHON = core.IMPLEMENTATION == "python"

watched: weakref.WeakSet[ac.Chan[Any]] = weakref.WeakSet()


def python_only(why: str) -> pytest.MarkDecorator:
    """Mark a test that can be done with the Python core only, with the reason."""
    return pytest.mark.skipif(not PYTHON, reason=f"Python core only: {why}")


class Kind(NamedTuple):
    """What a channel can be like."""

    capacity: float
    overflow: str = "wait"
    views: bool = False  # used through its one-way views only

    def __str__(self) -> str:
        name = f"{self.capacity}" if self.overflow == "wait" else f"{self.overflow}-{self.capacity}"
        return f"{name}-views" if self.views else name

    @property
    def waits(self) -> bool:
        """Whether a sender can come to wait."""
        return self.overflow == "wait" and self.capacity != math.inf

    @property
    def reserves(self) -> bool:
        return self.overflow == "wait" and self.capacity >= 1


KINDS = [
    *(Kind(capacity) for capacity in (0, 1, 2, 10, math.inf)),
    *(Kind(capacity, overflow) for overflow in ("drop_oldest", "drop_newest") for capacity in (1, 2)),
    *(Kind(0, views=True), Kind(2, views=True), Kind(1, "drop_oldest", views=True)),
]


def kinds(fits: Any = lambda kind: True) -> dict[str, Any]:
    """Parametrise a fixture or a test with the kinds that fit."""
    chosen = [kind for kind in KINDS if fits(kind)]
    return {"params": chosen, "ids": [str(kind) for kind in chosen]}


class Ends:
    """One channel by its two ends."""

    def __init__(self, kind: Kind, name: str | None = None) -> None:
        self.kind = kind
        self.chan: ac.Chan[Any] = ac.Chan(kind.capacity, name=name, overflow=kind.overflow)
        self.tx = self.chan.sender if kind.views else self.chan
        self.rx = self.chan.receiver if kind.views else self.chan
        watched.add(self.chan)

    def put(self, *values: Any) -> None:
        """Send now, one after the other."""
        for value in values:
            self.tx.send_nowait(value)
            check()

    def take(self) -> Any:
        """Receive now."""
        try:
            return self.rx.recv_nowait()
        finally:
            check()

    def close(self, cause: BaseException | None = None) -> None:
        try:
            self.tx.close(cause)
        finally:
            check()

    def fill(self) -> list[str]:
        """Send until there is no room (or, without a limit, three times), and return what was sent."""
        values = [f"f{i}" for i in range(3 if self.kind.capacity == math.inf else int(self.kind.capacity))]
        self.put(*values)
        return values

    def drain(self) -> list[Any]:
        """Receive now whatever can be received now."""
        values: list[Any] = []
        try:
            while True:
                values.append(self.take())
        except (ac.WouldBlock, ac.ChannelClosed):
            return values

    async def overfill(self, *values: Any) -> None:
        """Leave values in the channel whatever its capacity: promise them to receivers, who are cancelled then."""
        receivers = await asleep(*(self.rx.recv() for _ in values))
        self.put(*values)
        await dismiss(*receivers)

    @property
    def held(self) -> list[Any]:
        """What is in the channel, promised values included, oldest first."""
        return [value for value, _ in self.chan._snapshot().held]

    @property
    def parked(self) -> tuple[int, int]:
        """How many senders and receivers sleep."""
        stats = self.chan.stats()
        return stats.parked_senders, stats.parked_receivers


@contextlib.contextmanager
def clean_slate() -> Iterator[None]:
    """Begin with seeded dice and the usual budget, and leave nothing set: for an autouse fixture."""
    gc.freeze()  # what pytest has piled up meanwhile would make the collections of `run` slower and slower
    watched.clear()
    core.seed(1)
    yield
    core.seed(None)
    core.set_dice(None)
    core.set_budget()
    core.hooks.install(None)
    watched.clear()


# -- the ways to do the same operation; each waits on other channels too if it can

RECEIVES = {
    "recv": lambda ch: ch.rx.recv(),
    "recv_ok": lambda ch: ch.rx.recv_ok(),
    "async for": lambda ch: anext(ch.rx),
    "select": lambda ch: ac.select(ac.recv(ac.never()), ac.recv(ch.rx)),
    "select recv_ok": lambda ch: ac.select(ac.recv_ok(ch.rx), ac.recv(None)),
}
SENDS = {
    "send": lambda ch, value: ch.tx.send(value),
    "select": lambda ch, value: ac.select(ac.recv(ac.never()), ac.send(ch.tx, value)),
}


# -- tasks


def check() -> None:
    """Check the invariants of every channel of this test."""
    for chan in list(watched):
        chan._check()


def go(coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start a task; it runs when this one waits, or at once if tasks start eagerly here."""
    return asyncio.get_running_loop().create_task(coro)


async def settle() -> None:
    """Let the others run until each of them has ended or sleeps; check all channels after every turn of the loop."""
    for _ in range(TURNS):
        check()
        if not any(map(_awake, _others())):
            return
        await asyncio.sleep(0)
    raise AssertionError(f"never came to rest: {[task for task in _others() if _awake(task)]}")


async def asleep(*coros: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Start tasks in this order, and see that each of them falls asleep."""
    tasks = []
    for coro in coros:
        tasks.append(go(coro))
        await settle()
    assert not any(task.done() for task in tasks), tasks
    return tasks


async def ended(*coros: Coroutine[Any, Any, Any]) -> Any:
    """Run tasks, see that none of them sleeps, and return their results (of one, its result)."""
    tasks = [go(coro) for coro in coros]
    await settle()
    results = [task.result() for task in tasks]
    return results[0] if len(results) == 1 else results


async def dismiss(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks that have not ended, and see that each ends as cancelled."""
    for task in tasks:
        assert task.cancel(), task
        check()
    await settle()
    assert all(task.cancelled() for task in tasks), tasks


def outcome(coro: Coroutine[Any, Any, Any]) -> Any:
    """Tell what becomes of an operation that begins at this moment, before anybody else runs.

    That is what it returns, the class of the error of ours that it raises, or "waits": then it is closed again.
    """
    try:
        suspended_at = coro.send(None)
    except StopIteration as stop:
        return stop.value
    except (ac.AiochanError, StopAsyncIteration) as error:
        return type(error)
    finally:
        check()
    assert isinstance(suspended_at, core.Waiter), suspended_at
    coro.close()
    check()
    return "waits"


def begin(coro: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
    """Crank an operation by hand until it sleeps; until `finish` (or its end) it runs no further, though woken."""
    assert coro.send(None)._snapshot()[0] == "parked"
    check()
    return coro


def finish(coro: Coroutine[Any, Any, Any]) -> Any:
    """Crank a woken operation to its end, and return its result."""
    try:
        suspended_at = coro.send(None)
    except StopIteration as stop:
        return stop.value
    finally:
        check()
    raise AssertionError(f"it sleeps again: {suspended_at!r}")


def line(chan: Any, side: str) -> Sequence[Any]:
    """List who stands in a line, "recvq" or "sendq"; in the Python core also those who left and were not swept yet."""
    lines: Any = getattr(chan, f"_{side}") if PYTHON else getattr(chan._snapshot(), side)
    return lines or ()


def each(run: Any, make: Any, ways: dict[str, Any], scenario: Any) -> None:
    """Run a scenario, with a new channel, for each of several ways to do the same."""

    async def main() -> None:
        for name, way in ways.items():
            try:
                await scenario(make(), way)
            except AssertionError as error:
                error.add_note(f"this way: {name}")
                raise

    run(main)


def _others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def _awake(task: asyncio.Task[Any]) -> bool:
    waits_for = task._fut_waiter  # type: ignore[attr-defined]
    if isinstance(waits_for, core.Waiter):
        return waits_for._snapshot()[0] != "parked"
    return waits_for is None or waits_for.done()
