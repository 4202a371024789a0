"""Timers under every schedule: going off against stop, reset, cancelled receivers, and selects that did something else.

A timer of no seconds goes off in the same turn as everything else here: its callback is one of those that are ready, to
be run at any moment. CH16: a time-out that was not needed leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.explorer import explore
from tests.schedules.orders import Scenario, Searched, every_order


class Received:
    """Who received what, and how many of them had not begun to wait when the timer was stopped or reset."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.over = False
        self.stale: list[float] = []

    async def receive(self, ch: ac.RecvChan[float]) -> None:
        late = self.over
        value = await ch.recv()
        self.values.append(value)
        if late:
            self.stale.append(value)


def stopped(receivers: int) -> Scenario:
    """A timer goes off and is stopped: its value goes to one who was owed it then, or is taken back."""

    def scenario(run: Any) -> None:
        timer, received = ac.Timer(0), Received()
        owed = -1
        answer = False

        async def stop() -> None:
            nonlocal owed, answer
            answer = timer.stop()
            owed = len(received.values) + timer.ch.stats().promised
            received.over = True

        def end() -> None:
            assert owed == (not answer), "it was stopped and received, or neither"
            assert len(received.values) <= owed, "somebody received who was owed nothing"
            assert not received.stale, "somebody who came after the stop received"
            assert timer.ch.stats().length == 0, "a stale value is left"

        run.watch(timer.ch)
        run.at_end(end)
        for number in range(receivers):
            run.spawn(received.receive, timer.ch, name=f"r{number}", cancel=True)
        run.spawn(stop)

    return scenario


def set_anew(receivers: int, d: float) -> Scenario:
    """A timer goes off and is set anew: whoever was owed nothing by then gets the second value or none."""

    def scenario(run: Any) -> None:
        timer, received = ac.Timer(0), Received()
        owed = -1

        async def reset() -> None:
            nonlocal owed
            answer = timer.reset(d)
            owed = len(received.values) + timer.ch.stats().promised
            received.over = True
            assert owed == (not answer), "it was stopped and received, or neither"

        def end() -> None:
            stats = timer.ch.stats()
            assert received.values.count(0.0) <= owed or d == 0, "a stale value was received"
            assert d == 0 or 0.0 not in received.stale, "somebody who came after the reset received a stale value"
            assert len(received.values) + stats.length <= owed + 1, "there was more to receive than one value"
            assert not (stats.length and stats.parked_receivers), "somebody sleeps beside a value"
            waited = stats.length + sum(value == d for value in received.values)
            assert waited >= 1, "the second value was lost"

        run.watch(timer.ch)
        run.at_end(end)
        for number in range(receivers):
            run.spawn(received.receive, timer.ch, name=f"r{number}", cancel=True)
        run.spawn(reset)

    return scenario


def ticking(receivers: int, again: bool) -> Scenario:
    """A ticker is stopped, or set anew for one tick more, when its first tick is due."""

    def scenario(run: Any) -> None:
        ticker, received = ac.Ticker(1), Received()
        owed = -1

        async def stop() -> None:
            nonlocal owed
            await asyncio.sleep(1)
            if again:
                ticker.reset(1)
            else:
                ticker.stop()
            owed = len(received.values) + ticker.ch.stats().promised
            received.over = True
            if again:
                await asyncio.sleep(1.5)
                ticker.stop()

        def end() -> None:
            assert received.values.count(1.0) <= owed <= 1
            assert 1.0 not in received.stale, "somebody who came after that received a stale tick"
            assert set(received.values) <= {1.0, 2.0}
            assert received.values.count(2.0) <= again
            assert ticker.ch.stats().length == 0, "a stale tick is left"
            assert not run.loop.timers

        run.watch(ticker.ch)
        run.at_end(end)
        for number in range(receivers):
            run.spawn(received.receive, ticker.ch, name=f"r{number}", cancel=True)
        run.spawn(stop)

    return scenario


def timed_out(d: float) -> Scenario:
    """Who selects with a time-out does one of the two, and leaves no timer behind, whatever happens to him."""

    def scenario(run: Any) -> None:
        ch = ac.Chan[str]()
        done: list[tuple[int, object]] = []

        async def wait() -> None:
            done.append(await ac.select(ac.recv(ac.after(d)), ac.recv(ch)))

        def rule() -> None:
            task = run.tasks.get("wait")
            if task is not None and task.done():
                assert not run.loop.timers, "the timer is still there"

        def end() -> None:
            task = run.tasks["wait"]
            assert task.done(), "it waits for ever"
            assert len(done) == (not task.cancelled())
            assert all(answer in ((0, d), (1, "a")) for answer in done)
            assert len(ch) + ch.stats().parked_senders == ((1, "a") not in done), "the value is lost, or doubled"

        run.watch(ch)
        run.always(rule)
        run.at_end(end)
        run.spawn(wait, name="wait", cancel=True)
        run.spawn(ch.send, "a", name="send")

    return scenario


@every_order
@pytest.mark.parametrize("receivers", [0, 1, 2])
def test_a_timer_that_is_stopped(searched: Searched, order: str, cancels: int, receivers: int) -> None:
    searched(explore(stopped(receivers), order=order, cancels=cancels))


@every_order
@pytest.mark.parametrize("d", [0, 1])
@pytest.mark.parametrize("receivers", [1, 2])
def test_a_timer_that_is_set_anew(searched: Searched, order: str, cancels: int, receivers: int, d: float) -> None:
    searched(explore(set_anew(receivers, d), order=order, cancels=cancels))


@every_order
@pytest.mark.parametrize("again", [False, True], ids=["stop", "reset"])
def test_a_ticker_that_is_stopped_or_set_anew(searched: Searched, order: str, cancels: int, again: bool) -> None:
    searched(explore(ticking(2, again), order=order, cancels=cancels))


@every_order
@pytest.mark.parametrize("d", [0, 1])
def test_a_select_with_a_time_out(searched: Searched, order: str, cancels: int, d: float) -> None:
    searched(explore(timed_out(d), order=order, cancels=cancels))


@pytest.mark.exhaustive
@every_order
def test_a_timer_with_three_receivers(searched: Searched, order: str, cancels: int) -> None:
    searched(explore(stopped(3), order=order, cancels=cancels))
    searched(explore(set_anew(3, 1), order=order, cancels=cancels))
