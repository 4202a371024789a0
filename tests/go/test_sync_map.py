"""Go's tests of sync.Map: sync/map_test.go, beside the two maps of sync/map_reference_test.go.

Goroutines that race on several processors are tasks here, which change places between two steps. What is about Go's
allocations is left out: a `range` here is a copy.
"""

import asyncio
import gc
import random
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aiochan as ac

MISSING = (None, False)


class LockedMap:
    """Go's RWMutexMap: a dict behind a lock, a step at a time."""

    def __init__(self):
        self.lock = ac.Mutex()
        self.dirty = {}

    async def do(self, call):
        async with self.lock:
            return getattr(self, call[0])(*call[1:])

    def load(self, key):
        return (self.dirty[key], True) if key in self.dirty else MISSING

    def store(self, key, value):
        self.dirty[key] = value

    def load_or_store(self, key, value):
        if key in self.dirty:
            return self.dirty[key], True
        self.dirty[key] = value
        return value, False

    def load_and_delete(self, key):
        return (self.dirty.pop(key), True) if key in self.dirty else MISSING

    def delete(self, key):
        self.dirty.pop(key, None)

    def swap(self, key, value):
        before = self.load(key)
        self.dirty[key] = value
        return before

    def compare_and_swap(self, key, old, new):
        if key not in self.dirty or self.dirty[key] != old:
            return False
        self.dirty[key] = new
        return True

    def compare_and_delete(self, key, old):
        if key not in self.dirty or self.dirty[key] != old:
            return False
        del self.dirty[key]
        return True

    def clear(self):
        self.dirty.clear()

    def range(self):
        return list(self.dirty.items())


class DeepCopyMap:
    """Go's DeepCopyMap: pairs that are never changed; who writes makes new ones."""

    def __init__(self):
        self.clean = ()

    async def do(self, call):
        return getattr(self, call[0])(*call[1:])

    def load(self, key):
        return next(((value, True) for known, value in self.clean if known == key), MISSING)

    def without(self, key):
        return tuple(pair for pair in self.clean if pair[0] != key)

    def store(self, key, value):
        self.clean = (*self.without(key), (key, value))

    def load_or_store(self, key, value):
        found = self.load(key)
        if found[1]:
            return found
        self.store(key, value)
        return value, False

    def load_and_delete(self, key):
        found = self.load(key)
        self.clean = self.without(key)
        return found

    def delete(self, key):
        self.load_and_delete(key)

    def swap(self, key, value):
        found = self.load(key)
        self.store(key, value)
        return found

    def compare_and_swap(self, key, old, new):
        same = self.load(key) == (old, True)
        if same:
            self.store(key, new)
        return same

    def compare_and_delete(self, key, old):
        same = self.load(key) == (old, True)
        if same:
            self.delete(key)
        return same

    def clear(self):
        self.clean = ()

    def range(self):
        return list(self.clean)


class Ours(ac.AsyncMap):
    """The one that is tested."""

    async def do(self, call):
        return getattr(self, call[0])(*call[1:])


KEYS = st.sampled_from("abc")
VALUES = st.sampled_from(["x", "y", None, 0])
CALLS = st.one_of(
    *(st.tuples(st.just(name), KEYS) for name in ("load", "load_and_delete", "delete")),
    *(st.tuples(st.just(name), KEYS, VALUES) for name in ("store", "load_or_store", "swap", "compare_and_delete")),
    st.tuples(st.just("compare_and_swap"), KEYS, VALUES, VALUES),
    st.tuples(st.just("clear")),
)


def answers(m, calls):
    """Go's applyCalls: what each call answered, and what is there in the end."""

    async def apply():
        return [await m.do(call) for call in calls], sorted(m.range(), key=repr)

    return asyncio.run(apply())


@given(st.lists(CALLS, max_size=40))
def test_map_matches_rw_mutex(calls):
    """TestMapMatchesRWMutex."""
    assert answers(Ours(), calls) == answers(LockedMap(), calls)


