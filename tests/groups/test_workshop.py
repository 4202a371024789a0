"""Behind `WorkerPool`: the line, the room and the workers (PL08, PL09). What users see of it is in test_workers.py."""

import asyncio
import random
import sys

import pytest

import aiochan as ac
from aiochan.testing import virtual
from tests.groups.kit import settle


async def value(what):
    return what


async def for_ever():
    await asyncio.get_running_loop().create_future()


def test_many_eager_jobs_do_not_stand_on_each_other(run):
    """Each ends within the call that starts it, and makes a worker free for the next: a loop, no recursion."""

    async def main():
        n = 3 * sys.getrecursionlimit()
        async with ac.WorkerPool(1) as pool:
            blocker = await pool.submit(for_ever)
            jobs = [await pool.submit(value, number) for number in range(n)]
            await settle()
            assert pool.waiting == n
            blocker.cancel()
            await asyncio.wait(jobs)
            assert [job.result() for job in jobs] == list(range(n))

    run(main)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks")
def test_an_eager_job_may_use_its_pool_in_its_first_step():
    async def main():
        seen = []

        async def nested(depth):
            seen.append(depth)
            if depth:
                inner = await pool.submit(nested, depth - 1)
                seen.append(inner.done())
            return depth

        async with ac.WorkerPool(2) as pool:
            assert await pool.submit_wait(nested, 3) == 3
            assert (pool.done, pool.running) == (4, 0)
        assert [step for step in seen if not isinstance(step, bool)] == [3, 2, 1, 0]

    virtual.run(main, eager=True)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks")
def test_an_eager_job_that_cancels_its_future_in_its_first_step():
    """In line first, so that somebody has the future before it starts."""

    async def main():
        async def cancels():
            jobs[1].cancel()
            await asyncio.sleep(0)
            raise AssertionError("went on")

        async with ac.WorkerPool(1) as pool:
            jobs = [await pool.submit(asyncio.sleep, 1), await pool.submit(cancels)]
        assert jobs[1].cancelled()
        assert pool.cancelled == 1

    virtual.run(main, eager=True)


def test_a_task_factory_that_refuses_loses_no_room(run):
    """What has raised comes out where the job was to be started, and the pool goes on."""

    async def main():
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()

        def refuses(loop, coro, **options):
            coro.close()
            raise MemoryError("no more tasks")

        async with ac.WorkerPool(1, queue=0) as pool:
            loop.set_task_factory(refuses)
            with pytest.raises(MemoryError):
                await pool.submit(value, 1)
            loop.set_task_factory(before)
            assert (pool.running, pool._shop.taken, pool.cancelled) == (0, 0, 1)
            pool._check()
            assert await pool.submit_wait(value, "goes on") == "goes on"

    run(main)


class Model:
    """What a pool should do, in lists: who runs, who is in line, who waits outside."""

    def __init__(self, size, queue):
        self.size, self.queue = size, queue
        self.running, self.line, self.outside = [], [], []

    def settle(self):
        while True:
            if self.line and len(self.running) < self.size:
                self.running.append(self.line.pop(0))
            elif self.outside and len(self.running) + len(self.line) < self.size + self.queue:
                self.line.append(self.outside.pop(0))
            else:
                return

    def remove(self, name):
        for names in (self.running, self.line, self.outside):
            if name in names:
                names.remove(name)
        self.settle()


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_do_what_the_model_does(seed):
    """Submit, wait, end, cancel and resize, at random; after each move everybody is where the model has them."""

    async def main():
        dice = random.Random(seed)
        model = Model(dice.randrange(1, 4), dice.choice([0, 1, 3, float("inf")]))
        started, ends, tasks, futures, fates = [], {}, {}, {}, {}

        async def job(name):
            started.append(name)
            ends[name] = asyncio.get_running_loop().create_future()
            return await ends[name]

        async def submits(name, waits):
            if waits:
                return await pool.submit_wait(job, name)
            futures[name] = await pool.submit(job, name)
            return None

        async with ac.WorkerPool(model.size, queue=model.queue) as pool:
            for name in range(dice.randrange(10, 80)):
                moves = ["submit", "submit_wait", "resize"]
                moves += ["end", "fail", "cancel"] if model.running + model.line + model.outside else []
                match dice.choice(moves):
                    case "submit" | "submit_wait" as how:
                        tasks[name] = asyncio.create_task(submits(name, how == "submit_wait"))
                        model.outside.append(name)
                    case "end" if model.running:
                        one = dice.choice(model.running)
                        fates[one] = one
                        ends[one].set_result(one)
                        model.remove(one)
                    case "fail" if model.running:
                        one = dice.choice(model.running)
                        fates[one] = OSError(one)
                        ends[one].set_exception(fates[one])
                        model.remove(one)
                    case "cancel":
                        one = dice.choice(model.running + model.line + model.outside)
                        fates[one] = "cancelled"
                        futures.get(one, tasks[one]).cancel()
                        model.remove(one)
                    case "resize":
                        model.size = dice.randrange(1, 5)
                        pool.resize(model.size)
                model.settle()
                await virtual.settle()
                pool._check()
                assert (pool.running, pool.waiting) == (len(model.running), len(model.line))
                assert len(pool._shop._outside) == len(model.outside)
                assert set(started) >= set(model.running)
                assert not set(started) & {*model.line, *model.outside}
            await pool.stop(wait=False)
        for name, task in tasks.items():
            outcome = futures.get(name, task)
            match fates.get(name):
                case None:
                    assert isinstance(outcome.exception(), ac.Canceled | ac.MisuseError)
                case "cancelled":
                    assert outcome.cancelled()
                case OSError() as error:
                    assert outcome.exception() is error
                case result:
                    assert outcome.result() == result

    virtual.run(main)
