"""The reference model, rule by rule: the state table first, then what happens between tasks.

Each test writes down what the rules of `aiochan.testing.model` say and nothing about how a real
channel does it; `test_differential.py` then compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from aiochan.testing.model import (
    Answer,
    ModelCase,
    ModelChan,
    ModelSignal,
    Op,
    Outcome,
    ready,
    select,
    select_nowait,
)

DONE = Outcome("done")
PARKED = Answer(Outcome("parked"))
CANCELLED = Outcome("cancelled")
CLOSED = Outcome("closed")
BLOCKED = Answer(Outcome("blocked"))


def got(value: object, index: int | None = None) -> Outcome:
    return Outcome("done", value, index)


def parked_senders(chan: ModelChan, *values: object) -> list[Op]:
    ops = [Op(f"send {value}") for value in values]
    for op, value in zip(ops, values, strict=True):
        assert chan.send(op, value) == PARKED
    return ops


def parked_receivers(chan: ModelChan, count: int) -> list[Op]:
    ops = [Op(f"recv {i}") for i in range(count)]
    for op in ops:
        assert chan.recv(op) == PARKED
    return ops


def filled(capacity: float, *values: object) -> ModelChan:
    chan = ModelChan(capacity)
    for value in values:
        assert chan.send(Op(), value) == Answer(DONE)
    return chan


def values(chan: ModelChan) -> list[object]:
    return [value for value, _ in chan.held]


def drain(chan: ModelChan) -> list[object]:
    """Receive what is there, with everybody who is woken running at once."""
    out: list[object] = []
    while True:
        answer = chan.recv_nowait()
        for op in answer.woken:
            chan.run(op)
        if answer.outcome.what != "done":
            return out
        out.append(answer.outcome.value)
        chan.check()


# -- the state table


@pytest.mark.parametrize("capacity", [0, 1, 3, math.inf])
def test_open_without_surplus(capacity: float) -> None:
    chan = ModelChan(capacity)
    assert chan.recv_nowait() == BLOCKED
    assert chan.recv(Op()) == PARKED
    assert ModelChan(0).send_nowait(1) == BLOCKED
    assert ModelChan(0).send(Op(), 1) == PARKED


@pytest.mark.parametrize("capacity", [0, 1, math.inf])
def test_a_send_is_promised_to_a_parked_receiver_and_done_at_once(capacity: float) -> None:
    chan = ModelChan(capacity)
    first, second = parked_receivers(chan, 2)
    assert chan.send(Op(), "a") == Answer(DONE, (first,))
    assert values(chan) == ["a"]  # promised, and still in the channel
    assert (chan.stats().length, chan.stats().promised) == (0, 1)
    assert chan.send_nowait("b") == Answer(DONE, (second,))
    assert chan.run(first) == Answer(got("a"))
    assert chan.run(second) == Answer(got("b"))


@pytest.mark.parametrize("capacity", [1, 3, math.inf])
def test_a_send_goes_into_the_ring_and_a_receive_takes_the_oldest(capacity: float) -> None:
    chan = ModelChan(capacity)
    assert chan.send(Op(), "a") == Answer(DONE)
    assert chan.held == (("a", False),)
    assert chan.recv_ok(Op()) == Answer(got(("a", True)))
    assert chan.recv_nowait() == BLOCKED


def test_open_and_full_the_longest_parked_senders_value_moves_up() -> None:
    chan = filled(2, "a", "b")
    assert chan.send_nowait("x") == BLOCKED
    third, fourth = parked_senders(chan, "c", "d")
    assert chan.recv(Op()) == Answer(got("a"), (third,))
    assert chan.held == (("b", False), ("c", True))
    assert chan.run(third) == Answer(DONE)
    assert chan.held == (("b", False), ("c", False))
    assert chan.recv(Op()) == Answer(got("b"), (fourth,))


def test_a_receive_takes_a_parked_senders_value() -> None:
    chan = ModelChan(0)
    first, second = parked_senders(chan, "a", "b")
    assert chan.recv(Op()) == Answer(got("a"), (first,))
    assert chan.run(first) == Answer(DONE)
    assert chan.recv_nowait() == Answer(got("b"), (second,))


def test_an_unbounded_channel_is_never_full() -> None:
    chan = filled(math.inf, *range(100))
    assert drain(chan) == list(range(100))


def test_closed_with_surplus() -> None:
    chan = filled(2, "a")
    assert chan.close() == Answer(DONE)
    assert chan.send(Op(), "x") == chan.send_nowait("x") == Answer(CLOSED)
    assert chan.reserve(Op()) == Answer(CLOSED)
    assert chan.close() == Answer(CLOSED)
    assert chan.recv(Op()) == Answer(got("a"))


def test_closed_with_only_promised_values() -> None:
    chan = ModelChan(1)
    (promised,) = parked_receivers(chan, 1)
    chan.send(Op(), "a")
    chan.close()
    late, nosy = Op(), Op()
    assert chan.recv(late) == PARKED
    assert chan.recv_nowait() == BLOCKED
    assert ready([ModelCase(chan, "recv")]) == []
    assert chan.recv_ok(nosy) == PARKED
    assert chan.run(promised) == Answer(got("a"), (late, nosy))  # took the last value: the end
    assert chan.run(late) == Answer(CLOSED)
    assert chan.run(nosy) == Answer(got((None, False)))


def test_closed_and_drained() -> None:
    chan = ModelChan(1)
    cause = OSError("gone")
    chan.close(cause)
    told = Outcome("closed", cause=cause)
    assert chan.recv(Op()) == chan.recv_nowait() == Answer(told)
    assert chan.recv_ok(Op()) == Answer(got((None, False)))
    assert chan.send(Op(), 1) == Answer(told)


def test_close_tells_parked_receivers() -> None:
    chan = ModelChan(1)
    first, second = parked_receivers(chan, 2)
    assert chan.close() == Answer(DONE, (first, second))
    assert chan.run(second) == chan.run(first) == Answer(CLOSED)


def test_close_tells_parked_senders_and_their_values_are_not_delivered() -> None:
    chan = filled(1, "a")
    first, second = parked_senders(chan, "b", "c")
    assert chan.close() == Answer(DONE, (first, second))
    assert chan.run(first) == Answer(CLOSED)
    assert chan.run(second) == Answer(CLOSED)
    assert drain(chan) == ["a"]
    assert chan.stats().sent == 1


def test_close_tells_receivers_before_senders() -> None:
    chan = ModelChan(0)
    op = Op()  # the only way to stand on both sides
    select(op, [ModelCase(chan, "send", 1), ModelCase(chan, "recv")])
    assert chan.close() == Answer(DONE, (op,))
    assert chan.run(op) == Answer(Outcome("closed", index=1))


def test_a_case_that_is_none_waits_for_ever() -> None:
    assert select(Op(), [None]) == select(Op(), []) == PARKED
    assert select_nowait([None, None]) == BLOCKED


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
def test_a_dropping_channel_needs_room_and_has_no_reservations(overflow: str) -> None:
    make: Callable[..., ModelChan] = ModelChan
    with pytest.raises(ValueError, match="at least 1"):
        make(0, overflow=overflow)
    with pytest.raises(ValueError, match="reserve"):
        make(1, overflow=overflow).reserve(Op())


# -- permits: what is promised stays promised, what is given up is handed on


def test_nobody_overtakes_a_woken_receiver() -> None:
    chan = ModelChan(1)
    (woken,) = parked_receivers(chan, 1)
    chan.send(Op(), "a")
    assert chan.recv_nowait() == BLOCKED
    assert chan.recv(Op("late")) == PARKED
    assert chan.run(woken) == Answer(got("a"))


def test_woken_receivers_take_the_oldest_in_whatever_order_they_run() -> None:
    chan = ModelChan(0)
    first, second = parked_receivers(chan, 2)
    chan.send(Op(), "a")
    chan.send(Op(), "b")
    assert chan.run(second) == Answer(got("a"))
    assert chan.run(first) == Answer(got("b"))


def test_a_receiver_running_by_takes_the_oldest_of_surplus_and_promised() -> None:
    chan = ModelChan(1)
    (woken,) = parked_receivers(chan, 1)
    chan.send(Op(), "a")
    chan.send(Op(), "b")
    assert chan.recv(Op()) == Answer(got("a"))
    assert chan.run(woken) == Answer(got("b"))


def test_a_cancelled_receiver_hands_its_promise_to_the_next_in_line() -> None:
    chan = ModelChan(0)
    first, second, _third = parked_receivers(chan, 3)
    chan.send(Op(), "a")
    chan.cancel(first)
    assert chan.waiting("recv")[0].op is second  # not before it runs
    assert chan.run(first) == Answer(CANCELLED, (second,))
    assert chan.run(second) == Answer(got("a"))


def test_with_nobody_behind_the_value_stays_even_at_capacity_0() -> None:
    chan = ModelChan(0)
    (woken,) = parked_receivers(chan, 1)
    chan.send(Op(), "a")
    chan.cancel(woken)
    assert chan.run(woken) == Answer(CANCELLED)
    assert chan.stats().length == 1
    assert chan.send_nowait("b") == BLOCKED
    assert drain(chan) == ["a"]


def test_one_that_is_cancelled_while_parked_is_gone_and_nobody_moves() -> None:
    chan = ModelChan(0)
    first, second = parked_receivers(chan, 2)
    assert chan.cancel(first) == Answer(CANCELLED)
    assert [s.op for s in chan.waiting("recv")] == [second]
    assert chan.send_nowait(1) == Answer(DONE, (second,))


def test_a_cancelled_sender_takes_its_value_back_and_the_next_moves_up() -> None:
    chan = filled(1, "a")
    second, third = parked_senders(chan, "b", "c")
    assert chan.recv_nowait() == Answer(got("a"), (second,))
    chan.cancel(second)
    assert values(chan) == ["b"]
    assert chan.run(second) == Answer(CANCELLED, (third,))
    assert values(chan) == ["c"]
    assert chan.stats().sent == 2


def test_a_cancelled_sender_whose_value_was_taken_has_sent_it() -> None:
    chan = filled(1, "a")
    (sender,) = parked_senders(chan, "b")
    chan.recv_nowait()  # "b" is admitted: held, and its sender has not run
    assert chan.recv_nowait() == Answer(got("b"))
    chan.cancel(sender)
    assert chan.run(sender) == Answer(CANCELLED)
    assert chan.stats().sent == 2


def test_a_cancelled_sender_leaves_its_value_while_every_value_is_promised() -> None:
    chan = ModelChan(0)
    (woken,) = parked_receivers(chan, 1)
    chan.send(Op(), "a")
    (sender,) = parked_senders(chan, "b")
    assert chan.recv(Op()) == Answer(got("a"), (sender,))
    chan.cancel(sender)
    assert chan.run(sender) == Answer(CANCELLED)  # "b" is all there is for the woken receiver
    assert chan.run(woken) == Answer(got("b"))


def test_an_operation_told_of_a_close_hands_nothing_on() -> None:
    chan = filled(1, "a")
    first, second = parked_senders(chan, "b", "c")
    chan.close()
    chan.cancel(first)
    assert chan.run(first) == Answer(CANCELLED)
    assert chan.run(second) == Answer(CLOSED)


def test_a_cancelled_last_promise_leaves_its_value_to_a_closed_channel() -> None:
    chan = ModelChan(0)
    first, second = parked_receivers(chan, 2)
    chan.send(Op(), "a")
    assert chan.close() == Answer(DONE)  # second might still get it
    chan.cancel(first)
    assert chan.run(first) == Answer(CANCELLED, (second,))
    assert chan.run(second) == Answer(got("a"))


def test_a_value_taken_back_from_a_closed_channel_can_be_the_end() -> None:
    chan = filled(1, "a")
    (sender,) = parked_senders(chan, "b")
    chan.recv_nowait()
    chan.close()
    chan.cancel(sender)
    assert chan.run(sender) == Answer(CANCELLED)
    assert chan.recv(Op()) == Answer(CLOSED)


# -- dropping


def test_drop_newest_drops_what_arrives() -> None:
    chan = ModelChan(2, overflow="drop_newest")
    assert [chan.send_nowait(v) for v in "abcd"] == [Answer(DONE)] * 4
    assert chan.stats().dropped == 2
    assert drain(chan) == ["a", "b"]


def test_drop_oldest_drops_the_oldest() -> None:
    chan = ModelChan(2, overflow="drop_oldest")
    assert [chan.send_nowait(v) for v in "abcd"] == [Answer(DONE)] * 4
    assert drain(chan) == ["c", "d"]


def test_drop_oldest_spares_what_was_promised() -> None:
    chan = ModelChan(1, overflow="drop_oldest")
    (woken,) = parked_receivers(chan, 1)
    for value in "abc":
        chan.send_nowait(value)
    assert values(chan) == ["a", "c"]
    assert chan.run(woken) == Answer(got("a"))


def test_drop_oldest_trims_when_a_promise_ends_and_nobody_is_behind() -> None:
    chan = ModelChan(1, overflow="drop_oldest")
    (woken,) = parked_receivers(chan, 1)
    for value in "ab":
        chan.send_nowait(value)
    chan.cancel(woken)
    chan.run(woken)
    assert values(chan) == ["b"]
    assert chan.stats().dropped == 1


def test_drop_newest_keeps_one_too_many_when_a_promise_ends() -> None:
    chan = ModelChan(1, overflow="drop_newest")
    (woken,) = parked_receivers(chan, 1)
    for value in "abc":
        chan.send_nowait(value)
    chan.cancel(woken)
    chan.run(woken)
    assert values(chan) == ["a", "b"]


# -- reservations


def test_a_reserved_place_counts_as_taken() -> None:
    chan = ModelChan(1)
    permit = Op("permit")
    assert chan.reserve(permit) == Answer(DONE)
    assert chan.send_nowait(1) == BLOCKED
    assert chan.stats().reserved == 1
    assert chan.use(permit, "a") == Answer(DONE)
    assert values(chan) == ["a"]
    with pytest.raises(ValueError, match="no place"):
        chan.use(permit, "b")
    assert chan.give_up(permit) == Answer(DONE)


def test_an_unused_place_goes_to_the_next_in_line_senders_and_reservations_alike() -> None:
    chan = ModelChan(1)
    permit, second = Op("permit"), Op("second")
    chan.reserve(permit)
    (first,) = parked_senders(chan, "a")
    assert chan.reserve(second) == PARKED
    assert chan.give_up(permit) == Answer(DONE, (first,))
    assert chan.recv_nowait() == Answer(got("a"), (second,))
    assert chan.stats().reserved == 1


def test_a_value_of_a_reservation_goes_ahead_of_parked_senders() -> None:
    chan = ModelChan(1)
    permit = Op("permit")
    chan.reserve(permit)
    (sender,) = parked_senders(chan, "late")
    assert chan.use(permit, "early") == Answer(DONE)
    assert chan.recv_nowait() == Answer(got("early"), (sender,))


def test_a_value_of_a_reservation_is_promised_to_a_parked_receiver_and_room_is_left() -> None:
    chan = ModelChan(1)
    permit = Op("permit")
    chan.reserve(permit)
    (receiver,) = parked_receivers(chan, 1)
    second = Op("second")
    assert chan.reserve(second) == PARKED
    assert chan.use(permit, "a") == Answer(DONE, (receiver, second))


def test_a_receiver_takes_a_parked_senders_value_though_all_places_are_reserved() -> None:
    chan = ModelChan(1)
    chan.reserve(Op("permit"))
    waiting = Op("waiting")
    chan.reserve(waiting)
    (sender,) = parked_senders(chan, "a")
    assert chan.recv_nowait() == Answer(got("a"), (sender,))
    assert [s.op for s in chan.waiting("reserve")] == [waiting]


def test_a_cancelled_reservation_gives_its_place_to_the_next() -> None:
    chan = filled(1, "a")
    first, second = Op(), Op()
    chan.reserve(first)
    chan.reserve(second)
    assert chan.recv_nowait() == Answer(got("a"), (first,))
    chan.cancel(first)
    assert chan.run(first) == Answer(CANCELLED, (second,))
    assert chan.run(second) == Answer(DONE)
    assert chan.use(second, "b") == Answer(DONE)


def test_close_tells_waiting_reservations_and_refuses_the_value_of_one_that_has_a_place() -> None:
    chan = ModelChan(1)
    permit, waiting = Op("permit"), Op("waiting")
    chan.reserve(permit)
    chan.reserve(waiting)
    assert chan.close() == Answer(DONE, (waiting,))
    assert chan.run(waiting) == Answer(CLOSED)
    assert chan.use(permit, "a") == Answer(CLOSED)
    assert chan.stats().reserved == 1
    chan.give_up(permit)
    assert chan.stats().reserved == 0


# -- select


def pick(index: int) -> Callable[[Sequence[int]], int]:
    return lambda allowed: index


def test_select_takes_any_ready_case_and_only_a_ready_one() -> None:
    empty, full = ModelChan(0), filled(1, "a")
    cases = [ModelCase(empty, "recv"), ModelCase(full, "recv"), ModelCase(ModelChan(1), "send", 1)]
    assert ready(cases) == [1, 2]
    assert ready(cases, biased=True) == [1]
    with pytest.raises(AssertionError, match="case 0 was chosen"):
        select(Op(), cases, pick(0))
    assert select(Op(), cases, pick(1)) == Answer(got("a", 1))
    assert select_nowait(cases) == Answer(got(None, 2))


def test_select_of_closed_channels_tells_the_index() -> None:
    chan = ModelChan(0)
    chan.close()
    for case in ModelCase(chan, "recv"), ModelCase(chan, "send", 1):
        assert select(Op(), [None, case]) == Answer(Outcome("closed", index=1))
    assert select(Op(), [None, ModelCase(chan, "recv_ok")]) == Answer(got((None, False), 1))


def test_the_first_grant_of_a_parked_select_is_its_only_case() -> None:
    one, two = ModelChan(0), ModelChan(0)
    op = Op()
    assert select(op, [ModelCase(one, "recv"), ModelCase(two, "send", "x")]) == PARKED
    assert two.recv_nowait() == Answer(got("x"), (op,))
    assert one.line == two.line == []
    assert one.send_nowait("y") == BLOCKED
    assert two.run(op) == Answer(got(None, 1))


def test_a_cancelled_select_hands_on_the_case_that_it_won() -> None:
    one, two = ModelChan(0), ModelChan(0)
    op = Op()
    select(op, [ModelCase(one, "recv"), ModelCase(two, "recv")])
    (behind,) = parked_receivers(two, 1)
    assert two.send_nowait("a") == Answer(DONE, (op,))
    two.cancel(op)
    assert two.run(op) == Answer(CANCELLED, (behind,))


def test_a_select_that_is_cancelled_while_parked_leaves_every_line() -> None:
    one, two = ModelChan(0), ModelChan(0)
    op = Op()
    select(op, [ModelCase(one, "recv"), ModelCase(two, "send", 1), ModelCase(one, "send", 2)])
    one.cancel(op)
    assert one.line == two.line == []
    assert one.recv_nowait() == two.recv_nowait() == BLOCKED


def test_a_select_is_never_its_own_partner() -> None:
    chan = ModelChan(0)
    first, second = Op(), Op()
    cases = [ModelCase(chan, "send", "x"), ModelCase(chan, "recv")]
    assert select(first, cases) == PARKED
    chan.check()
    assert ready(cases) == [0, 1]  # but another one's
    assert select(second, cases, pick(1)) == Answer(got("x", 1), (first,))
    assert chan.run(first) == Answer(got(None, 0))


def test_cases_that_share_a_line_stand_there_once() -> None:
    chan = ModelChan(0)
    op = Op()
    cases = [ModelCase(chan, "recv"), None, ModelCase(chan, "recv_ok"), ModelCase(chan, "recv")]
    assert select(op, cases, pick(2)) == PARKED
    assert [s.index for s in chan.waiting("recv")] == [2]
    assert chan.send_nowait("a") == Answer(DONE, (op,))
    assert chan.run(op) == Answer(got(("a", True), 2))
    biased = Op()
    select(biased, cases, pick(3), biased=True)
    assert [s.index for s in chan.waiting("recv")] == [0]


def test_the_end_of_a_signal_is_an_answer_and_may_be_told_again() -> None:
    signal = ModelSignal()
    (waiting,) = parked_receivers(signal, 1)
    chosen = Op()
    select(chosen, [None, ModelCase(signal, "recv")])
    assert signal.close() == Answer(DONE, (waiting, chosen))
    assert signal.close() == Answer(DONE)
    assert signal.run(waiting) == signal.recv(Op()) == Answer(got(None))
    assert signal.run(chosen) == Answer(got(None, 1))
    assert signal.recv_ok(Op()) == Answer(got((None, False)))


# -- the model notices its own breakage


@pytest.mark.parametrize(
    "spoil",
    [
        lambda chan: chan.promised.append(Op()),
        lambda chan: setattr(chan, "received", 1),
        lambda chan: setattr(chan.line[0].op, "state", "over"),
        lambda chan: setattr(chan, "closed", True),
        lambda chan: setattr(chan, "capacity", 2),
    ],
)
def test_check_finds(spoil: Callable[[ModelChan], object]) -> None:
    chan = filled(1, "a")
    parked_senders(chan, "b")
    chan.check()
    spoil(chan)
    with pytest.raises(AssertionError):
        chan.check()
