"""Channels in anyio's cancel scopes."""

import anyio
import pytest

import aiochan as ac

pytestmark = pytest.mark.anyio
SOON = 0.001  # seconds: these limits are meant to run out


async def test_fail_after_in_time():
    ch = ac.Chan(1)
    await ch.send("value")
    with anyio.fail_after(60):
        assert await ch.recv() == "value"


async def test_fail_after_too_late():
    ch = ac.Chan()
    with pytest.raises(TimeoutError), anyio.fail_after(SOON):
        await ch.recv()
    assert ch.stats().parked_receivers == 0


async def test_move_on_after():
    ch, got = ac.Chan(3), []
    for number in range(3):
        await ch.send(number)
    with anyio.move_on_after(SOON) as scope:
        async for number in ch:
            got.append(number)  # noqa: PERF401 - what came before the end of the time is to be seen
    assert scope.cancelled_caught
    assert got == [0, 1, 2]
    await ch.send("still open")


async def test_one_limit_after_the_other_loses_nothing():
    """Each ends as soon as it has to wait, and so cuts short what the next one asks for again."""
    ch, got = ac.Chan(1), []

    async def produce():
        with ch:
            for number in range(20):
                await anyio.lowlevel.checkpoint()
                await ch.send(number)

    async with anyio.create_task_group() as group:
        group.start_soon(produce)
        ok = True
        while ok:
            with anyio.move_on_after(0):
                number, ok = await ch.recv_ok()
                if ok:
                    got.append(number)
    assert got == list(range(20))


async def test_a_select_in_a_scope_that_is_cancelled():
    left, right = ac.Chan(), ac.Chan()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ac.select(ac.recv(left), ac.send(right, "value"))
    assert scope.cancelled_caught
    assert left.stats().parked_receivers == right.stats().parked_senders == 0


async def test_what_need_not_wait_does_not_notice_a_cancelled_scope():
    """Until the next point at which something waits."""
    ch = ac.Chan(1)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ch.send("sent")
        await ac.never().recv()
    assert scope.cancelled_caught
    assert ch.recv_nowait() == "sent"


async def test_a_shielded_goodbye():
    jobs, goodbyes = ac.Chan(), ac.Chan()

    async def work():
        try:
            await jobs.recv()
        finally:
            with anyio.CancelScope(shield=True):
                await goodbyes.send("goodbye")

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            assert await goodbyes.recv() == "goodbye"


async def test_without_a_shield_the_goodbye_is_cancelled_too():
    """Level cancellation: it cannot be said, and it was not sent."""
    jobs, goodbyes = ac.Chan(), ac.Chan()

    async def work():
        try:
            await jobs.recv()
        finally:
            await goodbyes.send("goodbye")

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    with pytest.raises(ac.WouldBlock):
        goodbyes.recv_nowait()


async def test_a_limit_in_a_limit():
    ch = ac.Chan()
    with anyio.move_on_after(60) as outer:
        with anyio.move_on_after(SOON) as inner:
            await ch.recv()
        assert inner.cancelled_caught
        await anyio.lowlevel.checkpoint()
    assert not outer.cancelled_caught


async def test_an_outer_scope_ends_an_inner_wait():
    ch = ac.Chan()
    with anyio.move_on_after(SOON) as outer:
        with anyio.CancelScope() as inner:
            await ch.recv()
        raise AssertionError("the outer scope goes through")
    assert outer.cancelled_caught
    assert not inner.cancelled_caught


async def test_a_deadline_that_is_moved_while_somebody_waits():
    ch = ac.Chan()

    async def hurry(scope):
        scope.deadline = anyio.current_time() - 1

    async with anyio.create_task_group() as group:
        with anyio.CancelScope(deadline=anyio.current_time() + 60) as scope:
            group.start_soon(hurry, scope)
            await ch.recv()
    assert scope.cancelled_caught


async def test_a_reservation_in_a_scope():
    ch = ac.Chan(1)
    await ch.send("old")
    with anyio.move_on_after(SOON):
        async with ch.reserve():
            raise AssertionError("there is no room")
    assert await ch.recv() == "old"
    with anyio.CancelScope() as scope:
        async with ch.reserve():
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert ch.stats().reserved == 0


async def test_a_scope_of_one_task_leaves_the_others_in_line():
    ch, got = ac.Chan(), []

    async def receive(name, scope):
        with scope:
            got.append((name, await ch.recv()))

    scopes = [anyio.CancelScope() for _ in range(3)]
    async with anyio.create_task_group() as group:
        for name, scope in zip("abc", scopes, strict=True):
            group.start_soon(receive, name, scope)
        await anyio.lowlevel.checkpoint()
        scopes[1].cancel()
        await ch.send(1)
        await ch.send(2)
    assert got == [("a", 1), ("c", 2)]