@given(st.lists(CALLS, max_size=40))
def test_map_matches_deep_copy(calls):
    """TestMapMatchesDeepCopy."""
    assert answers(Ours(), calls) == answers(DeepCopyMap(), calls)


def test_concurrent_range(run):
    """TestConcurrentRange: each walk sees every key once, with a value that was stored under it."""
    size, walks, writers = 1 << 8, 1 << 5, 4

    async def main():
        m, done = ac.AsyncMap((n, n) for n in range(1, size + 1)), ac.Signal()

        async def change(seed):
            dice, i = random.Random(seed), 0
            while not done.closed:
                for n in range(1, size):
                    if dice.randrange(16) == 0:
                        m.store(n, n * i * seed)
                    else:
                        m.load(n)
                i += 1
                await asyncio.sleep(0)

        async def walk():
            for _ in range(walks):
                seen = set()
                for key, value in m.range():
                    assert value % key == 0
                    assert key not in seen
                    seen.add(key)
                    if key % 64 == 0:
                        await asyncio.sleep(0)
                assert len(seen) == size
            done.close()

        await asyncio.gather(walk(), *(change(seed) for seed in range(1, writers + 1)))

    run(main)


def test_issue_40999():
    """TestIssue40999: a key that was stored and deleted at once is not kept (B24)."""

    class Key:
        pass

    m = ac.AsyncMap[Key | None, None]({None: None})
    finalized = []
    for _ in range(10):
        key = Key()
        weakref.finalize(key, finalized.append, 1)
        m.store(key, None)
        m.delete(key)
        del key
    gc.collect()
    assert len(finalized) == 10


def test_map_range_nested_call():
    """TestMapRangeNestedCall: in a walk one may walk, load, store and delete."""
    m = ac.AsyncMap[int, str](enumerate(["hello", "world", "Go"]))
    for key, _ in m.range():
        for inner, value in m.range():
            if inner in m:  # as a snapshot also shows what the walk outside has deleted
                assert m.load(inner) == (value, True)
            assert m.load_or_store(42, "dummy") == ("dummy", False)
            m.store(42, "sync.Map")
            assert m.load_and_delete(42) == ("sync.Map", True)
        m.delete(key)
    assert len(m) == 0


def test_compare_and_swap_non_existing_key():
    """TestCompareAndSwap_NonExistingKey: nil is not what is missing."""
    m = ac.AsyncMap()
    assert m.compare_and_swap(m, None, 42) is False
    assert len(m) == 0


def test_concurrent_clear(run):
    """TestConcurrentClear: stores, loads, deletes, walks and clears, and in the end a clear."""

    async def main():
        m = ac.AsyncMap[int, int]()

        async def use(n):
            for i in range(20):
                m.store(n, i)
                await asyncio.sleep(0)
                m.load(n)
                m.load_or_store(n + 1, i)
                await asyncio.sleep(0)
                if n % 3 == 0:
                    m.clear()
                for key, _ in m.range():
                    m.delete(key)
                await asyncio.sleep(0)

        await asyncio.gather(*map(use, range(10)))
        m.store(1, 1)
        m.clear()
        assert list(m.range()) == []

    run(main)


@pytest.mark.stress
def test_concurrent_range_as_long_as_go(run):
    """TestConcurrentRange with Go's own numbers: 1024 keys, 1024 walks."""

    async def main():
        m = ac.AsyncMap((n, n) for n in range(1, 1025))

        async def change(dice):
            for i in range(1024):
                for n in range(1, 1024):
                    if dice.randrange(1024) == 0:
                        m.store(n, n * i)
                await asyncio.sleep(0)

        async def walk():
            for _ in range(1024):
                seen = set()
                for key, value in m.range():
                    assert value % key == 0
                    seen.add(key)
                assert len(seen) == 1024
                await asyncio.sleep(0)

        await asyncio.gather(walk(), change(random.Random(1)))

    run(main)
