"""`WorkerPool`: many jobs, a few beside each other (PL08, PL09, PL10, PL11, CH13, P35, E13, E20).

PL08 gammazero/workerpool: any number may be submitted, SubmitWait, counts, Stop waits.
PL09 ivpusic/grpool: a fixed number of workers and a bounded queue of jobs; WaitAll, Release.
PL10 dpaks/goworkers: results and errors by channel, and none of them dropped.
PL11 others: sizes that change, results.
CH13 an idle worker gets the job; bounded; a clean stop.
"""

import asyncio
import contextlib
import contextvars
import gc
import itertools
import math
import threading
import weakref

import anyio
import pytest

import aiochan as ac
from aiochan.testing import virtual
from aiochan.testing.leaks import no_leaks
from tests.groups.kit import Calls, listen, settle

who = contextvars.ContextVar("who", default="nobody")


class Boom(Exception):
    pass


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def value(what):
    return what


async def fails(error):
    raise error


async def turns(n, what=None):
    for _ in range(n):
        await asyncio.sleep(0)
    return what


class Gate:
    """Jobs that wait until they are let through; remembers who came, and how many were inside at once."""

    def __init__(self):
        self.came = []
        self.inside = self.most = 0
        self.open = asyncio.Event()

    async def __call__(self, what=None):
        self.came.append(what)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await asyncio.sleep(0)
            await self.open.wait()
        finally:
            self.inside -= 1
        return what


def counts(pool):
    return pool.running, pool.waiting, pool.done, pool.failed, pool.cancelled


# -- PL08: any number of jobs, a few at a time


def test_pl08_any_number_may_be_submitted_and_so_many_run(run):
    async def main():
        gate = Gate()
        async with no_leaks(), ac.WorkerPool(3, name="p") as pool:
            jobs = [await pool.submit(gate, number) for number in range(10)]
            await settle()
            assert (gate.came, counts(pool)) == ([0, 1, 2], (3, 7, 0, 0, 0))
            assert repr(pool) == "<WorkerPool 'p' 3/3 running 7 waiting>"
            gate.open.set()
            assert await asyncio.gather(*jobs) == list(range(10))
            assert counts(pool) == (0, 0, 10, 0, 0)
        assert (gate.came, gate.most) == (list(range(10)), 3)
        assert repr(pool) == "<WorkerPool 'p' left>"

    run(main)


def test_pl08_workers_are_there_on_demand_only(run):
    async def main():
        gate = Gate()
        async with ac.WorkerPool(3) as pool:
            assert (pool.size, pool.running, asyncio.all_tasks()) == (3, 0, {asyncio.current_task()})
            job = await pool.submit(gate)
            await settle()
            assert pool.running == 1
            gate.open.set()
            await job
            assert (pool.running, len(asyncio.all_tasks())) == (0, 1)

    run(main)


def test_pl08_submit_wait_gives_the_result_or_the_error(run):
    async def main():
        async with ac.WorkerPool(1) as pool:
            assert await pool.submit_wait(turns, 3, "result") == "result"
            with pytest.raises(Boom):
                await pool.submit_wait(fails, Boom())
            assert counts(pool) == (0, 0, 1, 1, 0)

    run(main)


def test_pl08_leaving_waits_for_what_is_in_line(run):
    async def main():
        ended = []

        async def job(number):
            await turns(number)
            ended.append(number)

        async with ac.WorkerPool(2) as pool:
            for number in range(6):
                await pool.submit(job, number)
        assert sorted(ended) == list(range(6))

    run(main)


def test_a_job_may_submit_others_also_while_the_body_leaves(run):
    async def main():
        seen = []

        async def visit(n):
            seen.append(n)
            for child in (2 * n, 2 * n + 1):
                if child < 50:
                    await pool.submit(visit, child)

        async with ac.WorkerPool(3) as pool:
            await pool.submit(visit, 1)
        assert sorted(seen) == list(range(1, 50))

    run(main)


def test_an_endless_line_does_not_keep_the_loop_for_itself(run):
    """Nobody waits for an unbounded queue; all the same others get their turn."""

    async def main():
        told = []
        asyncio.get_running_loop().call_soon(told.append, "others")
        async with ac.WorkerPool(1) as pool:
            for submitted in itertools.count():
                if told:
                    break
                await pool.submit(value, submitted)
                assert submitted < 1025

    run(main)


# -- PL09: a bounded queue


