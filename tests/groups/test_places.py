"""The limit of a group: who may run, and who is next (GP03, GP04, GP06, GP07, SM04, GP11)."""

import asyncio
import contextlib

import pytest

import aiochan as ac
from aiochan.context import background
from aiochan.groups.crew import Crew
from aiochan.groups.errgroup import ErrGroup
from aiochan.groups.places import Places
from aiochan.testing import virtual


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


class Job:
    """Something that runs until it is told to end, and remembers who has begun."""

    def __init__(self):
        self.begun = []
        self.gates = {}

    async def __call__(self, name):
        self.begun.append(name)
        self.gates[name] = gate = asyncio.get_running_loop().create_future()
        await gate

    async def end(self, name):
        self.gates[name].set_result(None)
        await turns(4)


def test_gp03_with_one_place_ten_thousand_tasks_all_run_without_anybody_waiting(run, loop_kind):
    """kratos' errgroup runs what is beyond the limit only once it is waited for, and loses some of it."""
    tasks = 1_000 if loop_kind == "debug" else 10_000  # debug mode keeps the stack of every task

    async def main():
        ran = []

        async def job(n):
            await asyncio.sleep(0)
            ran.append(n)

        async def start(n):
            g.go(job, n)

        all_ran = asyncio.get_running_loop().create_future()

        async def last():
            all_ran.set_result(None)

        async with ErrGroup(limit=1) as g:
            async with asyncio.TaskGroup() as starting:
                for n in range(tasks):
                    starting.create_task(start(n))
            g.go(last)
            await all_ran
            assert ran == list(range(tasks))

    run(main)


def test_gp06_a_thousand_tasks_ten_at_a_time():
    """go-pkgz/syncs, SizedGroup: tasks of 5 ms, 1,000 of them over 10 places, take half a second."""
    most = [0]

    async def main():
        running = 0

        async def job():
            nonlocal running
            running += 1
            most[0] = max(most[0], running)
            await asyncio.sleep(0.005)
            running -= 1

        async with ErrGroup(limit=10) as g:
            tasks = [g.go(job) for _ in range(1000)]
        assert all(task.done() for task in tasks)
        return asyncio.get_running_loop().time()

    assert virtual.run(main) == pytest.approx(0.5)
    assert most == [10]


@pytest.mark.parametrize("limit", [1, 3])
def test_gp04_gp06_submit_waits_for_a_place(run, limit):
    """SizedGroup's option Preemptive, and neilotoole's Go on a full queue."""

    async def main():
        job, started = Job(), []

        async def submits():
            for n in range(limit + 2):
                await g.submit(job, n)
                started.append(n)

        async with ErrGroup(limit=limit) as g:
            submitting = asyncio.create_task(submits())
            await turns(5)
            assert started == job.begun == list(range(limit))
            await job.end(0)
            assert started == job.begun == list(range(limit + 1))
            await job.end(1)
            assert job.begun == list(range(limit + 2))
            for n in range(2, limit + 2):
                await job.end(n)
            await submitting

    run(main)


def test_go_and_submit_stand_in_one_line(run):
    async def main():
        job = Job()

        async with ErrGroup(limit=1) as g:
            g.go(job, "first")
            g.go(job, "second")
            third = asyncio.create_task(g.submit(job, "third"))
            await turns(2)
            g.go(job, "fourth")
            await turns(2)
            g._check()
            for name in ["first", "second", "third", "fourth"]:
                assert job.begun[-1] == name
                await job.end(name)
            assert third.done()

    run(main)


def test_a_task_that_was_queued_has_its_place_before_it_has_run_a_step(run):
    async def main():
        job = Job()
        async with ErrGroup(limit=1) as g:
            holder = g.go(for_ever)
            await turns(2)
            holder.cancel()
            queued = g.go(job, "queued")
            other = g.go(job, "other")
            await turns(5)
            assert job.begun == ["queued"]
            await job.end("queued")
            await job.end("other")
        assert holder.cancelled()
        assert queued.done()
        assert other.done()

    run(main)


