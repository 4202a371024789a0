"""reserve: a place is taken first, the value is produced later."""

import contextlib
import math

import pytest

import aiochan as ac
from tests.conformance.kit import Ends, Kind, asleep, check, dismiss, ended, outcome, settle


async def take_places(ch, leave=0):
    """Take all places of a bounded channel but some, and return the permits."""
    permits = [ch.tx.reserve() for _ in range(int(ch.kind.capacity) - leave)]
    for permit in permits:
        assert await ended(permit.__aenter__()) is permit
    return permits


async def leave(permit):
    await permit.__aexit__(None, None, None)
    check()


# -- who can


@pytest.mark.parametrize("kind", [Kind(0), Kind(1, "drop_oldest"), Kind(2, "drop_newest")], ids=str)
def test_only_a_channel_with_room_that_makes_senders_wait_has_places(kind):
    ch = Ends(kind)
    with pytest.raises(ValueError, match="room") as caught:
        ch.tx.reserve()
    assert repr(ch.chan) in str(caught.value)


def test_a_value_is_sent_through_a_place(run, make_reserving):
    async def main():
        ch = make_reserving()
        async with ch.tx.reserve() as permit:
            assert ch.rx.stats().reserved == 1
            assert permit.send("a") is None
            check()
            assert ch.rx.stats().reserved == 0
            assert ch.held == ["a"]
        assert ch.held == ["a"]
        assert ch.rx.stats().reserved == 0

    run(main)


def test_a_place_in_a_channel_without_limit_is_there_at_once(run):
    async def main():
        ch = Ends(Kind(math.inf))
        async with contextlib.AsyncExitStack() as stack:
            permits = [await stack.enter_async_context(ch.tx.reserve()) for _ in range(100)]
            assert ch.rx.stats().reserved == 100
            permits[50].send("a")
        assert ch.drain() == ["a"]
        assert ch.rx.stats().reserved == 0

    run(main)


def test_a_reserved_place_is_no_room_for_others(run, make_bounded):
    async def main():
        ch = make_bounded()
        permits = await take_places(ch)
        assert len(ch.rx) == 0
        with pytest.raises(ac.WouldBlock):
            ch.put("b")
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.send(ch.tx, "b"))
        assert outcome(ch.tx.send("b")) == "waits"
        assert outcome(ch.tx.reserve().__aenter__()) == "waits"
        for i, permit in enumerate(permits):
            permit.send(i)
        assert ch.drain() == list(range(len(permits)))

    run(main)


def test_values_and_places_share_the_room(run, make_bounded):
    """Room is: surplus + reserved < capacity."""

    async def main():
        ch = make_bounded()
        await take_places(ch, leave=1)
        assert outcome(ch.tx.send("a")) is None
        assert outcome(ch.tx.send("b")) == "waits"
        ch.take()
        assert outcome(ch.tx.reserve().__aenter__()) is not None
        assert outcome(ch.tx.send("c")) == "waits"

    run(main)


def test_a_promised_value_takes_no_room(run, make_bounded):
    async def main():
        ch = make_bounded()
        permits = await take_places(ch)
        (receiver,) = await asleep(ch.rx.recv())
        permits[0].send("a")
        check()
        assert outcome(ch.tx.send("b")) is None  # the place is free already
        await settle()
        assert receiver.result() == "a"

    run(main)


# -- the line


def test_reservations_and_senders_share_one_line_by_arrival(run, make_bounded):
    async def main():
        ch, log = make_bounded(), []

        async def send(name):
            await ch.tx.send(name)
            log.append(name)

        async def reserve(name):
            async with ch.tx.reserve() as permit:
                log.append(name)
                permit.send(name)

        ch.fill()
        line = [send("s0"), send("s1"), reserve("r2"), send("s3"), reserve("r4"), reserve("r5"), send("s6")]
        await asleep(*line)
        for count in range(1, 8):
            ch.take()
            await settle()
            assert log == ["s0", "s1", "r2", "s3", "r4", "r5", "s6"][:count]

    run(main)