def test_pl09_submit_waits_for_room_and_no_longer(run):
    async def main():
        calls, submitted = Calls(), []

        async def submits():
            for number in range(5):
                job = await pool.submit(calls, number)
                submitted.append((number, job))

        async with ac.WorkerPool(1, queue=2) as pool:
            task = asyncio.create_task(submits())
            await settle()
            assert ([n for n, _ in submitted], len(calls), pool.waiting) == ([0, 1, 2], 1, 2)
            calls.end("zero", 0)
            await settle()
            assert ([n for n, _ in submitted], len(calls), pool.waiting) == ([0, 1, 2, 3], 2, 2)
            for number in range(1, 5):
                calls.end(None, number)
                await settle()
            await task
            assert await submitted[0][1] == "zero"

    run(main)


def test_ch13_without_a_queue_a_job_waits_outside_for_an_idle_worker(run):
    async def main():
        gate = Gate()
        async with ac.WorkerPool(2, queue=0) as pool:
            jobs = [asyncio.create_task(pool.submit_wait(gate, number)) for number in range(5)]
            await settle()
            assert (gate.came, pool.waiting, pool.running) == ([0, 1], 0, 2)
            gate.open.set()
            assert await asyncio.gather(*jobs) == list(range(5))
            assert gate.came == list(range(5))

    run(main)


def test_room_is_given_first_come_first_served(run):
    async def main():
        calls, order = Calls(), []

        async def submits(name):
            await pool.submit(calls, name)
            order.append(name)

        async with ac.WorkerPool(1, queue=1) as pool:
            tasks = [asyncio.create_task(submits(name)) for name in "abcdef"]
            await settle()
            tasks[3].cancel()  # d leaves the line
            for number in range(5):
                calls.end(None, number)
                await settle()
            await asyncio.wait(tasks)
        assert "".join(order) == "abcef"
        assert "".join(name for (name,) in calls.arguments) == "abcef"

    run(main)


def test_a_cancelled_submit_has_put_nothing_in_line_and_passes_its_room_on(run):
    async def main():
        calls = Calls()
        async with ac.WorkerPool(1, queue=0) as pool:
            await pool.submit(calls, "first")
            second, third = (asyncio.create_task(pool.submit(calls, name)) for name in ("second", "third"))
            await settle()
            calls.end()
            await turns(2)  # the worker is free, and promised to the second, who has not run
            assert (pool.done, second.done()) == (1, False)
            second.cancel()
            await settle()
            assert second.cancelled()
            assert [name for (name,) in calls.arguments] == ["first", "third"]
            calls.end(None, 1)
            await third
        assert counts(pool) == (0, 0, 2, 0, 0)

    run(main)


# -- futures


def test_a_job_in_line_can_be_cancelled_and_gives_its_room_back(run):
    async def main():
        calls = Calls()
        async with ac.WorkerPool(1, queue=1) as pool:
            first, second = await pool.submit(calls, 1), await pool.submit(calls, 2)
            third = asyncio.create_task(pool.submit(calls, 3))
            await settle()
            assert not third.done()
            assert second.cancel()
            assert not second.cancel()
            await settle()
            assert third.done()
            assert (second.cancelled(), counts(pool)) == (True, (1, 1, 0, 0, 1))
            calls.end(None, 0)
            await first
            await settle()
            calls.end("three", 1)
            assert await third.result() == "three"
        assert calls.arguments == [(1,), (3,)]

    run(main)


def test_to_cancel_a_running_job_stops_that_job_only(run):
    async def main():
        calls = Calls()
        async with ac.WorkerPool(2) as pool:
            first, second = await pool.submit(calls, 1), await pool.submit(calls, 2)
            third = await pool.submit(calls, 3)
            await settle()
            assert first.cancel()
            assert first.cancelled()  # at once; the job takes its time
            assert pool.running == 2
            await settle()
            assert (calls.cancelled, calls.arguments, counts(pool)) == ([0], [(1,), (2,), (3,)], (2, 0, 0, 0, 1))
            calls.end("two", 1)
            calls.end("three", 2)
            assert [await second, await third] == ["two", "three"]

    run(main)


def test_submit_wait_cancelled_takes_the_job_along(run):
    """In line, and running; in neither case anybody else is disturbed."""

    async def main():
        calls = Calls()
        async with ac.WorkerPool(1) as pool:
            running, in_line, other = (asyncio.create_task(pool.submit_wait(calls, n)) for n in range(3))
            await settle()
            in_line.cancel()
            await settle()
            assert in_line.cancelled()
            assert counts(pool) == (1, 1, 0, 0, 1)
            running.cancel()
            await settle()
            assert running.cancelled()
            assert (calls.arguments, calls.cancelled) == ([(0,), (2,)], [0])
            calls.end("other", 1)
            assert await other == "other"

    run(main)


