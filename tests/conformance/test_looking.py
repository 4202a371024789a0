"""What can be seen of a channel: length, state, name, repr. Its counts are in tests/core/test_stats.py."""

import math

import pytest

import aiochan as ac
from tests.conformance.kit import asleep, dismiss


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
