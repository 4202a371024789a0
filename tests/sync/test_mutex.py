"""`Mutex`: exclusion, order, misuse, reports (LK02-LK05, LK11, LK12, B01-B11, P01-P07)."""

import asyncio
import contextlib
import copy
import gc
import pickle
import weakref

import pytest

import aiochan as ac
from aiochan.testing import virtual


async def turn():
    await asyncio.sleep(0)


async def turns(n=10):
    for _ in range(n):
        await turn()


def in_line(mutex, n, order=None):
    """Start tasks that stand in line, one behind the other, and say when they have it."""

    async def work(number):
        async with mutex:
            if order is not None:
                order.append(number)
            await turn()

    return [asyncio.create_task(work(number), name=f"w{number}") for number in range(n)]


async def held(**kwargs):
    """Make a mutex that another task has locked, and left to us."""
    mutex = ac.Mutex(**kwargs)
    await asyncio.create_task(mutex.lock())
    return mutex


# -- what it is for


@pytest.mark.parametrize("locked", [True, False], ids=["with a mutex", "without"])
def test_one_at_a_time(run, loop_kind, locked):
    """LK02; B01, B02, B05, B07, B09: a read, a turn of the loop and a write stay together, and only with a mutex."""
    times = 20 if loop_kind == "debug" else 100

    async def main():
        mutex, count = ac.Mutex(), 0

        async def add():
            nonlocal count
            for _ in range(times):
                async with mutex if locked else contextlib.nullcontext():
                    seen = count
                    await turn()
                    count = seen + 1

        await asyncio.gather(*[add() for _ in range(10)])
        assert (count == 10 * times) == locked
        assert not mutex.locked
        mutex._check()

    run(main)


def test_it_goes_back_to_normal(run):
    """LK02: when the last one who waited has it, newcomers take it without waiting as soon as it is free."""

    async def main():
        mutex, order = await held(), []
        tasks = in_line(mutex, 3, order)
        await turn()
        mutex.unlock()
        await asyncio.gather(*tasks)
        for _ in range(3):
            with pytest.raises(StopIteration):
                mutex.lock().send(None)
            mutex.unlock()

    run(main)


def test_first_come_first_served(run):
    async def main():
        mutex, order = ac.Mutex(), []
        await mutex.lock()
        tasks = in_line(mutex, 5, order)
        await turn()
        mutex.unlock()
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3, 4]

    run(main)


def test_nobody_slips_in_while_it_is_handed_over(run):
    """LK02, LK03, P06: unlocked and wanted again in one step, it is not had: it belongs to the one who waited."""

    async def main():
        mutex = ac.Mutex()
        await mutex.lock()
        [first] = in_line(mutex, 1)
        await turn()
        mutex.unlock()
        assert mutex.locked
        assert mutex.owner is first
        assert not mutex.try_lock()
        await mutex.lock()
        assert first.done()
        mutex.unlock()
        await first

    run(main)


def test_try_lock(run):
    """LK03, B11, P06: what Go has since 1.18."""

    async def main():
        mutex = ac.Mutex()
        assert mutex.try_lock()
        assert mutex.owner is asyncio.current_task()
        assert not mutex.try_lock()
        mutex.unlock()
        assert mutex.try_lock()
        mutex.unlock()

    run(main)


def test_try_lock_needs_no_loop():
    mutex = ac.Mutex("m")
    assert mutex.try_lock()
    assert (mutex.locked, mutex.owner) == (True, None)
    assert repr(mutex) == "<Mutex 'm' locked, 0 waiting>"
    mutex.unlock()
    assert not mutex.locked


def test_lock_outside_of_a_task_is_nobodys(run):
    async def main():
        mutex, loop = ac.Mutex(), asyncio.get_running_loop()
        done = loop.create_future()

        def callback():
            done.set_result(mutex.try_lock())

        loop.call_soon(callback)
        assert await done
        assert mutex.owner is None
        waiting = in_line(mutex, 1)
        await turn()
        mutex.unlock()
        await asyncio.gather(*waiting)
        assert not mutex.locked

    run(main)