def test_submit_wait_cancelled_does_not_wait_for_a_job_that_takes_its_time(run):
    async def main():
        end = asyncio.Event()

        async def stubborn():
            with contextlib.suppress(asyncio.CancelledError):
                await for_ever()
            await end.wait()
            return "swallowed"

        async with ac.WorkerPool(1) as pool:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await pool.submit_wait(stubborn)
            waiting = asyncio.create_task(pool.submit_wait(stubborn))
            await settle()
            waiting.cancel()
            await asyncio.wait([waiting])
            assert pool.running == 1
            end.set()
        assert pool.done == 1

    run(main)


@pytest.mark.parametrize("way", ["timeout", "wait_for", "anyio"])
def test_deadlines_around_submit_wait(run, way):
    async def main():
        async with ac.WorkerPool(1) as pool:
            with pytest.raises(TimeoutError):
                if way == "timeout":
                    async with asyncio.timeout(0.001):
                        await pool.submit_wait(for_ever)
                elif way == "wait_for":
                    await asyncio.wait_for(pool.submit_wait(for_ever), 0.001)
                else:
                    with anyio.fail_after(0.001):
                        await pool.submit_wait(for_ever)
            assert await pool.submit_wait(value, "goes on") == "goes on"

    run(main)


def test_futures_are_what_asyncio_works_with(run):
    async def main():
        async with ac.WorkerPool(2) as pool:
            jobs = [await pool.submit(turns, 5 - n, n) for n in range(5)]
            done, pending = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            assert done
            assert done | pending == set(jobs)
            assert sorted([await job for job in asyncio.as_completed(jobs)]) == list(range(5))
            assert await asyncio.shield(jobs[2]) == 2
            assert all(isinstance(job, asyncio.Future) for job in jobs)
            called = []
            jobs[0].add_done_callback(called.append)
            await settle()
            assert called == [jobs[0]]

    run(main)


def test_an_error_that_nobody_asks_for_is_told_to_the_loop(run):
    async def main():
        told = listen()
        async with ac.WorkerPool(1) as pool:
            await pool.submit(fails, Boom("unheard"))
        gc.collect()  # the traceback of an eager task leads to the future
        assert [(repr(context["exception"]), context["message"]) for context in told] == [
            ("Boom('unheard')", "Job exception was never retrieved")
        ]

    run(main)


def test_an_error_of_a_job_that_was_cancelled_is_told_to_the_loop(run):
    """Nobody can ask its future, which was cancelled."""

    async def main():
        told, boom = listen(), Boom("while it cleaned up")

        async def dies():
            try:
                await for_ever()
            finally:
                raise boom

        async with ac.WorkerPool(1, name="p") as pool:
            job = await pool.submit(dies)
            await settle()
            job.cancel()
        assert [context["exception"] for context in told] == [boom]
        assert "a job of <WorkerPool 'p' 0/1 running" in told[0]["message"]
        assert counts(pool) == (0, 0, 0, 1, 0)

    run(main)


@pytest.mark.parametrize(
    ("fn", "error", "says"),
    [
        (lambda: fails(Boom("awaited")), Boom, "awaited"),
        (lambda: 1 / 0, ZeroDivisionError, "division"),
        (lambda: 7, TypeError, "must return an awaitable, not 7"),
        (lambda: fails(StopIteration("stop")), RuntimeError, "StopIteration"),
    ],
    ids=["when awaited", "when called", "no awaitable", "StopIteration"],
)
def test_however_a_job_fails_its_worker_goes_on(run, fn, error, says):
    async def main():
        async with ac.WorkerPool(1) as pool:
            job, after = await pool.submit(fn), await pool.submit(value, "after")
            with pytest.raises(error, match=says):
                await job
            assert await after == "after"

    run(main)


def test_errors_keep_their_tracebacks(run):
    async def main():
        async with ac.WorkerPool(1) as pool:
            with pytest.raises(Boom) as raised:
                await pool.submit_wait(fails, Boom())
        assert "fails" in [entry.name for entry in raised.traceback]

    run(main)


