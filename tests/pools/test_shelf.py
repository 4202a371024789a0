"""`Shelf`: newest first out, oldest first closed, and a timer that keeps nothing alive (PL07, H23)."""

import asyncio
import gc
import weakref

from aiochan.pools.resources import Limits
from aiochan.pools.shelf import Shelf
from aiochan.testing import virtual


class Owner:
    def __init__(self, limits, room=10):
        self.tidied = []
        self.shelf = Shelf(limits, room, self.tidy)

    def tidy(self):
        loop = asyncio.get_running_loop()
        self.tidied.append((loop.time(), [(r.value, why) for r, why in self.shelf.sort_out(0, loop)]))

    def lay(self, value):
        loop = asyncio.get_running_loop()
        self.shelf.lay(self.shelf.limits.born(value, loop.time()), loop)
        self.shelf._check(0)


def test_each_is_taken_out_when_its_time_has_come():
    async def main():
        owner = Owner(Limits(None, 10))
        for value in "abc":
            owner.lay(value)
            await asyncio.sleep(1)
        await asyncio.sleep(100)
        assert owner.tidied == [(at, [(value, "max_idle_time")]) for at, value in [(10, "a"), (11, "b"), (12, "c")]]
        assert owner.shelf._timer is None  # an empty shelf has no timer

    virtual.run(main)


def test_what_is_used_again_and_again_sets_no_timer_anew():
    async def main():
        owner = Owner(Limits(None, 10))
        owner.lay("a")
        timer = owner.shelf._timer
        for _ in range(9):
            await asyncio.sleep(1)
            owner.shelf.lay(owner.shelf.stack.pop(), asyncio.get_running_loop())
            assert owner.shelf._timer is timer
        await asyncio.sleep(100)
        assert owner.tidied == [(10, []), (19, [("a", "max_idle_time")])]

    virtual.run(main)


def test_a_lifetime_that_ends_earlier_moves_the_timer():
    async def main():
        owner = Owner(Limits(10, 8))
        old = owner.shelf.limits.born("old", 0.0)
        await asyncio.sleep(5)
        owner.lay("new")
        owner.shelf.lay(old, asyncio.get_running_loop())
        await asyncio.sleep(100)
        assert owner.tidied == [(10, [("old", "max_lifetime")]), (13, [("new", "max_idle_time")])]

    virtual.run(main)


def test_too_many_are_taken_from_below():
    async def main():
        owner = Owner(Limits(None, None), room=1)
        for value in "abcd":
            owner.lay(value)
        loop = asyncio.get_running_loop()
        assert [r.value for r, _ in owner.shelf.sort_out(3, loop)] == []  # promised: c, b, a would be next
        assert [(r.value, why) for r, why in owner.shelf.sort_out(1, loop)] == [("a", "max_idle"), ("b", "max_idle")]
        assert [r.value for r in owner.shelf.stack] == ["c", "d"]
        assert [(r.value, why) for r, why in owner.shelf.clear()] == [("c", "end"), ("d", "end")]

    virtual.run(main)


def test_a_timer_keeps_nothing_alive():
    async def main():
        owner = Owner(Limits(None, 10))
        owner.lay("a")
        known = weakref.ref(owner), weakref.ref(owner.shelf)
        gc.disable()
        try:
            del owner
            assert [ref() for ref in known] == [None, None]
        finally:
            gc.enable()
        await asyncio.sleep(100)  # it goes off, and finds nobody

    virtual.run(main)


def test_what_has_no_time_left_is_no_trouble_on_any_loop(run):
    """uvloop makes a plain handle of a timer that is due within half a millisecond; it cannot tell its time."""

    async def main():
        owner = Owner(Limits(None, 0.0004))
        for value in "abc":
            owner.lay(value)
        while owner.shelf.stack:  # noqa: ASYNC110 - until the loop has come to its timer
            await asyncio.sleep(0)
        assert [value for _, taken in owner.tidied for value, _ in taken] == ["a", "b", "c"]

    run(main)
