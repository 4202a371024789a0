"""`AsyncMap`: the steps of Go's ``sync.Map``, a value that is made once, a lock for each key (MP01, MP03, B22-B24)."""

import asyncio
import copy
import gc
import pickle
import threading
import traceback
import weakref

import pytest

import aiochan as ac
from aiochan.testing import virtual


async def asleep(*coros):
    """Start tasks, and let them come as far as they can."""
    tasks = [asyncio.create_task(coro) for coro in coros]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def nothing_is_left(m):
    """Neither calls nor locks."""
    m._check()
    _items, calls, locks = m._snapshot()
    return calls == {} and locks == {}


# -- one step


def test_load_and_store():
    """MP01: get and set."""
    m = ac.AsyncMap[str, int]()
    assert m.load("a") == (None, False)
    m.store("a", 1)
    m.store("a", 2)
    assert m.load("a") == (2, True)
    assert "a" in m
    assert "b" not in m
    assert len(m) == 1


def test_none_is_a_value():
    m = ac.AsyncMap[str, None]()
    m.store("a", None)
    assert m.load("a") == (None, True)
    assert m.load_or_store("a", None) == (None, True)
    assert m.load_and_delete("a") == (None, True)
    assert m.load("a") == (None, False)


@pytest.mark.parametrize("kind", [dict, list, iter])
def test_it_may_begin_with_items(kind):
    m = ac.AsyncMap(kind([("a", 1), ("b", 2)]))
    assert (m.load("a"), m.load("b"), len(m)) == ((1, True), (2, True), 2)


def test_it_does_not_share_the_dict_it_was_made_of():
    items = {"a": 1}
    m = ac.AsyncMap(items)
    m.store("b", 2)
    assert items == {"a": 1}


def test_load_or_store():
    m = ac.AsyncMap[str, int]()
    assert m.load_or_store("a", 1) == (1, False)
    assert m.load_or_store("a", 2) == (1, True)
    assert m.load("a") == (1, True)


def test_delete_and_load_and_delete():
    m = ac.AsyncMap({"a": 1, "b": 2})
    m.delete("a")
    m.delete("a")
    assert m.load("a") == (None, False)
    assert m.load_and_delete("b") == (2, True)
    assert m.load_and_delete("b") == (None, False)
    assert len(m) == 0


def test_swap():
    m = ac.AsyncMap[str, int]()
    assert m.swap("a", 1) == (None, False)
    assert m.swap("a", 2) == (1, True)
    assert m.load("a") == (2, True)


def test_compare_and_swap_and_delete():
    m = ac.AsyncMap({"a": [1]})
    assert m.compare_and_swap("a", [2], [3]) is False
    assert m.compare_and_swap("b", [1], [3]) is False
    assert m.compare_and_swap("a", [1], [3]) is True
    assert m.compare_and_delete("a", [1]) is False
    assert m.compare_and_delete("b", [1]) is False
    assert m.load("a") == ([3], True)
    assert m.compare_and_delete("a", [3]) is True
    assert m.load("a") == (None, False)


def test_what_does_not_equal_itself_is_found():
    nan = float("nan")
    m = ac.AsyncMap({"a": nan})
    assert m.compare_and_swap("a", float("nan"), 1.0) is False
    assert m.compare_and_swap("a", nan, nan) is True
    assert m.compare_and_delete("a", nan) is True


def test_a_comparison_that_changes_the_map_is_made_again():
    class Meddling:
        def __eq__(self, other):
            m.store("a", 5)
            return True

        __hash__ = None

    m = ac.AsyncMap[str, object]({"a": Meddling()})
    assert m.compare_and_swap("a", 1, 2) is False, "5 is no 1"
    assert m.load("a") == (5, True)
    m.store("a", Meddling())
    assert m.compare_and_delete("a", 5) is True
    assert len(m) == 0


def test_clear():
    m = ac.AsyncMap({"a": 1, "b": 2})
    m.clear()
    assert (len(m), list(m.range())) == (0, [])


def test_no_key_is_retained_after_a_delete():
    """B24: Go 1.15 forgot keys that were in its second map only."""

    class Key:
        pass

    m = ac.AsyncMap[Key, int]()
    known = []
    for _ in range(100):
        key = Key()
        known.append(weakref.ref(key))
        m.store(key, 1)
        m.load(object())  # misses, which promote the one to the other in Go
        m.delete(key)
    del key
    assert [key for key in known if key() is not None] == []