@pytest.mark.parametrize("n", [0, 1, 2, 10, 11, 1000])
def test_counts_are_exact(run, n):
    """LK05, P07: of `n` tasks that want it, one has it and the others wait, at each moment."""

    async def main():
        mutex, gates = ac.Mutex(), [ac.Signal() for _ in range(n)]

        async def work(gate):
            async with mutex:
                await gate.wait()

        tasks = [asyncio.create_task(work(gate)) for gate in gates]
        await turn()
        for number, gate in enumerate(gates):
            assert mutex.locked + mutex.waiters == n - number
            gate.close()
            await tasks[number]
            mutex._check()
        assert (mutex.locked, mutex.waiters) == (False, 0)

    run(main)


def test_counts_know_nobody_who_was_cancelled(run):
    async def main():
        mutex = ac.Mutex()
        tasks = in_line(mutex, 11)
        await turn()
        for task in tasks[1::2]:
            task.cancel()
        assert mutex.locked + mutex.waiters == 6
        await asyncio.gather(*tasks, return_exceptions=True)
        assert mutex.locked + mutex.waiters == 0

    run(main)


@pytest.mark.parametrize("how", ["return", "raise", "cancel"])
def test_every_way_out_of_the_block_unlocks(run, how):
    """B04, B06: an early return, an error, a cancellation."""

    async def main():
        mutex = ac.Mutex()

        async def work():
            async with mutex:
                await turn()
                if how == "return":
                    return
                if how == "raise":
                    raise LookupError
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await turns(3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not mutex.locked

    run(main)


# -- giving up


def test_lock_with_a_timeout(run):
    """LK04: time runs out without the lock, and the line goes on."""

    async def main():
        mutex, order = await held(), []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await mutex.lock()
        assert mutex.waiters == 0
        tasks = in_line(mutex, 2, order)
        await turn()
        mutex.unlock()
        await asyncio.gather(*tasks)
        assert order == [0, 1]

    run(main)


def test_lock_with_a_context(run):
    """LK04."""

    async def main():
        mutex = ac.Mutex()
        await mutex.lock()
        with ac.background().with_cancel() as ctx:
            waiting = asyncio.create_task(ctx.run(mutex.lock))
            await turns()
            assert mutex.waiters == 1
            ctx.cancel()
            with pytest.raises(ac.Canceled):
                await waiting
        assert mutex.waiters == 0
        mutex.unlock()
        assert not mutex.locked

    run(main)


def test_cancelled_while_it_was_handed_over(run):
    """LK04: what was granted goes on to the next in line, in the step in which the cancellation arrives."""

    async def main():
        mutex, order = ac.Mutex(), []
        await mutex.lock()
        tasks = in_line(mutex, 3, order)
        await turn()
        mutex.unlock()
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [1, 2]
        assert not mutex.locked

    run(main)


def test_the_last_one_is_cancelled_while_it_was_handed_over(run):
    async def main():
        mutex = ac.Mutex()
        await mutex.lock()
        [task] = in_line(mutex, 1)
        await turn()
        mutex.unlock()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert mutex.try_lock()
        mutex.unlock()

    run(main)


def test_a_coroutine_that_is_closed_in_line(run):
    async def main():
        mutex = await held()
        coro = mutex.lock()
        coro.send(None)
        assert mutex.waiters == 1
        coro.close()
        assert mutex.waiters == 0
        mutex.unlock()
        assert not mutex.locked

    run(main)


# -- misuse


def test_unlock_of_an_unlocked_one(run):
    """P01: Go's words, with the name and what to do; nothing is changed."""

    async def main():
        mutex = ac.Mutex("db")
        for _ in range(2):
            with pytest.raises(
                ac.NotHeld, match=r"^unlock of unlocked mutex: <Mutex 'db' free>; there must be one lock"
            ):
                mutex.unlock()
            async with mutex:
                assert mutex.locked

    run(main)


def test_any_task_may_unlock(run):
    """LK02: it is not owned."""

    async def main():
        mutex = ac.Mutex()
        await mutex.lock()

        async def unlock():
            mutex.unlock()

        await asyncio.create_task(unlock())
        assert (mutex.locked, mutex.owner) == (False, None)

    run(main)


def test_locking_it_twice(run, loop_kind):
    """B03, B08, B10, P04: in debug mode it is an error, else the task waits for whoever unlocks it."""

    async def main():
        mutex = ac.Mutex("db")

        async def twice():
            await mutex.lock()
            await mutex.lock()
            return "unlocked by another"

        task = asyncio.create_task(twice(), name="T")
        await turns()
        if loop_kind == "debug":
            with pytest.raises(
                ac.MisuseError,
                match=r"T has locked <Mutex 'db' locked by T, .* and would wait for itself; .* ReentrantMutex",
            ):
                await task
            assert (mutex.locked, mutex.waiters) == (True, 0)
        else:
            assert not task.done()
            mutex.unlock()
            assert await task == "unlocked by another"
        mutex.unlock()

    run(main)


def test_in_debug_mode_others_may_wait(run):
    """The check is about the task that has it: after a hand-over that is another one."""

    async def main():
        mutex = ac.Mutex()

        async def again():
            for _ in range(3):
                async with mutex:
                    await turn()

        await asyncio.gather(again(), again(), again())

    run(main)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_cannot_be_copied(duplicate):
    """LK11, P03."""
    with pytest.raises(TypeError, match=r"<Mutex 'db' free> cannot be copied or pickled"):
        duplicate(ac.Mutex("db"))


def test_a_name_is_a_string():
    with pytest.raises(TypeError, match="the name of a Mutex must be a string, not 7"):
        ac.Mutex(7)


def test_one_loop_only():
    """It belongs to the loop on which somebody first waited for it."""
    mutex = ac.Mutex()
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(mutex.lock())
        waiting = loop.create_task(mutex.lock())
        loop.run_until_complete(turns(3))

        async def elsewhere():
            with pytest.raises(ac.WrongLoop, match="Mutex"):
                await mutex.lock()

        asyncio.run(elsewhere())
        mutex.unlock()
        loop.run_until_complete(waiting)
        assert mutex.locked
    finally:
        loop.close()


# -- reports


def test_it_names_its_owner(run):
    """P02: who forgot to unlock it is told by `repr`."""

    async def main():
        mutex = ac.Mutex("db")
        assert repr(mutex) == "<Mutex 'db' free>"
        asyncio.current_task().set_name("me")
        await mutex.lock()
        assert mutex.owner is asyncio.current_task()
        tasks = in_line(mutex, 3)
        await turn()
        assert repr(mutex) == "<Mutex 'db' locked by me, 3 waiting>"
        mutex.unlock()
        assert mutex.owner is tasks[0]
        assert repr(mutex) == "<Mutex 'db' locked by w0, 2 waiting>"
        await asyncio.gather(*tasks)
        assert mutex.owner is None
        assert repr(ac.Mutex()).startswith("<Mutex at 0x")

    run(main)


def test_a_deadlock_is_reported_with_who_waits_for_whom():
    """P02, P05, LK12: two tasks take two locks, each in its own order."""

    async def main():
        a, b = ac.Mutex("a"), ac.Mutex("b")

        async def takes(first, second):
            async with first:
                await turn()
                async with second:
                    raise AssertionError("both have both")

        async with asyncio.TaskGroup() as group:
            group.create_task(takes(a, b), name="ab")
            group.create_task(takes(b, a), name="ba")

    with pytest.raises(virtual.Deadlock) as told:
        virtual.run(main)
    assert "ab: waits for wait on <Mutex 'b' locked by ba, 1 waiting>" in str(told.value)
    assert "ba: waits for wait on <Mutex 'a' locked by ab, 1 waiting>" in str(told.value)


def test_the_owner_is_right_on_one_loop_after_the_other():
    """It remembers the loop that it was locked on, which may not be the next one."""
    mutex = ac.Mutex()

    async def owned():
        async with mutex:
            assert mutex.owner is asyncio.current_task()

    for _ in range(3):
        asyncio.run(owned())


def test_it_keeps_nobody_alive(run):
    async def main():
        mutex = ac.Mutex()

        async def use(mutex):
            async with mutex:
                await turn()

        tasks = [asyncio.create_task(use(mutex)) for _ in range(3)]
        known = [weakref.ref(task) for task in tasks]
        await asyncio.gather(*tasks)
        gc.disable()
        try:
            del tasks
            await turns(3)
            assert [ref() for ref in known] == [None] * 3
            dies = weakref.ref(mutex)
            del mutex
            assert dies() is None
        finally:
            gc.enable()

    run(main)
