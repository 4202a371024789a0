"""Values go from senders to receivers: which value, to whom, in which order."""

import asyncio
import math

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import Ends, Kind, asleep, begin, check, dismiss, ended, finish, go, outcome, settle

# -- any object is a value


ODD_VALUES = [
    *(None, False, 0, "", math.nan, NotImplemented, ..., int, (1, 2)),
    *(ValueError("a value"), StopIteration(1), asyncio.CancelledError(), GeneratorExit()),
    *(ac.recv(None), ac.Chan(), ac.Signal()),
]


def test_any_object_is_a_value(run, make):
    async def main():
        ch = make()
        for value in ODD_VALUES:
            for receive in (ch.rx.recv, lambda: anext(ch.rx)):
                (receiver,) = await asleep(receive())
                assert await ended(ch.tx.send(value)) is None
                assert receiver.result() is value
            (receiver,) = await asleep(ch.rx.recv_ok())
            ch.put(value)
            await settle()
            assert receiver.result()[0] is value
            assert receiver.result()[1] is True
            await ch.overfill(value)
            assert ch.take() is value
            await ch.overfill(value)
            assert ac.select_nowait(ac.recv(ch.rx))[1] is value

    run(main)


def test_a_waiter_is_a_value_too(run):
    """An observer may want to send on the waiters that it hears of."""

    async def main():
        ch = ac.Chan(1)
        (task,) = await asleep(ac.never().recv())
        waiter = task._fut_waiter
        received = []
        for receive in (ch.recv, lambda: ended(ch.recv()), lambda: ended(ac.select(ac.recv(ch)))):
            await ch.send(waiter)
            received.append(await receive())
        await dismiss(task)
        assert [type(got) for got in received] == [core.Waiter, core.Waiter, tuple]
        assert received[0] is waiter
        assert received[1] is waiter
        assert received[2][1] is waiter

    run(main)


# -- where a value goes


def test_a_send_into_room_is_done_at_once(run, make_roomy):
    async def main():
        ch = make_roomy()
        assert outcome(ch.tx.send("a")) is None
        assert len(ch.rx) == 1
        assert outcome(ch.rx.recv()) == "a"

    run(main)


def test_there_is_room_for_as_many_values_as_the_capacity_says(run, make_waiting):
    async def main():
        ch = make_waiting()
        assert len(ch.fill()) == len(ch.tx) == ch.tx.capacity
        with pytest.raises(ac.WouldBlock):
            ch.put("one more")
        assert outcome(ch.tx.send("one more")) == "waits"

    run(main)


def test_a_channel_without_limit_never_makes_a_sender_wait(run):
    async def main():
        ch = ac.Chan(math.inf)
        for i in range(3000):
            await ch.send(i)
        assert [ch.recv_nowait() for _ in range(3000)] == list(range(3000))

    run(main)


def test_a_sender_that_finds_a_receiver_is_done_at_once(run, make):
    async def main():
        ch = make()
        (receiver,) = await asleep(ch.rx.recv())
        assert outcome(ch.tx.send("a")) is None
        assert not receiver.done()
        await settle()
        assert receiver.result() == "a"

    run(main)


def test_a_receiver_is_promised_the_oldest_value_there_when_it_runs(run, make):
    """The first is cancelled before it runs, so the second takes what woke the first."""

    async def main():
        ch = make()
        first, second = await asleep(ch.rx.recv(), ch.rx.recv())
        ch.put("a", "b")
        await dismiss(first)
        assert second.result() == "a"
        assert ch.take() == "b"

    run(main)


def test_what_was_granted_cannot_be_taken_by_who_arrives_later(run, make):
    async def main():
        ch = make()
        (receiver,) = await asleep(ch.rx.recv())
        ch.put("a")
        assert len(ch.rx) == 0
        with pytest.raises(ac.WouldBlock):
            ch.take()
        with pytest.raises(ac.WouldBlock):
            ac.select_nowait(ac.recv(ch.rx))
        assert outcome(ch.rx.recv()) == "waits"
        await settle()
        assert receiver.result() == "a"

    run(main)


