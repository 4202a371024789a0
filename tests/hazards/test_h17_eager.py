"""H17: an eager task runs inside `create_task`, before its parent goes on; Python 3.12 and newer."""

import asyncio
import sys

import pytest

import aiochan as ac
from tests.hazards.awaits import every_wait
from tests.hazards.stage import assert_idle, see_off, settle

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 has no eager tasks"),
    pytest.mark.parametrize("loop_kind", ["eager"]),
]


@every_wait
def test_h17_a_child_sleeps_before_its_parent_goes_on(run, make):
    async def main():
        wait = make()
        task = asyncio.create_task(wait.operation())
        assert wait.asleep()
        assert asyncio.current_task() is not task
        wait.answer()  # by the parent, in the same step
        await task
        assert_idle(*wait.things)

    run(main)


@every_wait
def test_h17_it_can_be_cancelled_in_the_same_step(run, make):
    async def main():
        wait = make()
        for answered in (False, True):
            wait = make()
            task = asyncio.create_task(wait.operation())
            if answered:
                wait.answer()
            task.cancel()
            await settle(task)
            assert task.cancelled()
            assert_idle(*wait.things)

    run(main)


@every_wait
def test_h17_the_child_is_the_owner_of_its_place(run, make):
    async def main():
        wait = make()
        task = asyncio.create_task(wait.operation())
        assert {place.owner for thing in wait.things for place in places(thing)} == {task}
        await see_off(task)

    run(main)


def places(thing):
    snapshot = thing._snapshot()
    return [*snapshot.recvq, *snapshot.sendq, *snapshot.slotq] if hasattr(snapshot, "recvq") else snapshot


def test_h17_a_child_that_need_not_wait_is_done_at_once(run):
    async def main():
        ch = ac.Chan(1)
        assert asyncio.create_task(ch.send("value")).done()
        task = asyncio.create_task(ch.recv())
        assert task.done()
        assert await task == "value"

    run(main)


def test_h17_children_stand_in_line_in_the_order_of_their_making(run):
    async def main():
        ch = ac.Chan()
        tasks = [asyncio.create_task(ch.recv()) for _ in range(5)]
        for number in range(5):
            ch.send_nowait(number)
        assert await asyncio.gather(*tasks) == list(range(5))

    run(main)


def test_h17_a_woken_task_may_start_eager_children(run):
    """While woken tasks are resumed together, one of them runs others to their first wait, or to their end."""

    async def main():
        jobs, results = ac.Chan(), ac.Chan()

        async def work(job):
            await results.send(job * 2)

        async def dispatch():
            async with asyncio.TaskGroup() as group:
                async for job in jobs:
                    group.create_task(work(job))
            results.close()

        async def produce():
            with jobs:
                for job in range(50):
                    await jobs.send(job)

        async with asyncio.TaskGroup() as group:
            group.create_task(dispatch())
            group.create_task(produce())
            got = [result async for result in results]
        assert got == [job * 2 for job in range(50)]
        assert_idle(jobs, results)

    run(main)


def test_h17_a_parent_and_its_children_share_one_channel(run):
    async def main():
        ch, log = ac.Chan(1), []

        async def child(number):
            await ch.send(number)
            log.append(await ch.recv())

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(child(number))
        assert sorted(log) == [0, 1, 2, 3]
        assert_idle(ch)

    run(main)