def test_try_go_never_queues(run):
    async def main():
        job = Job()
        async with ErrGroup(limit=2) as g:
            assert g.try_go(job, 1)
            assert g.try_go(job, 2)
            assert not g.try_go(job, 3)
            await turns(2)
            await job.end(1)
            assert g.try_go(job, 4)
            await turns(2)
            assert job.begun == [1, 2, 4]
            await job.end(2)
            await job.end(4)
        async with ErrGroup() as g:
            assert [g.try_go(turns, 1) for _ in range(100)] == [True] * 100

    run(main)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_queued_task_that_is_cancelled_leaves_the_line(run, steps):
    """Before its first step, too; and nobody else moves."""

    async def main():
        job = Job()
        async with ErrGroup(limit=1) as g:
            g.go(job, "first")
            second, third = g.go(job, "second"), g.go(job, "third")
            await turns(steps)
            second.cancel()
            await turns(3)
            assert second.cancelled()
            assert job.begun == ["first"]
            g._check()
            await job.end("first")
            assert job.begun == ["first", "third"]
            await job.end("third")
            assert third.done()

    run(main)


def test_h02_a_place_that_was_granted_in_the_turn_of_the_cancellation_goes_on(run):
    async def main():
        job = Job()
        async with ErrGroup(limit=1) as g:
            first = g.go(job, "first")
            second, third = g.go(job, "second"), g.go(job, "third")
            await turns(3)
            first.add_done_callback(lambda _: second.cancel())  # behind the one that grants the place
            await job.end("first")
            await turns(3)
            assert second.cancelled()
            assert job.begun == ["first", "third"]
            await job.end("third")
            assert third.done()
            assert g.try_go(turns, 1)

    run(main)


@pytest.mark.parametrize("granted", [False, True])
def test_h02_a_cancelled_submit_starts_nothing_and_loses_no_place(run, granted):
    async def main():
        job = Job()
        async with ErrGroup(limit=1) as g:
            first = g.go(job, "first")
            await turns(2)
            submitting = asyncio.create_task(g.submit(job, "second"))
            await turns(2)
            g.go(job, "third")
            if granted:
                first.add_done_callback(lambda _: submitting.cancel())
            else:
                submitting.cancel()
                await turns(2)
                g._check()
            await job.end("first")
            assert submitting.cancelled()
            assert job.begun == ["first", "third"]
            await job.end("third")
            g._check()
            assert g.try_go(turns, 1)

    run(main)


def test_the_dead_are_passed_over(run):
    """A task in line that was cancelled and has not run since is granted nothing: the one behind it begins at once."""

    async def main():
        job = Job()
        async with ErrGroup(limit=1) as g:
            first = g.go(job, "first")
            second, third = g.go(job, "second"), g.go(job, "third")
            await turns(3)
            job.gates["first"].set_result(None)
            await first  # its place has been passed on, or will be in this turn
            second.cancel()
            third.cancel()
            fourth = g.go(job, "fourth")
            await turns(5)
            assert job.begun == ["first", "fourth"]
            await job.end("fourth")
            assert fourth.done()

    run(main)


def test_those_who_wait_to_submit_are_sent_on_when_the_group_is_over(run):
    async def main():
        called = []

        def fn():
            called.append(True)
            return for_ever()

        with pytest.raises(ac.Canceled):
            async with ErrGroup(limit=1) as g:
                g.go(for_ever)
                submitting = [asyncio.create_task(g.submit(fn)) for _ in range(3)]
                await turns(3)
                submitting[0].cancel()
                g.ctx.cancel()
        assert submitting[0].cancelled()
        tasks = [await each for each in submitting[1:]]
        assert all(task.cancelled() for task in tasks)
        assert not called

    run(main)


def test_leaving_waits_for_those_who_stand_in_line_to_submit(run):
    async def main():
        job = Job()

        async def ends():
            for name in ["first", "second"]:
                await turns(5)
                await job.end(name)

        async with ErrGroup(limit=1) as g:
            g.go(job, "first")
            submitting = asyncio.create_task(g.submit(job, "second"))
            await turns(3)
            ending = asyncio.create_task(ends())
        assert job.begun == ["first", "second"]
        assert (await submitting).done()
        await ending

    run(main)


