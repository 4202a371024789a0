"""Go's own tests of channels: runtime/chan_test.go, plain operations. The selects are in test_runtime_select.py.

TestChan is one function there, with a block for each thing it ensures, for every capacity in turn; here each block is a
test. Where it sleeps for a millisecond, the others are known to be asleep here.
"""

import asyncio
import contextlib
import gc
from collections import Counter

import pytest

import aiochan as ac
from tests.conformance.kit import asleep, settle
from tests.go.kit import make, program, receive_many, send_all

stress = pytest.mark.stress
capacities = pytest.mark.parametrize("n", [20, pytest.param(200, marks=stress)], ids=["20", "200 capacities"])


def filled(capacity):
    ch = make(capacity)
    for value in range(capacity):
        ch.send_nowait(value)
    return ch


@capacities
def test_receive_from_empty_blocks(run, n):
    """runtime/chan_test.go: TestChan. Receive from an empty channel blocks, a non-blocking one does not."""

    async def main():
        for capacity in range(n):
            ch = make(capacity)
            receivers = await asleep(ch.recv(), ch.recv_ok())
            for case in (ac.recv, ac.recv_ok):
                with pytest.raises(ac.WouldBlock):
                    ac.select_nowait(case(ch))
            await send_all(ch, ["a", "b"])
            assert await asyncio.gather(*receivers) == ["a", ("b", True)]
            ch._check()

    run(main)


@capacities
def test_send_to_full_blocks(run, n):
    """runtime/chan_test.go: TestChan. Send to a full channel blocks, a non-blocking one does not."""

    async def main():
        for capacity in range(n):
            ch = filled(capacity)
            [sender] = await asleep(ch.send("more"))
            with pytest.raises(ac.WouldBlock):
                ac.select_nowait(ac.send(ch, 0))
            values = [*range(capacity), "more"]
            assert await ch.recv() == values[0]
            await sender
            assert [ch.recv_nowait() for _ in range(capacity)] == values[1:]

    run(main)


@capacities
def test_closed_channel(run, n):
    """runtime/chan_test.go: TestChan. From a closed channel come the values in it, then the end, again and again."""

    async def main():
        for capacity in range(n):
            ch = filled(capacity)
            ch.close()
            assert await receive_many(ch, capacity) == list(range(capacity))
            for _ in range(2):
                with pytest.raises(ac.ChannelClosed):
                    await ch.recv()
                assert await ch.recv_ok() == (None, False)

    run(main)


@capacities
def test_close_unblocks_receive(run, n):
    """runtime/chan_test.go: TestChan. Close unblocks receive."""

    async def receive(ch, done):
        value, ok = await ch.recv_ok()
        await done.send(value is None and ok is False)

    async def main():
        for capacity in range(n):
            ch, done = make(capacity), make()
            [receiver] = await asleep(receive(ch, done))
            ch.close()
            assert await done.recv() is True
            await receiver

    run(main)


@capacities
def test_values_arrive_in_order(run, n):
    """runtime/chan_test.go: TestChan. 100 integers arrive uncorrupted and in order; the same with comma ok."""

    async def main():
        for capacity in range(n):
            ch = make(capacity)
            async with asyncio.TaskGroup() as group:
                group.create_task(send_all(ch, range(100)))
                assert await receive_many(ch, 100) == list(range(100))
            async with asyncio.TaskGroup() as group:
                group.create_task(send_all(ch, range(100)))
                assert [await ch.recv_ok() for _ in range(100)] == [(value, True) for value in range(100)]
            assert len(ch) == 0

    run(main)


@pytest.mark.parametrize(
    ("n", "values"), [(20, 100), pytest.param(200, 1000, marks=stress)], ids=["20", "200 capacities"]
)
def test_what_four_send_four_receive(run, n, values):
    """runtime/chan_test.go: TestChan. What is sent in 4 goroutines is received in 4 goroutines."""

    async def receive(ch, done):
        await done.send(Counter(await receive_many(ch, values)))

    async def main():
        for capacity in range(n):
            ch, done = make(capacity), make()
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(send_all(ch, range(values)))
                for _ in range(4):
                    group.create_task(receive(ch, done))
                received = Counter()
                for _ in range(4):
                    received += await done.recv()
            assert received == dict.fromkeys(range(values), 4)
            ch._check()

    run(main)


