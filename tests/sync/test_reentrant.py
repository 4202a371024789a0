"""`ReentrantMutex`: by task, by token, in which order, misuse (LK06, LK07, LK11, B03, B10, P03, P04)."""

import asyncio
import copy
import gc
import pickle
import weakref

import pytest

import aiochan as ac
from aiochan.sync.locker import Recursive


async def turn():
    await asyncio.sleep(0)


async def turns(n=10):
    for _ in range(n):
        await turn()


async def waits(mutex, token, order, name, gate=None):
    await mutex.lock(token)
    order.append(name)
    if gate is not None:
        await gate.wait()
    await turn()
    mutex.unlock(token)


# -- by task (LK06)


def test_as_many_unlocks_as_locks(run):
    """LK06: it is free when each lock was undone, and not before."""

    async def main():
        mutex, order = ac.ReentrantMutex(), []
        for depth in range(1, 4):
            await mutex.lock()
            assert mutex.depth == depth
        assert mutex.owner is asyncio.current_task()
        other = asyncio.create_task(waits(mutex, None, order, "other"))
        await turn()
        for depth in (2, 1):
            mutex.unlock()
            await turns()
            assert (mutex.depth, order) == (depth, [])
        mutex.unlock()
        assert mutex.owner is other
        await other
        assert (mutex.locked, mutex.owner, mutex.depth) == (False, None, 0)

    run(main)


def test_a_call_that_locks_again(run):
    """B03, B10: what deadlocks with a mutex."""

    async def main():
        mutex, done = ac.ReentrantMutex(), []

        async def compact():
            async with mutex:
                done.append("compact")

        async def store():
            async with mutex:
                await compact()
                assert mutex.locked
                done.append("store")

        await store()
        assert done == ["compact", "store"]
        assert not mutex.locked

    run(main)


def test_another_task_may_not_unlock(run):
    """LK06, P04: it is told whose it is, and nothing is changed."""

    async def main():
        mutex = ac.ReentrantMutex("tree")
        await mutex.lock()
        asyncio.current_task().set_name("me")

        async def foreign():
            mutex.unlock()

        with pytest.raises(
            ac.NotHeld, match=r"^\S+ cannot unlock <ReentrantMutex 'tree' locked by me, 0 waiting>: it bel"
        ):
            await asyncio.create_task(foreign())
        assert mutex.depth == 1
        mutex.unlock()

    run(main)


def test_unlock_of_an_unlocked_one(run):
    async def main():
        mutex = ac.ReentrantMutex("tree")
        for token in (None, "t"):
            with pytest.raises(ac.NotHeld, match=r"^unlock of unlocked ReentrantMutex: <ReentrantMutex 'tree' free>; "):
                mutex.unlock(token)
            async with mutex:
                pass

    run(main)


def test_try_lock(run):
    async def main():
        mutex = ac.ReentrantMutex()
        assert mutex.try_lock()
        assert mutex.try_lock()
        assert not mutex.try_lock("token")

        async def other():
            return mutex.try_lock()

        assert not await asyncio.create_task(other())
        assert mutex.depth == 2
        mutex.unlock()
        mutex.unlock()

    run(main)


def test_nobody_slips_in_while_it_is_handed_over(run):
    async def main():
        mutex, order = ac.ReentrantMutex(), []
        await mutex.lock()
        other = asyncio.create_task(waits(mutex, None, order, "other"))
        await turn()
        mutex.unlock()
        assert not mutex.try_lock()
        await mutex.lock()
        assert order == ["other"]
        mutex.unlock()
        await other

    run(main)


# -- by token (LK07)


def test_tasks_with_one_token_own_it_together(run):
    """LK07: one locks, another one locks again, and either unlocks."""

    async def main():
        mutex = ac.ReentrantMutex()
        await asyncio.create_task(mutex.lock("job"))
        assert (mutex.owner, mutex.depth) == ("job", 1)
        await asyncio.create_task(mutex.lock("job"))
        assert mutex.depth == 2
        for wrong in ("other", None):
            with pytest.raises(ac.NotHeld, match=r"it belongs to 'job', who has to unlock it"):
                mutex.unlock(wrong)
        mutex.unlock("job")
        mutex.unlock("job")
        assert not mutex.locked
        async with mutex.held("job"), mutex.held("job"):
            assert mutex.depth == 2
        assert not mutex.locked

    run(main)