def test_a_key_that_cannot_be_hashed_is_refused():
    m = ac.AsyncMap({"a": 1})
    for act in (m.load, m.delete, m.unlock, lambda key: m.store(key, 1)):
        with pytest.raises(TypeError, match="unhashable type"):
            act([])
    assert nothing_is_left(m)


# -- range


def test_range_is_a_snapshot(run):
    """B22, B23: who iterates awaits, while others store and delete."""

    async def main():
        m, seen = ac.AsyncMap({n: str(n) for n in range(10)}), []

        async def walk():
            for key, value in m.range():
                await asyncio.sleep(0)
                seen.append((key, value))

        async def change():
            for n in range(10):
                m.delete(n)
                m.store(n + 100, "new")
                await asyncio.sleep(0)

        await asyncio.gather(walk(), change())
        assert seen == [(n, str(n)) for n in range(10)], "the items of the moment in which it was called"
        assert sorted(key for key, _ in m.range()) == list(range(100, 110))

    run(main)


def test_a_loop_over_range_may_be_left():
    """MP01: Each stops."""
    m = ac.AsyncMap({n: n for n in range(10)})
    seen = []
    for key, _ in m.range():
        if key == 3:
            break
        seen.append(key)
    assert seen == [0, 1, 2]
    assert len(m.range()) == 10


def test_it_is_not_iterable_by_itself():
    with pytest.raises(TypeError, match="not iterable"):
        iter(ac.AsyncMap())


# -- a value that is made once


class Factory:
    """Counts its calls; each ends when it is told how."""

    def __init__(self):
        self.calls = []

    async def __call__(self, *args):
        self.calls.append(future := asyncio.get_running_loop().create_future())
        return await future


def test_get_or_create_makes_a_missing_value(run):
    async def main():
        async def double(n):
            await asyncio.sleep(0)
            return 2 * n

        m = ac.AsyncMap[str, int]()
        assert await m.get_or_create("a", double, 4) == 8
        assert await m.get_or_create("a", double, 5) == 8, "it is there now"
        assert m.load("a") == (8, True)
        assert nothing_is_left(m)

    run(main)


def test_many_who_ask_for_a_key_share_one_call(run):
    async def main():
        m, factory = ac.AsyncMap[str, object](), Factory()
        tasks = await asleep(*(m.get_or_create("a", factory) for _ in range(100)))
        other = await asleep(m.get_or_create("b", factory))
        assert len(factory.calls) == 2, "one for each key"
        factory.calls[0].set_result(value := object())
        assert set(await asyncio.gather(*tasks)) == {value}
        factory.calls[1].set_result("b")
        assert await other[0] == "b"
        assert nothing_is_left(m)

    run(main)


def test_all_who_wait_get_the_error_and_nothing_is_stored(run):
    async def main():
        m, factory = ac.AsyncMap[str, int](), Factory()
        tasks = await asleep(*(m.get_or_create("a", factory) for _ in range(5)))
        factory.calls[0].set_exception(error := ValueError("no"))
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is error for result in results)
        assert len(factory.calls) == 1
        assert "a" not in m
        assert nothing_is_left(m)
        factory.calls.clear()
        (task,) = await asleep(m.get_or_create("a", factory))
        factory.calls[0].set_result(1)
        assert await task == 1, "the next one tries again"

    run(main)


def test_the_traceback_of_the_error_does_not_grow_with_those_who_hear_of_it(run):
    async def main():
        async def fail():
            await asyncio.sleep(0)
            raise ValueError("no")

        depths = []

        async def ask():
            try:
                await m.get_or_create("a", fail)
            except ValueError as error:
                depths.append([frame.name for frame in traceback.extract_tb(error.__traceback__)])

        m = ac.AsyncMap[str, int]()
        await asyncio.gather(*(ask() for _ in range(6)))
        assert len(depths) == 6
        assert all(depth[-1] == "fail" for depth in depths)
        assert len({len(depth) for depth in depths[1:]}) == 1

    run(main)


def test_a_cancelled_runner_hands_the_call_to_the_next(run):
    async def main():
        m, factory = ac.AsyncMap[str, int](), Factory()
        first, second, third = await asleep(*(m.get_or_create("a", factory) for _ in range(3)))
        first.cancel()
        await asleep()
        assert len(factory.calls) == 2
        assert factory.calls[0].cancelled()
        factory.calls[1].set_result(1)
        assert await asyncio.gather(second, third) == [1, 1]
        assert first.cancelled()
        assert nothing_is_left(m)

    run(main)