def test_a_receiver_that_meets_a_sender_takes_the_oldest_value_all_the_same(run):
    """What the sender brings goes behind what was promised, so that nobody gets values out of order."""

    async def main():
        for answer in (lambda ch: ch.take(), lambda ch: outcome(ch.rx.recv()), lambda ch: outcome(anext(ch.rx))):
            ch = Ends(Kind(0))
            (promised,) = await asleep(ch.rx.recv())
            ch.put("older")
            sender = begin(ch.tx.send("younger"))
            assert answer(ch) == "older"
            assert ch.held == ["younger"]
            assert finish(sender) is None
            await settle()
            assert promised.result() == "younger"

    run(main)


def test_room_that_was_given_to_a_sleeping_sender_cannot_be_taken_by_who_arrives_later(run, make_bounded):
    async def main():
        ch = make_bounded()
        ch.fill()
        (sender,) = await asleep(ch.tx.send("s"))
        ch.take()
        assert not sender.done()
        with pytest.raises(ac.WouldBlock):
            ch.put("later")
        await settle()
        assert sender.done()
        assert ch.drain()[-1] == "s"

    run(main)


def test_the_longest_sleeping_sender_moves_up(run, make_waiting):
    async def main():
        ch = make_waiting()
        filled = ch.fill()
        senders = await asleep(*(ch.tx.send(f"s{i}") for i in range(3)))
        assert ch.take() == [*filled, "s0"][0]
        assert ch.held == [*filled, "s0"][1:]
        await settle()
        assert [task.done() for task in senders] == [True, False, False]
        assert ch.drain() == [*filled, "s0", "s1", "s2"][1:]

    run(main)


# -- first come, first served


def test_receivers_are_served_first_come_first_served(run, make):
    async def main():
        ch = make()
        receivers = await asleep(*(ch.rx.recv() for _ in range(4)))
        ch.put("a")
        await settle()
        assert [task.done() for task in receivers] == [True, False, False, False]
        ch.put("b", "c", "d")
        await settle()
        assert [task.result() for task in receivers] == ["a", "b", "c", "d"]

    run(main)


def test_senders_are_served_first_come_first_served(run, make_waiting):
    async def main():
        ch = make_waiting()
        filled = ch.fill()
        senders = await asleep(*(ch.tx.send(f"s{i}") for i in range(4)))
        received = []
        for i in range(4):
            received.append(await ended(ch.rx.recv()))
            assert [task.done() for task in senders] == [k <= i for k in range(4)]
        assert received + ch.drain() == [*filled, "s0", "s1", "s2", "s3"]

    run(main)


def test_every_way_to_wait_stands_in_the_same_line(run, make):
    async def main():
        ch = make()
        receivers = await asleep(
            ch.rx.recv(), ac.select(ac.recv(ch.rx)), ch.rx.recv_ok(), anext(ch.rx), ac.select(ac.recv_ok(ch.rx))
        )
        ch.put(1, 2, 3, 4, 5)
        await settle()
        assert [task.result() for task in receivers] == [1, (0, 2), (3, True), 4, (0, (5, True))]

    run(main)


def test_every_way_to_send_stands_in_the_same_line(run, make_waiting):
    async def main():
        ch = make_waiting()
        ch.fill()
        senders = await asleep(ch.tx.send("a"), ac.select(ac.send(ch.tx, "b")), ch.tx.send("c"))
        assert ch.drain()[-3:] == ["a", "b", "c"]
        await settle()
        assert [task.result() for task in senders] == [None, (0, None), None]

    run(main)


def test_a_receiver_that_left_is_skipped_and_nobody_else_moves(run, make):
    async def main():
        ch = make()
        receivers = await asleep(*(ch.rx.recv() for _ in range(5)))
        await dismiss(receivers[1], receivers[3])
        ch.put("a", "b", "c")
        await settle()
        assert [receivers[i].result() for i in (0, 2, 4)] == ["a", "b", "c"]

    run(main)


def test_a_sender_that_left_is_skipped_and_its_value_with_it(run, make_waiting):
    async def main():
        ch = make_waiting()
        filled = ch.fill()
        senders = await asleep(*(ch.tx.send(f"s{i}") for i in range(5)))
        await dismiss(senders[0], senders[3])
        assert ch.drain() == [*filled, "s1", "s2", "s4"]
        await settle()

    run(main)


# -- order