def test_tokens_are_equal_or_not(run):
    """LK07: what counts is equality, as in a dict."""

    async def main():
        mutex = ac.ReentrantMutex()
        await mutex.lock(1)
        await mutex.lock(1.0)
        assert mutex.depth == 2
        assert not mutex.try_lock(2)
        mutex.unlock(1)
        mutex.unlock(1)

    run(main)


def test_tasks_that_wait_with_one_token_get_in_together(run):
    """Or the first, which waits for the second, would never unlock it."""

    async def main():
        mutex, order, gate = ac.ReentrantMutex(), [], ac.Signal()
        await mutex.lock()
        tasks = [
            asyncio.create_task(waits(mutex, token, order, name, wait))
            for token, name, wait in [("a", "a1", gate), ("b", "b1", None), ("a", "a2", None)]
        ]
        await turn()
        assert mutex.waiters == 3
        mutex.unlock()
        assert (mutex.owner, mutex.depth, mutex.waiters) == ("a", 2, 1)
        await turns()
        assert order == ["a1", "a2"]
        gate.close()
        await asyncio.gather(*tasks)
        assert order == ["a1", "a2", "b1"]
        assert not mutex.locked

    run(main)


def test_owners_get_in_as_they_came(run):
    async def main():
        mutex, order = ac.ReentrantMutex(), []
        await mutex.lock()
        tokens = [None, "x", None, "y"]
        tasks = [asyncio.create_task(waits(mutex, token, order, n)) for n, token in enumerate(tokens)]
        await turn()
        mutex.unlock()
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3]

    run(main)


def test_who_was_cancelled_leaves_its_place_to_nobody(run):
    """Its token comes again, after another one: then that is first."""

    async def main():
        mutex, order = ac.ReentrantMutex(), []
        await mutex.lock()
        gone = asyncio.create_task(waits(mutex, "a", order, "gone"))
        await turn()
        b = asyncio.create_task(waits(mutex, "b", order, "b"))
        await turn()
        gone.cancel()
        again = mutex.lock("a")
        again.send(None)  # comes before the cancelled task has run
        again_too = asyncio.create_task(waits(mutex, "a", order, "a"))
        await turn()
        assert mutex.waiters == 3
        mutex._check()
        mutex.unlock()
        assert mutex.owner == "b"
        await b
        assert mutex.owner == "a"
        again.close()  # granted, and given back
        await asyncio.gather(gone, again_too, return_exceptions=True)
        assert order == ["b", "a"]
        assert not mutex.locked

    run(main)


@pytest.mark.parametrize("n", [0, 1, 2, 10, 11, 1000])
def test_counts_are_exact(run, n):
    async def main():
        mutex, order, gates = ac.ReentrantMutex(), [], [ac.Signal() for _ in range(n)]
        tasks = [asyncio.create_task(waits(mutex, None, order, *it)) for it in enumerate(gates)]
        await turn()
        for number, gate in enumerate(gates):
            assert mutex.locked + mutex.waiters == n - number
            gate.close()
            await tasks[number]
        assert (mutex.locked, mutex.waiters) == (False, 0)
        assert order == list(range(n))

    run(main)


# -- giving up


def test_cancelled_while_it_was_handed_over(run):
    async def main():
        mutex, order = ac.ReentrantMutex(), []
        await mutex.lock()
        first, second = [asyncio.create_task(waits(mutex, None, order, name)) for name in "ab"]
        await turn()
        mutex.unlock()
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert order == ["b"]
        assert not mutex.locked

    run(main)


def test_one_of_a_token_is_cancelled_while_it_was_handed_over(run):
    async def main():
        mutex, order = ac.ReentrantMutex(), []
        await mutex.lock()
        first, second = [asyncio.create_task(waits(mutex, "t", order, name)) for name in "ab"]
        await turn()
        mutex.unlock()
        assert mutex.depth == 2
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert order == ["b"]
        assert not mutex.locked

    run(main)


