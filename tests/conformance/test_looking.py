"""What can be seen of a channel: length, state, name, counts, repr; and its one-way views."""

import dataclasses
import math

import pytest

import aiochan as ac
from tests.conformance.kit import Ends, Kind, asleep, dismiss, ended, outcome, settle


def test_a_new_channel_is_open_and_empty(run, make):
    async def main():
        ch = make()
        for end in (ch.tx, ch.rx):
            assert len(end) == 0
            assert end.capacity == ch.kind.capacity
            assert end.closed is False
            assert end.name is None
        ch.close()
        assert ch.tx.closed is True
        assert ch.rx.closed is True

    run(main)


def test_the_name_is_kept(run, make):
    async def main():
        ch = make("jobs")
        assert (ch.tx.name, ch.rx.name) == ("jobs", "jobs")
        assert make("").rx.name == ""

    run(main)


def test_a_channel_is_always_true(run, make):
    async def main():
        ch = make()
        assert bool(ch.tx) is True
        ch.close()
        assert (bool(ch.tx), bool(ch.rx), len(ch.rx)) == (True, True, 0)

    run(main)


def test_the_length_counts_what_nobody_was_promised(run, make):
    async def main():
        ch = make()
        first, second = await asleep(ch.rx.recv(), ch.rx.recv())
        ch.put("a", "b")
        assert len(ch.rx) == len(ch.tx) == 0
        await dismiss(second)
        assert first.result() == "a"
        assert len(ch.rx) == len(ch.tx) == 1  # even of a channel without room
        assert ch.take() == "b"
        assert len(ch.rx) == 0

    run(main)


def test_the_length_may_exceed_the_capacity_after_cancelled_receives(run, make_waiting):
    async def main():
        ch = make_waiting()
        values = list(range(int(ch.kind.capacity) + 3))
        await ch.overfill(*values)
        assert len(ch.rx) == ch.rx.capacity + 3
        with pytest.raises(ac.WouldBlock):
            ch.put("more")
        assert ch.drain() == values
        assert len(ch.fill()) == ch.rx.capacity  # and there is as much room as ever

    run(main)


def test_looking_changes_nothing(run, make):
    async def main():
        ch = make()
        ch.fill()
        ch.chan.stats()
        before = ch.chan._snapshot()
        for end in (ch.tx, ch.rx, ch.chan):
            assert repr(end)
            assert (len(end), end.stats(), bool(end), end.closed, end.capacity, hash(end)) is not None
        assert ch.chan._snapshot() == before

    run(main)


# -- repr


def test_repr_shows_the_state(run):
    async def main():
        ch = ac.Chan(10, name="jobs")
        for i in range(3):
            ch.send_nowait(i)
        assert repr(ch) == "<Chan 'jobs' 3/10 open, 0 senders 0 receivers parked>"
        ch.close()
        assert repr(ch) == "<Chan 'jobs' 3/10 closed, 0 senders 0 receivers parked>"
        assert repr(ch.sender) == f"<SendChan of {ch!r}>"
        assert repr(ch.receiver) == f"<RecvChan of {ch!r}>"
        assert repr(ac.Chan(math.inf, name="all")) == "<Chan 'all' 0/inf open, 0 senders 0 receivers parked>"

    run(main)


def test_repr_shows_who_sleeps(run):
    async def main():
        ch = ac.Chan(name="meet")
        receivers = await asleep(ch.recv(), ch.recv())
        assert repr(ch) == "<Chan 'meet' 0/0 open, 0 senders 2 receivers parked>"
        await dismiss(*receivers)
        senders = await asleep(ch.send(1))
        assert repr(ch) == "<Chan 'meet' 0/0 open, 1 senders 0 receivers parked>"
        await dismiss(*senders)

    run(main)


def test_repr_shows_what_overflows_and_where_a_nameless_one_is():
    ch = ac.Chan(1, overflow="drop_oldest")
    assert repr(ch) == f"<Chan at {id(ch):#x} 0/1 drop_oldest open, 0 senders 0 receivers parked>"


# -- stats


def test_stats_follow_a_value_through_the_channel(run, make):
    async def main():
        ch = make()
        assert ch.rx.stats() == stats(ch)
        (receiver,) = await asleep(ch.rx.recv())
        assert ch.rx.stats() == stats(ch, parked_receivers=1)
        ch.put("a")
        assert ch.tx.stats() == stats(ch, promised=1, sent=1)
        await settle()
        assert ch.tx.stats() == stats(ch, sent=1, received=1)
        await ch.overfill("b")
        assert ch.tx.stats() == stats(ch, length=1, sent=2, received=1)
        ch.close()
        assert ch.tx.stats() == stats(ch, length=1, sent=2, received=1, closed=True)
        assert receiver.result() == "a"

    run(main)


def stats(ch, **figures):
    """Everything is 0 but the figures given."""
    zeros = dict.fromkeys((field.name for field in dataclasses.fields(ac.Stats)), 0)
    return ac.Stats(**{**zeros, "capacity": ch.kind.capacity, "closed": False, **figures})


