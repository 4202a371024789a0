"""H22: `asyncio.run` ends while a crowd sleeps; things are used in finally blocks, and after the loop was closed."""

import asyncio
import gc
import logging

import pytest

import aiochan as ac
from aiochan.core import WaitQueue
from tests.hazards.awaits import every_wait, full
from tests.hazards.stage import assert_idle, drain, fresh_loop, parked, start, until

CROWD = 1000

CROWDS = {
    "recv": lambda: one(ac.Chan(), lambda ch: ch.recv()),
    "recv_ok": lambda: one(ac.Chan(3), lambda ch: ch.recv_ok()),
    "send": lambda: one(ac.Chan(), lambda ch: ch.send("value")),
    "send to a ring": lambda: one(full(), lambda ch: ch.send("value")),
    "reserve": lambda: one(full(), lambda ch: ch.reserve().__aenter__()),
    "select": lambda: one(ac.Chan(), lambda ch: ac.select(ac.recv(ch), ac.recv(None))),
    "park": lambda: one(WaitQueue(), lambda queue: queue.park()),
    "signal": lambda: one(ac.Signal(), lambda signal: signal.wait()),
}


def one(thing, operation):
    return thing, lambda: operation(thing)


@pytest.fixture
def quiet(caplog, silence):
    """Check that nothing was logged, beside what `silence` checks."""
    caplog.set_level(logging.WARNING)
    yield
    silence.check()
    assert not caplog.records


@pytest.mark.parametrize("make", CROWDS.values(), ids=CROWDS.keys())
def test_h22_a_run_ends_with_a_crowd_asleep(loop_kind, silence, quiet, make):
    with fresh_loop(loop_kind, silence) as loop, asyncio.Runner(loop_factory=lambda: loop) as runner:
        thing, operation = make()

        async def main():
            for _ in range(CROWD):
                crowd.append(asyncio.create_task(operation()))  # noqa: PERF401 - each may run at once, and stay
            await until(lambda: parked(thing) == CROWD)

        crowd = []
        runner.run(main())
    assert all(task.cancelled() for task in crowd)
    assert_idle(thing)


def test_h22_finally_blocks_use_channels_while_everything_is_cancelled(loop_kind, silence, quiet):
    """Each of the cancelled tasks says goodbye, and one of them collects that."""
    with fresh_loop(loop_kind, silence) as loop, asyncio.Runner(loop_factory=lambda: loop) as runner:
        jobs, goodbyes, queue, said = ac.Chan(), ac.Chan(1), WaitQueue(), []

        async def worker(number):
            try:
                await jobs.recv()
            finally:
                await goodbyes.send(number)
                queue.wake()

        async def collector():
            try:
                await queue.park()
            finally:
                said.extend([await goodbyes.recv() for _ in range(20)])
                jobs.close()
                goodbyes.close()

        async def main():
            tasks.extend(await start(*map(worker, range(20)), collector(), on=[jobs, queue]))

        tasks = []
        runner.run(main())
    assert sorted(said) == list(range(20))
    assert all(task.done() for task in tasks)
    assert_idle(jobs, goodbyes, queue)


def test_h22_a_generator_that_was_left_half_way_is_closed(loop_kind, silence, quiet):
    with fresh_loop(loop_kind, silence) as loop, asyncio.Runner(loop_factory=lambda: loop) as runner:
        ch, log = ac.Chan(3), []

        async def numbers():
            try:
                async for value in ch:
                    yield value
            finally:
                log.append(await ch.recv())

        async def main():
            for value in range(3):
                ch.send_nowait(value)
            async for _ in generator:
                break

        generator = numbers()
        runner.run(main())
    assert log == [1]
    assert drain(ch) == [2]


@every_wait
@pytest.mark.parametrize("answered", [False, True])
def test_h22_a_loop_is_closed_while_somebody_sleeps(loop_kind, silence, quiet, make, answered):
    """Without cancelling anybody, which is a mistake, but no reason for an error in somebody else's close()."""
    wait = make()

    async def fall_asleep():
        [task] = await start(wait.operation(), on=wait.things)
        task._log_destroy_pending = False  # that asyncio would complain is right, and not our subject
        if answered:
            wait.answer()
        return task

    with fresh_loop(loop_kind, silence) as loop:
        task = loop.run_until_complete(fall_asleep())
        if answered and task.done():
            return
    if not answered:
        wait.answer()  # wakes somebody who will never run
    for thing in wait.things:
        if isinstance(thing, (ac.Chan, ac.Signal)) and not thing.closed:
            thing.close()
    del task
    gc.collect()
    for thing in wait.things:
        thing._check()


def test_h22_what_a_dead_loop_left_asleep_can_be_closed(loop_kind, silence, quiet):
    ch, queue = ac.Chan(), WaitQueue()

    async def fall_asleep():
        tasks = await start(ch.recv(), queue.park(), ac.select(ac.recv(ch)), on=[ch, queue])
        for task in tasks:
            task._log_destroy_pending = False
        return tasks

    with fresh_loop(loop_kind, silence) as loop:
        tasks = loop.run_until_complete(fall_asleep())
    ch.close()
    assert queue.wake_all() == 1
    tasks.clear()
    gc.collect()
    assert_idle(ch, queue)


def test_h22_a_channel_outlives_its_loops(loop_kind, silence, quiet):
    """What is in it when a run has ended is there for the next one."""
    ch = ac.Chan(2)
    for expected in ([], ["left over"]):
        with fresh_loop(loop_kind, silence) as loop, asyncio.Runner(loop_factory=lambda: loop) as runner:

            async def main():
                got = drain(ch)
                await ch.send("left over")
                return got

            assert runner.run(main()) == expected