def test_time_runs_out(run):
    async def main():
        mutex = ac.ReentrantMutex()
        await mutex.lock("t")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await mutex.lock()
        assert mutex.waiters == 0
        assert mutex._snapshot() == ("t", 1, ()), "a line is left in which nobody sleeps"
        mutex.unlock("t")
        assert not mutex.locked

    run(main)


# -- for who waits for a condition


def test_it_is_given_up_whole_and_taken_back(run):
    async def main():
        mutex, order = ac.ReentrantMutex(), []
        assert isinstance(mutex, Recursive)
        for _ in range(3):
            await mutex.lock()
        other = asyncio.create_task(waits(mutex, None, order, "other"))
        await turn()
        depth = mutex._release_all()
        assert (depth, mutex.owner) == (3, other)
        await mutex._restore(depth)
        assert (mutex.depth, mutex.owner, order) == (3, asyncio.current_task(), ["other"])
        for _ in range(3):
            mutex.unlock()
        assert not mutex.locked
        with pytest.raises(ac.NotHeld, match="release of unlocked"):
            mutex._release_all()
        async with mutex.held("t"):
            with pytest.raises(ac.NotHeld, match=r"cannot release .* belongs to 't'"):
                mutex._release_all()

    run(main)


# -- misuse


async def _answer(use, *args):
    answer = use(*args)
    return await answer if asyncio.iscoroutine(answer) else answer


def test_a_token_is_hashable_and_not_none(run):
    async def main():
        mutex = ac.ReentrantMutex("tree")
        for use in (mutex.lock, mutex.try_lock, mutex.unlock, mutex.held):
            with pytest.raises(TypeError, match=r"a token must be hashable, not \['list'\]"):
                await _answer(use, ["list"])
        with pytest.raises(
            TypeError, match=r"a token cannot be None: `async with` <ReentrantMutex 'tree' free> itself"
        ):
            mutex.held(None)
        assert not mutex.locked

    run(main)


def test_outside_of_a_task_it_takes_a_token():
    mutex = ac.ReentrantMutex("tree")
    for use in (mutex.try_lock, mutex.unlock):
        with pytest.raises(
            ac.MisuseError, match=r"no task is running that could own <ReentrantMutex 'tree' free>; give"
        ):
            use()
    assert mutex.try_lock("t")
    assert repr(mutex) == "<ReentrantMutex 'tree' locked by 't', 0 waiting>"
    mutex.unlock("t")


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_cannot_be_copied(duplicate):
    """LK11, P03."""
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(ac.ReentrantMutex())


@pytest.mark.parametrize("token", [None, "t"])
def test_one_loop_only(token):
    mutex = ac.ReentrantMutex("tree")
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(mutex.lock("me"))
        waiting = loop.create_task(mutex.lock("t"))
        loop.run_until_complete(turns(3))

        async def elsewhere():
            with pytest.raises(ac.WrongLoop, match="<ReentrantMutex 'tree' locked by 'me', 1 waiting>"):
                await mutex.lock(token)

        asyncio.run(elsewhere())
        mutex._check()
        mutex.unlock("me")
        loop.run_until_complete(waiting)
        mutex.unlock("t")
    finally:
        loop.close()


# -- reports


def test_it_names_its_owner(run):
    async def main():
        mutex = ac.ReentrantMutex("tree")
        asyncio.current_task().set_name("me")
        await mutex.lock()
        assert repr(mutex) == "<ReentrantMutex 'tree' locked by me, 0 waiting>"
        await mutex.lock()
        assert repr(mutex) == "<ReentrantMutex 'tree' locked 2 times by me, 0 waiting>"
        mutex.unlock()
        mutex.unlock()
        assert repr(mutex.held("t")) == "<the side of 't' of <ReentrantMutex 'tree' free>>"

    run(main)


def test_it_keeps_nobody_alive(run):
    async def main():
        mutex = ac.ReentrantMutex()
        tasks = [asyncio.create_task(waits(mutex, token, [], None)) for token in (None, None, "t")]
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