def test_stats_count_senders_asleep_and_what_they_take_back(run, make_waiting):
    async def main():
        ch = make_waiting()
        n = len(ch.fill())
        senders = await asleep(ch.tx.send("s"), ch.tx.send("t"))
        assert ch.rx.stats() == stats(ch, length=n, sent=n, parked_senders=2)
        if n:
            ch.take()
            assert ch.rx.stats() == stats(ch, length=n, sent=n + 1, received=1, parked_senders=1)
        await dismiss(*senders)
        left = n - 1 if n else 0
        assert ch.rx.stats() == stats(ch, length=left, sent=n, received=n - left)

    run(main)


def test_stats_count_reservations(run, make_bounded):
    async def main():
        ch = make_bounded()
        places = [ch.tx.reserve() for _ in range(int(ch.kind.capacity))]
        for place in places:
            await ended(place.__aenter__())
        (waiting,) = await asleep(ch.tx.reserve().__aenter__())
        assert ch.rx.stats() == stats(ch, reserved=len(places), parked_senders=1)
        await dismiss(waiting)

    run(main)


def test_stats_count_what_is_dropped_as_sent(run):
    async def main():
        for overflow in ("drop_oldest", "drop_newest"):
            ch = Ends(Kind(2, overflow))
            ch.put(*range(5))
            assert ch.rx.stats() == stats(ch, length=2, sent=5, dropped=3)

    run(main)


def test_stats_cannot_be_changed_and_stay_what_they_were(run, make):
    async def main():
        ch = make()
        before = ch.rx.stats()
        await ch.overfill("a")
        assert before.length == 0
        with pytest.raises(dataclasses.FrozenInstanceError):
            before.length = 1

    run(main)


# -- views


def test_views_of_one_channel_are_equal():
    ch, other = ac.Chan(), ac.Chan()
    assert ch.sender == ch.sender
    assert ch.receiver == ch.receiver
    assert hash(ch.sender) == hash(ch.sender)
    assert hash(ch.receiver) == hash(ch.receiver)
    assert len({ch.sender, ch.sender, ch.receiver, ch.receiver}) == 2
    assert ch.sender != other.sender
    assert ch.receiver != other.receiver


def test_a_view_is_neither_the_other_view_nor_the_channel():
    ch = ac.Chan()
    assert ch.sender != ch.receiver
    assert ch.sender != ch
    assert ch != ch.receiver
    assert ch.sender != 1
    assert len({ch, ch.sender, ch.receiver}) == 3


def test_channels_are_equal_only_to_themselves():
    ch = ac.Chan(2)
    assert ch == ch
    assert ch != ac.Chan(2)
    assert len({ch, ac.Chan(2)}) == 2


def test_there_is_no_way_back_from_a_view():
    ch = ac.Chan()
    for view, others in ((ch.sender, ("recv", "recv_ok", "recv_nowait")), (ch.receiver, ("send", "send_nowait"))):
        for name in (*others, "sender", "receiver"):
            with pytest.raises(AttributeError):
                getattr(view, name)
        public = [getattr(view, name) for name in dir(view) if not name.startswith("_")]
        assert not any(isinstance(value, ac.Chan) for value in public)


def test_only_the_send_end_can_close_and_reserve():
    ch = ac.Chan(1)
    for name in ("close", "reserve", "__enter__", "__aenter__"):
        assert not hasattr(ch.receiver, name)
        assert hasattr(ch.sender, name)


def test_only_the_receive_end_can_be_iterated():
    ch = ac.Chan(1)
    assert not hasattr(ch.sender, "__aiter__")
    assert aiter(ch.receiver) is not None
    assert aiter(ch) is ch


def test_a_channel_is_both_of_its_ends():
    ch = ac.Chan()
    assert isinstance(ch, ac.SendChan)
    assert isinstance(ch, ac.RecvChan)
    assert isinstance(ch.sender, ac.SendChan)
    assert isinstance(ch.receiver, ac.RecvChan)
    for view, other in ((ch.sender, ac.RecvChan), (ch.receiver, ac.SendChan)):
        assert not isinstance(view, other)
        assert not isinstance(view, ac.Chan)


def test_a_view_keeps_its_channel(run):
    async def main():
        tx = ac.Chan(1).sender
        await tx.send("a")
        assert len(tx) == 1
        with pytest.raises(ac.WouldBlock):
            tx.send_nowait("b")

    run(main)


def test_both_views_work_on_the_same_channel(run, make):
    async def main():
        ch = make()
        tx, rx = ch.chan.sender, ch.chan.receiver
        (receiver,) = await asleep(rx.recv())
        tx.send_nowait("a")
        assert outcome(rx.recv()) == "waits"
        await settle()
        assert receiver.result() == "a"
        tx.close()
        assert rx.closed
        assert outcome(rx.recv()) is ac.ChannelClosed

    run(main)
