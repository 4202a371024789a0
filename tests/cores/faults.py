"""Faults to plant in the Python core: the comparison of histories has to find each, or it proves nothing.

Those of the state machine are used again. The ones here change what no model knows: what an observer hears, what is
left of the budget, in whose context a task wakes, what is kept in memory.
"""

from __future__ import annotations

import contextvars
import importlib
import types
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from aiochan.core import runqueue
from aiochan.core.chan import Chan
from aiochan.core.hchan import HChan
from aiochan.core.waiters import Waiter, WaitQueue
from tests.cores.both import PYTHON, Core
from tests.volume import machine_faults

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]
chan_module = importlib.import_module("aiochan.core.chan")
kept: list[Any] = []
select_module: Any = machine_faults.select_module


def nobody_hears_who_leaves(patch: Patch) -> None:
    real = Waiter.quit

    def quit_unheard(self: Any) -> None:
        self.wakeup = None
        real(self)

    patch.setattr(Waiter, "quit", quit_unheard)


def going_round_the_loop_is_free(patch: Patch) -> None:
    """Who has gone round the loop does not pay for his operation."""

    @types.coroutine
    def breathe() -> Generator[None, None, None]:
        yield
        runqueue.budget = runqueue._allowance(runqueue._patience)

    patch.setattr(chan_module, "breathe", breathe)


def a_task_wakes_in_an_empty_context(patch: Patch) -> None:
    real = Waiter.add_done_callback

    def add(self: Any, wakeup: Any, *, context: Any = None) -> None:
        real(self, wakeup, context=contextvars.Context())

    patch.setattr(Waiter, "add_done_callback", add)


def the_reason_of_a_cancellation_is_lost(patch: Patch) -> None:
    real = Waiter.cancel
    patch.setattr(Waiter, "cancel", lambda self, msg=None: real(self))


def the_cause_of_a_close_is_lost(patch: Patch) -> None:
    def close(self: Any, cause: BaseException | None = None) -> None:
        self._close(None)

    patch.setattr(Chan, "close", close)


def dice_are_thrown_for_one_case(patch: Patch) -> None:
    real = select_module._look

    def look(cases: Any, biased: bool) -> Any:
        ready = [i for i, case in enumerate(cases) if real([case], True) == 0]
        if not biased and len(ready) == 1:
            select_module._dice(1)
        return real(cases, biased)

    patch.setattr(select_module, "_look", look)


def a_grant_is_given_back_by_somebody_asleep(patch: Patch) -> None:
    real = Waiter.quit

    def quit_and_wake(self: Any) -> None:
        asleep, home = not self.state and self.kind == "wait", self.line and self.line.home()
        real(self)
        if asleep:
            home.wake()

    patch.setattr(Waiter, "quit", quit_and_wake)


def wake_counts_who_has_left(patch: Patch) -> None:
    real = WaitQueue.wake

    def wake(self: Any, n: int = 1) -> int:
        real(self, n)
        return n

    patch.setattr(WaitQueue, "wake", wake)


def what_was_received_is_kept(patch: Patch) -> None:
    real = HChan._take
    kept.clear()

    def take(self: Any) -> Any:
        value = real(self)
        kept.append(value)
        return value

    patch.setattr(HChan, "_take", take)


FAULTS: tuple[Fault, ...] = (
    nobody_hears_who_leaves,
    going_round_the_loop_is_free,
    a_task_wakes_in_an_empty_context,
    the_reason_of_a_cancellation_is_lost,
    the_cause_of_a_close_is_lost,
    dice_are_thrown_for_one_case,
    a_grant_is_given_back_by_somebody_asleep,
    wake_counts_who_has_left,
    what_was_received_is_kept,
    machine_faults.a_wakeup_is_lost,
    machine_faults.last_come_first_served,
    machine_faults.the_draw_starts_at_random,
    machine_faults.a_shared_line_is_drawn_by_coin,
    machine_faults.a_close_forgets_a_receiver,
    machine_faults.drops_are_not_counted,
    machine_faults.a_lapsed_promise_leaves_one_too_many,
    machine_faults.senders_go_before_reservations,
    machine_faults.a_served_select_stays_in_its_other_lines,
    machine_faults.a_cancelled_select_keeps_what_it_won,
    machine_faults.an_error_names_the_wrong_case,
    machine_faults.async_for_hides_the_cause,
    machine_faults.a_cancelled_send_is_taken_for_done,
)


def faulty(fault: Fault) -> Core:
    """The Python core with a fault, which is there only while a history of this core is recorded."""

    @contextmanager
    def planted() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            fault(patch)
            yield

    return replace(PYTHON, label="faulty", around=planted)
