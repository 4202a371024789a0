"""The cases of anyio's tests/streams/test_memory.py that make sense for channels; README.md has the whole list.

A pair of streams is one channel and its two views; closing the send stream is ``close()``. Cancellation is anyio's own,
through its scopes and task groups, as in the originals.
"""

import asyncio

import anyio
import pytest

import aiochan as ac
from tests.conformance.kit import asleep, go, settle
from tests.go.kit import make, receive_many, send_all


@pytest.mark.parametrize(
    ("capacity", "error", "text"),
    [(1.0, TypeError, "not 1.0"), (-1, ValueError, "not -1"), ("1", TypeError, "not '1'"), (True, TypeError, "True")],
)
def test_a_wrong_capacity_is_told_with_its_value(capacity, error, text):
    """test_invalid_max_buffer, test_negative_max_buffer."""
    with pytest.raises(error, match=rf"capacity must be .*{text}"):
        ac.Chan(capacity)


def test_receive_then_send(run):
    """test_receive_then_send."""

    async def main():
        ch = make()
        (receiver,) = await asleep(receive_many(ch, 2))
        await send_all(ch, ["hello", "anyio"])
        assert await receiver == ["hello", "anyio"]

    run(main)


def test_receive_then_send_nowait(run):
    """test_receive_then_send_nowait, where either receiver may get either value. Here the first gets the first."""

    async def main():
        ch = make()
        receivers = await asleep(ch.recv(), ch.recv())
        ch.send_nowait("hello")
        ch.send_nowait("anyio")
        assert await asyncio.gather(*receivers) == ["hello", "anyio"]

    run(main)


def test_send_then_receive_nowait(run):
    """test_send_then_receive_nowait."""

    async def main():
        ch = make()
        (sender,) = await asleep(ch.send("hello"))
        assert ch.recv_nowait() == "hello"
        await sender

    run(main)


def test_send_is_unblocked_after_receive_nowait(run):
    """test_send_is_unblocked_after_receive_nowait."""

    async def main():
        ch = make(1)
        ch.send_nowait("hello")
        (sender,) = await asleep(ch.send("anyio"))
        assert ch.recv_nowait() == "hello"
        await sender
        assert ch.recv_nowait() == "anyio"

    run(main)


def test_send_nowait_then_receive_nowait():
    """test_send_nowait_then_receive_nowait."""
    ch = make(2)
    ch.send_nowait("hello")
    ch.send_nowait("anyio")
    assert [ch.recv_nowait(), ch.recv_nowait()] == ["hello", "anyio"]


def test_iterate(run):
    """test_iterate."""

    async def main():
        ch = make()

        async def receive():
            return [item async for item in ch.receiver]

        receiver = go(receive())
        async with ch.sender as tx:
            await send_all(tx, ["hello", "anyio"])
        assert await receiver == ["hello", "anyio"]

    run(main)


def test_a_closed_channel_neither_sends_nor_receives(run):
    """test_receive_send_closed_send_stream, test_sync_close."""

    async def main():
        ch = make()
        with ch.sender:
            pass
        with pytest.raises(ac.ChannelClosed):
            ch.recv_nowait()
        with pytest.raises(ac.ChannelClosed):
            ch.send_nowait(None)
        with pytest.raises(ac.ChannelClosed):
            await ch.send(None)

    run(main)


def test_a_receiver_cannot_close():
    """test_receive_send_closed_receive_stream, test_close_receive_while_sending: closing is the sender's, as in Go."""
    view = make().receiver
    assert not hasattr(view, "close")
    with pytest.raises(TypeError), view:  # type: ignore[attr-defined]
        pass


@pytest.mark.parametrize("operation", ["recv", "send"])
def test_a_cancelled_wait_leaves_nothing_behind(run, operation):
    """test_cancel_receive, test_cancel_send."""

    async def main():
        ch = make()
        async with anyio.create_task_group() as group:
            group.start_soon(*([ch.recv] if operation == "recv" else [ch.send, "hello"]))
            await settle()
            group.cancel_scope.cancel()
        with pytest.raises(ac.WouldBlock):
            ch.send_nowait("hello") if operation == "recv" else ch.recv_nowait()

    run(main)


def test_views_may_be_made_and_dropped_at_will(run):
    """test_clone, test_clone_closed: there is nothing to clone, since a view owns nothing and closes nothing."""

    async def main():
        ch = make(1)
        send1, receive1, send2, receive2 = ch.sender, ch.receiver, ch.sender, ch.receiver
        assert send1 == send2
        assert receive1 == receive2
        del send1, receive1
        send2.send_nowait("hello")
        assert receive2.recv_nowait() == "hello"
        send2.close()
        assert ch.receiver.closed

    run(main)


