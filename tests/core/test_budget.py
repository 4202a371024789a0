"""How many operations are done before the loop gets its turn: by woken tasks, and by one that never has to wait."""

import asyncio
from functools import partial
from itertools import pairwise

import pytest

import aiochan as ac
from aiochan import core
from tests.core.batches import BatchLoop, asleep, log_when_woken, running, settle

PLENTY = 10_000


@pytest.fixture
def loop():
    with running(BatchLoop()) as loop:
        yield loop


# -- the budget of one turn


def operations_per_step(loop, log):
    """Run to the end, and count what was logged in each callback of the loop."""
    counts = []
    while loop.ready:
        before = len(log)
        loop.step()
        counts.append(len(log) - before)
    return counts


def test_a_batch_does_so_many_operations_in_a_turn_and_no_more(loop):
    core.set_budget(4, 0)
    ch, log = ac.Chan(), []
    asleep(loop, *(log_when_woken(log, i, ch.recv()) for i in range(10)))
    for i in range(10):
        ch.send_nowait(i)
    assert operations_per_step(loop, log) == [4, 4, 2]
    assert log == list(range(10))


def test_others_get_their_turn_in_between(loop):
    core.set_budget(4, 0)
    ch, log = ac.Chan(), []
    asleep(loop, *(log_when_woken(log, i, ch.recv()) for i in range(6)))
    for i in range(6):
        ch.send_nowait(i)
    loop.call_soon(log.append, "another")
    settle(loop)
    assert log == [0, 1, 2, 3, "another", 4, 5]


def test_operations_answered_at_once_count_too(loop):
    """Three tasks are woken, each with much to receive: a turn is still no longer than the budget."""
    core.set_budget(8, 8)
    log = []

    async def receive(ch):
        async for value in ch:
            log.append(value)  # noqa: PERF401 - it is the loop that is tested

    chans = [ac.Chan(20) for _ in range(3)]
    tasks = asleep(loop, *(receive(ch) for ch in chans))
    for ch in chans:
        for i in range(20):
            ch.send_nowait(i)
        ch.close()
    counts = operations_per_step(loop, log)
    assert max(counts) <= 8
    assert sum(counts) == len(log) == 60
    assert all(task.done() for task in tasks)


def test_two_that_wake_each_other_for_ever_do_not_starve_the_loop(loop):
    core.set_budget(16, 0)
    ping, pong, log = ac.Chan(), ac.Chan(), []

    async def play(mine, yours):
        while True:
            log.append(await mine.recv())
            await yours.send("ball")

    players = asleep(loop, play(ping, pong), play(pong, ping))
    ping.send_nowait("ball")
    for _ in range(40):
        before = len(log)
        loop.step()
        assert len(log) - before <= 16
    assert len(log) > 40
    for task in players:
        task.cancel()


# -- the patience of one task


def filled(n=PLENTY):
    ch = ac.Chan(n)
    for i in range(n):
        ch.send_nowait(i)
    return ch


async def many(operation, log, n=PLENTY):
    for _ in range(n):
        await operation()
        log.append(1)


def select_twice(ch):
    return ac.select(ac.recv(ch), ac.recv(ch))


async def reserve_and_send(ch):
    async with ch.reserve() as place:
        place.send(1)


BUSY = {
    "send": lambda: partial(ac.Chan(PLENTY).send, 1),
    "recv": lambda: filled().recv,
    "recv_ok": lambda: filled().recv_ok,
    "async for": lambda: filled().__anext__,
    "select": lambda: partial(select_twice, filled()),
    "reserve": lambda: partial(reserve_and_send, ac.Chan(PLENTY)),
    "send to nobody who cares": lambda: partial(ac.Chan(1, overflow="drop_newest").send, 1),
}


@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_a_task_that_never_has_to_wait_goes_round_the_loop(loop, busy):
    log = []
    task = loop.create_task(many(busy(), log, 5000))
    counts = operations_per_step(loop, log)
    assert max(counts) <= 1024
    assert task.done()
    assert len(log) == 5000


@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_how_patient_it_is_can_be_set(loop, busy):
    log = []
    core.set_budget(256, 10)
    loop.create_task(many(busy(), log, 35))
    assert operations_per_step(loop, log) == [10, 10, 10, 5]


