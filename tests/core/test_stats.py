"""What `stats()` and `_snapshot()` tell, from one moment to the next."""

import dataclasses
import math

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import KINDS, Ends, Kind, asleep, dismiss, ended, settle

BOUNDED = [Kind(1), Kind(3), Kind(2, views=True)]


def stats(ch, **figures):
    """Everything is 0 but the figures given."""
    zeros = dict.fromkeys((field.name for field in dataclasses.fields(ac.Stats)), 0)
    return ac.Stats(**{**zeros, "capacity": ch.kind.capacity, "closed": False, **figures})


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_they_follow_a_value_through_the_channel(run, kind):
    async def main():
        ch = Ends(kind)
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


RECEIVES = {
    "recv": lambda ch: ch.rx.recv(),
    "recv_ok": lambda ch: ch.rx.recv_ok(),
    "async for": lambda ch: anext(ch.rx),
    "select": lambda ch: ac.select(ac.recv(ch.rx)),
    "recv_nowait": lambda ch: now(ch.rx.recv_nowait),
    "select_nowait": lambda ch: now(ac.select_nowait, ac.recv_ok(ch.rx)),
}
SENDS = {
    "send": lambda ch: ch.tx.send("a"),
    "send_nowait": lambda ch: now(ch.tx.send_nowait, "a"),
    "select": lambda ch: ac.select(ac.send(ch.tx, "a")),
    "select_nowait": lambda ch: now(ac.select_nowait, ac.send(ch.tx, "a")),
}


async def now(operation, *args):
    return operation(*args)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.capacity >= 1], ids=str)
def test_every_way_to_send_and_to_receive_is_counted(run, kind):
    async def main():
        ch, count = Ends(kind), 0
        for send in SENDS.values():
            for receive in RECEIVES.values():
                await ended(send(ch))
                assert ch.rx.stats() == stats(ch, length=1, sent=count + 1, received=count)
                await ended(receive(ch))
                count += 1
                assert ch.rx.stats() == stats(ch, sent=count, received=count)

    run(main)


@pytest.mark.parametrize("kind", [Kind(0), Kind(0, views=True)], ids=str)
def test_what_is_handed_over_is_counted(run, kind):
    async def main():
        ch, count = Ends(kind), 0
        for send in (SENDS["send"], SENDS["select"]):
            for receive in RECEIVES.values():
                (sender,) = await asleep(send(ch))
                await ended(receive(ch))
                count += 1
                assert ch.rx.stats() == stats(ch, sent=count, received=count)
                assert sender.done()

    run(main)


@pytest.mark.parametrize("kind", BOUNDED, ids=str)
def test_what_a_cancelled_sender_takes_back_was_not_sent(run, kind):
    async def main():
        ch = Ends(kind)
        n = len(ch.fill())
        senders = await asleep(ch.tx.send("s"), ch.tx.send("t"))
        assert ch.rx.stats() == stats(ch, length=n, sent=n, parked_senders=2)
        ch.take()
        assert ch.rx.stats() == stats(ch, length=n, sent=n + 1, received=1, parked_senders=1)
        await dismiss(*senders)
        assert ch.rx.stats() == stats(ch, length=n - 1, sent=n, received=1)

    run(main)


@pytest.mark.parametrize("kind", BOUNDED, ids=str)
def test_reservations_are_counted_taken_and_asleep(run, kind):
    async def main():
        ch = Ends(kind)
        places = [ch.tx.reserve() for _ in range(int(kind.capacity))]
        for place in places:
            await ended(place.__aenter__())
        (waiting,) = await asleep(ch.tx.reserve().__aenter__())
        assert ch.rx.stats() == stats(ch, reserved=len(places), parked_senders=1)
        await dismiss(waiting)
        places[0].send("a")
        assert ch.rx.stats() == stats(ch, reserved=len(places) - 1, length=1, sent=1)

    run(main)


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
def test_what_is_dropped_was_sent(overflow):
    ch = Ends(Kind(2, overflow))
    ch.put(*range(5))
    assert ch.rx.stats() == stats(ch, length=2, sent=5, dropped=3)
    ch.take()
    assert ch.rx.stats() == stats(ch, length=1, sent=5, dropped=3, received=1)


def test_they_stay_what_they_were_and_cannot_be_changed():
    ch = ac.Chan(1)
    before = ch.stats()
    ch.send_nowait("a")
    assert (before.length, ch.stats().length) == (0, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.length = 1
    assert {before, ac.Chan(1).stats()} == {before}


def test_a_select_is_counted_on_every_side_it_sleeps_on(run):
    async def main():
        one, other = ac.Chan(), ac.Chan()
        (task,) = await asleep(ac.select(ac.recv(one), ac.recv_ok(one), ac.send(other, 1), ac.recv(other)))
        assert (one.stats().parked_receivers, one.stats().parked_senders) == (1, 0)
        assert (other.stats().parked_receivers, other.stats().parked_senders) == (1, 1)
        await dismiss(task)
        assert one.stats() == other.stats() == ac.Chan().stats()

    run(main)


# -- the snapshot


def test_a_snapshot_shows_everything_that_decides_what_happens_next(run):
    async def main():
        ch = ac.Chan(2)
        ch.send_nowait("a")
        ch.send_nowait("b")
        sending, selecting, reserving = await asleep(
            ch.send("s"), ac.select(ac.recv(None), ac.send(ch, "t")), ch.reserve().__aenter__()
        )
        seen = ch._snapshot()
        assert isinstance(seen, core.Snapshot)
        assert seen.held == (("a", False), ("b", False))
        assert (seen.granted, seen.reserved, seen.closed, seen.dropped, seen.received) == (0, 0, False, 0, 0)
        assert [place[:4] for place in seen.sendq] == [(sending, "send", None, "s"), (selecting, "send", 1, "t")]
        assert [place[:4] for place in seen.slotq] == [(reserving, "reserve", None, None)]
        tickets = [place.ticket for place in (*seen.sendq, *seen.slotq)]
        assert tickets == sorted(tickets)
        ch.recv_nowait()
        assert ch._snapshot().held == (("b", False), ("s", True))
        await dismiss(sending, selecting, reserving)
        assert ch._snapshot().held == (("b", False),)

    run(main)


def test_a_snapshot_shows_who_receives_and_how(run):
    async def main():
        ch = ac.Chan(math.inf)
        plain, comma_ok = await asleep(ch.recv(), ac.select(ac.recv(None), ac.recv_ok(ch)))
        assert [place[:4] for place in ch._snapshot().recvq] == [
            (plain, "recv", None, None),
            (comma_ok, "recv_ok", 1, None),
        ]
        ch.send_nowait("a")
        assert (ch._snapshot().granted, len(ch._snapshot().recvq)) == (1, 1)
        await dismiss(plain)
        assert comma_ok.result() == (1, ("a", True))
        assert ch._snapshot().received == 1

    run(main)