@capacities
def test_len_and_cap(run, n):
    """runtime/chan_test.go: TestChan. len and cap, empty and full."""

    async def main():
        for capacity in range(n):
            ch = make(capacity)
            assert (len(ch), ch.capacity) == (0, capacity)
            await send_all(ch, range(capacity))
            assert (len(ch), ch.capacity) == (capacity, capacity)

    run(main)


def test_send_interface(run):
    """runtime/chan_test.go: TestChanSendInterface. Values that are no more than their identity, into a full channel."""

    async def main():
        ch, thing = make(1), object()
        await ch.send(thing)
        for cases in ([ac.send(ch, thing)], [ac.send(ch, thing), ac.send(ch, object())]):
            with pytest.raises(ac.WouldBlock):
                ac.select_nowait(*cases)
        assert ch.recv_nowait() is thing

    run(main)


NUMBERS = [2, 3, 7, 11, 13, 17, 19, 23, 27, 31]


@pytest.mark.parametrize("values", [5000, pytest.param(271_828, marks=stress)])
def test_multi_consumer(run, values):
    """runtime/chan_test.go: TestMultiConsumer. 23 workers between two channels; what goes in comes out."""
    workers = 23
    work = [NUMBERS[i % len(NUMBERS)] for i in range(values)]

    async def worker(number, inbox, outbox):
        mine = NUMBERS[number % len(NUMBERS)]
        async for value in inbox:
            if value == mine:
                await asyncio.sleep(0)  # Gosched: let others overtake
            await outbox.send(value)

    async def feed(inbox, outbox):
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(worker(number, inbox, outbox))
            await send_all(inbox, work)
            inbox.close()
        outbox.close()

    async def main():
        inbox, outbox = make(workers * 3), make(workers * 3)
        async with program() as go:
            go(feed(inbox, outbox))
            received = [value async for value in outbox]
        assert Counter(received) == Counter(work)

    run(main)


async def from_the_depths(ch, value, depth):
    """Send with a tall stack of coroutines, all of which sleep while it sleeps."""
    if depth:
        await from_the_depths(ch, value, depth - 1)
    else:
        await ch.send(value)


def test_collection_during_blocked_send(run):
    """runtime/chan_test.go: TestShrinkStackDuringBlockedSend, in spirit.

    There the collector moves the stack of a goroutine that is blocked in a send. Here it looks at everything while the
    only way to a sleeping task is through the channel.
    """

    async def sender(ch, done):
        for value in range(10):
            await from_the_depths(ch, [value], depth=20)
        await done.send(True)

    async def main():
        ch, done = make(), make()
        async with program() as go:
            go(sender(ch, done))
            for value in range(10):
                await settle()
                assert ch.stats().parked_senders == 1
                gc.collect()
                assert await ch.recv() == [value]
            assert await done.recv() is True

    run(main)


@contextlib.contextmanager
def eager_collector():
    """Let the collector look at what is young after nearly every new object."""
    old = gc.get_threshold()
    gc.set_threshold(1, *old[1:])
    try:
        yield
    finally:
        gc.set_threshold(*old)


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=stress)])
def test_collection_while_parking(run, rounds):
    """runtime/chan_test.go: TestNoShrinkStackWhileParking, in spirit.

    There the collector runs in the moment between a goroutine's decision to block and its sleep. Here it runs within
    that moment too: nearly every object that is made on the way starts it.
    """

    async def send(ch, done):
        for value in range(10):
            await from_the_depths(ch, value, depth=20)
        await done.send(True)

    async def receive(ch, done):
        assert await receive_many(ch, 10) == list(range(10))
        await done.send(True)

    async def main():
        with eager_collector():
            before = gc.get_stats()[0]["collections"]
            for _ in range(rounds):
                ch, done = make(), make()
                async with asyncio.TaskGroup() as group:
                    group.create_task(receive(ch, done))
                    group.create_task(send(ch, done))
                    assert await receive_many(done, 2) == [True, True]
                ch._check()
            assert gc.get_stats()[0]["collections"] - before > 10 * rounds

    run(main)
