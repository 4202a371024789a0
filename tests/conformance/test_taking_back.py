"""A send that ends early has not sent: what was let in is taken back, unless a receiver counts on it.

The same for a receive that ends early in any way other than a cancellation.
"""

import asyncio
import itertools

import pytest

from tests.conformance.kit import (
    RECEIVES,
    SENDS,
    Ends,
    Kind,
    asleep,
    begin,
    check,
    dismiss,
    each,
    finish,
    settle,
)


def test_a_cancelled_sender_has_not_sent(run, make_waiting):
    async def scenario(ch, send):
        filled = ch.fill()
        first, second = await asleep(send(ch, "s"), ch.tx.send("t"))
        await dismiss(first)
        assert ch.drain() == [*filled, "t"]
        await settle()
        assert second.done()

    each(run, make_waiting, SENDS, scenario)


def test_a_sender_that_was_let_in_takes_its_value_back(run, make_bounded):
    async def scenario(ch, send):
        filled = ch.fill()
        (sender,) = await asleep(send(ch, "s"))
        ch.take()
        assert ch.held[-1] == "s"
        await dismiss(sender)
        assert ch.drain() == filled[1:]
        assert ch.chan.stats().sent == len(filled)

    each(run, make_bounded, SENDS, scenario)


def test_the_next_sender_moves_up_in_the_same_step(run, make_bounded):
    async def scenario(ch, send):
        filled = ch.fill()
        seen = []

        async def watched_send():
            try:
                await send(ch, "s")
            except asyncio.CancelledError:
                seen.extend(ch.held)
                raise

        sender, _second, third = await asleep(watched_send(), ch.tx.send("t"), ch.tx.send("u"))
        ch.take()
        await dismiss(sender)
        assert seen == [*filled[1:], "t"]
        assert ch.parked == (1, 0)
        await dismiss(third)

    each(run, make_bounded, SENDS, scenario)


def test_values_of_equal_senders_are_told_apart_when_one_is_taken_back(run):
    """What is taken back is the cancelled sender's own, wherever it stands, though all look alike."""

    async def main():
        ch = Ends(Kind(2))
        same = ["equal"]
        values = [list(same) for _ in range(5)]
        ch.put(values[0], values[1])
        senders = await asleep(*(ch.tx.send(value) for value in values[2:]))
        assert [ch.take(), ch.take()] == [same, same]
        await dismiss(senders[1])
        left = ch.drain()
        assert [value is mine for value, mine in zip(left, (values[2], values[4]), strict=True)] == [True, True]

    run(main)


@pytest.mark.parametrize("before", [0, 1, 5])
def test_those_who_were_let_in_take_their_own_values_back_in_any_order(run, before):
    """Also when others have gone before, when the front moves on, and when newcomers stand behind."""

    async def main():
        for order in itertools.permutations(range(4)):
            ch = Ends(Kind(4 + before))
            old = ch.fill()
            senders = [begin(ch.tx.send(value)) for value in "abcd"]
            assert [ch.take() for _ in senders] == old[:4]
            left = [*old[4:], *"abcd"]
            for step, number in enumerate(order):
                assert ch.held == left, order
                senders[number].close()
                left.remove("abcd"[number])
                if step == 1:
                    ch.put("new")
                    left.append("new")
                elif step == 2 and before:
                    assert ch.take() == left.pop(0)
            assert ch.drain() == left, order

    run(main)


def test_a_value_that_was_taken_cannot_be_taken_back(run, make_waiting):
    """The one exception: the task is cancelled, and yet a receiver has the value."""

    async def scenario(ch, send):
        filled = ch.fill()
        (sender,) = await asleep(send(ch, "s"))
        assert ch.drain() == [*filled, "s"]
        await dismiss(sender)
        assert ch.chan.stats().received == len(filled) + 1

    each(run, make_waiting, SENDS, scenario)


def promised_by_a_sender_that_was_let_in():
    """A receiver and a sender, both woken and not run yet: the receiver was promised what the sender sent."""
    ch = Ends(Kind(1))
    receiver = begin(ch.rx.recv())
    ch.put("a", "b")
    sender = begin(ch.tx.send("s"))
    assert [ch.take(), ch.take()] == ["a", "b"]
    assert (ch.held, ch.chan.stats().promised) == (["s"], 1)
    return ch, receiver, sender


def test_a_value_that_was_promised_is_not_taken_back(run):
    async def main():
        ch, receiver, sender = promised_by_a_sender_that_was_let_in()
        sender.close()
        assert ch.held == ["s"]
        assert finish(receiver) == "s"

    run(main)


def test_a_value_whose_receiver_gave_up_is_taken_back(run):
    async def main():
        ch, receiver, sender = promised_by_a_sender_that_was_let_in()
        receiver.close()
        sender.close()
        assert ch.held == []

    run(main)


def test_a_value_whose_receiver_gave_up_later_stays(run):
    async def main():
        ch, receiver, sender = promised_by_a_sender_that_was_let_in()
        sender.close()
        receiver.close()
        assert ch.held == ["s"]
        assert ch.take() == "s"

    run(main)


# -- any early end of a wait

ENDINGS = {
    "closed": lambda coro: coro.close(),
    "KeyboardInterrupt": lambda coro: throw(coro, KeyboardInterrupt()),
    "error": lambda coro: throw(coro, ValueError()),
}


def throw(coro, error):
    with pytest.raises(type(error)) as caught:
        coro.throw(error)
    assert caught.value is error


@pytest.fixture(params=ENDINGS.values(), ids=ENDINGS)
def end(request):
    return request.param


def test_a_receive_that_ends_early_leaves_the_line(run, make, end):
    async def scenario(ch, receive):
        end(begin(receive(ch)))
        check()
        assert ch.parked == (0, 0)
        await ch.overfill("a")
        assert ch.take() == "a"

    each(run, make, RECEIVES, scenario)


def test_a_receive_that_ends_early_passes_its_promise_on(run, make, end):
    async def scenario(ch, receive):
        first, second = begin(receive(ch)), begin(ch.rx.recv())
        ch.put("a")
        end(first)
        check()
        assert finish(second) == "a"

    each(run, make, RECEIVES, scenario)


def test_a_send_that_ends_early_takes_its_value_back(run, make_bounded, end):
    async def scenario(ch, send):
        filled = ch.fill()
        first, second = begin(send(ch, "s")), begin(ch.tx.send("t"))
        ch.take()
        end(first)
        check()
        assert ch.held == [*filled[1:], "t"]
        finish(second)

    each(run, make_bounded, SENDS, scenario)