def test_a_job_that_cancels_itself(run):
    async def main():
        async def cancels(by):
            if by == "task":
                asyncio.current_task().cancel()
                await asyncio.sleep(0)
            elif by == "error":
                raise asyncio.CancelledError
            else:
                await turns(2)
                jobs["future"].cancel()
                await asyncio.sleep(0)
            raise AssertionError("went on")

        async with ac.WorkerPool(1) as pool:
            jobs = {by: await pool.submit(cancels, by) for by in ("task", "error", "future")}
            assert await pool.submit_wait(value, "after") == "after"
            assert all(job.cancelled() for job in jobs.values())
            assert counts(pool) == (0, 0, 1, 0, 3)

    run(main)


def test_nothing_goes_from_one_job_to_the_next(run):
    """Each is a task of its own: a cancellation that one has swallowed, its variables and its name are its own."""

    async def main():
        seen = []

        async def dirty():
            asyncio.current_task().cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            asyncio.current_task().cancel()  # and never met
            who.set("dirty")
            asyncio.current_task().set_name("dirty")

        async def looks():
            task = asyncio.current_task()
            await asyncio.sleep(0)
            seen.append((task.cancelling(), who.get(), task.get_name()))

        async with ac.WorkerPool(1, name="p") as pool:
            dirty_one = await pool.submit(dirty)
            await pool.submit(looks)
            await asyncio.wait([dirty_one])
        assert seen == [(0, "nobody", "p/looks")]

    run(main)


# -- map


def test_map_gives_results_in_the_order_of_the_items(run):
    async def main():
        async def slowest_first(n):
            return await turns(10 - n, n)

        async with ac.WorkerPool(3) as pool:
            assert [n async for n in pool.map(slowest_first, range(10))] == list(range(10))
            assert [n async for n in pool.map(value, [])] == []

    run(main)


def test_map_takes_no_more_items_than_it_needs(run):
    async def main():
        taken = []

        def items():
            for number in itertools.count():
                taken.append(number)
                yield number

        async with ac.WorkerPool(2) as pool, contextlib.aclosing(pool.map(value, items())) as results:
            async for result in results:
                assert len(taken) <= result + 4
                await settle()  # a slow reader
                assert len(taken) <= result + 4
                if result == 20:
                    break

    run(main)


def test_map_waits_for_room_in_a_bounded_queue(run):
    async def main():
        async with ac.WorkerPool(2, queue=0) as pool:
            assert [n async for n in pool.map(lambda n: turns(n % 3, n), range(20))] == list(range(20))

    run(main)


def test_map_raises_an_error_in_its_place_and_cancels_what_is_ahead(run):
    async def main():
        calls, got = Calls(), []

        async def job(n):
            if n == 2:
                raise Boom(n)
            return n if n < 2 else await calls(n)

        async with ac.WorkerPool(2) as pool:
            results = pool.map(job, range(10))
            got += [await anext(results), await anext(results)]
            with pytest.raises(Boom):
                await anext(results)
            await settle()
            assert got == [0, 1]
            assert (pool.running, pool.waiting, pool.failed) == (0, 0, 1)

    run(main)


def test_map_left_early_cancels_what_is_ahead(run):
    async def main():
        async with ac.WorkerPool(2) as pool:
            async with contextlib.aclosing(pool.map(lambda n: for_ever() if n else value(n), range(10))) as results:
                async for n in results:
                    assert n == 0
                    break
            await settle()
            assert (pool.running, pool.waiting, pool.done) == (0, 0, 1)

    run(main)


def test_two_maps_share_the_workers(run):
    async def main():
        gate = Gate()
        gate.open.set()

        async def collect(items):
            return [n async for n in pool.map(gate, items)]

        async with ac.WorkerPool(2) as pool:
            results = await asyncio.gather(collect(range(10)), collect(range(10, 20)))
            assert results == [list(range(10)), list(range(10, 20))]
            assert gate.most == 2

    run(main)


# -- PL10: results and errors by channel


def test_pl10_results_and_errors_come_by_channel_in_the_order_of_their_ends(run):
    async def main():
        calls = Calls()
        async with ac.WorkerPool(3, results=True, errors=True) as pool:
            for number in range(3):
                await pool.submit(calls, number)
            await settle()
            for number, end in ((2, "two"), (0, Boom("zero")), (1, None)):
                calls.end(end, number)
                await settle()
            await pool.stop()
            assert [result async for result in pool.results] == ["two", None]
            assert [str(error) async for error in pool.errors] == ["zero"]

    run(main)


