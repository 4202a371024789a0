"""`Cond`: waiting under a lock, in ticket order, and what a cancellation does (SY03-SY05, P10, E08).

Most of it is asked of each kind of lock that a condition may have. Why there is one at all (B18), and why nothing is
kept for later use when a wait has ended (SY06), is told in docs/guide/conditions.md.
"""

import asyncio
import contextlib
import copy
import gc
import math
import weakref

import pytest

import aiochan as ac
from aiochan.sync.cond import Cond
from aiochan.sync.mutex import Mutex
from aiochan.sync.reentrant import ReentrantMutex
from aiochan.sync.rwmutex import RWMutex
from aiochan.testing import virtual

LOCKS = {
    "Mutex": Mutex,
    "ReentrantMutex": ReentrantMutex,
    "RWMutex": RWMutex,
    "rlocker": lambda: RWMutex().rlocker(),
}


@pytest.fixture(params=LOCKS)
def mutex(request):
    """A lock of each kind."""
    return LOCKS[request.param]()


async def turns(n=5):
    for _ in range(n):
        await asyncio.sleep(0)


async def asleep(*coros):
    """Start them one after the other, and let each of them go to sleep."""
    tasks = []
    for coro in coros:
        tasks.append(asyncio.ensure_future(coro))
        await turns(2)
    await turns()
    assert not any(task.done() for task in tasks)
    return tasks


async def cancelled(task):
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    return raised.value


def whole(mutex):
    """The lock that can keep everybody out: of the reading side, the RWMutex itself."""
    return getattr(mutex, "_of", mutex)


def free(cond):
    """Tell whether nobody holds the mutex of a condition."""
    mutex = whole(cond.mutex)
    return not mutex.locked and not getattr(mutex, "readers", 0)


class Told:
    """Tasks that wait once, and who of them was told, in order."""

    def __init__(self, cond):
        self.cond, self.heard = cond, []

    async def wait(self, who):
        async with self.cond:
            await self.cond.wait()
            assert not free(self.cond), "who was told holds the lock"
            self.heard.append(who)

    async def asleep(self, whos):
        return await asleep(*map(self.wait, whos))


async def hold(mutex):
    """Keep everybody out, in another task, until what is returned is called."""
    go_on, held = ac.Signal(), ac.Signal()

    async def holder():
        await whole(mutex).lock()
        held.close()
        await go_on.wait()
        whole(mutex).unlock()

    task = asyncio.create_task(holder(), name="the holder")
    await held.wait()

    async def let_go():
        go_on.close()
        await task

    return let_go


# -- waiting and telling: SY03


def test_sy03_signals_wake_in_the_order_of_arrival(run, mutex):
    async def main():
        cond = Cond(mutex)
        told = Told(cond)
        tasks = await told.asleep(range(5))
        assert cond.waiters == 5
        for n in range(5):
            async with cond:
                assert cond.signal() == 1
            await turns()
            assert told.heard == list(range(n + 1))
            cond._check()
        assert cond.signal() == 0
        await asyncio.gather(*tasks)

    run(main)


def test_sy03_several_are_signalled_at_once(run, mutex):
    async def main():
        cond = Cond(mutex)
        told = Told(cond)
        tasks = await told.asleep("abcd")
        assert cond.signal(0) == 0
        assert cond.signal(3) == 3
        await turns()
        assert told.heard == ["a", "b", "c"]
        assert cond.signal(3) == 1
        await asyncio.gather(*tasks)

    run(main)


def test_sy03_a_broadcast_wakes_all_who_wait_and_may_be_repeated(run, mutex):
    async def main():
        cond = Cond(mutex)
        for whos in ("abc", "de", ""):
            told = Told(cond)
            tasks = await told.asleep(whos)
            assert cond.broadcast() == len(whos)
            await asyncio.gather(*tasks)
            assert told.heard == [*whos]
        assert free(cond)

    run(main)


