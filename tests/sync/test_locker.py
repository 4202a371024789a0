"""`Locker`: what has the two methods is one, whoever made it (LK01)."""

import asyncio

import pytest

import aiochan as ac
from aiochan.sync.locker import Locker, Recursive


class Foreign:
    """A lock of other make, as one of another process would be."""

    def __init__(self):
        self.inner = asyncio.Lock()

    async def lock(self):
        await self.inner.acquire()

    def unlock(self):
        self.inner.release()


def writers():
    """Make the side of the writers of an RWMutex, which excludes."""
    return ac.RWMutex().writing()


LOCKERS = {
    "Mutex": ac.Mutex,
    "ReentrantMutex": ac.ReentrantMutex,
    "RWMutex": ac.RWMutex,
    "the writers' side": writers,
    "foreign": Foreign,
}


@pytest.mark.parametrize("make", LOCKERS.values(), ids=LOCKERS)
def test_what_has_the_two_methods_is_a_locker(run, make):
    """LK01: one function serves them all."""

    async def main():
        locker, inside = make(), []
        assert isinstance(locker, Locker)

        async def use(name):
            await locker.lock()
            try:
                assert not inside, "not alone"
                inside.append(name)
                await asyncio.sleep(0)
                inside.remove(name)
            finally:
                locker.unlock()

        await asyncio.gather(*map(use, "abc"))

    run(main)


@pytest.mark.parametrize("other", [asyncio.Lock, object, list])
def test_what_has_not_is_none(other):
    assert not isinstance(other(), Locker)


def test_the_readers_side_is_a_locker():
    assert isinstance(ac.RWMutex().rlocker(), Locker)


def test_who_is_recursive():
    assert isinstance(ac.ReentrantMutex(), Recursive)
    assert not isinstance(ac.Mutex(), Recursive)