@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_without_bounds_it_never_yields(loop, busy):
    log = []
    core.set_budget(0, 0)
    loop.create_task(many(busy(), log, 5000))
    assert operations_per_step(loop, log) == [5000]


def test_without_a_bound_a_batch_wakes_everybody(loop):
    core.set_budget(0, 0)
    ch, log = ac.Chan(), []
    asleep(loop, *(log_when_woken(log, i, ch.recv()) for i in range(2000)))
    for i in range(2000):
        ch.send_nowait(i)
    loop.step()
    assert len(log) == 2000


def test_two_busy_tasks_take_turns(loop):
    core.set_budget(256, 10)
    log, other = [], []
    loop.create_task(many(BUSY["send"](), log, 50))
    loop.create_task(many(BUSY["recv"](), other, 50))
    while loop.ready:
        loop.step()
        assert abs(len(log) - len(other)) <= 30
    assert len(log) == len(other) == 50


def test_operations_that_do_not_wait_by_their_name_are_not_counted(loop):
    core.set_budget(4, 4)

    async def main():
        ch = ac.Chan(1)
        for _ in range(20):
            ch.send_nowait(1)
            ac.select_nowait(ac.recv(ch))
            ch.send_nowait(1)
            ch.recv_nowait()

    task = loop.create_task(main())
    loop.step()
    assert task.done()


# -- a cancellation where it yields


@pytest.mark.parametrize("budget", [(256, 10), (256, 1), (256, 7)])
def test_a_cancelled_yield_finds_nothing_done(loop, budget):
    """It is paid before the effect: what was done before it, and nothing of the next operation."""
    for name in BUSY:
        core.set_budget(*budget)
        ch = filled(50) if name in ("recv", "recv_ok", "async for", "select") else ac.Chan(50)
        operation = {
            "send": partial(ch.send, 1),
            "recv": ch.recv,
            "recv_ok": ch.recv_ok,
            "async for": ch.__anext__,
            "select": partial(select_twice, ch),
            "reserve": partial(reserve_and_send, ch),
        }.get(name)
        if operation is None:
            continue
        log, before = [], len(ch)
        task = loop.create_task(many(operation, log, 50))
        loop.step()
        assert len(log) == budget[1], name
        task.cancel()
        loop.step()
        assert task.cancelled(), name
        assert abs(len(ch) - before) == len(log), name
        assert ch.stats().reserved == 0
        ch._check()


# -- setting bounds


def test_setting_bounds_tells_the_old_ones():
    assert core.set_budget(5, 6) == (256, 1024)
    assert core.set_budget(0, 0) == (5, 6)
    assert core.set_budget() == (0, 0)
    assert core.set_budget() == (256, 1024)


def test_what_is_left_can_be_seen(loop):
    core.set_budget(256, 10)
    assert core.budget_left() == 10
    loop.create_task(ac.Chan(1).send(1))
    settle(loop)
    assert core.budget_left() == 9
    core.set_budget(0, 0)
    assert core.budget_left() is None


@pytest.mark.parametrize("bounds", [(-1, 5), (5, -1), (-1, -1)])
def test_a_bound_is_not_negative(bounds):
    with pytest.raises(ValueError, match="-1"):
        core.set_budget(*bounds)
    assert core.set_budget() == (256, 1024)


@pytest.mark.parametrize("bounds", [("8", 8), (8, "8"), (None, 8), (8, None), (1.5, 8), (8, 1.5), (float("nan"), 8)])
def test_a_bound_is_a_whole_number(bounds):
    with pytest.raises(TypeError):
        core.set_budget(*bounds)
    assert core.set_budget() == (256, 1024)


# -- on real loops


def test_a_busy_task_lets_others_run_after_so_many_operations(run):
    async def main():
        loop, done, rounds = asyncio.get_running_loop(), 0, []

        def look():
            rounds.append(done)
            if task is None or not task.done():
                loop.call_soon(look)

        async def busy():
            nonlocal done
            ch = ac.Chan(1)
            for _ in range(3000):
                await ch.send(1)
                await ch.recv()
                done += 2

        task = None
        loop.call_soon(look)
        task = loop.create_task(busy())
        await task
        steps = [later - earlier for earlier, later in pairwise(rounds)]
        assert max(steps) <= 1024
        assert sum(steps) > 4000

    run(main)