def test_nobody_remembers_a_signal_that_nobody_heard(run, mutex):
    async def main():
        cond = Cond(mutex)
        assert (cond.signal(), cond.broadcast()) == (0, 0)
        tasks = await Told(cond).asleep("a")
        assert cond.signal() == 1
        await asyncio.gather(*tasks)

    run(main)


def test_p10_who_waits_must_hold_the_lock(run, mutex):
    async def main():
        cond = Cond(mutex, name="it")
        for wait in (cond.wait(), cond.wait_unlock(), cond.wait_timed(1), cond.wait_for(lambda: False)):
            with pytest.raises(ac.NotHeld, match=r"who waits for <Cond 'it' 0 waiting, of .* must hold its mutex"):
                await wait
            assert cond.waiters == 0
        assert free(cond)

    run(main)


def test_p10_that_another_task_holds_the_lock_is_not_enough(run, mutex):
    """Or its lock would be given up for it. A lock knows who has it, a reading side who is among those who have it."""

    async def main():
        cond = Cond(mutex)
        let_go = await hold(cond.mutex)
        with pytest.raises(ac.NotHeld, match="must hold its mutex"):
            await cond.wait()
        assert not free(cond), "it is still the other one's"
        await let_go()

    run(main)


def test_p10_that_another_task_reads_is_not_enough(run):
    async def main():
        rw, go_on = RWMutex(), ac.Signal()
        cond = Cond(rw.rlocker())

        async def reader():
            async with rw.reading():
                await go_on.wait()

        task = asyncio.create_task(reader(), name="the reader")
        await turns()
        with pytest.raises(ac.NotHeld, match="must hold its mutex, and not the reader"):
            await cond.wait()
        assert rw.readers == 1, "it is still the other one's"
        go_on.close()
        await task

    run(main)


def test_p10_to_be_woken_is_only_an_opportunity_to_look(run, mutex):
    """Two are told of one thing: who does not look again takes what is not there."""

    async def main():
        cond, things = Cond(mutex), []

        async def take():
            async with cond:
                while not things:
                    await cond.wait()
                return things.pop()

        tasks = await asleep(take(), take())
        for thing in "ab":
            async with cond:
                things.append(thing)
                cond.broadcast()
            await turns()
            assert sum(task.done() for task in tasks) == "ab".index(thing) + 1
        assert sorted(await asyncio.gather(*tasks)) == ["a", "b"]

    run(main)


def test_e08_the_race_begins_when_ten_are_ready(run, mutex):
    async def main():
        cond, ready, looks = Cond(mutex), [], []

        async def runner(n):
            for _ in range(n):
                await asyncio.sleep(0)
            async with cond:
                ready.append(n)
                cond.broadcast()

        async def referee():
            async with cond:
                while len(ready) < 10:
                    await cond.wait()
                    looks.append(len(ready))
            assert sorted(ready) == list(range(10))

        await asyncio.gather(referee(), *map(runner, range(10)))
        assert looks[-1] == 10

    run(main)


# -- tickets: SY04


def test_sy04_a_signal_of_who_gets_the_lock_next_is_not_lost(run, mutex):
    """The place is taken before the lock is given up: whoever has the lock next finds the other one in line."""

    async def main():
        cond, heard = Cond(mutex), []

        async def signaller():
            await whole(mutex).lock()
            heard.append(cond.signal())
            whole(mutex).unlock()

        async with cond:
            task = asyncio.ensure_future(signaller())
            await turns()  # it stands in the lock's line now
            await cond.wait()
            assert heard == [1]
        await task

    run(main)


def test_sy04_the_order_is_that_in_which_the_lock_was_given_up(run, mutex):
    async def main():
        cond = Cond(mutex)
        told = Told(cond)
        let_go = await hold(mutex)
        tasks = await told.asleep(range(5))  # in line for the lock
        assert cond.waiters == 0
        await let_go()
        await turns(10)
        assert cond.waiters == 5
        assert cond.broadcast() == 5
        await asyncio.gather(*tasks)
        assert told.heard == [0, 1, 2, 3, 4]

    run(main)


