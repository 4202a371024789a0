"""The cases of CPython's test_asyncio/test_queues.py (3.13) that make sense for channels; README.md has the whole list.

``put``, ``get`` and ``shutdown()`` are ``send``, ``recv`` and ``close()`` here; a queue without `maxsize` is a channel
of unlimited capacity. Where the originals yield once and hope that everybody has come to rest, these know it.
"""

import asyncio
import math

import pytest

import aiochan as ac
from tests.conformance.kit import asleep, ended, go, settle
from tests.go.kit import make, receive_many, send_all

UNLIMITED = math.inf


# -- QueueBasicTests


def test_the_repr_tells_what_is_inside_and_who_waits(run):
    """QueueBasicTests.test_repr, test_str."""

    async def main():
        ch = make(1)
        assert repr(ch) == str(ch) == f"<Chan at {id(ch):#x} 0/1 open, 0 senders 0 receivers parked>"
        (getter,) = await asleep(ch.recv())
        assert "1 receivers parked" in repr(ch)
        ch.send_nowait(0)
        ch.send_nowait(1)
        (putter,) = await asleep(ch.send(2))
        assert " 1/1 open, 1 senders " in repr(ch)
        assert await getter == 0
        assert await receive_many(ch, 2) == [1, 2]
        await putter

    run(main)


def test_a_channel_is_generic_at_run_time():
    """QueueBasicTests.test_generic_alias."""
    alias = ac.Chan[int]
    assert alias.__origin__ is ac.Chan
    assert alias.__args__ == (int,)
    assert type(alias(3)) is ac.Chan


def test_empty_and_full(run):
    """QueueBasicTests.test_empty, test_full: the answers come from `len` and `capacity`."""

    async def main():
        ch = make(1)
        assert len(ch) == 0
        await ch.send(1)
        assert len(ch) == ch.capacity == 1
        assert await ch.recv() == 1
        assert len(ch) == 0
        assert bool(ch), "an empty channel is still a channel"

    run(main)


def test_order(run):
    """QueueBasicTests.test_order."""

    async def main():
        ch = make(UNLIMITED)
        await send_all(ch, [1, 3, 2])
        assert await receive_many(ch, 3) == [1, 3, 2]

    run(main)


def test_the_capacity_holds_a_producer_back(run):
    """QueueBasicTests.test_maxsize."""

    async def main():
        ch, sent = make(2), []
        assert ch.capacity == 2

        async def produce():
            for i in range(3):
                await ch.send(i)
                sent.append(i)
            return True

        (producer,) = await asleep(produce())
        assert sent == [0, 1]
        assert await ch.recv() == 0
        await settle()
        assert sent == [0, 1, 2]
        assert await receive_many(ch, 2) == [1, 2]
        assert producer.result()

    run(main)


# -- QueueGetTests


def test_recv_of_what_is_there_does_not_wait(run):
    """QueueGetTests.test_blocking_get, test_nonblocking_get; QueuePutTests.test_blocking_put, test_nonblocking_put."""

    async def main():
        ch = make(UNLIMITED)
        ch.send_nowait(1)
        assert await ended(ch.recv()) == 1
        await ended(ch.send(2))
        assert ch.recv_nowait() == 2

    run(main)


def test_a_receive_lets_the_next_sender_in(run):
    """QueueGetTests.test_get_with_putters."""

    async def main():
        ch = make(1)
        await ch.send(1)
        (putter,) = await asleep(ch.send(2))
        assert await ch.recv() == 1
        await putter
        assert len(ch) == 1

    run(main)


def test_recv_waits_for_a_value(run):
    """QueueGetTests.test_blocking_get_wait."""

    async def main():
        ch = make(UNLIMITED)
        (getter,) = await asleep(ch.recv())
        ch.send_nowait(1)
        assert not getter.done()
        assert await getter == 1

    run(main)


