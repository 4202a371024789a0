"""On the normal paths nothing is left for the garbage collector: no cycles, cancelled or not."""

import contextlib
import gc
from collections import Counter

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import RECEIVES, SENDS, asleep, each, outcome, settle


@contextlib.contextmanager
def no_garbage():
    """See that whatever is let go of in this block dies without the collector."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield
        gc.collect()
        left = Counter(type(thing).__name__ for thing in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left, f"only the collector could free these: {left}"


async def receive_asleep(ch, operation):
    tasks = await asleep(operation(ch))
    ch.put("a")
    await settle()
    return tasks


async def cancelled_asleep(ch, operation):
    return await leave(await asleep(operation(ch)))


async def cancelled_after_the_promise(ch, operation):
    tasks = await asleep(operation(ch))
    ch.put("a")
    return await leave(tasks)


async def closed_asleep(ch, operation):
    tasks = await asleep(operation(ch))
    ch.close(KeyError("why"))
    await settle()
    return [task.exception() for task in tasks]


async def leave(tasks):
    for task in tasks:
        task.cancel()
    await settle()
    return tasks


WAYS_TO_RECEIVE = {
    "received": receive_asleep,
    "cancelled": cancelled_asleep,
    "cancelled after the promise": cancelled_after_the_promise,
    "closed": closed_asleep,
}


@pytest.mark.parametrize("way", WAYS_TO_RECEIVE.values(), ids=WAYS_TO_RECEIVE)
def test_no_receive_leaves_a_cycle(run, make, way):
    async def scenario(ch, operation):
        del ch
        await way(make(), operation)  # what is warmed up by the first time is not garbage
        with no_garbage():
            await way(make(), operation)

    each(run, make, RECEIVES, scenario)


async def let_in(ch, operation):
    ch.fill()
    tasks = await asleep(operation(ch, "s"))
    ch.drain()
    await settle()
    return tasks


async def send_cancelled(ch, operation):
    ch.fill()
    return await leave(await asleep(operation(ch, "s"), operation(ch, "t")))


async def taken_back(ch, operation):
    ch.fill()
    tasks = await asleep(operation(ch, "s"))
    if ch.held:
        ch.take()
    return await leave(tasks)


async def send_closed(ch, operation):
    ch.fill()
    tasks = await asleep(operation(ch, "s"))
    ch.close()
    await settle()
    return [task.exception() for task in tasks]


WAYS_TO_SEND = {"let in": let_in, "cancelled": send_cancelled, "taken back": taken_back, "closed": send_closed}


@pytest.mark.parametrize("way", WAYS_TO_SEND.values(), ids=WAYS_TO_SEND)
def test_no_send_leaves_a_cycle(run, make_waiting, way):
    async def scenario(ch, operation):
        del ch
        await way(make_waiting(), operation)
        with no_garbage():
            await way(make_waiting(), operation)

    each(run, make_waiting, SENDS, scenario)


def test_nothing_that_need_not_wait_leaves_a_cycle(run, make):
    async def once():
        ch = make()
        await ch.overfill("a", "b")
        ch.drain()
        with contextlib.suppress(ac.WouldBlock):
            ch.put("c")
        if ch.kind.reserves:
            async with ch.tx.reserve() if len(ch.rx) < ch.rx.capacity else contextlib.nullcontext():
                pass
        for view in (ch.chan.sender, ch.chan.receiver):
            assert view.stats()
        ch.close()
        outcome(ch.rx.recv_ok())
        async for _ in ch.rx:
            pass
        async for _ in ac.select_loop(ac.recv_ok(ch.rx), ac.recv(ch.rx)):
            pass

    async def main():
        await once()
        with no_garbage():
            await once()

    run(main)


def test_no_wait_queue_leaves_a_cycle(run):
    async def once():
        queue = core.WaitQueue()
        tasks = await asleep(queue.park(1), queue.park(2), queue.park(3))
        queue.wake()
        await leave(tasks)

    async def main():
        await once()
        with no_garbage():
            await once()

    run(main)
