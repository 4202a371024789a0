"""The one rule of cancellation: what was granted to a task that is cancelled before it runs goes on, at once, in line.

In these tests a task is woken by an operation of `main` and cancelled by the next line of `main`, so it has not run.
Senders are in test_taking_back.py.
"""

import asyncio

import pytest

import aiochan as ac
from tests.conformance.kit import RECEIVES, Ends, Kind, asleep, check, dismiss, each, outcome, settle

# -- receivers


def test_a_cancelled_receiver_has_received_nothing(run, make):
    async def scenario(ch, receive):
        (receiver,) = await asleep(receive(ch))
        await dismiss(receiver)
        assert ch.parked == (0, 0)
        filled = ch.fill()
        assert ch.drain() == filled

    each(run, make, RECEIVES, scenario)


def test_the_promise_of_a_cancelled_receiver_goes_to_the_next_in_line(run, make):
    async def scenario(ch, receive):
        first, second, third = await asleep(receive(ch), ch.rx.recv(), ch.rx.recv())
        ch.put("a")
        await dismiss(first)
        assert second.result() == "a"
        assert not third.done()
        await dismiss(third)
        assert ch.chan.stats().received == 1

    each(run, make, RECEIVES, scenario)


def test_the_promise_passes_through_everybody_who_is_cancelled(run, make):
    async def scenario(ch, receive):
        tasks = await asleep(*(receive(ch) for _ in range(6)), ch.rx.recv())
        ch.put("a", "b")
        assert all(task.cancel() for task in tasks[:6])
        await settle()
        assert all(task.cancelled() for task in tasks[:6])
        assert tasks[6].result() == "a"
        assert ch.take() == "b"

    each(run, make, RECEIVES, scenario)


def test_with_nobody_behind_the_value_stays_where_it_was(run, make):
    async def scenario(ch, receive):
        (receiver,) = await asleep(receive(ch))
        ch.put("a")
        await dismiss(receiver)
        assert ch.chan.stats().promised == 0
        assert ch.held == ["a"]
        assert ch.take() == "a"

    each(run, make, RECEIVES, scenario)


def test_values_stay_in_order_whoever_is_cancelled(run, make):
    """Each of the eight choices which of three promised receivers are cancelled."""

    async def main():
        for choice in range(8):
            ch = make()
            receivers = await asleep(*(ch.rx.recv() for _ in range(3)))
            ch.put("a", "b", "c")
            cancelled = [task for i, task in enumerate(receivers) if choice & 1 << i]
            for task in cancelled:
                task.cancel()
                check()
            await settle()
            received = [task.result() for task in receivers if task not in cancelled]
            in_order = received + ch.drain()
            if ch.kind.overflow == "drop_oldest":
                expected = ["a", "b", "c"]
                del expected[len(received) : max(len(received), 3 - int(ch.kind.capacity))]
                assert in_order == expected
            else:
                assert in_order == ["a", "b", "c"]

    run(main)


def test_a_promise_is_passed_on_before_anybody_else_runs(run, make):
    """Inside the cancelled task itself, not some turns later."""

    async def main():
        ch = make()
        seen = []

        async def watched_receive():
            try:
                await ch.rx.recv()
            except asyncio.CancelledError:
                seen.append(ch.chan.stats())
                raise

        first, _second = await asleep(watched_receive(), ch.rx.recv())
        ch.put("a")
        assert ch.chan.stats().parked_receivers == 1
        await dismiss(first)
        assert (seen[0].promised, seen[0].parked_receivers) == (1, 0)

    run(main)


def test_a_receiver_that_is_cancelled_is_dead_at_once(run, make):
    """Before its task has run it stands in no line, and nothing is granted to it."""

    async def main():
        ch = make()
        first, second = await asleep(ch.rx.recv(), ch.rx.recv())
        first.cancel()
        assert ch.parked == (0, 1)
        ch.put("a")
        second.cancel()
        assert ch.parked == (0, 0)
        await settle()
        assert ch.take() == "a"
        assert (first.cancelled(), second.cancelled()) == (True, True)

    run(main)


def test_a_surplus_beyond_the_capacity_goes_down_by_receiving(run, make_waiting):
    async def main():
        ch = make_waiting()
        n = int(ch.kind.capacity) + 2
        await ch.overfill(*range(n))
        (sender,) = await asleep(ch.tx.send("s"))
        received = []
        while not sender.done():
            received.append(ch.take())
            await settle()
        assert len(received) == (3 if ch.kind.capacity else n + 1)
        assert received + ch.drain() == [*range(n), "s"]

    run(main)


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_drop_oldest_trims_at_once_when_a_cancelled_receiver_leaves_one_too_many(run, capacity):
    async def main():
        ch = Ends(Kind(capacity, "drop_oldest"))
        receivers = await asleep(*(ch.rx.recv() for _ in range(2)))
        ch.put("a", "b")
        ch.fill()
        assert ch.chan.stats().dropped == 0
        await dismiss(receivers[0])
        assert receivers[1].result() == "a"
        assert len(ch.rx) == capacity
        assert ch.chan.stats().dropped == 1
        assert ch.drain() == [f"f{i}" for i in range(capacity)]

    run(main)


def test_drop_newest_keeps_one_too_many(run):
    async def main():
        ch = Ends(Kind(1, "drop_newest"))
        (receiver,) = await asleep(ch.rx.recv())
        ch.put("a", "b")
        await dismiss(receiver)
        ch.put("c")
        assert ch.drain() == ["a", "b"]

    run(main)


# -- closed, with promised values only


def test_promised_values_of_a_closed_channel_are_nobody_elses(run, make):
    async def main():
        ch = make()
        (receiver,) = await asleep(ch.rx.recv())
        ch.put("a")
        ch.close()
        with pytest.raises(ac.WouldBlock):
            ch.take()
        for case in (ac.recv, ac.recv_ok):
            with pytest.raises(ac.WouldBlock):
                ac.select_nowait(case(ch.rx))
        assert outcome(ch.rx.recv()) == "waits"
        assert outcome(ac.select(ac.recv(ch.rx))) == "waits"
        await settle()
        assert receiver.result() == "a"
        with pytest.raises(ac.ChannelClosed):
            ch.take()

    run(main)


# -- the cancellation itself


def test_the_cancellation_goes_on_as_it_came(run, make):
    """With its message, and without a trace in the count of cancellations."""

    async def scenario(ch, receive):
        seen = []

        async def receiving():
            try:
                await receive(ch)
            except asyncio.CancelledError as error:
                seen.append((error.args, asyncio.current_task().cancelling(), error.__cause__))
                raise

        asleep_then, woken_then = await asleep(receiving(), receiving())
        asleep_then.cancel("enough")
        await settle()
        ch.put("a")
        woken_then.cancel("enough")
        await settle()
        assert seen == [(("enough",), 1, None)] * 2

    each(run, make, RECEIVES, scenario)


def test_a_task_may_go_on_after_it_refused_to_be_cancelled(run, make):
    async def scenario(ch, receive):

        async def stubborn():
            for _ in range(3):
                try:
                    await receive(ch)
                except asyncio.CancelledError:
                    asyncio.current_task().uncancel()
            return await ch.rx.recv()

        (task,) = await asleep(stubborn())
        for _ in range(3):
            task.cancel()
            await settle()
            assert ch.parked == (0, 1)
        ch.put("a")
        await settle()
        assert task.result() == "a"

    each(run, make, RECEIVES, scenario)