def test_a_select_that_sends_stands_in_that_line_too(run, make_bounded):
    async def main():
        ch = make_bounded()
        ch.fill()
        await asleep(ch.tx.reserve().__aenter__())
        selecting, sending = await asleep(ac.select(ac.send(ch.tx, "a")), ch.tx.send("b"))
        done = []
        for _ in range(3):
            ch.take()
            await settle()
            done.append((selecting.done(), sending.done()))
        assert done == [(False, False), (True, False), (True, True)]

    run(main)


def test_a_value_goes_ahead_of_the_senders_asleep_when_it_is_sent(run, make_bounded):
    async def main():
        ch = make_bounded()
        permits = await take_places(ch)
        senders = await asleep(ch.tx.send("s0"), ch.tx.send("s1"))
        for i, permit in enumerate(permits):
            permit.send(i)
            check()
        assert ch.drain() == [*range(len(permits)), "s0", "s1"]
        await settle()
        assert all(task.done() for task in senders)

    run(main)


def test_values_enter_in_the_order_in_which_they_are_sent_not_reserved(run):
    async def main():
        ch = Ends(Kind(3))
        first, second = await take_places(ch, leave=1)
        ch.put("x")
        second.send("second")
        first.send("first")
        assert ch.drain() == ["x", "second", "first"]

    run(main)


def test_a_value_through_a_place_is_promised_to_a_sleeping_receiver(run, make_reserving):
    async def main():
        ch = make_reserving()
        receivers = await asleep(ch.rx.recv(), ch.rx.recv())
        async with ch.tx.reserve() as permit:
            permit.send("a")
            check()
            assert (len(ch.rx), ch.rx.stats().promised) == (0, 1)
        await settle()
        assert receivers[0].result() == "a"
        await dismiss(receivers[1])

    run(main)


# -- giving back


def test_an_unused_place_goes_to_the_next_in_line(run, make_bounded):
    async def main():
        ch = make_bounded()
        permits = await take_places(ch)
        sender, reserving = await asleep(ch.tx.send("s"), ch.tx.reserve().__aenter__())
        await leave(permits[0])
        assert ch.held == ["s"]
        await settle()
        assert (sender.done(), reserving.done()) == (True, False)
        ch.take()
        await settle()
        assert reserving.done()
        await leave(reserving.result())
        assert ch.rx.stats().reserved == len(permits) - 1

    run(main)


def test_an_unused_place_is_room_again_if_nobody_waits(run, make_bounded):
    async def main():
        ch = make_bounded()
        for permit in await take_places(ch):
            await leave(permit)
        assert len(ch.fill()) == ch.tx.capacity

    run(main)


def test_a_cancelled_block_gives_the_place_to_the_next_in_line(run, make_bounded):
    async def main():
        ch = make_bounded()

        async def produce():
            async with ch.tx.reserve():
                await ac.never().recv()

        producers = await asleep(*(produce() for _ in range(int(ch.kind.capacity))))
        (sender,) = await asleep(ch.tx.send("s"))
        await dismiss(producers[0])
        assert sender.done()
        assert ch.held == ["s"]
        await dismiss(*producers[1:])
        assert ch.rx.stats().reserved == 0

    run(main)


# -- more than the capacity


def test_nobody_is_let_in_while_there_is_more_than_the_capacity(run, make_bounded):
    """Cancelled receivers leave surplus; the room comes back only when it is below the capacity again."""

    async def main():
        ch = make_bounded()
        capacity = int(ch.kind.capacity)
        await ch.overfill(*range(capacity + 2))
        (reserving,) = await asleep(ch.tx.reserve().__aenter__())
        for _ in range(2):
            ch.take()
            assert ch.parked == (1, 0)
        ch.take()
        assert ch.parked == (0, 0)
        await settle()
        assert reserving.done()

    run(main)


def test_a_place_that_was_taken_stays_usable_when_there_is_more_than_the_capacity(run, make_bounded):
    async def main():
        ch = make_bounded()
        permits = await take_places(ch)
        (receiver,) = await asleep(ch.rx.recv())
        permits[0].send("a")
        ch.put("b")  # into the place that the promised value left free
        await dismiss(receiver)
        for i, permit in enumerate(permits[1:]):
            permit.send(i)
            check()
        assert len(ch.rx) == ch.rx.capacity + 1
        assert ch.drain() == ["a", "b", *range(len(permits) - 1)]

    run(main)


# -- close