async def errors_of_closing_while(ch, operation, *args):
    """Close a channel beside one task that waits, and tell what its task group raises."""
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(operation, *args)
            await settle()
            ch.close()
    except ExceptionGroup as caught:
        return [type(error) for error in caught.exceptions]
    return []


def test_close_while_receiving(run):
    """test_close_send_while_receiving."""

    async def main():
        ch = make(1)
        assert await errors_of_closing_while(ch, ch.recv) == [ac.ChannelClosed]

    run(main)


def test_close_while_sending_none(run):
    """test_close_receive_while_sending, which sends None as the test of issue 731 there."""

    async def main():
        ch = make()
        assert await errors_of_closing_while(ch, ch.send, None) == [ac.ChannelClosed]
        assert await ch.recv_ok() == (None, False)

    run(main)


def test_receive_after_close(run):
    """test_receive_after_send_closed, test_close_receive_after_send."""

    async def main():
        ch = make(1)
        await ch.send("hello")
        ch.close()
        assert await ch.recv() == "hello"
        with pytest.raises(ac.ChannelClosed):
            await ch.recv()

    run(main)


def test_receive_when_cancelled(run):
    """test_receive_when_cancelled.

    anyio begins every operation with a look at the scope. Ours look when they must wait, as asyncio's own do, so that
    an operation which can be done at once is done: nothing is lost either way.
    """

    async def main():
        ch, received = make(), []
        senders = await asleep(ch.send("hello"), ch.send("world"))
        with anyio.CancelScope() as scope:
            scope.cancel()
            received.append(await ch.recv())
            await anyio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        received.append(await ch.recv())
        assert received == ["hello", "world"]
        await asyncio.gather(*senders)

    run(main)


def test_send_when_cancelled(run):
    """test_send_when_cancelled: the receiver has not begun, so this send must wait, and is cancelled."""

    async def main():
        ch = make()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await ch.send("hello")
        assert scope.cancelled_caught
        receiver = go(ch.recv())
        await ch.send("world")
        assert await receiver == "world"

    run(main)


@pytest.mark.parametrize("capacity", [0, 1])
@pytest.mark.parametrize("first", ["send", "cancel"])
def test_a_value_meets_a_cancelled_receiver(run, capacity, first):
    """test_cancel_during_receive, test_cancel_during_receive_buffered, test_send_to_natively_cancelled_receiver.

    In anyio's first case the receiver keeps the value, and its scope has been cancelled in vain. Here the receiver is
    cancelled, and the value stays for the next.
    """

    async def main():
        ch, received = make(capacity), []

        async def receive():
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                received.append(await ch.recv())

        scopes: list[anyio.CancelScope] = []
        async with anyio.create_task_group() as group:
            group.start_soon(receive)
            await settle()
            if first == "send":
                ch.send_nowait("hello")
            scopes[0].cancel()
            if first == "cancel" and capacity:
                ch.send_nowait("hello")
        if first == "send" or capacity:
            received.append(ch.recv_nowait())
        assert received == (["hello"] if first == "send" or capacity else [])
        with pytest.raises(ac.WouldBlock):
            ch.recv_nowait()

    run(main)


def test_a_value_passes_over_a_natively_cancelled_receiver(run):
    """test_send_to_natively_cancelled_receiver, with one more in line: it gets the value."""

    async def main():
        ch = make(1)
        first, second = await asleep(ch.recv(), ch.recv())
        first.cancel()
        ch.send_nowait("hello")
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await second == "hello"

    run(main)


def test_statistics(run):
    """test_statistics. Open ends are not counted here, since views are not."""

    async def main():
        ch = make(1)
        for end in (ch.sender, ch.receiver, ch):
            assert end.stats() == ch.stats()
        assert counts(ch) == (0, 0, 0)
        assert ch.stats().capacity == 1

        ch.send_nowait(None)
        (sender,) = await asleep(ch.send(None))
        assert counts(ch) == (1, 1, 0)
        ch.recv_nowait()
        assert counts(ch) == (1, 0, 0)
        ch.recv_nowait()
        assert counts(ch) == (0, 0, 0)
        (receiver,) = await asleep(ch.recv())
        assert counts(ch) == (0, 0, 1)
        ch.send_nowait(None)
        assert counts(ch) == (0, 0, 0)
        assert ch.stats().promised == 1
        await asyncio.gather(sender, receiver)

        ch.send_nowait(None)
        senders = await asleep(*(ch.send(None) for _ in range(3)))
        for waiting in (3, 2, 1, 0):
            assert counts(ch) == (1, waiting, 0)
            ch.recv_nowait()
        assert counts(ch) == (0, 0, 0)
        await asyncio.gather(*senders)

    run(main)


def counts(ch):
    stats = ch.stats()
    return stats.length, stats.parked_senders, stats.parked_receivers
