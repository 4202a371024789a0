"""`ObjectPool`: used again, made when missing, dropped when too many, too large or too long idle.

PL01, PL02, PL05; B25, P13.
"""

import asyncio
import threading
import weakref

import pytest

import aiochan as ac
from aiochan.pools import ObjectPool


def pool_of_lists(**options):
    return ObjectPool(list, reset=list.clear, name="lists", **options)


def test_what_was_put_back_last_is_taken_first():
    pool = pool_of_lists()
    first, second = pool.get(), pool.get()
    assert (pool.made, pool.idle) == (2, 0)
    pool.put(first)
    pool.put(second)
    assert pool.get() is second
    assert pool.get() is first
    assert pool.get() is not first
    assert (pool.made, pool.dropped) == (3, 0)
    pool._check()


def test_it_is_reset_when_it_comes_back():
    """PL02: reset on put, and not when somebody waits for it."""
    pool = pool_of_lists()
    scratch = pool.get()
    scratch.append("a secret")
    pool.put(scratch)
    assert scratch == []
    assert pool.get() is scratch


def test_more_than_max_idle_are_dropped():
    """PL05: a count that is bounded."""
    pool = pool_of_lists(max_idle=2)
    for obj in [pool.get() for _ in range(5)]:
        pool.put(obj)
        pool._check()
    assert (pool.idle, pool.dropped) == (2, 3)
    assert repr(pool) == "<ObjectPool 'lists' 2/2 idle, 5 made, 3 dropped>"


def test_what_has_grown_too_large_is_dropped():
    """PL02, B25: encoding/json and fmt keep no buffer above 64 KiB."""
    pool = ObjectPool(lambda: bytearray(16), measure=len, largest=65536)
    buffer = pool.get()
    buffer.extend(bytes(65536 - 16))
    pool.put(buffer)
    assert pool.get() is buffer
    buffer.append(1)
    pool.put(buffer)
    assert (pool.idle, pool.dropped) == (0, 1)
    assert len(pool.get()) == 16


def test_what_has_grown_too_large_is_replaced():
    """PL05: SizedBufferPool puts a new one in its place."""
    pool = ObjectPool(lambda: bytearray(16), measure=len, largest=16, replace=True)
    large = bytearray(17)
    pool.put(large)
    assert (pool.idle, pool.made, pool.dropped) == (1, 1, 1)
    pool._check()
    assert len(pool.get()) == 16
    pool._check()


def test_what_nobody_needed_for_two_sweeps_is_dropped():
    """PL01: objects survive one cycle, as victims, and not two."""
    pool = pool_of_lists()
    busy, idle = pool.get(), pool.get()
    pool.put(idle)
    pool.put(busy)
    assert (pool.sweep(), pool.idle) == (0, 2)
    assert pool.get() is busy  # a victim that is needed is none any more
    pool.put(busy)
    assert (pool.sweep(), pool.idle, pool.dropped) == (1, 1, 1)
    assert pool.get() is busy
    assert pool.get() is not idle
    assert (pool.sweep(), pool.sweep()) == (0, 0)
    pool._check()


def test_what_is_dropped_is_gone_at_once():
    class Thing:
        pass

    pool = ObjectPool(Thing)
    pool.put(thing := pool.get())
    known = weakref.ref(thing)
    del thing
    pool.sweep()
    assert known() is not None
    pool.sweep()
    assert known() is None


def test_nothing_twice():
    pool = pool_of_lists()
    scratch = pool.get()
    pool.put(scratch)
    for _ in range(2):
        with pytest.raises(ac.MisuseError, match=r"\[\] was put into <ObjectPool 'lists' 1/64 idle.* already"):
            pool.put(scratch)
        pool.sweep()  # also when it is a victim
        pool.put(pool.get())
        pool.sweep()
    assert pool.idle == 1
    pool._check()


def test_equal_objects_are_not_the_same():
    pool = pool_of_lists()
    pool.put([])
    pool.put([])
    assert pool.idle == 2


def test_none_is_ignored_and_an_empty_pool_makes_what_it_is_told():
    """PL01, P13: `Put(nil)` does nothing; a pool whose New makes nothing gives nothing."""
    pool = ObjectPool(lambda: None)
    assert pool.get() is None
    pool.put(None)
    assert pool.idle == 0


def test_an_object_whose_reset_fails_is_not_kept():
    def reset(obj):
        raise LookupError("torn")

    pool = ObjectPool(list, reset=reset)
    with pytest.raises(LookupError, match="torn"):
        pool.put([])
    assert pool.idle == 0


@pytest.mark.parametrize(
    ("new", "options", "error", "message"),
    [
        (None, {}, TypeError, "a function is needed, not None"),
        (list, {"reset": 7}, TypeError, "a function is needed, not 7"),
        (list, {"max_idle": -1}, ValueError, "max_idle must be 0 or more, not -1"),
        (list, {"max_idle": 1.5}, TypeError, "max_idle must be a whole number, not 1.5"),
        (list, {"measure": len}, TypeError, "measure and largest go together"),
        (list, {"largest": 7}, TypeError, "measure and largest go together"),
        (list, {"measure": len, "largest": -1}, ValueError, "largest must be 0 or more, not -1"),
    ],
)
def test_wrong_arguments(new, options, error, message):
    with pytest.raises(error, match=message):
        ObjectPool(new, **options)


def test_a_block_borrows_and_puts_back(run):
    async def main():
        pool = pool_of_lists()
        with pool.borrow() as scratch:
            assert scratch == [] and pool.idle == 0
        async with pool.borrow() as again:
            assert again is scratch and pool.idle == 0
        assert pool.idle == 1
        loan = pool.borrow()
        for _ in range(2):  # one block after the other
            with loan as again:
                assert again is scratch
                with pytest.raises(ac.MisuseError, match=r"\[\] is lent to this block already; borrow another one"):
                    loan.__enter__()

    run(main)


@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
def test_what_an_error_has_left_in_the_middle_of_things_is_dropped(error):
    pool = pool_of_lists()
    loan = pool.borrow()
    with pytest.raises(error), loan:
        raise error
    assert (pool.idle, pool.made) == (0, 1)
    with loan:
        assert pool.made == 2


def test_threads_never_have_the_same_object():
    pool, torn = ObjectPool(list, max_idle=4), []

    def work():
        for _ in range(2000):
            with pool.borrow() as mine:
                mine.append(threading.get_ident())
                if mine != [threading.get_ident()]:
                    torn.append(mine[:])
                mine.clear()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn
    pool._check()