def test_a_queued_function_that_fails_when_it_is_called_is_the_tasks_error(run):
    """Nobody is left who called `go`; the place goes on."""

    async def main():
        def fails():
            raise LookupError("not there")

        with pytest.raises(ExceptionGroup) as raised:
            async with ErrGroup(limit=1, errors="collect") as g:
                g.go(turns, 2)
                g.go(fails)
                g.go(lambda: None)
                last = g.go(turns, 2)
        assert [type(error) for error in raised.value.exceptions] == [LookupError, TypeError]
        assert last.done()
        assert not last.cancelled()

    run(main)


def test_a_function_that_fails_when_it_is_called_gives_its_place_back(run):
    async def main():
        def fails():
            raise LookupError("not there")

        async with ErrGroup(limit=1) as g:
            for _ in range(3):
                with pytest.raises(LookupError):
                    g.go(fails)
                with pytest.raises(TypeError, match="must return an awaitable"):
                    await g.submit(lambda: None)
                with pytest.raises(TypeError, match="a function is needed"):
                    g.try_go(7)
            assert g.try_go(turns, 1)
            with pytest.raises(TypeError, match="a function is needed"):
                g.go(7)  # in line

    run(main)


def test_sm04_a_limit_and_wait_are_a_bounded_runner_and_its_join(run):
    """Go's example acquires the whole semaphore to know that everybody has ended."""

    async def main():
        running, most, out = 0, 0, [0] * 32

        async def collatz(i):
            nonlocal running, most
            running += 1
            most = max(most, running)
            n, steps = i + 1, 0
            while n != 1:
                n = n // 2 if n % 2 == 0 else 3 * n + 1
                steps += 1
                await asyncio.sleep(0)
            out[i] = steps
            running -= 1

        async with ErrGroup(limit=4) as g:
            for i in range(32):
                await g.submit(collatz, i)
            await g.wait()
            assert (running, most) == (0, 4)
            assert out[:10] == [0, 1, 7, 2, 5, 8, 16, 3, 19, 6]
            assert out[26] == 111

    run(main)


def test_gp11_groups_can_share_a_limit_through_a_channel(run):
    """As stargz-snapshotter does with a weighted semaphore: what bounds is not the group's."""

    async def main():
        running, most, tokens = 0, 0, ac.Chan(2)

        async def job():
            nonlocal running, most
            await tokens.send(None)
            try:
                running += 1
                most = max(most, running)
                await turns(2)
                running -= 1
            finally:
                await tokens.recv()

        async with ErrGroup() as one, ErrGroup() as other:
            for _ in range(10):
                one.go(job)
                other.go(job)
        assert (running, most) == (0, 2)

    run(main)


def test_many_queued_tasks_that_are_cancelled_leave_nothing_in_the_line(run, loop_kind):
    many = 100 if loop_kind == "debug" else 1000

    async def main():
        async with ErrGroup(limit=1) as g:
            holder = g.go(for_ever)
            await asyncio.sleep(0)
            for _ in range(3):
                queued = [g.go(for_ever) for _ in range(many)]
                submitting = [asyncio.create_task(g.submit(for_ever)) for _ in range(many)]
                await turns(2)
                for task in (*queued, *submitting):
                    task.cancel()
                await turns(4)
                assert repr(g).endswith("1 running 0 queued>")
            holder.cancel()

    run(main)


# -- by themselves


def test_places_by_themselves(run):
    async def main():
        crew = Crew("crew", background())
        places = Places(crew, 2)
        assert places.take()
        assert places.take()
        assert not places.take()
        waiting = asyncio.create_task(places.wait())
        await turns(1)
        places.give_back()
        assert places.free == 0  # promised
        assert await waiting is True
        crew.arrived()
        places.give_back()
        assert places.free == 1
        waiting.cancel()

    run(main)


def test_closed_places_are_nobodys(run):
    async def main():
        crew = Crew("crew", background())
        places = Places(crew, 1)
        assert places.take()
        waiting = asyncio.create_task(places.wait())
        await turns(1)
        places.close()
        places._check()
        places.give_back()
        assert places.free == 0
        assert await waiting is False
        crew.arrived()

    run(main)


def test_cancelled_after_it_was_closed_the_caller_is_no_longer_expected(run):
    async def main():
        crew = Crew("crew", background())
        places = Places(crew, 1)
        assert places.take()
        waiting = asyncio.create_task(places.wait())
        await turns(1)
        places.close()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        assert crew.expected == 0
        await crew.join()

    run(main)