# -- wait_for


def test_wait_for_returns_what_was_true(run, mutex):
    async def main():
        cond, things = Cond(mutex), []

        async def waiting():
            async with cond:
                return await cond.wait_for(lambda: things and things[-1])

        (task,) = await asleep(waiting())
        for thing in (0, "", "it"):
            things.append(thing)
            cond.signal()
            await turns()
        assert await task == "it"
        async with cond:
            assert await cond.wait_for(lambda: 7) == 7

    run(main)


def test_wait_for_asks_with_the_lock_held_and_its_errors_come_out(run, mutex):
    async def main():
        cond, asked = Cond(mutex), []

        def predicate():
            asked.append(free(cond))
            return 1 // (2 - len(asked))

        async def waiting():
            async with cond:
                await cond.wait_for(lambda: predicate() == 7)

        (task,) = await asleep(waiting())
        cond.signal()
        with pytest.raises(ZeroDivisionError):
            await task
        assert asked == [False, False]
        assert free(cond)

    run(main)


@pytest.mark.parametrize("predicate", [None, True, turns], ids=["None", "True", "a coroutine function"])
def test_wait_for_needs_a_plain_function(run, predicate):
    async def main():
        cond = Cond()
        with pytest.raises(TypeError, match="the condition to wait for must be a"):
            async with cond:
                await cond.wait_for(predicate)
        assert free(cond)

    run(main)


# -- the rest of condvar(9) (SY05)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("kind", LOCKS)
def test_sy05_a_timed_wait_says_whether_it_was_told_and_holds_the_lock(kind, told):
    async def main():
        cond = Cond(LOCKS[kind]())

        async def waiting():
            async with cond:
                answer = await cond.wait_timed(10)
                assert not free(cond)
                return answer, asyncio.get_running_loop().time()

        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(4)
        assert cond.waiters == 1
        if told:
            cond.signal()
        assert await task == (told, 4 if told else 10)
        assert (cond.waiters, free(cond)) == (0, True)
        cond._check()

    virtual.run(main)


def test_sy05_taking_the_lock_again_may_take_longer():
    async def main():
        cond = Cond()

        async def waiting():
            async with cond:
                assert not await cond.wait_timed(1)
                return asyncio.get_running_loop().time()

        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(0.5)
        async with cond:
            await asyncio.sleep(4.5)
        assert await task == 5

    virtual.run(main)


@pytest.mark.parametrize("signal_first", [True, False])
def test_a_signal_that_meets_the_end_of_the_time_goes_to_the_next(signal_first):
    async def main():
        cond, loop = Cond(), asyncio.get_running_loop()
        told = Told(cond)

        async def waiting():
            async with cond:
                return await cond.wait_timed(1)

        end = loop.time() + 1
        if signal_first:
            loop.call_at(end, cond.signal)
        timed = asyncio.ensure_future(waiting())
        await virtual.settle()
        if not signal_first:
            loop.call_at(end, cond.signal)
        next_ = asyncio.ensure_future(told.wait("next"))
        assert await timed is False
        await next_
        assert told.heard == ["next"]

    virtual.run(main)


@pytest.mark.parametrize("seconds", [0, -1, -math.inf])
def test_a_timed_wait_for_no_time_lets_the_others_run_once(run, seconds):
    async def main():
        cond = Cond()

        async def other():
            async with cond:
                cond.signal()

        async with cond:
            assert not await cond.wait_timed(seconds)
        async with cond:
            task = asyncio.ensure_future(other())
            await asyncio.sleep(0)
            await cond.wait_timed(seconds)
        await task
        assert free(cond)

    run(main)


@pytest.mark.parametrize("seconds", [math.inf, 1e300, 10**400])
def test_a_timed_wait_for_ever(run, seconds):
    async def main():
        cond = Cond()

        async def waiting():
            async with cond:
                return await cond.wait_timed(seconds)

        (task,) = await asleep(waiting())
        cond.signal()
        assert await task is True

    run(main)