def test_a_cancelled_runner_with_nobody_behind_it_leaves_nothing(run):
    async def main():
        m, factory = ac.AsyncMap[str, int](), Factory()
        (task,) = await asleep(m.get_or_create("a", factory))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert nothing_is_left(m)

    run(main)


@pytest.mark.parametrize("turns", range(5))
def test_who_is_handed_the_call_and_cancelled_passes_it_on(run, turns):
    async def main():
        m, factory = ac.AsyncMap[str, int](), Factory()
        first, second, third = await asleep(*(m.get_or_create("a", factory) for _ in range(3)))
        first.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        second.cancel()  # asleep, woken, or at work: in all cases the third is next
        await asleep()
        factory.calls[-1].set_result(1)
        assert await third == 1
        assert first.cancelled()
        assert second.cancelled()
        assert nothing_is_left(m)

    run(main)


def test_a_cancelled_waiter_is_nobody_elses_business(run):
    async def main():
        m, factory = ac.AsyncMap[str, int](), Factory()
        first, second, third = await asleep(*(m.get_or_create("a", factory) for _ in range(3)))
        second.cancel()
        factory.calls[0].set_result(1)
        assert await asyncio.gather(first, third) == [1, 1]
        assert second.cancelled()

    run(main)


def test_a_store_meanwhile_wins_and_is_told_at_once(run):
    async def main():
        m, factory = ac.AsyncMap[str, str](), Factory()
        first, second = await asleep(*(m.get_or_create("a", factory) for _ in range(2)))
        m.store("a", "stored")
        assert await second == "stored"
        assert await m.get_or_create("a", factory) == "stored"
        factory.calls[0].set_result("made")
        assert await first == "stored"
        assert m.load("a") == ("stored", True)
        assert len(factory.calls) == 1
        assert nothing_is_left(m)

    run(main)


@pytest.mark.parametrize("store", ["store", "load_or_store", "swap"])
def test_whatever_stores_is_the_answer(run, store):
    async def main():
        m, factory = ac.AsyncMap[str, str](), Factory()
        first, second = await asleep(*(m.get_or_create("a", factory) for _ in range(2)))
        getattr(m, store)("a", "stored")
        assert await second == "stored"
        factory.calls[0].set_exception(error := ValueError("too late for the others"))
        with pytest.raises(ValueError, match="too late") as caught:
            await first
        assert caught.value is error
        assert m.load("a") == ("stored", True)
        assert nothing_is_left(m)

    run(main)


def test_a_key_that_is_stored_again_and_again_meanwhile(run):
    async def main():
        m, factory = ac.AsyncMap[str, str](), Factory()
        first, second = await asleep(*(m.get_or_create("a", factory) for _ in range(2)))
        m.store("a", "stored")
        m.delete("a")
        (third,) = await asleep(m.get_or_create("a", factory))
        m.store("a", "stored again")
        factory.calls[0].set_result("made")
        assert await asyncio.gather(first, second, third) == ["stored again", "stored", "stored again"]
        assert len(factory.calls) == 1
        assert nothing_is_left(m)

    run(main)


def test_a_key_that_is_stored_and_deleted_meanwhile_is_not_made_twice_at_once(run):
    async def main():
        m, factory = ac.AsyncMap[str, str](), Factory()
        first, second = await asleep(*(m.get_or_create("a", factory) for _ in range(2)))
        m.store("a", "stored")
        m.delete("a")
        (third,) = await asleep(m.get_or_create("a", factory))
        assert await second == "stored"
        assert len(factory.calls) == 1
        assert not third.done()
        factory.calls[0].set_result("made")
        assert await asyncio.gather(first, third) == ["made", "made"]
        assert nothing_is_left(m)

    run(main)


@pytest.mark.parametrize("turns", range(5))
def test_a_store_around_the_hand_over_is_the_answer_for_all(run, turns):
    async def main():
        m, factory = ac.AsyncMap[str, str](), Factory()
        first, second, third = await asleep(*(m.get_or_create("a", factory) for _ in range(3)))
        first.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        m.store("a", "stored")
        m._check()
        await asleep()
        for future in factory.calls[1:]:  # there is one if the second was at work already
            future.set_result("made")
        assert await asyncio.gather(second, third) == ["stored", "stored"]
        assert first.cancelled()
        assert nothing_is_left(m)

    run(main)