def test_nowait_raises_where_it_would_wait():
    """QueueGetTests.test_nonblocking_get_exception, QueuePutTests.test_nonblocking_put_exception."""
    ch = make(1)
    with pytest.raises(ac.WouldBlock):
        ch.recv_nowait()
    ch.send_nowait(1)
    with pytest.raises(ac.WouldBlock):
        ch.send_nowait(2)
    assert ch.recv_nowait() == 1


def test_a_cancelled_receiver_is_passed_over(run):
    """QueueGetTests.test_get_cancelled_race."""

    async def main():
        ch = make(UNLIMITED)
        first, second = await asleep(ch.recv(), ch.recv())
        first.cancel()
        await settle()
        assert first.cancelled()
        await ch.send("a")
        assert await second == "a"

    run(main)


def test_receives_with_several_senders_waiting(run):
    """QueueGetTests.test_get_with_waiting_putters."""

    async def main():
        ch = make(1)
        tasks = [go(ch.send("a")), go(ch.send("b"))]
        assert await receive_many(ch, 2) == ["a", "b"]
        await asyncio.gather(*tasks)

    run(main)


@pytest.mark.parametrize("capacity", [0, 1, 2])
def test_producer_and_consumer_do_not_wait_for_each_other_for_ever(run, capacity):
    """QueueGetTests.test_why_are_getters_waiting."""

    async def main():
        ch = make(capacity)
        async with asyncio.TaskGroup() as group:
            group.create_task(send_all(ch, range(5)))
            consumer = group.create_task(receive_many(ch, 5))
        assert consumer.result() == [*range(5)]

    run(main)


def test_a_receive_that_timed_out_leaves_the_line(run):
    """QueueGetTests.test_cancelled_getters_not_being_held_in_self_getters."""

    async def main():
        ch = make(5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ch.recv(), 0)
        task = go(asyncio.wait_for(ch.recv(), 3600))
        await settle()
        task.cancel()
        await settle()
        assert ch.stats().parked_receivers == 0
        assert ch._snapshot().recvq == ()

    run(main)


# -- QueuePutTests


def test_send_waits_for_room(run):
    """QueuePutTests.test_blocking_put_wait."""

    async def main():
        ch = make(1)
        (putter,) = await asleep(send_all(ch, [1, 2]))
        assert ch.recv_nowait() == 1
        await putter
        assert ch.recv_nowait() == 2

    run(main)


def test_a_receiver_cancelled_after_its_value_came_drops_nothing(run):
    """QueuePutTests.test_get_cancel_drop_one_pending_reader."""

    async def main():
        ch = make(UNLIMITED)
        (reader,) = await asleep(ch.recv())
        ch.send_nowait(1)
        ch.send_nowait(2)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert await receive_many(ch, 2) == [1, 2]

    run(main)


def test_one_of_many_receivers_cancelled_after_its_value_came_drops_nothing(run):
    """QueuePutTests.test_get_cancel_drop_many_pending_readers, where the order is undefined. Ours is not."""

    async def main():
        ch = make(UNLIMITED)
        first, second, third = await asleep(ch.recv(), ch.recv(), ch.recv())
        ch.send_nowait(1)
        ch.send_nowait(2)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await asyncio.gather(second, third) == [1, 2]

    run(main)


def test_a_sender_cancelled_after_it_was_let_in_leaves_no_second_copy(run):
    """QueuePutTests.test_put_cancel_drop."""

    async def main():
        ch = make(1)
        ch.send_nowait(1)
        (writer,) = await asleep(ch.send(2))
        assert ch.recv_nowait() == 1
        writer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writer
        await ch.send(2)
        assert ch.recv_nowait() == 2
        assert len(ch) == 0

    run(main)


def test_a_capacity_that_is_no_whole_number_is_refused():
    """QueuePutTests.test_float_maxsize takes 1.3 for 2; here the mistake is told at once."""
    with pytest.raises(TypeError, match=r"capacity must be a whole number >= 0 or math.inf, not 1\.3"):
        ac.Chan(1.3)


