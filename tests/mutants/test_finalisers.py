"""Two moments of H36 that tests/hazards does not reach; mutants lived because of that.

A finaliser runs while a task falls asleep: after it stood in line, and before its loop knew that it waits. And one runs
in the middle of giving a place to a reservation. The job `hazards` does these tests too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

import aiochan as ac
from aiochan.testing.loop import StepLoop
from tests.hazards.awaits import WAITS
from tests.hazards.finalisers import at_every_collection

REFUSED = ac.WouldBlock, ac.ChannelClosed


def _refused(call: Callable[[], object]) -> None:
    with contextlib.suppress(*REFUSED):
        call()


@pytest.mark.parametrize("name", [name for name in WAITS if name not in ("park", "async for")])
def test_a_task_that_is_answered_while_it_falls_asleep_runs(name: str) -> None:
    loop = StepLoop()

    def prepare() -> Any:
        wait = WAITS[name]()
        return wait, loop.create_task(wait.operation())

    with loop.running():
        for wait, task in at_every_collection(prepare, lambda _: loop.step(), lambda s: _refused(s[0].answer)):
            while loop.ready:
                loop.step()
            assert task.done() or wait.asleep(), "it was answered, and nobody wakes it"
            task.cancel()
            while loop.ready:
                loop.step()
            assert task.cancelled() or task.exception() is None


def test_a_place_that_is_being_given_is_not_given_to_a_finaliser_too() -> None:
    loop = StepLoop()

    def prepare() -> Any:
        ch = ac.Chan[str](1)
        ch.send_nowait("old")
        task = loop.create_task(ch.reserve().__aenter__())
        loop.step()
        assert ch.stats().parked_senders == 1
        return ch, task

    with loop.running():
        for ch, task in at_every_collection(
            prepare, lambda s: s[0].recv_nowait(), lambda s: _refused(lambda: s[0].send_nowait("new"))
        ):
            stats = ch.stats()
            assert stats.length + stats.reserved <= ch.capacity, "one place was given twice"
            task.cancel()
            while loop.ready:
                loop.step()
