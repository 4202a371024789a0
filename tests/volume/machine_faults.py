"""Faults to plant in the library: the state machine has to find each of them, or it proves nothing.

Each is a function that replaces something of aiochan's by means of pytest's `monkeypatch`.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from aiochan.core import typed_select
from aiochan.core.chan import Chan
from aiochan.core.hchan import DROP_OLDEST, HChan
from aiochan.core.waiters import GRANTED, Line, Place, Waiter

Patch = pytest.MonkeyPatch
select_module: Any = sys.modules["aiochan.core.select"]  # `aiochan.core.select` is the function


def a_wakeup_is_lost(patch: Patch) -> None:
    """A cancelled receiver keeps its permit from the next in line."""

    def pass_on(self: Any) -> None:
        self._granted -= 1

    patch.setattr(HChan, "_pass_on", pass_on)


def last_come_first_served(patch: Patch) -> None:
    def grant(self: Line, outcome: int) -> Waiter | None:
        while self:
            if (waiter := self.pop().commit(outcome)) is not None:
                return waiter  # type: ignore[no-any-return]
            self.dead -= 1
        return None

    patch.setattr(Line, "grant", grant)


def a_promise_is_broken(patch: Patch) -> None:
    """A cancelled sender takes its value back although a receiver counts on it."""
    real = HChan._remove

    def remove(self: Any, sender: Waiter) -> None:
        granted, self._granted = self._granted, 0
        real(self, sender)
        self._granted = min(granted, len(self._held))

    patch.setattr(HChan, "_remove", remove)


def nothing_is_taken_back(patch: Patch) -> None:
    patch.setattr(HChan, "_take_back", lambda self, sender: None)


def the_next_sender_is_not_let_in(patch: Patch) -> None:
    patch.setattr(HChan, "_take_back", lambda self, sender: self._remove(sender))


def the_draw_starts_at_random(patch: Patch) -> None:
    """The first ready case after a random start: not the same chance for each."""
    real: Any = select_module._look

    def look(cases: Any, biased: bool) -> int:
        ready = [i for i, case in enumerate(cases) if real([case], True) == 0]
        if biased or len(ready) < 2:
            return real(cases, biased)  # type: ignore[no-any-return]
        start = select_module._dice(len(cases))
        return next((i for i in ready if i >= start), ready[0])

    patch.setattr(select_module, "_look", look)


def the_draw_prefers_the_first(patch: Patch) -> None:
    real = select_module._look
    patch.setattr(select_module, "_look", lambda cases, biased: real(cases, True))


def a_shared_line_is_drawn_by_coin(patch: Patch) -> None:
    """Of three cases that share a line the last stands there every other time."""
    real: Any = select_module._stand

    class Coin(Place):
        __slots__ = ("_drawn",)

        @property
        def drawn(self) -> int:
            return 2

        @drawn.setter
        def drawn(self, _: int) -> None:
            pass

    def stand(waiter: Any, cases: Any, biased: bool) -> None:
        patch.setattr(select_module, "Place", Coin)
        real(waiter, cases, biased)

    patch.setattr(select_module, "_stand", stand)


def a_close_forgets_a_receiver(patch: Patch) -> None:
    def tell_end(self: Any) -> None:
        if self._recvq:
            self._recvq.grant(3)

    patch.setattr(HChan, "_tell_end", tell_end)


def the_end_is_not_told_after_the_last_value(patch: Patch) -> None:
    def redeem(self: Any) -> Any:
        self._granted -= 1
        self._received += 1
        value = self._held.popleft()
        return value.sender.value if hasattr(value, "sender") else value

    patch.setattr(HChan, "_redeem", redeem)


def drops_are_not_counted(patch: Patch) -> None:
    real = HChan._drop_oldest

    def drop(self: Any) -> Any:
        value = real(self)
        self._dropped -= 1
        return value

    patch.setattr(HChan, "_drop_oldest", drop)


def a_promised_value_is_dropped(patch: Patch) -> None:
    def drop(self: Any) -> Any:
        self._dropped += 1
        return self._held.popleft()

    patch.setattr(HChan, "_drop_oldest", drop)


def a_lapsed_promise_leaves_one_too_many(patch: Patch) -> None:
    real = HChan._pass_on

    def pass_on(self: Any) -> None:
        overflow, self._overflow = self._overflow, "wait"
        real(self)
        self._overflow = overflow if overflow != DROP_OLDEST else DROP_OLDEST

    patch.setattr(HChan, "_pass_on", pass_on)


def a_place_is_not_handed_on(patch: Patch) -> None:
    def return_place(self: Any) -> None:
        self._reserved -= 1

    patch.setattr(HChan, "_return_place", return_place)


def senders_go_before_reservations(patch: Patch) -> None:
    """Two lines for one room, without a look at who came first."""
    real = HChan._line_up

    def line_up(self: Any, line: Any, kind: str, value: Any) -> Waiter:
        waiter = real(self, line, kind, value)
        if kind == "send":
            waiter.ticket = 0
        return waiter

    patch.setattr(HChan, "_line_up", line_up)


def a_served_select_stays_in_its_other_lines(patch: Patch) -> None:
    def commit(self: Any, outcome: int) -> Waiter | None:
        waiter = self.waiter
        if waiter.state:
            return None
        waiter.won = self
        waiter = Waiter.commit(waiter, outcome)
        if waiter is not None:
            waiter.value = self.case[2]
        return waiter

    patch.setattr(Place, "commit", commit)


def a_cancelled_select_keeps_what_it_won(patch: Patch) -> None:
    patch.setattr(select_module, "_undo", lambda waiter: None)


def who_is_cancelled_stays_in_line(patch: Patch) -> None:
    """As an asyncio.Future does, until its task runs."""

    def cancel(self: Any, msg: object = None) -> bool:
        if self.commit(1) is None:
            return False
        self.message = msg
        return True

    patch.setattr(Waiter, "cancel", cancel)


def an_error_names_the_wrong_case(patch: Patch) -> None:
    real: Any = select_module._ended

    def ended(chan: Any, kind: str, index: int) -> Any:
        return real(chan, kind, 0)

    patch.setattr(select_module, "_ended", ended)


def a_loop_keeps_an_ended_case(patch: Patch) -> None:
    real = typed_select.SelectLoop._leave_out

    def leave_out(self: Any, number: int) -> None:
        if len(self._cases) < 2:
            real(self, number)
        else:
            kept = self._numbers[0] == number
            real(self, self._numbers[1] if kept else number)

    patch.setattr(typed_select.SelectLoop, "_leave_out", leave_out)


def async_for_hides_the_cause(patch: Patch) -> None:
    async def step(self: Any) -> Any:
        value, ok = await self.recv_ok()
        if not ok:
            raise StopAsyncIteration
        return value

    patch.setattr(Chan, "__anext__", step)


def a_cancelled_send_is_taken_for_done(patch: Patch) -> None:
    """The grant counts for more than the cancellation: the error is swallowed."""
    real = Waiter.__await__

    def wait(self: Any) -> Any:
        try:
            yield from real(self)
        except BaseException:
            if self.kind != "send" or self.state != GRANTED:
                raise

    patch.setattr(Waiter, "__await__", wait)


FAULTS = (
    a_wakeup_is_lost,
    last_come_first_served,
    a_promise_is_broken,
    nothing_is_taken_back,
    the_next_sender_is_not_let_in,
    the_draw_starts_at_random,
    the_draw_prefers_the_first,
    a_shared_line_is_drawn_by_coin,
    a_close_forgets_a_receiver,
    the_end_is_not_told_after_the_last_value,
    drops_are_not_counted,
    a_promised_value_is_dropped,
    a_lapsed_promise_leaves_one_too_many,
    a_place_is_not_handed_on,
    senders_go_before_reservations,
    a_served_select_stays_in_its_other_lines,
    a_cancelled_select_keeps_what_it_won,
    who_is_cancelled_stays_in_line,
    an_error_names_the_wrong_case,
    a_loop_keeps_an_ended_case,
    async_for_hides_the_cause,
    a_cancelled_send_is_taken_for_done,
)
