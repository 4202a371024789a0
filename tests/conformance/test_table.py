"""The state table of a channel: what every operation does in every state, in each of its forms."""

import math
from typing import Any, NamedTuple

import pytest

import aiochan as ac
from tests.conformance.kit import KINDS, Ends, asleep, ended, outcome, settle

WAITS, CLOSED = "waits", ac.ChannelClosed


# -- the states: how a channel gets there; the answer is who sleeps or was woken then


async def nothing(ch):
    return []


async def receiver_asleep(ch):
    return await asleep(ch.rx.recv())


async def sender_asleep(ch):
    """A sender can wait though nothing is held: when all places are reserved."""
    for _ in range(int(ch.kind.capacity)):
        await ended(ch.tx.reserve().__aenter__())
    return await asleep(ch.tx.send("s"))


async def some(ch):
    ch.put("a")
    return []


async def full(ch):
    ch.fill()
    return []


async def full_and_sender_asleep(ch):
    ch.fill()
    return await asleep(ch.tx.send("s"))


async def more_than_full(ch):
    await ch.overfill("a", *range(int(ch.kind.capacity)))
    return []


async def promised(ch):
    receivers = await asleep(ch.rx.recv())
    ch.put("p")
    return receivers


async def closed_surplus(ch):
    await ch.overfill("a")
    ch.close()
    return []


async def closed_promised(ch):
    receivers = await promised(ch)
    ch.close()
    return receivers


async def closed_drained(ch):
    ch.close()
    return []


class State(NamedTuple):
    """One column of the table."""

    prepare: Any
    fits: Any  # the kinds of channels that can be in this state
    send: Any  # None, "waits" or ChannelClosed
    recv: Any  # the value, "waits" or ChannelClosed
    close: Any = None


def any_kind(kind):
    return True


def bounded(kind):
    return kind.waits and kind.capacity >= 1


STATES = {
    "empty, no room": State(nothing, lambda kind: kind.capacity == 0, WAITS, WAITS),
    "empty, room": State(nothing, lambda kind: kind.capacity >= 1, None, WAITS),
    "receiver asleep": State(receiver_asleep, any_kind, None, WAITS),
    "sender asleep, nothing held": State(sender_asleep, lambda kind: kind.waits, WAITS, "s"),
    "surplus and room": State(some, lambda kind: kind.capacity >= 2, None, "a"),
    "full": State(full, bounded, WAITS, "f0"),
    "full, a sender asleep": State(full_and_sender_asleep, bounded, WAITS, "f0"),
    "full, dropping": State(full, lambda kind: kind.overflow != "wait", None, "f0"),
    "more than full": State(more_than_full, lambda kind: kind.waits, WAITS, "a"),
    "all promised, no room": State(promised, lambda kind: kind.capacity == 0, WAITS, WAITS),
    "all promised, room": State(promised, lambda kind: kind.capacity >= 1, None, WAITS),
    "closed, surplus": State(closed_surplus, any_kind, CLOSED, "a", CLOSED),
    "closed, only promised values": State(closed_promised, any_kind, CLOSED, WAITS, CLOSED),
    "closed, drained": State(closed_drained, any_kind, CLOSED, CLOSED, CLOSED),
}

assert all(any(state.fits(kind) for kind in KINDS) for state in STATES.values())


@pytest.fixture(params=STATES.values(), ids=STATES)
def state(request):
    return request.param


def kinds_in(state):
    """The kinds of channels that can be in a state."""
    return [kind for kind in KINDS if state.fits(kind)]


# -- the operations, in each of their forms, with answers in one shape


async def now(operation, *args):
    """Answer as the awaited form would: "waits" instead of raising WouldBlock."""
    try:
        return operation(*args)
    except ac.WouldBlock:
        return WAITS


def of_select(answer):
    if isinstance(answer, tuple):
        assert answer[0] == 0
        return answer[1]
    return answer


def of_recv_ok(answer):
    match answer:
        case value, True:
            return value
        case None, False:
            return CLOSED
    return answer


