"""Virtual time: it stands still while somebody can run, moves exactly, and tells of deadlocks."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

import aiochan as ac
from aiochan.testing.order import Order
from aiochan.testing.virtual import (
    BusyWaiting,
    Deadlock,
    LeftBehind,
    VirtualLoop,
    advance,
    run,
    settle,
)

SEEDS = [None, *range(5)]


def now() -> float:
    return asyncio.get_running_loop().time()


# -- time


@pytest.mark.parametrize("seed", SEEDS)
def test_time_starts_at_0_and_jumps_to_the_next_timer(seed: int | None) -> None:
    async def main() -> str:
        assert now() == 0
        await asyncio.sleep(86_400)
        assert now() == 86_400
        return await asyncio.sleep(0.5, "done")

    assert run(main, seed=seed) == "done"


def test_time_stands_still_while_somebody_can_run() -> None:
    async def main() -> None:
        sleeper = asyncio.create_task(asyncio.sleep(0.001))
        for _ in range(1000):
            await asyncio.sleep(0)
        assert now() == 0
        assert not sleeper.done()
        await sleeper

    run(main)


def test_a_timer_that_is_due_fires_although_somebody_is_always_ready() -> None:
    async def main() -> None:
        fired = asyncio.Event()
        asyncio.get_running_loop().call_later(0, fired.set)
        for _ in range(10):
            await asyncio.sleep(0)
        assert fired.is_set()

    run(main)


@pytest.mark.parametrize("seed", SEEDS)
def test_advance_moves_exactly_and_fires_timers_in_order(seed: int | None) -> None:
    async def main() -> None:
        log: list[tuple[str, float]] = []

        async def beat(name: str, period: float) -> None:
            while True:
                await asyncio.sleep(period)
                log.append((name, now()))

        beats = [asyncio.create_task(beat("a", 2)), asyncio.create_task(beat("b", 3))]
        await advance(5)
        assert now() == 5
        assert log == [("a", 2.0), ("b", 3.0), ("a", 4.0)]
        await advance(0.5)
        assert now() == 5.5
        await advance(0.5)
        assert sorted(log[3:]) == [("a", 6.0), ("b", 6.0)]
        for task in beats:
            task.cancel()
        await settle()

    run(main, seed=seed)


def test_advance_settles_between_timers() -> None:
    """What a timer sets off happens before the next one, new timers included."""

    async def main() -> None:
        with Order() as order:

            async def chain() -> None:
                await asyncio.sleep(1)
                await asyncio.sleep(0)
                order.expect(1)
                await asyncio.sleep(0.5)
                order.expect(2)

            async def late() -> None:
                await asyncio.sleep(2)
                await asyncio.sleep(0)
                order.expect(3)

            asyncio.create_task(late())
            asyncio.create_task(chain())
            await advance(2)
            order.finish(4)

    run(main)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_advance_refuses(seconds: float) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="finite number of seconds"):
            await advance(seconds)

    run(main)


def test_advance_that_is_cancelled_leaves_no_timer() -> None:
    async def main() -> None:
        waiting = asyncio.create_task(advance(100))
        await advance(10)
        waiting.cancel()
        await settle()
        assert now() == 10
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        assert loop.timers == []

    run(main)


@pytest.mark.parametrize("function", [settle, lambda: advance(1)])
def test_only_a_virtual_loop_has_time_to_move(function: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="only a VirtualLoop"):
            await function()

    asyncio.run(main())


# -- settle


@pytest.mark.parametrize("seed", SEEDS)
def test_settle_waits_until_all_others_wait(seed: int | None) -> None:
    async def main() -> None:
        ch, done = ac.Chan[int](), list[int]()

        async def relay(n: int) -> None:
            for _ in range(n):
                await asyncio.sleep(0)
            done.append(await ch.recv())

        tasks = [asyncio.create_task(relay(n)) for n in range(5)]
        await settle()
        assert ch.stats().parked_receivers == 5
        for n in range(5):
            ch.send_nowait(n)
        assert done == []
        await settle()
        assert sorted(done) == list(range(5))
        assert all(task.done() for task in tasks)

    run(main, seed=seed)


def test_several_tasks_that_settle_go_on_one_at_a_time() -> None:
    async def main() -> None:
        with Order() as order:

            async def second() -> None:
                order.expect(1)
                await settle()
                order.expect(3)
                await asyncio.sleep(0)
                order.expect(4)

            task = asyncio.create_task(second())
            await asyncio.sleep(0)
            order.expect(2)
            await settle()
            order.finish(5)
            assert task.done()

    run(main)


def test_settle_that_is_cancelled_does_not_stop_the_others() -> None:
    async def main() -> None:
        task = asyncio.create_task(settle())
        asyncio.get_running_loop().call_soon(task.cancel)
        await settle()
        assert task.cancelled()

    run(main)


# -- seeds


def schedule(seed: int | None) -> list[int]:
    async def main() -> list[int]:
        log: list[int] = []

        async def worker(n: int) -> None:
            for _ in range(3):
                log.append(n)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for n in range(4):
                group.create_task(worker(n))
        return log

    return run(main, seed=seed)


def test_without_a_seed_tasks_run_first_come_first_served() -> None:
    assert schedule(None) == [0, 1, 2, 3] * 3


def test_a_seed_shuffles_and_repeats() -> None:
    assert [schedule(seed) for seed in range(10)] == [schedule(seed) for seed in range(10)]
    assert len({tuple(schedule(seed)) for seed in range(10)}) > 5


def test_a_seed_does_not_shuffle_plain_callbacks() -> None:
    async def main() -> list[int]:
        log: list[int] = []
        for n in range(5):
            asyncio.get_running_loop().call_soon(log.append, n)
        await settle()
        return log

    assert all(run(main, seed=seed) == list(range(5)) for seed in range(5))


def test_a_seed_decides_what_select_chooses() -> None:
    async def main() -> list[int]:
        one, two = ac.Chan[int](20), ac.Chan[int](20)
        for n in range(20):
            one.send_nowait(n)
            two.send_nowait(n)
        return [(await ac.select(ac.recv(one), ac.recv(two)))[0] for _ in range(20)]

    assert run(main, seed=1) == run(main, seed=1) != run(main, seed=2)
    assert run(main) == run(main)
    before = ac.core.set_dice(None)
    assert before is None  # the library's own dice are back


# -- the rest of asyncio


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_asyncio_works_as_ever(seed: int | None, eager: bool) -> None:
    if eager and sys.version_info < (3, 12):
        pytest.skip("no eager tasks yet")

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        assert now() == 5
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 5)
        assert now() == 10
        assert await asyncio.wait_for(asyncio.sleep(1, "x"), 5) == "x"
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(queue.put(1))
            assert await group.create_task(queue.get()) == 1
        with pytest.raises(ExceptionGroup):
            await fail_together()
        assert now() == 11
        assert await asyncio.gather(asyncio.sleep(1, 1), asyncio.sleep(2, 2)) == [1, 2]

    async def fail_together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(asyncio.sleep(1000))

    async def fail() -> None:
        await asyncio.sleep(0)  # an eager child that fails before it waits confuses its group
        raise ZeroDivisionError

    run(main, seed=seed, eager=eager)


def test_eager_tasks_start_at_once() -> None:
    async def main() -> None:
        with Order() as order:

            async def child() -> None:
                order.expect(1)

            task = asyncio.create_task(child())
            order.finish(2)
            await task

    if sys.version_info >= (3, 12):
        run(main, eager=True)
    else:
        with pytest.raises(NotImplementedError, match=r"3\.12"):
            run(main, eager=True)


def test_debug_mode_is_on_for_the_run_only() -> None:
    async def main() -> None:
        assert asyncio.get_running_loop().get_debug()
        assert sys.get_coroutine_origin_tracking_depth() > 0

    depth = sys.get_coroutine_origin_tracking_depth()
    run(main, debug=True)
    assert sys.get_coroutine_origin_tracking_depth() == depth


def test_threads_are_refused_with_a_reason() -> None:
    async def main() -> None:
        with pytest.raises(NotImplementedError, match="no threads on virtual time"):
            await asyncio.to_thread(print)

    run(main)


def test_as_a_loop_factory() -> None:
    async def main() -> float:
        await asyncio.sleep(10)
        return now()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == 10
        assert runner.run(main()) == 20


def test_run_forever_until_stopped() -> None:
    loop = VirtualLoop()
    loop.call_later(7, loop.stop)
    loop.run_forever()
    assert loop.time() == 7
    future = loop.create_future()
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match="stopped before its future was done"):
        loop.run_until_complete(future)
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_forever()


def test_an_error_of_main_comes_out_with_the_seed() -> None:
    async def main() -> None:
        await asyncio.sleep(1)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine") as caught:
        run(main, seed=3)
    assert caught.value.__notes__ == ["seed=3"]


def test_a_keyboard_interrupt_comes_out_at_once() -> None:
    async def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(main)


# -- deadlocks and what is left behind


def test_a_deadlock_is_reported_with_everybody_and_what_they_wait_for() -> None:
    jobs = ac.Chan[int](name="jobs")

    async def reader() -> None:
        await jobs.recv()

    async def chooser() -> None:
        await ac.select(ac.recv(jobs), ac.recv(ac.Chan[str](name="other")))

    async def main() -> None:
        tasks = [
            asyncio.create_task(reader(), name="reader"),
            asyncio.create_task(chooser(), name="chooser"),
        ]
        await asyncio.gather(*tasks)

    with pytest.raises(Deadlock) as caught:
        run(main)
    text = str(caught.value)
    assert "reader: waits for recv on <Chan 'jobs' 0/0 open" in text
    assert "in reader" in text
    assert "chooser: waits for case 0: recv on <Chan 'jobs'" in text
    assert "; case 1: recv on <Chan 'other'" in text
    assert "main: waits for <_GatheringFuture pending" in text
    assert "test_virtual.py:" in text


def test_a_deadlock_of_run_forever() -> None:
    loop = VirtualLoop()
    with pytest.raises(Deadlock, match="nobody can run"):
        loop.run_forever()
    loop.close()


def test_a_task_that_will_not_end_after_a_deadlock_is_reported_too() -> None:
    async def main() -> None:
        never = asyncio.get_running_loop().create_future()
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(never)

    with pytest.raises(Deadlock) as caught:
        run(main)
    assert "did not end when cancelled" in caught.value.__notes__[0]


def test_somebody_who_never_lets_time_go_on_is_found() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.busy_limit = 100
        loop.call_later(1, print)
        while loop.time() < 1:  # noqa: ASYNC110 - this is what the test is about
            await asyncio.sleep(0)

    with pytest.raises(BusyWaiting, match=r"(?s)100 callbacks without time going on.*main: "):
        run(main)


def test_tasks_left_behind_are_reported_and_ended() -> None:
    ended: list[str] = []

    async def straggler() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)  # may take its time
            ended.append("ended")

    async def main() -> None:
        asyncio.create_task(straggler(), name="straggler")
        await settle()

    with pytest.raises(LeftBehind, match=r"straggler: waits for <Future .* in straggler"):
        run(main)
    assert ended == ["ended"]


def test_what_is_left_behind_by_an_error_stands_in_its_notes() -> None:
    async def straggler() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            raise ValueError("late")

    async def main() -> None:
        asyncio.create_task(straggler(), name="straggler")
        await settle()
        raise LookupError

    with pytest.raises(LookupError) as caught:
        run(main)
    assert "left behind:\n  straggler: " in caught.value.__notes__[0]
    assert caught.value.__notes__[1] == "straggler failed when cancelled: ValueError('late')"


def test_an_error_that_nobody_heard_is_reported() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await settle()

    with pytest.raises(LeftBehind, match=r"exception handler was told: .*ZeroDivisionError"):
        run(main)


def test_a_handler_of_ones_own_hears_instead() -> None:
    heard: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))
        loop.call_soon(lambda: 1 / 0)
        await settle()

    run(main)
    assert isinstance(heard[0], ZeroDivisionError)


def test_generators_that_were_left_half_way_are_closed() -> None:
    log: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(1)
            log.append("closed")

    kept = numbers()

    async def main() -> int:
        return await anext(kept)

    assert run(main) == 1
    assert log == ["closed"]
