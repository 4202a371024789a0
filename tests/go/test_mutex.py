"""Go's tests of sync.Mutex and sync.RWMutex: mutex_test.go, rwmutex_test.go (LK02, LK03, LK09, LK10, P01).

| Go | here |
| --- | --- |
| `TestSemaphore`, `TestMutex` | `test_mutex`, `test_hammered` |
| `TestMutexMisuse` | `test_misuse` |
| `TestMutexFairness` | `test_fairness` |
| `TestParallelReaders` | `test_parallel_readers` |
| `TestRWMutex`, `HammerRWMutex` | `test_rwmutex`, `test_rwmutex_hammered` |
| `TestRLocker` | `test_rlocker` |
| the benchmarks | in bench |

What had to become something else: nothing here waits unless something is awaited under the lock, so whoever has it
awaits one turn of the loop. And a task of Go's `TestRLocker` waits until others have undone what it has locked itself.
In debug mode that is taken for a mistake, so here it has its locks taken by other tasks.
"""

import asyncio

import pytest

import aiochan as ac
from tests.conformance.kit import settle
from tests.go.kit import program


def short(loop_kind, times):
    return times // 10 if loop_kind == "debug" else times


def test_mutex(run):
    async def main():
        m = ac.Mutex()
        await m.lock()
        assert not m.try_lock(), "try_lock succeeded with mutex locked"
        m.unlock()
        assert m.try_lock(), "try_lock failed with mutex unlocked"
        m.unlock()

    run(main)


@pytest.mark.parametrize("kind", ["Mutex", "Semaphore"])
def test_hammered(run, loop_kind, kind):
    """Ten tasks lock and unlock, every third time by trying."""
    loops = short(loop_kind, 100)

    async def main():
        m, inside = ac.Mutex() if kind == "Mutex" else ac.Semaphore(1), 0
        lock, unlock, try_lock = (
            (m.lock, m.unlock, m.try_lock) if kind == "Mutex" else (m.acquire, m.release, m.try_acquire)
        )

        async def alone():
            nonlocal inside
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1

        async def hammer():
            for i in range(loops):
                if i % 3 == 0:
                    if try_lock():
                        await alone()
                        unlock()
                    continue
                await lock()
                await alone()
                unlock()

        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(hammer())
        assert try_lock()
        unlock()

    run(main)


MISUSES = {
    "Mutex.Unlock": (ac.Mutex, "unlock"),
    "Mutex.Unlock2": (ac.Mutex, "lock unlock unlock"),
    "RWMutex.Unlock": (ac.RWMutex, "unlock"),
    "RWMutex.Unlock2": (ac.RWMutex, "rlock unlock"),
    "RWMutex.Unlock3": (ac.RWMutex, "lock unlock unlock"),
    "RWMutex.RUnlock": (ac.RWMutex, "runlock"),
    "RWMutex.RUnlock2": (ac.RWMutex, "lock runlock"),
    "RWMutex.RUnlock3": (ac.RWMutex, "rlock runlock runlock"),
}


@pytest.mark.parametrize(("make", "calls"), MISUSES.values(), ids=MISUSES)
def test_misuse(run, make, calls):
    """The last call is refused, where Go's takes the program down."""

    async def main():
        mu = make()
        *before, last = calls.split()
        for call in before:
            answer = getattr(mu, call)()
            if answer is not None:
                await answer
        state = repr(mu)
        with pytest.raises(ac.NotHeld, match="unlocked"):
            getattr(mu, last)()
        assert repr(mu) == state

    run(main)


def test_fairness(run):
    """One task has it nearly always, and wants it again at once; another one gets it all the same, each time."""

    async def main():
        mu, rounds = ac.Mutex(), 0
        async with program() as go:

            async def greedy():
                nonlocal rounds
                while True:
                    async with mu:
                        await asyncio.sleep(0)
                    rounds += 1

            go(greedy())
            await asyncio.sleep(0)
            for _ in range(10):
                await asyncio.sleep(0)
                before = rounds
                async with mu:
                    assert rounds <= before + 1, "it was overtaken"

    run(main)


@pytest.mark.parametrize("readers", [1, 3, 4])
def test_parallel_readers(run, readers):
    async def main():
        m = ac.RWMutex()
        locked, unlock, done = ac.Chan(), ac.Chan(), ac.Chan()

        async def parallel_reader():
            await m.rlock()
            await locked.send(True)
            await unlock.recv()
            m.runlock()
            await done.send(True)

        async with asyncio.TaskGroup() as group:
            for _ in range(readers):
                group.create_task(parallel_reader())
            for _ in range(readers):
                await locked.recv()  # all of them have it
            assert m.readers == readers
            for _ in range(readers):
                await unlock.send(True)
            for _ in range(readers):
                await done.recv()

    run(main)


def test_rwmutex(run):
    async def main():
        m = ac.RWMutex()
        await m.lock()
        assert not m.try_lock(), "try_lock succeeded with mutex locked"
        assert not m.try_rlock(), "try_rlock succeeded with mutex locked"
        m.unlock()
        assert m.try_lock(), "try_lock failed with mutex unlocked"
        m.unlock()
        assert m.try_rlock(), "try_rlock failed with mutex unlocked"
        assert m.try_rlock(), "try_rlock failed with mutex rlocked"
        assert not m.try_lock(), "try_lock succeeded with mutex rlocked"
        m.runlock()
        m.runlock()

    run(main)


@pytest.mark.parametrize("readers", [1, 3, 5, 10])
def test_rwmutex_hammered(run, loop_kind, readers):
    """Readers count 1 and writers 10,000: whoever is in sees who else is."""
    iterations = short(loop_kind, 50)

    async def main():
        rwm, activity, most = ac.RWMutex(), 0, 0

        async def reader():
            nonlocal activity, most
            for _ in range(iterations):
                await rwm.rlock()
                activity += 1
                most = max(most, activity)
                assert 1 <= activity < 10_000
                await asyncio.sleep(0)
                activity -= 1
                rwm.runlock()

        async def writer():
            nonlocal activity
            for _ in range(iterations):
                await rwm.lock()
                activity += 10_000
                assert activity == 10_000
                await asyncio.sleep(0)
                activity -= 10_000
                rwm.unlock()

        async with asyncio.TaskGroup() as group:
            group.create_task(writer())
            for _ in range(readers // 2):
                group.create_task(reader())
            group.create_task(writer())
            for _ in range(readers - readers // 2):
                group.create_task(reader())
        assert activity == 0
        assert most == readers

    run(main)


def test_rlocker(run):
    """Two read locks keep a writer out, one does; and the writer keeps readers out."""

    async def main():
        wl, n = ac.RWMutex(), 10
        rl = wl.rlocker()
        wlocked, rlocked = ac.Chan(1), ac.Chan(1)

        async def goroutine():
            for _ in range(n):
                await asyncio.create_task(rl.lock())
                await asyncio.create_task(rl.lock())
                await rlocked.send(True)
                await asyncio.create_task(wl.lock())
                await wlocked.send(True)

        async with asyncio.TaskGroup() as group:
            group.create_task(goroutine())
            for _ in range(n):
                await rlocked.recv()
                rl.unlock()
                await settle()
                with pytest.raises(ac.WouldBlock):
                    wlocked.recv_nowait()  # or the side of the readers did not read-lock it
                rl.unlock()
                await wlocked.recv()
                await settle()
                with pytest.raises(ac.WouldBlock):
                    rlocked.recv_nowait()  # or it did not respect the writer
                wl.unlock()

    run(main)