@pytest.mark.parametrize(("seconds", "error"), [("1", TypeError), (None, TypeError), (math.nan, ValueError)])
def test_a_time_is_a_number_and_nothing_is_given_up_for_another(run, seconds, error):
    async def main():
        cond = Cond()
        async with cond:
            with pytest.raises(error, match="the time to wait must be a number of seconds"):
                await cond.wait_timed(seconds)
            assert not free(cond)

    run(main)


def test_sy05_wait_unlock_returns_without_the_lock(run, mutex):
    async def main():
        cond, returned = Cond(mutex), []

        async def waiting():
            await mutex.lock()
            await cond.wait_unlock()
            returned.append(not free(cond))

        (task,) = await asleep(waiting())
        assert free(cond)
        let_go = await hold(mutex)
        cond.signal()
        await task
        assert returned == [True], "it was held by the other one, and that did not matter"
        await let_go()
        assert free(cond)

    run(main)


def test_two_conditions_may_share_a_lock(run, mutex):
    """A bounded buffer in the old style: not empty, not full."""

    async def main():
        not_empty, not_full, held, taken = Cond(mutex), Cond(mutex), [], []

        async def put(n):
            async with not_full:
                await not_full.wait_for(lambda: len(held) < 2)
                held.append(n)
                not_empty.signal()

        async def take():
            async with not_empty:
                await not_empty.wait_for(lambda: held)
                taken.append(held.pop(0))
                not_full.signal()

        await asyncio.gather(*map(put, range(9)), *(take() for _ in range(9)))
        assert taken == list(range(9))

    run(main)


@pytest.mark.parametrize("end", ["told", "cancelled", "timed out"])
def test_sy05_a_recursive_lock_is_given_up_whole_and_taken_as_often(run, end):
    async def main():
        mutex = ReentrantMutex()
        cond, depths = Cond(mutex), []

        async def waiting():
            async with mutex, mutex, cond:
                assert mutex.depth == 3
                try:
                    await cond.wait_timed(0 if end == "timed out" else math.inf)
                finally:
                    depths.append(mutex.depth)

        async def others(task):
            async with mutex:
                if end == "told":
                    cond.signal()
                elif end == "cancelled":
                    task.cancel()
            await asyncio.wait([task])

        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(0)
        await others(task)
        assert task.cancelled() == (end == "cancelled")
        assert depths == [3]
        assert (mutex.depth, free(cond)) == (0, True)

    run(main)


def test_a_lock_that_belongs_to_a_token_cannot_be_waited_with(run):
    async def main():
        mutex = ReentrantMutex()
        cond = Cond(mutex)
        async with mutex.held("token"):
            with pytest.raises(ac.NotHeld):
                await cond.wait()
            assert mutex.owner == "token"

    run(main)


# -- cancellation


def test_sy03_who_is_cancelled_asleep_takes_the_lock_again_first(run, mutex):
    async def main():
        cond = Cond(mutex)
        told = Told(cond)
        first, second = await told.asleep("ab")
        let_go = await hold(mutex)
        first.cancel("a message")
        await turns()
        assert not first.done(), "it has to have the lock before it may go on"
        assert cond.waiters == 1
        await let_go()
        error = await cancelled(first)
        assert error.args == ("a message",)
        assert free(cond)
        cond._check()
        cond.signal()
        await second

    run(main)


def test_sy03_who_was_told_and_then_cancelled_passes_the_signal_on(run, mutex):
    async def main():
        cond = Cond(mutex)
        told = Told(cond)
        first, second, third = await told.asleep("abc")
        cond.signal()
        first.cancel()
        await cancelled(first)
        await second
        assert told.heard == ["b"]
        assert cond.waiters == 1
        cond.signal()
        await third

    run(main)