def test_p35_a_reader_who_comes_late_misses_nothing_and_holds_nobody_up(run):
    """Where goworkers has room for 100 and drops the rest."""

    async def main():
        async with ac.WorkerPool(4, results=True, errors=True) as pool:
            for number in range(500):
                await pool.submit(value, number)
                await pool.submit(fails, Boom(number))
        assert sorted([n async for n in pool.results]) == list(range(500))
        assert sorted([error.args[0] async for error in pool.errors]) == list(range(500))

    run(main)


def test_pl10_channels_are_open_until_the_last_job_has_ended(run):
    async def main():
        async def reads():
            return [result async for result in pool.results]

        async with ac.WorkerPool(2, results=True) as pool:
            reading = asyncio.create_task(reads())
            for number in range(5):
                await pool.submit(turns, number, number)
        assert sorted(await reading) == list(range(5))

    run(main)


def test_channels_are_closed_when_jobs_are_dropped(run):
    async def main():
        async with ac.WorkerPool(1, results=True, errors=True) as pool:
            for _ in range(3):
                await pool.submit(for_ever)
            await settle()
            await pool.stop(wait=False)
            assert [result async for result in pool.results] == []
            assert [error async for error in pool.errors] == []

    run(main)


def test_a_result_of_a_job_that_was_cancelled_too_late_is_not_dropped(run):
    async def main():
        calls = Calls()
        async with ac.WorkerPool(1, results=True) as pool:
            waits = asyncio.create_task(pool.submit_wait(calls))
            await settle()
            calls.end("result")
            waits.cancel()
            await asyncio.wait([waits])
            assert waits.cancelled()
        left = [result async for result in pool.results]
        assert (left, pool.done, pool.cancelled) in ((["result"], 1, 0), ([], 0, 1))

    run(main)


def test_channels_that_were_not_asked_for(run):
    async def main():
        async with ac.WorkerPool(1) as pool:
            with pytest.raises(ac.MisuseError, match="results=True"):
                _ = pool.results
            with pytest.raises(ac.MisuseError, match="errors=True"):
                _ = pool.errors

    run(main)


# -- stop


def test_pl08_stop_waits_for_what_is_in_line_and_takes_no_more(run):
    async def main():
        calls = Calls()
        async with ac.WorkerPool(1, name="p") as pool:
            jobs = [await pool.submit(calls, number) for number in range(2)]
            stopping = asyncio.create_task(pool.stop())
            await settle()
            assert not stopping.done()
            assert repr(pool) == "<WorkerPool 'p' 1/1 running 1 waiting, stopped>"
            with pytest.raises(ac.MisuseError, match=r"cannot submit: <WorkerPool 'p' .* takes no more jobs"):
                await pool.submit(value, 1)
            with pytest.raises(ac.MisuseError):
                await pool.submit_wait(value, 1)
            with pytest.raises(ac.MisuseError, match="cannot map"):
                pool.map(value, [1])
            calls.end("a", 0)
            await settle()
            assert not stopping.done()
            calls.end("b", 1)
            await stopping
            await pool.stop()
            assert [job.result() for job in jobs] == ["a", "b"]

    run(main)


def test_stop_without_waiting_drops_and_cancels(run):
    async def main():
        ended = []

        async def job():
            try:
                await for_ever()
            finally:
                await turns(3)
                ended.append("job")

        async with ac.WorkerPool(1, name="p") as pool:
            running, in_line = await pool.submit(job), await pool.submit(job)
            await settle()
            await pool.stop(wait=False)
            assert ended == ["job"]
            for future in (running, in_line):
                with pytest.raises(ac.Canceled, match="stopped"):
                    await future
            assert counts(pool) == (0, 0, 0, 0, 2)
            assert await turns(3, "the body goes on") == "the body goes on"

    run(main)


def test_stop_tells_those_who_wait_for_room(run):
    async def main():
        gate = Gate()
        async with ac.WorkerPool(1, queue=0) as pool:
            await pool.submit(gate)
            outside = [asyncio.create_task(pool.submit(gate)) for _ in range(2)]
            await settle()
            stopping = asyncio.create_task(pool.stop())
            await asyncio.wait(outside)
            for task in outside:
                assert "was stopped while this waited for room" in str(task.exception())
                assert isinstance(task.exception(), ac.MisuseError)
            gate.open.set()
            await stopping
        assert len(gate.came) == 1

    run(main)


def test_a_cancelled_stop_leaves_it_stopped_and_can_be_hurried(run):
    async def main():
        async with ac.WorkerPool(1) as pool:
            job = await pool.submit(for_ever)
            stopping = asyncio.create_task(pool.stop())
            await settle()
            stopping.cancel()
            await settle()
            assert stopping.cancelled()
            with pytest.raises(ac.MisuseError):
                await pool.submit(value, 1)
            await pool.stop(wait=False)
            assert isinstance(job.exception(), ac.Canceled)

    run(main)


