"""Who has a lock, on which loop, and the sides of a lock (P02)."""

import asyncio
import gc
import threading
import weakref

import pytest

from aiochan.errors import MisuseError
from aiochan.sync.owned import Owned, Side, refuse_in_debug_mode, task_of


def test_the_caller_is_the_running_task(run):
    async def main():
        thing, loop = Owned(), asyncio.get_running_loop()
        assert thing._caller() is asyncio.current_task()
        assert thing._loop is loop
        assert task_of(loop) is asyncio.current_task()

        async def other():
            return thing._caller() is asyncio.current_task() is task_of(loop)

        assert await asyncio.create_task(other())

    run(main)


def test_in_a_callback_it_is_nobody(run):
    async def main():
        thing, loop = Owned(), asyncio.get_running_loop()
        answer = loop.create_future()
        loop.call_soon(lambda: answer.set_result((thing._caller(), task_of(loop))))
        assert await answer == (True, None)

    run(main)


def test_without_a_loop_it_is_nobody():
    assert Owned()._caller() is True


def test_another_loop_is_found_out(run):
    """What a lock remembers may be a loop that is gone, or one of another thread in which no task runs now."""
    thing = Owned()
    asyncio.run(_remember(thing))
    before = thing._loop

    async def main():
        assert task_of(before) is None
        assert thing._caller() is asyncio.current_task()
        assert thing._loop is asyncio.get_running_loop()
        thread = threading.Thread(target=asyncio.run, args=[_remember(thing)])
        thread.start()
        thread.join()
        assert task_of(thing._loop) is None
        assert thing._caller() is asyncio.current_task()

    run(main)


async def _remember(thing):
    thing._caller()


def test_only_debug_mode_refuses(run, loop_kind):
    async def main():
        me = asyncio.current_task()
        me.set_name("me")
        if loop_kind == "debug":
            with pytest.raises(MisuseError, match=r"^me has locked 'it' and would wait for itself; unlock it first$"):
                refuse_in_debug_mode(me, "has locked", "it", "unlock it first")
        else:
            refuse_in_debug_mode(me, "has locked", "it", "unlock it first")
        for nobody in (True, False):
            refuse_in_debug_mode(nobody, "has locked", "it", "unlock it first")

    run(main)


def test_a_side_is_what_it_is_made_of(run):
    async def main():
        calls = []

        async def lock():
            calls.append("lock")

        def unlock():
            calls.append("unlock")

        thing = Owned("it")
        side = Side("readers", thing, lock, unlock)
        async with side:
            calls.append("inside")
        await side.lock()
        side.unlock()
        with pytest.raises(LookupError):
            async with side:
                raise LookupError
        assert calls == ["lock", "inside", "unlock", "lock", "unlock", "lock", "unlock"]
        assert repr(side).startswith("<readers of <")
        gone = weakref.ref(thing)
        gc.disable()
        try:
            del thing
            assert gone() is not None, "a side keeps what it is of"
            del side
            assert gone() is None
        finally:
            gc.enable()

    run(main)
