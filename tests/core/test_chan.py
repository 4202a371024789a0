"""The face of a channel: what each method is, and that nothing happens before it is awaited."""

import warnings
from collections.abc import Coroutine

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import asleep, begin, dismiss, ended, finish, settle

OPERATIONS = {
    "send": lambda ch: ch.send("x"),
    "recv": lambda ch: ch.recv(),
    "recv_ok": lambda ch: ch.recv_ok(),
    "async for": anext,
    "select": lambda ch: ac.select(ac.recv(ch), ac.send(ch, "x")),
    "reserve": lambda ch: ch.reserve().__aenter__(),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("closed", [False, True])
def test_an_operation_does_nothing_until_it_is_awaited(operation, closed):
    ch = ac.Chan(2)
    ch.send_nowait("a")
    if closed:
        ch.close()
    before = ch._snapshot()
    coro = operation(ch)
    assert isinstance(coro, Coroutine)
    assert ch._snapshot() == before
    coro.close()
    assert ch._snapshot() == before


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_that_nobody_awaits_warns_and_does_nothing(operation):
    ch = ac.Chan(2)
    ch.send_nowait("a")
    before = ch._snapshot()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        operation(ch)
    told = [(warning.category, str(warning.message).partition(chr(10))[0]) for warning in caught]
    assert [category for category, _ in told] == [RuntimeWarning]
    assert "was never awaited" in told[0][1]
    assert ch._snapshot() == before


def test_no_loop_is_needed_where_nobody_waits():
    ch = ac.Chan(2)
    ch.send_nowait("a")
    assert ac.select_nowait(ac.send(ch, "b")) == (0, None)
    assert [ch.recv_nowait(), ac.select_nowait(ac.recv(ch))] == ["a", (0, "b")]
    ch.close()
    ch._check()


def test_waiting_without_a_loop_is_an_error_that_leaves_nothing():
    ch = ac.Chan(1)
    for coro in (ch.recv(), ch.recv_ok(), ac.select(ac.recv(ch)), core.WaitQueue().park()):
        with pytest.raises(RuntimeError, match="no running event loop"):
            coro.send(None)
        ch._check()
        assert ch.stats() == ac.Chan(1).stats()


def test_would_block_says_on_what():
    ch = ac.Chan(0, name="jobs")
    with pytest.raises(ac.WouldBlock, match="no room and no receiver: <Chan 'jobs'"):
        ch.send_nowait("a")
    with pytest.raises(ac.WouldBlock, match="no value and no sender: <Chan 'jobs'"):
        ch.recv_nowait()


def test_a_loop_over_a_channel_may_be_left_and_taken_up_again(run):
    async def main():
        ch = ac.Chan(5)
        for i in range(5):
            ch.send_nowait(i)
        async for value in ch:
            if value == 2:
                break
        ch.close()
        assert [value async for value in ch] == [3, 4]
        assert [value async for value in ch] == []

    run(main)


def test_two_loops_over_one_channel_share_its_values(run):
    async def main():
        ch, received = ac.Chan(), []

        async def loop(name):
            async for value in ch:
                received.append((name, value))  # noqa: PERF401 - it is the loop that is tested

        tasks = await asleep(loop("a"), loop("b"))
        for i in range(4):
            await ch.send(i)
            await settle()
        ch.close()
        await settle()
        assert received == [("a", 0), ("b", 1), ("a", 2), ("b", 3)]
        assert all(task.done() for task in tasks)

    run(main)


def test_a_channel_may_be_sent_through_itself(run):
    async def main():
        ch = ac.Chan(1)
        await ch.send(ch)
        assert await ended(ch.recv()) is ch

    run(main)


def test_where_room_and_line_meet_a_send_takes_the_long_way(run):
    """The shortcut of `send` is for a channel on which nobody sleeps; tombstones in the line do no harm."""

    async def main():
        ch = ac.Chan(3)
        tasks = await asleep(ch.recv(), ch.recv())
        await dismiss(tasks[0])
        await ended(ch.send("a"))
        assert tasks[1].result() == "a"
        await dismiss(*await asleep(ch.recv()))
        await ended(ch.send("b"))
        assert len(ch) == 1
        ch._check()

    run(main)


def test_where_values_and_line_meet_a_receive_takes_the_long_way(run):
    async def main():
        ch = ac.Chan(1)
        ch.send_nowait("a")
        tasks = await asleep(ch.send("b"), ch.send("c"), ch.reserve().__aenter__())
        await dismiss(tasks[0])
        assert await ended(ch.recv()) == "a"
        assert tasks[1].done()
        assert await ended(ch.recv()) == "c"
        assert tasks[2].done()
        ch._check()
        assert ch.stats().reserved == 1

    run(main)


def test_a_coroutine_that_was_granted_can_be_finished_by_anybody(run):
    """It is an ordinary coroutine; who cranks it is not the channel's business."""

    async def main():
        ch = ac.Chan()
        receiving = begin(ch.recv())
        ch.send_nowait("a")
        assert finish(receiving) == "a"

    run(main)