def test_a_job_cannot_stop_its_pool(run):
    async def main():
        async with ac.WorkerPool(1) as pool:

            async def stops():
                await turns(1)
                await pool.stop()

            with pytest.raises(ac.MisuseError, match="would wait for itself"):
                await pool.submit_wait(stops)
            assert await pool.submit_wait(value, "not stopped") == "not stopped"

    run(main)


# -- PL11: sizes that change


def test_pl11_resize(run):
    async def main():
        calls = Calls()
        async with ac.WorkerPool(1) as pool:
            for number in range(6):
                await pool.submit(calls, number)
            await settle()
            pool.resize(3)
            await settle()
            assert (len(calls), pool.size) == (3, 3)
            pool.resize(1)
            for number, running in ((0, 2), (1, 1), (2, 1)):
                calls.end(None, number)
                await settle()
                assert pool.running == running
            assert len(calls) == 4
            pool.resize(100)
            await settle()
            assert len(calls) == 6
            for number in (3, 4, 5):
                calls.end(None, number)

    run(main)


def test_resize_makes_room_for_those_outside(run):
    async def main():
        gate = Gate()
        async with ac.WorkerPool(1, queue=0) as pool:
            tasks = [asyncio.create_task(pool.submit(gate, n)) for n in range(3)]
            await settle()
            pool.resize(2)
            await settle()
            assert gate.came == [0, 1]
            gate.open.set()
            await asyncio.wait(tasks)

    run(main)


# -- the end: of the body, from outside, of the context


def ends_with(future, kind):
    return future.done() and not future.cancelled() and type(future.exception()) is kind


def test_an_error_of_the_body_ends_all_jobs(run):
    async def main():
        gate = Gate()
        async with no_leaks():
            with pytest.raises(Boom):
                async with ac.WorkerPool(1, queue=1) as pool:
                    jobs = [await pool.submit(gate, n) for n in range(2)]
                    outside = asyncio.create_task(pool.submit(gate, 2))
                    await settle()
                    raise Boom
            assert all(ends_with(job, ac.Canceled) for job in jobs)
            assert ends_with(await outside, ac.Canceled)
            assert (gate.came, gate.inside, counts(pool)) == ([0], 0, (0, 0, 0, 0, 3))

    run(main)


def test_an_error_of_a_job_is_not_taken_for_one_of_the_block(run):
    """Even if the body fails in the turn in which the job has, before anybody was told."""

    async def main():
        job_failed = asyncio.Event()

        async def fails_too():
            job_failed.set()
            raise KeyError("the job's")

        with pytest.raises(Boom) as raised:
            async with ac.WorkerPool(1) as pool:
                job = await pool.submit(fails_too)
                await job_failed.wait()
                raise Boom
        assert not hasattr(raised.value, "__notes__")
        assert isinstance(job.exception(), KeyError)

    run(main)


@pytest.mark.parametrize("leaving", [False, True])
def test_cancelled_from_outside_jobs_are_awaited_and_told(run, leaving):
    async def main():
        ended, jobs = [], []

        async def job():
            try:
                await for_ever()
            finally:
                await turns(3)
                ended.append("job")

        async def body():
            async with ac.WorkerPool(1) as pool:
                jobs.extend([await pool.submit(job), await pool.submit(job)])
                if not leaving:
                    await for_ever()

        async with no_leaks():
            task = asyncio.create_task(body())
            await settle()
            task.cancel("why")
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
        assert raised.value.args == ("why",)
        assert ended == ["job"]
        assert all(ends_with(job, ac.Canceled) for job in jobs)

    run(main)


def test_the_end_of_the_context_ends_the_pool(run):
    async def main():
        ctx = ac.background().with_cancel()
        async with no_leaks():
            with pytest.raises(ac.Canceled):
                async with ac.WorkerPool(1, ctx=ctx) as pool:
                    jobs = [await pool.submit(for_ever) for _ in range(3)]
                    waits = asyncio.create_task(pool.submit_wait(for_ever))
                    await settle()
                    ctx.cancel()
                    jobs.append(await pool.submit(for_ever))  # before anybody was told
                    await for_ever()
            assert all(ends_with(job, ac.Canceled) for job in jobs)
            await asyncio.wait([waits])
            assert ends_with(waits, ac.Canceled)
            assert len({id(job.exception()) for job in jobs}) == 4  # each has its own traceback

    run(main)