def test_values_leave_in_the_order_in_which_their_sends_completed_or_slept(run, make_waiting):
    async def main():
        ch = make_waiting()
        expected = ch.fill()
        received = []
        for i in range(6):
            await asleep(ch.tx.send(f"a{i}"))
            await asleep(ac.select(ac.send(ch.tx, f"b{i}")))
            expected += [f"a{i}", f"b{i}"]
            received.append(ch.take())
        await settle()
        assert received + ch.drain() == expected
        await settle()

    run(main)


def test_whatever_many_send_many_receive_exactly_once_and_each_in_order(run, make):
    values = range(20)

    async def produce(ch, who):
        for i in values:
            await ch.tx.send((who, i))

    async def consume(ch, received):
        async for value in ch.rx:
            received.append(value)

    async def main():
        ch = make()
        received = [[] for _ in range(3)]
        consumers = [go(consume(ch, mine)) for mine in received]
        producers = [go(produce(ch, who)) for who in "xyz"]
        for task in producers:
            await task
        await settle()
        ch.close()
        await settle()
        assert all(task.done() for task in consumers)
        everything = sorted(value for mine in received for value in mine)
        if ch.kind.overflow == "wait":
            assert everything == [(who, i) for who in "xyz" for i in values]
        assert len(everything) == len(set(everything)) == 60 - ch.chan.stats().dropped
        for mine in received:
            for who in "xyz":
                assert [v for v in mine if v[0] == who] == sorted(v for v in mine if v[0] == who)

    run(main)


# -- dropping


@pytest.mark.parametrize("capacity", [1, 2, 5])
def test_drop_oldest_keeps_the_newest_values(run, capacity):
    async def main():
        ch = ac.Chan(capacity, overflow="drop_oldest")
        for i in range(9):
            assert outcome(ch.send(i)) is None
            ch._check()
            assert len(ch) == min(i + 1, capacity)
        assert ch.stats().dropped == 9 - capacity
        assert [ch.recv_nowait() for _ in range(capacity)] == list(range(9))[-capacity:]

    run(main)


@pytest.mark.parametrize("capacity", [1, 2, 5])
def test_drop_newest_keeps_the_oldest_values(run, capacity):
    async def main():
        ch = ac.Chan(capacity, overflow="drop_newest")
        for i in range(9):
            assert outcome(ch.send(i)) is None
            ch._check()
        assert ch.stats().dropped == 9 - capacity
        assert [ch.recv_nowait() for _ in range(capacity)] == list(range(capacity))
        assert ch.stats().sent == 9

    run(main)


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
def test_what_was_promised_is_never_dropped(run, overflow):
    async def main():
        ch = ac.Chan(2, overflow=overflow)
        (receiver,) = await asleep(ch.recv())
        for value in ("promised", "b", "c", "d"):
            ch.send_nowait(value)
            ch._check()
        assert ch.stats().dropped == 1
        await settle()
        assert receiver.result() == "promised"
        assert ch.recv_nowait() == {"drop_oldest": "c", "drop_newest": "b"}[overflow]
        assert ch.recv_nowait() == {"drop_oldest": "d", "drop_newest": "c"}[overflow]

    run(main)


def test_a_value_that_finds_a_receiver_is_not_dropped(run):
    async def main():
        ch = ac.Chan(1, overflow="drop_newest")
        receivers = await asleep(*(ch.recv() for _ in range(3)))
        for value in ("a", "b", "c", "kept", "dropped"):
            ch.send_nowait(value)
        await settle()
        assert [task.result() for task in receivers] == ["a", "b", "c"]
        assert ch.recv_nowait() == "kept"
        assert ch.stats().dropped == 1

    run(main)


def test_an_operation_that_need_not_wait_does_not_notice_a_cancellation(run, make_roomy):
    async def cancelled_meanwhile(ch):
        asyncio.current_task().cancel()
        await ch.tx.send("a")
        value = await ch.rx.recv()
        await ac.select(ac.send(ch.tx, "b"))
        assert asyncio.current_task().uncancel() == 0
        return value

    async def main():
        ch = make_roomy()
        task = go(cancelled_meanwhile(ch))
        await settle()
        check()
        # Whoever waits next is told.
        assert ch.held == ["b"]
        assert task.done()

    run(main)