def test_a_factory_that_asks_for_its_own_key_is_told(run):
    async def main():
        m = ac.AsyncMap[str, int](name="users")

        async def again():
            return await m.get_or_create("a", again)

        async def other():
            return await m.get_or_create("a", again)

        words = "<AsyncMap 'users' 0 items, 1 being made> is asked for 'a' by what makes 'a': it would wait for itself"
        with pytest.raises(ac.MisuseError, match=words):
            await m.get_or_create("a", again)
        assert nothing_is_left(m)
        with pytest.raises(ac.MisuseError, match="'a' by what makes 'a'"):
            await m.get_or_create("b", other)
        assert nothing_is_left(m)

    run(main)


def test_a_factory_may_ask_for_another_key(run):
    async def main():
        m = ac.AsyncMap[int, int]()

        async def factorial(n):
            return n * await m.get_or_create(n - 1, factorial, n - 1) if n else 1

        assert await m.get_or_create(10, factorial, 10) == 3628800
        assert len(m) == 11

    run(main)


def test_a_factory_that_is_none_is_refused(run):
    async def main():
        m = ac.AsyncMap({"here": 1})
        with pytest.raises(TypeError, match="a function is needed, not 7"):
            await m.get_or_create("a", 7)
        with pytest.raises(TypeError, match="a function is needed"):
            await m.get_or_create("here", asyncio.sleep(0))
        with pytest.raises(TypeError, match="must return an awaitable, not 3"):
            await m.get_or_create("a", lambda: 3)
        with pytest.raises(TypeError, match="unhashable"):
            await m.get_or_create([], asyncio.sleep, 0)
        assert nothing_is_left(m)

    run(main)


def test_an_error_that_was_told_dies_without_the_collector():
    async def main():
        async def fail():
            await asyncio.sleep(0)
            raise Failed

        class Failed(Exception):
            pass

        m = ac.AsyncMap[str, int]()
        tasks = await asleep(*(m.get_or_create("a", fail) for _ in range(3)))
        known = []
        for task in tasks:
            try:
                await task
            except Failed as error:
                known.append(weakref.ref(error))
        del tasks, task
        return known

    gc.collect()
    gc.disable()
    try:
        known = asyncio.run(main())
        assert len(known) == 3
        assert known[0]() is None
    finally:
        gc.enable()


def test_a_deadline_on_one_is_not_a_deadline_on_others():
    async def main():
        async def slow():
            await asyncio.sleep(10)
            return asyncio.get_running_loop().time()

        m = ac.AsyncMap[str, float]()

        async def hasty():
            async with asyncio.timeout(5):
                await m.get_or_create("a", slow)

        hasty_one, patient = await asleep(hasty(), m.get_or_create("a", slow))
        with pytest.raises(TimeoutError):
            await hasty_one
        assert await patient == 15, "it began its own call when the first was cancelled, at 5"

    virtual.run(main)


# -- a lock for each key


def test_a_key_is_locked_by_one_at_a_time(run):
    async def main():
        m, inside, most = ac.AsyncMap[str, int](), set(), 0

        async def work(key, name):
            nonlocal most
            async with m.locking(key):
                assert not any(other == key for other, _ in inside)
                inside.add((key, name))
                most = max(most, len(inside))
                await asyncio.sleep(0)
                inside.remove((key, name))

        await asyncio.gather(*(work(key, name) for name in range(5) for key in "ab"))
        assert most == 2, "different keys do not wait for each other"
        assert nothing_is_left(m)

    run(main)


def test_a_lock_is_handed_on_in_line(run):
    async def main():
        m, order = ac.AsyncMap[str, int](), []

        async def work(name):
            await m.lock("a")
            order.append(name)
            m.unlock("a")

        await m.lock("a")
        tasks = await asleep(*map(work, "xyz"))
        m.unlock("a")
        late = asyncio.create_task(work("late"))
        await asyncio.gather(*tasks, late)
        assert order == ["x", "y", "z", "late"]
        assert nothing_is_left(m)

    run(main)