def test_also_when_it_is_cancelled_while_it_waits_for_the_lock(run, mutex):
    async def main():
        cond = Cond(mutex)
        told = Told(cond)
        first, second = await told.asleep("ab")
        let_go = await hold(mutex)
        cond.signal()
        await turns()
        assert cond.waiters == 1, "the first one waits for the lock"
        first.cancel()
        await turns()
        assert cond.waiters == 0, "the second one was told at once, not when the first one had the lock"
        assert not first.done()
        await let_go()
        await cancelled(first)
        await second
        assert told.heard == ["b"]
        assert free(cond)

    run(main)


def test_a_broadcast_is_passed_on_to_nobody(run):
    """All whom it was for have been told. Who comes later is not woken for nothing."""

    async def main():
        cond = Cond()
        told = Told(cond)
        first, second = await told.asleep("ab")

        async def comes_late():
            async with cond:
                first.cancel()  # it wants the lock, and is going to be told of this when we are in line
                await cond.wait()

        await cond.mutex.lock()
        late = asyncio.ensure_future(comes_late())
        await turns()  # it is the first in line for the lock
        assert cond.broadcast() == 2
        cond.mutex.unlock()
        await cancelled(first)
        await second
        await turns()
        assert (told.heard, cond.waiters) == (["b"], 1)
        cond.signal()
        await late

    run(main)


def test_the_first_cancellation_goes_on_however_many_follow(run, mutex):
    async def main():
        cond = Cond(mutex)
        counts = []

        async def waiting():
            async with cond:
                try:
                    await cond.wait()
                except asyncio.CancelledError as error:
                    assert not free(cond)
                    counts.append((error.args, asyncio.current_task().cancelling()))
                    raise

        (task,) = await asleep(waiting())
        let_go = await hold(mutex)
        for n in range(4):
            task.cancel(f"no {n}")
            await turns()
            assert not task.done()
        await let_go()
        await cancelled(task)
        assert counts == [(("no 0",), 4)]
        assert free(cond)

    run(main)


def test_what_is_cleaned_up_is_cleaned_up_under_the_lock(run, mutex):
    async def main():
        cond, inside = Cond(mutex), []

        async def waiting():
            async with cond:
                try:
                    await cond.wait()
                finally:
                    inside.append(free(cond))

        tasks = await asleep(waiting(), waiting(), waiting())
        for task in tasks:
            task.cancel()
        for task in tasks:
            await cancelled(task)
        assert inside == [False, False, False]
        assert free(cond)

    run(main)


@pytest.mark.parametrize("kind", LOCKS)
def test_a_time_limit_of_asyncio_around_it(kind):
    async def main():
        cond = Cond(LOCKS[kind]())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), cond:
                await cond.wait()
        assert asyncio.current_task().cancelling() == 0
        assert free(cond)

    virtual.run(main)


def test_a_context_around_it(run, mutex):
    async def main():
        cond = Cond(mutex)
        ctx = ac.background().with_cancel()

        async def waiting():
            async with cond:
                await cond.wait()

        task = asyncio.ensure_future(ctx.run(waiting))
        await turns()
        ctx.cancel()
        with pytest.raises(ac.Canceled):
            await task
        assert free(cond)

    run(main)


def test_a_scope_of_anyio_that_stays_cancelled_lets_it_take_the_lock(run):
    """Such a scope cancels in every turn of the loop whoever waits in it; so the lock is waited for behind a shield."""
    anyio = pytest.importorskip("anyio")

    class Tried(Mutex):
        tries = 0

        async def lock(self):
            self.tries += 1
            await super().lock()

    async def main():
        cond, inside = Cond(Tried()), []

        async def waiting(scope):
            with scope:
                async with cond:
                    try:
                        await cond.wait()
                    finally:
                        inside.append(free(cond))

        scope = anyio.CancelScope()
        (task,) = await asleep(waiting(scope))
        let_go = await hold(cond.mutex)
        cond.mutex.tries = 0
        scope.cancel()
        await turns(20)
        assert not task.done()
        assert cond.mutex.tries == 1
        await let_go()
        await task
        assert inside == [False]
        assert free(cond)

    run(main)