def test_a_place_cannot_be_used_once_the_channel_is_closed(run, make_reserving):
    async def main():
        ch, cause = make_reserving(), KeyError("why")
        async with ch.tx.reserve() as permit:
            ch.close(cause)
            with pytest.raises(ac.ChannelClosed) as caught:
                permit.send("a")
            assert caught.value.__cause__ is cause
            assert caught.value.channel is ch.chan
        check()
        assert ch.held == []
        assert ch.rx.stats().reserved == 0

    run(main)


def test_receivers_do_not_wait_for_reserved_places_of_a_closed_channel(run, make_reserving):
    async def main():
        ch = make_reserving()
        async with ch.tx.reserve():
            (receiver,) = await asleep(ch.rx.recv_ok())
            ch.close()
            await settle()
            assert receiver.result() == (None, False)

    run(main)


# -- cancelled


def test_cancelled_while_waiting_for_a_place_takes_none(run, make_bounded):
    async def main():
        ch = make_bounded()
        ch.fill()
        first, second = await asleep(ch.tx.reserve().__aenter__(), ch.tx.reserve().__aenter__())
        await dismiss(first)
        assert ch.parked == (1, 0)
        ch.take()
        await settle()
        assert second.done()
        assert ch.rx.stats().reserved == 1

    run(main)


def test_cancelled_after_the_grant_hands_the_place_on(run, make_bounded):
    async def main():
        ch = make_bounded()
        ch.fill()
        first, sender, third = await asleep(ch.tx.reserve().__aenter__(), ch.tx.send("s"), ch.tx.reserve().__aenter__())
        ch.take()
        assert ch.rx.stats().reserved == 1
        await dismiss(first)
        assert ch.held[-1] == "s"
        assert sender.done()
        assert not third.done()
        await dismiss(third)
        assert ch.rx.stats().reserved == 0

    run(main)


def test_cancelled_after_the_close_raises_the_cancellation(run, make_bounded):
    async def main():
        ch = make_bounded()
        ch.fill()
        (reserving,) = await asleep(ch.tx.reserve().__aenter__())
        ch.close()
        await dismiss(reserving)
        assert ch.rx.stats().reserved == 0

    run(main)


# -- misuse


def test_a_place_takes_one_value(run, make_reserving):
    async def main():
        ch = make_reserving()
        async with ch.tx.reserve() as permit:
            permit.send("a")
            with pytest.raises(ac.MisuseError, match="used already"):
                permit.send("b")
        check()
        assert ch.held == ["a"]

    run(main)


def test_a_place_cannot_be_used_before_it_is_taken_nor_after_it_was_left(run, make_reserving):
    async def main():
        ch = make_reserving()
        permit = ch.tx.reserve()
        with pytest.raises(ac.MisuseError, match="not entered yet"):
            permit.send("a")
        async with permit:
            pass
        with pytest.raises(ac.MisuseError, match="given back already"):
            permit.send("a")
        check()
        assert ch.held == []
        assert ch.rx.stats().reserved == 0

    run(main)


def test_a_reservation_is_entered_once(run, make_reserving):
    async def main():
        ch = make_reserving()
        permit = ch.tx.reserve()
        async with permit:
            with pytest.raises(ac.MisuseError, match="reserve"):
                await permit.__aenter__()
        with pytest.raises(ac.MisuseError, match="reserve"):
            await permit.__aenter__()
        check()
        assert ch.rx.stats().reserved == 0

    run(main)


def test_a_reservation_cannot_be_entered_while_somebody_waits_in_it(run, make_bounded):
    """Two places would be taken, and one given back."""

    async def main():
        ch = make_bounded()
        ch.fill()
        permit = ch.tx.reserve()
        (first,) = await asleep(permit.__aenter__())
        answer = outcome(permit.__aenter__())
        await dismiss(first)
        assert answer is ac.MisuseError

    run(main)


def test_a_reservation_says_what_it_is(run):
    async def main():
        ch = ac.Chan(1, name="jobs")
        permit = ch.reserve()
        seen = [repr(permit)]
        async with permit:
            seen.append(repr(permit))
        seen.append(repr(permit))
        for text, state in zip(seen, ("not entered yet", "held", "given back already"), strict=True):
            assert text.startswith("<Reservation of <Chan 'jobs'")
            assert text.endswith(f"{state}>")

    run(main)