def test_entered_under_a_context_that_has_ended_it_runs_nothing(run):
    async def main():
        gate, ctx = Gate(), ac.background().with_cancel()
        ctx.cancel()
        with pytest.raises(ac.Canceled):
            async with ac.WorkerPool(1, queue=0, ctx=ctx) as pool:
                jobs = [await pool.submit(gate) for _ in range(3)]
                with pytest.raises(ac.Canceled):
                    await pool.submit_wait(gate)
        assert all(ends_with(job, ac.Canceled) for job in jobs)
        assert (gate.came, counts(pool)) == ([], (0, 0, 0, 0, 4))

    run(main)


def test_a_deadline_tells_jobs_that_it_was_one():
    async def main():
        with ac.background().with_timeout(10) as ctx, pytest.raises(ac.DeadlineExceeded):
            async with ac.WorkerPool(1, ctx=ctx) as pool:
                first, second = await pool.submit(asyncio.sleep, 7, "first"), await pool.submit(asyncio.sleep, 7)
        assert await first == "first"
        assert ends_with(second, ac.DeadlineExceeded)
        assert asyncio.get_running_loop().time() == 10

    virtual.run(main)


def test_a_cancelled_anyio_scope_around_a_pool(run):
    async def main():
        ended = []

        async def job():
            try:
                await for_ever()
            finally:
                await turns(20)
                ended.append("job")

        with anyio.CancelScope() as scope:
            async with ac.WorkerPool(1) as pool:
                await pool.submit(job)
                await settle()
                scope.cancel()
                await for_ever()
        assert (ended, pool.cancelled) == (["job"], 1)

    run(main)


def test_keyboard_interrupt_of_a_job_goes_out():
    async def main():
        async with ac.WorkerPool(1) as pool:
            jobs.extend([await pool.submit(fails, KeyboardInterrupt()), await pool.submit(for_ever)])

    jobs = []
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert all(ends_with(job, ac.Canceled) for job in jobs)


def test_a_pool_that_was_left_in_a_hurry_tells_its_jobs(run):
    """The coroutine of the body is closed while it leaves; nobody is there to wait for anything."""

    async def main():
        held = []

        async def body():
            async with ac.WorkerPool(1, results=True) as pool:
                held.extend([pool, await pool.submit(for_ever), await pool.submit(for_ever)])

        async with no_leaks():
            coro = body()
            coro.send(None)
            await settle()
            coro.close()
            await settle()
        pool, *jobs = held
        assert all(ends_with(job, ac.Canceled) for job in jobs)
        assert pool.results.closed

    run(main)


# -- contexts, memory


def test_jobs_see_the_variables_of_their_submitters(run):
    async def main():
        seen = []

        async def looks():
            seen.append((who.get(), ac.current_context() is ctx))
            who.set("nobody else sees this")
            await asyncio.sleep(0)

        async def submits(name):
            who.set(name)
            await pool.submit(looks)
            who.set("later")

        async with ac.WorkerPool(1, queue=2) as pool:
            ctx = ac.current_context()
            others = [contextvars.Context().run(asyncio.create_task, submits(name)) for name in "abcdef"]
            await asyncio.wait(others)
        assert seen == [(name, True) for name in "abcdef"]
        assert ctx.err() is not None

    run(main)


def test_what_has_run_is_not_kept(run):
    async def main():
        class Payload:
            pass

        async def takes(payload):
            return type(payload).__name__

        async with ac.WorkerPool(1) as pool:
            blocker = await pool.submit(for_ever)
            payloads = [Payload(), Payload()]
            seen = [weakref.ref(payload) for payload in payloads]
            done, cancelled = [await pool.submit(takes, payload) for payload in payloads]
            payloads.clear()
            cancelled.cancel()
            gc.collect()
            assert [ref() is None for ref in seen] == [False, True]
            blocker.cancel()
            assert await done == "Payload"
            gc.collect()
            assert seen[0]() is None

    run(main)


def test_jobs_cancelled_in_line_do_not_pile_up(run):
    async def main():
        async with ac.WorkerPool(1) as pool:
            blocker = await pool.submit(for_ever)
            for _ in range(3000):
                (await pool.submit(value, 1)).cancel()
                assert pool.waiting == 0
            blocker.cancel()

    run(main)