def test_a_sender_that_need_not_wait_ends(run):
    """QueuePutTests.test_put_cancelled (which cancels nobody)."""

    async def main():
        ch = make(UNLIMITED)
        task = go(send_all(ch, [1]))
        assert await ch.recv() == 1
        await task

    run(main)


def test_a_cancelled_sender_is_passed_over(run):
    """QueuePutTests.test_put_cancelled_race."""

    async def main():
        ch = make(1)
        await ch.send("a")
        second, third = await asleep(ch.send("b"), ch.send("X"))
        third.cancel()
        await settle()
        assert third.cancelled()
        assert ch.recv_nowait() == "a"
        await settle()
        assert second.done()
        assert ch.recv_nowait() == "b"
        with pytest.raises(ac.WouldBlock):
            ch.recv_nowait()

    run(main)


def test_a_send_to_a_waiting_receiver(run):
    """QueuePutTests.test_put_with_waiting_getters."""

    async def main():
        ch = make(UNLIMITED)
        (getter,) = await asleep(ch.recv())
        await ch.send("a")
        assert await getter == "a"

    run(main)


def test_every_sender_is_let_in_when_all_is_taken_at_once(run):
    """QueuePutTests.test_why_are_putters_waiting."""

    async def main():
        ch = make(2)
        senders = [go(ch.send(i)) for i in range(4)]
        await settle()
        assert [ch.recv_nowait() for _ in range(len(ch))] == [0, 1]
        await settle()
        assert all(task.done() for task in senders)
        assert await receive_many(ch, 2) == [2, 3]

    run(main)


@pytest.mark.parametrize("let_in", [False, True])
def test_a_cancelled_sender_leaves_the_line(run, let_in):
    """QueuePutTests.test_cancelled_puts_not_being_held_in_self_putters, ..._silence_value_error_exception."""

    async def main():
        ch = make(1)
        ch.send_nowait(1)
        (putter,) = await asleep(ch.send(1))
        assert ch.stats().parked_senders == 1
        if let_in:
            ch.recv_nowait()
        putter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putter
        assert ch.stats().parked_senders == 0
        assert len(ch) == (0 if let_in else 1)

    run(main)


# -- QueueShutdownTests


async def closed_for_good(ch):
    for use in (lambda: ch.send("data"), ch.recv):
        with pytest.raises(ac.ChannelClosed):
            await use()
    for use_now in (lambda: ch.send_nowait("data"), ch.recv_nowait):
        with pytest.raises(ac.ChannelClosed):
            use_now()


def test_the_repr_tells_that_it_is_closed():
    """QueueShutdownTests.test_format."""
    ch = make()
    ch.close()
    assert " 0/0 closed, " in repr(ch)


def test_closing_an_empty_channel_wakes_who_waits(run):
    """QueueShutdownTests.test_shutdown_empty."""

    async def main():
        ch = make(UNLIMITED)
        (getter,) = await asleep(ch.recv())
        ch.close()
        with pytest.raises(ac.ChannelClosed):
            await getter
        await closed_for_good(ch)

    run(main)


def test_closing_leaves_what_is_inside_and_refuses_who_waits_to_send(run):
    """QueueShutdownTests.test_shutdown_nonempty."""

    async def main():
        ch = make(1)
        ch.send_nowait("data")
        (putter,) = await asleep(ch.send("data2"))
        ch.close()
        assert len(ch) == 1
        with pytest.raises(ac.ChannelClosed):
            await putter
        assert await ch.recv() == "data"
        await closed_for_good(ch)

    run(main)


def test_closing_at_once_is_closing_and_draining(run):
    """QueueShutdownTests.test_shutdown_immediate, ..._with_unfinished: `close` throws no value away; a loop can."""

    async def main():
        ch = make(UNLIMITED)
        await send_all(ch, ["data", "data"])
        assert await ch.recv() == "data"
        ch.close()
        assert [value async for value in ch] == ["data"]
        await closed_for_good(ch)

    run(main)