SENDS = {
    "send": lambda ch: outcome(ch.tx.send("n")),
    "send_nowait": lambda ch: outcome(now(ch.tx.send_nowait, "n")),
    "select": lambda ch: of_select(outcome(ac.select(ac.send(ch.tx, "n")))),
    "select, biased": lambda ch: of_select(outcome(ac.select(ac.send(ch.tx, "n"), biased=True))),
    "select_nowait": lambda ch: of_select(outcome(now(ac.select_nowait, ac.send(ch.tx, "n")))),
    "select_loop": lambda ch: of_select(outcome(anext(ac.select_loop(ac.send(ch.tx, "n"))))),
}

RECEIVES = {
    "recv": lambda ch: outcome(ch.rx.recv()),
    "recv_ok": lambda ch: of_recv_ok(outcome(ch.rx.recv_ok())),
    "recv_nowait": lambda ch: outcome(now(ch.rx.recv_nowait)),
    "async for": lambda ch: CLOSED if (got := outcome(anext(ch.rx))) is StopAsyncIteration else got,
    "select recv": lambda ch: of_select(outcome(ac.select(ac.recv(ch.rx)))),
    "select recv, biased": lambda ch: of_select(outcome(ac.select(ac.recv(ch.rx), biased=True))),
    "select recv_ok": lambda ch: of_recv_ok(of_select(outcome(ac.select(ac.recv_ok(ch.rx))))),
    "select_nowait recv": lambda ch: of_select(outcome(now(ac.select_nowait, ac.recv(ch.rx)))),
    "select_nowait recv_ok": lambda ch: of_recv_ok(of_select(outcome(now(ac.select_nowait, ac.recv_ok(ch.rx))))),
}


async def in_state(state, operation, kind):
    """Do one operation on a new channel in this state; then let go of everybody who sleeps there still."""
    ch = Ends(kind)
    sleepers = await state.prepare(ch)
    answer = operation(ch)
    for task in sleepers:
        task.cancel()
    await settle()
    return answer


def test_send(run, state):
    async def main():
        for kind in kinds_in(state):
            for name, operation in SENDS.items():
                assert await in_state(state, operation, kind) == state.send, (name, str(kind))

    run(main)


def test_receive(run, state):
    async def main():
        for kind in kinds_in(state):
            for name, operation in RECEIVES.items():
                assert await in_state(state, operation, kind) == state.recv, (name, str(kind))

    run(main)


def test_close(run, state):
    async def close(ch):
        ch.close()

    async def main():
        for kind in kinds_in(state):
            assert await in_state(state, lambda ch: outcome(close(ch)), kind) is state.close, str(kind)

    run(main)


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state.close is None])
def test_after_close_what_is_held_can_be_received_and_sleepers_are_told(run, name):
    """The value of a sender that slept is not held, and not delivered."""
    state = STATES[name]

    async def closed(kind):
        ch = Ends(kind)
        sleepers = await state.prepare(ch)
        held = ch.held
        ch.close()
        assert ch.held == held
        await settle()
        answers = [task.exception() or task.result() for task in sleepers]
        return held, [answer if isinstance(answer, str) else type(answer) for answer in answers], ch.drain()

    async def main():
        for kind in kinds_in(state):
            held, answers, drained = await closed(kind)
            if state.prepare is promised:
                assert (answers, drained) == (held, []), str(kind)
            else:
                assert answers == [CLOSED] * len(answers), str(kind)
                assert drained == held, str(kind)

    run(main)


def test_the_table_has_every_size():
    assert {kind.capacity for kind in KINDS} >= {0, 1, 2, 10, math.inf}


# -- the column of never() and None


@pytest.mark.parametrize("end", [None, "never"])
@pytest.mark.parametrize("case", [ac.recv, ac.recv_ok])
def test_nothing_ever_arrives_on_never_and_on_none(run, end, case):
    async def main():
        ch = ac.never() if end else None
        assert outcome(ac.select(case(ch))) == WAITS
        assert outcome(ac.select(case(ch), biased=True)) == WAITS
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(case(ch))

    run(main)


def test_a_send_to_none_waits_for_ever(run):
    async def main():
        assert outcome(ac.select(ac.send(None, 1))) == WAITS
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.send(None, 1))

    run(main)


def test_a_receive_from_never_waits_for_ever(run):
    async def main():
        assert outcome(ac.never().recv()) == WAITS
        assert outcome(ac.never().recv_ok()) == WAITS
        assert outcome(anext(ac.never())) == WAITS
        with pytest.raises(ac.WouldBlock):
            ac.never().recv_nowait()

    run(main)