def test_a_pool_that_was_left_dies_without_the_collector():
    async def main():
        async with ac.WorkerPool(1, results=True) as pool:
            for _ in range(3):
                await pool.submit(value, 1)
        return weakref.ref(pool)

    gc.disable()
    try:
        with asyncio.Runner() as runner:
            seen = runner.run(main())
            assert seen() is None
    finally:
        gc.enable()


# -- misuse


@pytest.mark.parametrize("n", [0, -1], ids=repr)
def test_sizes_that_are_too_small(run, n):
    with pytest.raises(ValueError, match=f"n must be at least 1, not {n}"):
        ac.WorkerPool(n)

    async def main():
        async with ac.WorkerPool(1) as pool:
            with pytest.raises(ValueError, match=f"not {n}"):
                pool.resize(n)

    run(main)


@pytest.mark.parametrize("n", [True, 1.5, "2", None], ids=repr)
def test_sizes_that_are_no_whole_numbers(n):
    with pytest.raises(TypeError, match="n must be a whole number, not "):
        ac.WorkerPool(n)
    with pytest.raises(TypeError, match="queue must be a whole number, not "):
        ac.WorkerPool(1, queue=n)


def test_a_queue_that_is_too_small():
    with pytest.raises(ValueError, match="queue must be at least 0, not -1"):
        ac.WorkerPool(1, queue=-1)
    with pytest.raises(TypeError, match="not nan"):
        ac.WorkerPool(1, queue=math.nan)


@pytest.mark.parametrize("arguments", [{"ctx": 7}, {"name": 7}], ids=repr)
def test_bad_arguments(arguments):
    with pytest.raises(TypeError, match="not 7"):
        ac.WorkerPool(1, **arguments)


def test_functions_that_are_none(run):
    async def main():
        async with ac.WorkerPool(1) as pool:
            with pytest.raises(TypeError, match="not 7"):
                await pool.submit(7)
            with pytest.raises(TypeError, match=r"write go\(fn, arg\)"):
                await pool.submit(for_ever())
            with pytest.raises(TypeError, match="not 7"):
                pool.map(7, [])
            with pytest.raises(TypeError, match="iterable"):
                pool.map(value, 7)
            assert counts(pool) == (0, 0, 0, 0, 0)

    run(main)


def test_only_inside_of_its_block(run):
    async def main():
        pool = ac.WorkerPool(1)
        assert repr(pool) == "<WorkerPool not entered>"
        for _ in range(2):
            with pytest.raises(ac.MisuseError, match=r"cannot submit: <WorkerPool (not entered|left)>"):
                await pool.submit(value, 1)
            with pytest.raises(ac.MisuseError):
                pool.map(value, [])
            with pytest.raises(ac.MisuseError):
                await pool.stop()
            with pytest.raises(ac.MisuseError):
                pool.resize(2)
            if "left" not in repr(pool):
                async with pool:
                    pass
        with pytest.raises(ac.MisuseError, match="entered before"):
            await pool.__aenter__()

    run(main)


def test_only_in_its_loop(run):
    async def main():
        async with ac.WorkerPool(1) as pool:
            errors = []

            def elsewhere():
                async def submits():
                    await pool.submit(value, 1)

                try:
                    asyncio.run(submits())
                except ac.WrongLoop as error:
                    errors.append(error)

            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            assert len(errors) == 1
            assert pool.running == 0

    run(main)


def test_map_tells_of_errors_behind_the_one_that_it_raises(run):
    """They have happened, and nobody else can ask for them."""

    async def fail(number):
        raise Boom(number)

    async def main():
        told = listen()
        async with ac.WorkerPool(4) as pool:
            with pytest.raises(Boom, match="0"):
                async with contextlib.aclosing(pool.map(fail, range(4))) as results:
                    await settle()
                    async for _ in results:
                        pass
        assert sorted(str(context["exception"]) for context in told) == ["1", "2", "3"]

    run(main)


def test_a_job_that_says_itself_that_the_context_is_over_is_no_noise(run):
    async def job():
        try:
            await for_ever()
        except asyncio.CancelledError:
            await ac.retry(asyncio.sleep, 0.0)  # which refuses to begin

    async def main():
        told = listen()

        async def body():
            async with ac.WorkerPool(2) as pool:
                await pool.submit(job)
                await pool.submit(job)
                await settle()
                asyncio.get_running_loop().call_soon(ctx.cancel)
                await for_ever()

        ctx = ac.background().with_cancel()
        with pytest.raises(ac.Canceled):
            await ctx.run(body)
        gc.collect()
        assert not told

    run(main)