def test_wait_unlock_and_a_cancellation_leave_the_lock_alone(run, mutex):
    async def main():
        cond = Cond(mutex)
        told = Told(cond)

        async def waiting():
            await mutex.lock()
            await cond.wait_unlock()

        (first,) = await asleep(waiting())
        (second,) = await told.asleep("b")
        cond.signal()
        first.cancel()
        await cancelled(first)
        await second
        assert free(cond)

    run(main)


def test_a_coroutine_that_is_closed_asleep_has_the_lock_on_its_way_out(run):
    async def main():
        cond, inside = Cond(), []

        async def waiting():
            async with cond:
                try:
                    await cond.wait()
                finally:
                    inside.append(cond.mutex.locked)

        coro = waiting()
        coro.send(None)
        assert (cond.waiters, free(cond)) == (1, True)
        coro.close()
        assert inside == [True]
        assert (cond.waiters, free(cond)) == (0, True)

    run(main)


def test_a_coroutine_that_is_closed_while_another_one_has_the_lock_goes_without(run):
    async def main():
        cond = Cond()

        async def waiting():
            await cond.mutex.lock()
            await cond.wait()

        coro = waiting()
        coro.send(None)
        let_go = await hold(cond.mutex)
        coro.close()
        assert (cond.waiters, cond.mutex.waiters, free(cond)) == (0, 0, False)
        await let_go()
        assert free(cond)

    run(main)


def test_a_timed_wait_that_is_cancelled_after_its_end_wakes_nobody():
    async def main():
        cond = Cond()
        told = Told(cond)

        async def waiting():
            async with cond:
                await cond.wait_timed(1)

        timed = asyncio.ensure_future(waiting())
        (other,) = await told.asleep("b")
        async with cond:
            await asyncio.sleep(2)
            timed.cancel()
            await asyncio.sleep(2)
        await cancelled(timed)
        assert cond.waiters == 1
        cond.signal()
        await other

    virtual.run(main)


# -- what else it refuses, and what it leaves


@pytest.mark.parametrize(
    "mutex", [7, "name", asyncio.Lock(), Mutex], ids=["a number", "a string", "asyncio.Lock", "a class"]
)
def test_what_is_no_lock_is_refused(mutex):
    with pytest.raises(TypeError, match=r"the mutex of a Cond has lock\(\) and unlock\(\), as an ac.Mutex has"):
        Cond(mutex)


@pytest.mark.parametrize(("n", "error"), [(-1, ValueError), (1.0, TypeError), (True, TypeError)])
def test_signal_needs_a_number(n, error):
    with pytest.raises(error, match="the number of tasks to signal must be"):
        Cond().signal(n)


def test_refused_in_another_loop_it_holds_the_lock():
    async def waits(cond):
        await Told(cond).asleep("a")
        raise LookupError

    async def elsewhere(cond):
        async with cond:
            with pytest.raises(ac.WrongLoop):
                await cond.wait()
            assert not free(cond)

    cond = Cond()
    with asyncio.Runner() as first, asyncio.Runner() as second:
        with pytest.raises(LookupError):
            first.run(waits(cond))
        second.run(elsewhere(cond))
        assert free(cond)


def test_it_cannot_be_copied():
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(Cond())


def test_how_it_is_shown():
    cond = Cond(name="it")
    assert cond.name == "it"
    assert repr(cond).startswith("<Cond 'it' 0 waiting, of <Mutex at ")


def test_it_dies_without_the_collector(run):
    async def main():
        async def one_round():
            cond = Cond()
            tasks = await Told(cond).asleep("abc")
            cond.signal()
            tasks[0].cancel()
            tasks[1].cancel()
            cond.broadcast()
            with contextlib.suppress(asyncio.CancelledError):
                await tasks[0]
            await asyncio.wait(tasks)
            return weakref.ref(cond)

        gc.disable()
        try:
            known = await one_round()
            await turns()
            assert known() is None
        finally:
            gc.enable()

    run(main)