def test_locks_are_not_values():
    async def main():
        m = ac.AsyncMap[str, int]()
        await m.lock("a")
        assert "a" not in m
        m.store("a", 1)
        m.clear()
        assert repr(m).endswith(" 0 items, 1 locked>")
        m.unlock("a")
        assert nothing_is_left(m)

    asyncio.run(main())


def test_a_million_keys_leave_no_lock():
    async def main():
        m = ac.AsyncMap[int, int]()
        for key in range(1_000_000):
            await m.lock(key)
            m.unlock(key)
        assert nothing_is_left(m)

    asyncio.run(main())


def test_waiting_cancelled_and_handed_on_leaves_no_lock(run):
    async def main():
        m = ac.AsyncMap[int, int]()
        for key in range(100):
            await m.lock(key)
        tasks = await asleep(*(m.lock(key) for key in range(100) for _ in range(3)))
        for n, task in enumerate(tasks):
            if n % 3 != 2:
                task.cancel()
        for key in range(0, 100, 2):
            m.unlock(key)
        await asleep()
        for key in range(1, 100, 2):
            m.unlock(key)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(task.cancelled() for task in tasks) == 200
        for key in range(100):
            m.unlock(key)  # those that the third of each had been handed
        assert nothing_is_left(m)

    run(main)


def test_a_lock_that_was_handed_to_a_cancelled_task_goes_on(run):
    async def main():
        m = ac.AsyncMap[str, int]()
        await m.lock("a")
        first, second = await asleep(m.lock("a"), m.lock("a"))
        m.unlock("a")
        first.cancel()
        await second
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await m.lock("a")
        m.unlock("a")
        assert nothing_is_left(m)

    run(main)


def test_unlocking_what_is_not_locked_is_refused():
    m = ac.AsyncMap({"a": 1}, name="users")
    with pytest.raises(ac.NotHeld, match="unlock of the unlocked key 'a' of <AsyncMap 'users' 1 items>: unlock once"):
        m.unlock("a")


def test_a_block_that_raises_unlocks(run):
    async def main():
        m = ac.AsyncMap[str, int]()
        with pytest.raises(ZeroDivisionError):
            async with m.locking("a"):
                raise ZeroDivisionError
        assert nothing_is_left(m)

    run(main)


# -- misuse, and what lives how long


def test_another_thread_is_refused_and_changes_nothing(run):
    async def main():
        m, factory, refused = ac.AsyncMap[str, int](name="m"), Factory(), []
        tasks = await asleep(*(m.get_or_create("a", factory) for _ in range(2)))
        await m.lock("k")
        (locking,) = await asleep(m.lock("k"))

        def meddle():
            for act in (lambda: m.store("a", 1), lambda: m.unlock("k")):
                try:
                    act()
                except ac.WrongLoop as error:
                    refused.append(error)

        thread = threading.Thread(target=meddle)
        thread.start()
        thread.join()
        assert len(refused) == 2
        assert "a" not in m
        factory.calls[0].set_result(2)
        assert await asyncio.gather(*tasks) == [2, 2]
        m.unlock("k")
        await locking
        m.unlock("k")
        assert nothing_is_left(m)

    run(main)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_cannot_be_copied(duplicate):
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(ac.AsyncMap())


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError):
        ac.AsyncMap(7)
    with pytest.raises(TypeError, match="the name of a AsyncMap must be a string, not 7"):
        ac.AsyncMap(name=7)


def test_it_dies_without_the_collector():
    async def main():
        m = ac.AsyncMap[str, int]()
        factory = Factory()
        tasks = await asleep(*(m.get_or_create("a", factory) for _ in range(2)), m.lock("k"))
        tasks += await asleep(m.lock("k"))
        tasks[0].cancel()
        await asleep()
        factory.calls[1].set_result(1)
        m.unlock("k")
        await asyncio.gather(*tasks, return_exceptions=True)
        return weakref.ref(m)

    gc.collect()
    gc.disable()
    try:
        assert asyncio.run(main())() is None
    finally:
        gc.enable()


def test_it_says_how_it_stands(run):
    async def main():
        m, factory = ac.AsyncMap({"a": 1}, name="users"), Factory()
        assert repr(m) == "<AsyncMap 'users' 1 items>"
        await m.lock("a")
        (task,) = await asleep(m.get_or_create("b", factory))
        assert repr(m) == "<AsyncMap 'users' 1 items, 1 being made, 1 locked>"
        factory.calls[0].set_result(2)
        await task
        m.unlock("a")

    run(main)
