"""`RWMutex`: who is in with whom, who goes first, misuse, reports (LK01, LK09-LK11, B12, B13, P01, P03, P08)."""

import asyncio
import copy
import gc
import pickle
import weakref

import pytest

import aiochan as ac
from aiochan.sync.locker import Locker


async def turn():
    await asyncio.sleep(0)


async def turns(n=10):
    for _ in range(n):
        await turn()


class Stage:
    """Tasks that read or write until they are told to leave, and who is in."""

    def __init__(self, name=None):
        self.rw = ac.RWMutex(name)
        self.inside = []
        self.gates = {}
        self.tasks = {}

    async def _use(self, name, side):
        async with side:
            self.inside.append(name)
            try:
                await self.gates[name].wait()
            finally:
                self.inside.remove(name)

    async def come(self, *names):
        """Let tasks come, one after the other; a name says what it wants: `r...` or `w...`."""
        for name in names:
            side = self.rw.reading() if name.startswith("r") else self.rw.writing()
            self.gates[name] = ac.Signal(name)
            self.tasks[name] = asyncio.create_task(self._use(name, side), name=name)
            await turn()
            self.rw._check()

    async def leave(self, *names):
        for name in names:
            self.gates[name].close()
        await asyncio.gather(*[self.tasks[name] for name in names])
        await turns(2)
        self.rw._check()

    async def cancel(self, *names):
        for name in names:
            self.tasks[name].cancel()
        await asyncio.gather(*[self.tasks[name] for name in names], return_exceptions=True)
        await turns(2)
        self.rw._check()

    def counts(self):
        rw = self.rw
        return rw.readers, rw.locked, rw.waiting_readers, rw.waiting_writers


def staged(run, script, name=None):
    async def main():
        stage = Stage(name)
        await script(stage)
        assert not stage.inside
        assert stage.counts() == (0, False, 0, 0)

    run(main)


# -- who is in with whom


def test_readers_are_in_together(run):
    async def script(stage):
        await stage.come("r1", "r2", "r3")
        assert stage.inside == ["r1", "r2", "r3"]
        assert stage.counts() == (3, False, 0, 0)
        await stage.leave("r2", "r1", "r3")

    staged(run, script)


def test_a_writer_is_in_alone(run):
    async def script(stage):
        await stage.come("w1", "w2", "r1")
        assert stage.inside == ["w1"]
        assert stage.counts() == (0, True, 1, 1)
        await stage.leave("w1")
        assert stage.inside == ["r1"]
        await stage.leave("r1")
        assert stage.inside == ["w2"]
        await stage.leave("w2")

    staged(run, script)


@pytest.mark.parametrize("side", ["reading", "writing"])
def test_who_changes_something_has_to_be_a_writer(run, side):
    """B12: under a read lock another one changes it as well."""

    async def main():
        rw, count = ac.RWMutex(), 0

        async def add():
            nonlocal count
            async with getattr(rw, side)():
                seen = count
                await turn()
                count = seen + 1

        await asyncio.gather(*[add() for _ in range(5)])
        assert count == (5 if side == "writing" else 1)

    run(main)


# -- who goes first (LK09)


def test_a_writer_that_waits_stops_new_readers(run):
    """LK09, P08: or it might wait for ever."""

    async def script(stage):
        await stage.come("r1", "w1", "r2")
        assert stage.inside == ["r1"]
        await stage.leave("r1")
        assert stage.inside == ["w1"]
        await stage.leave("w1")
        assert stage.inside == ["r2"]
        await stage.leave("r2")

    staged(run, script)


def test_the_last_reader_lets_the_writer_in(run):
    """LK09: not the first one who leaves."""

    async def script(stage):
        await stage.come("r1", "r2", "w1")
        await stage.leave("r1")
        assert stage.inside == ["r2"]
        await stage.leave("r2")
        assert stage.inside == ["w1"]
        await stage.leave("w1")

    staged(run, script)


def test_readers_that_waited_go_before_the_next_writer(run):
    """LK09: all of them, also those who came after that writer; and those who come now wait for it."""

    async def script(stage):
        await stage.come("w1", "r1", "w2", "r2")
        await stage.leave("w1")
        assert stage.inside == ["r1", "r2"]
        await stage.come("r3")
        assert stage.inside == ["r1", "r2"]
        await stage.leave("r1", "r2")
        assert stage.inside == ["w2"]
        await stage.leave("w2")
        assert stage.inside == ["r3"]
        await stage.leave("r3")

    staged(run, script)


def test_writers_get_in_as_they_came(run):
    async def script(stage):
        await stage.come("w1", "w2", "w3")
        for name in ("w1", "w2", "w3"):
            assert stage.inside == [name]
            await stage.leave(name)

    staged(run, script)


def test_nobody_slips_in_while_it_is_handed_over(run):
    async def script(stage):
        rw = stage.rw
        await rw.lock()
        await stage.come("r1")
        rw.unlock()
        assert stage.counts() == (1, False, 0, 0)  # before it runs
        assert not rw.try_lock()
        await stage.leave("r1")
        await rw.rlock()
        await stage.come("w1")
        rw.runlock()
        assert stage.counts() == (0, True, 0, 0)
        assert not rw.try_rlock()
        await stage.leave("w1")

    staged(run, script)


# -- giving up


def test_the_last_waiting_writer_gives_up(run):
    """The readers behind it get in, at once."""

    async def script(stage):
        await stage.come("r1", "w1", "r2", "r3")
        await stage.cancel("w1")
        assert stage.inside == ["r1", "r2", "r3"]
        assert stage.rw.try_rlock()
        stage.rw.runlock()
        await stage.leave("r1", "r2", "r3")

    staged(run, script)


def test_one_of_two_waiting_writers_gives_up(run):
    async def script(stage):
        await stage.come("r1", "w1", "w2", "r2")
        await stage.cancel("w1")
        assert stage.inside == ["r1"]
        await stage.leave("r1")
        assert stage.inside == ["w2"]
        await stage.leave("w2")
        await stage.leave("r2")

    staged(run, script)


def _ends(coro):
    """Run a coroutine until it sleeps, or ends."""
    try:
        coro.send(None)
    except StopIteration:
        return True
    return False


@pytest.mark.parametrize("newcomer", ["a reader", "a writer", "a try"])
def test_a_writer_that_was_cancelled_stops_nobody_any_more(run, newcomer):
    """Even before its task has run: whoever comes then finds the readers that stood behind it in."""

    async def script(stage):
        rw = stage.rw
        await stage.come("r1", "w1", "r2")
        stage.tasks["w1"].cancel()
        if newcomer == "a try":
            assert rw.try_rlock()
        else:
            coro = rw.rlock() if newcomer == "a reader" else rw.lock()
            ended = _ends(coro)
            assert ended == (newcomer == "a reader")
        assert (rw.readers, rw.waiting_readers) == (2 + (newcomer != "a writer"), 0)
        rw._check()
        if newcomer == "a writer":
            coro.close()
        else:
            rw.runlock()
        await stage.cancel("w1")
        await stage.leave("r1", "r2")

    staged(run, script)


def test_a_writer_is_cancelled_while_it_was_handed_over(run):
    async def script(stage):
        await stage.rw.rlock()
        await stage.come("w1", "r2")
        stage.rw.runlock()
        await stage.cancel("w1")
        assert stage.inside == ["r2"]
        await stage.leave("r2")

    staged(run, script)


def test_the_next_writer_inherits_what_was_handed_over(run):
    """A writer that never was in does not let the readers in that came after the next one."""

    async def script(stage):
        await stage.rw.rlock()
        await stage.come("w1", "w2", "r1")
        stage.rw.runlock()
        await stage.cancel("w1")
        assert stage.inside == ["w2"]
        await stage.leave("w2")
        assert stage.inside == ["r1"]
        await stage.leave("r1")

    staged(run, script)


def test_readers_are_cancelled_while_it_was_handed_over(run):
    async def script(stage):
        await stage.rw.lock()
        await stage.come("r1", "r2", "w2")
        stage.rw.unlock()
        assert stage.counts() == (2, False, 0, 1)
        await stage.cancel("r1", "r2")
        assert stage.inside == ["w2"]
        await stage.leave("w2")

    staged(run, script)


@pytest.mark.parametrize("side", ["reading", "writing"])
def test_time_runs_out(run, side):
    async def script(stage):
        await stage.come("w1")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001), getattr(stage.rw, side)():
                raise AssertionError("it was in")
        assert stage.counts() == (0, True, 0, 0)
        await stage.leave("w1")

    staged(run, script)


# -- try (LK10)


def test_try(run):
    """LK10."""

    async def script(stage):
        rw = stage.rw
        assert rw.try_lock()
        assert not rw.try_lock()
        assert not rw.try_rlock()
        rw.unlock()
        assert rw.try_rlock()
        assert rw.try_rlock()
        assert not rw.try_lock()
        assert stage.counts() == (2, False, 0, 0)
        rw.runlock()
        rw.runlock()

    staged(run, script)


def test_a_waiting_writer_defeats_try_rlock(run):
    """LK10."""

    async def script(stage):
        assert stage.rw.try_rlock()
        await stage.come("w1")
        assert not stage.rw.try_rlock()
        stage.rw.runlock()
        await turn()
        await stage.leave("w1")

    staged(run, script)


def test_try_needs_no_loop():
    rw = ac.RWMutex("rw")
    assert rw.try_lock()
    assert repr(rw) == "<RWMutex 'rw' locked, 0 readers and 0 writers waiting>"
    rw.unlock()
    assert rw.try_rlock()
    assert repr(rw) == "<RWMutex 'rw' read 1 times>"
    rw.runlock()
    rw._check()


@pytest.mark.parametrize("n", [0, 1, 2, 10, 11, 1000])
def test_counts_are_exact(run, n):
    """LK10, P07."""

    async def script(stage):
        names = [f"r{number}" for number in range(n)]
        await stage.come("w")
        for name in names:
            stage.gates[name] = ac.Signal(name)
            stage.tasks[name] = asyncio.create_task(stage._use(name, stage.rw.reading()))
        await turn()
        assert stage.counts() == (0, True, n, 0)
        await stage.leave("w")
        assert stage.counts() == (n, False, 0, 0)
        await stage.leave(*names)

    staged(run, script)


# -- the readers' side as a lock (LK01, LK09)


def test_rlocker(run):
    """LK01, LK09: its lock is rlock, its unlock is runlock; it keeps the RWMutex."""

    async def script(stage):
        side = stage.rw.rlocker()
        assert isinstance(side, Locker)
        await side.lock()
        await stage.come("r1", "w1")
        assert stage.inside == ["r1"]
        side.unlock()
        await stage.leave("r1")
        assert stage.inside == ["w1"]
        await stage.leave("w1")
        with pytest.raises(ac.NotHeld, match="runlock of unlocked"):
            side.unlock()
        assert repr(side) == "<readers of <RWMutex 'rw' free>>"

    staged(run, script, "rw")


# -- misuse


def test_unlock_too_often(run):
    """LK09, P01: nothing is changed by it."""

    async def script(stage):
        rw = stage.rw
        for _ in range(2):
            with pytest.raises(
                ac.NotHeld, match=r"^unlock of unlocked RWMutex: <RWMutex 'rw' free>; there must be one"
            ):
                rw.unlock()
            with pytest.raises(ac.NotHeld, match=r"^runlock of unlocked RWMutex: <RWMutex 'rw' free>; there must be"):
                rw.runlock()
        await rw.lock()
        with pytest.raises(ac.NotHeld, match="runlock of unlocked"):
            rw.runlock()
        rw.unlock()
        await rw.rlock()
        with pytest.raises(ac.NotHeld, match=r"unlock of unlocked RWMutex: <RWMutex 'rw' read by "):
            rw.unlock()
        rw.runlock()

    staged(run, script, "rw")


async def _read_read(rw):
    await rw.rlock()
    await turns()
    await rw.rlock()


async def _read_write(rw):
    await rw.rlock()
    await turns()
    await rw.lock()


async def _write_read(rw):
    await rw.lock()
    await turns()
    await rw.rlock()


async def _write_write(rw):
    await rw.lock()
    await turns()
    await rw.lock()


@pytest.mark.parametrize("twice", [_read_read, _read_write, _write_read, _write_write])
def test_a_task_that_waits_for_itself(run, loop_kind, twice):
    """B13, P08: a writer comes in between. In debug mode the task is told; else it waits."""

    async def main():
        rw = ac.RWMutex("rw")
        task = asyncio.create_task(twice(rw), name="T")
        await turns(3)
        writer = asyncio.create_task(rw.lock())
        await turns(20)
        if loop_kind == "debug":
            with pytest.raises(ac.MisuseError, match=r"T has (read-)?locked <RWMutex 'rw' .* would wait for itself; "):
                await task
            assert rw.waiting_readers + rw.waiting_writers == 1
        else:
            assert not task.done()
            assert rw.waiting_readers + rw.waiting_writers == 2
        task.cancel()
        writer.cancel()
        await asyncio.gather(task, writer, return_exceptions=True)

    run(main)


def test_reading_twice_is_fine_as_long_as_no_writer_comes(run):
    async def script(stage):
        async with stage.rw.reading(), stage.rw.reading():
            assert stage.rw.readers == 2

    staged(run, script)


def test_any_task_may_unlock(run):
    """Then it is not known any more who reads, and nobody is told in vain that he would wait for himself."""

    async def script(stage):
        rw = stage.rw
        await asyncio.create_task(rw.rlock(), name="gone")
        await rw.rlock()
        await rw.rlock()
        for _ in range(2):
            await asyncio.create_task(_undo(rw.runlock))
        assert repr(rw) == "<RWMutex read 1 times>".replace("RWMutex", f"RWMutex at {id(rw):#x}")
        rw.runlock()
        await asyncio.create_task(rw.lock())
        rw.unlock()

    staged(run, script)


async def _undo(unlock):
    unlock()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_cannot_be_copied(duplicate):
    """LK11, P03."""
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(ac.RWMutex("rw"))


def test_a_name_is_a_string():
    with pytest.raises(TypeError, match="the name of a RWMutex must be a string, not 7"):
        ac.RWMutex(7)


@pytest.mark.parametrize("want", ["lock", "rlock"])
def test_one_loop_only(want):
    """Refused, it leaves nothing behind."""
    rw = ac.RWMutex()
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(rw.lock())
        waiting = loop.create_task(getattr(rw, want)())
        loop.run_until_complete(turns(3))

        async def elsewhere():
            with pytest.raises(ac.WrongLoop, match="RWMutex"):
                await getattr(rw, want)()

        asyncio.run(elsewhere())
        rw._check()
        rw.unlock()
        loop.run_until_complete(waiting)
    finally:
        loop.close()


# -- reports


def test_it_shows_who_has_it(run):
    async def script(stage):
        rw = stage.rw
        assert repr(rw) == "<RWMutex 'rw' free>"
        await stage.come("r1", "r2")
        assert repr(rw) == "<RWMutex 'rw' read by r1, r2>"
        await stage.come("w1", "r3")
        assert repr(rw) == "<RWMutex 'rw' read by r1, r2, 1 readers and 1 writers waiting>"
        await stage.leave("r1", "r2")
        assert repr(rw) == "<RWMutex 'rw' locked by w1, 1 readers and 0 writers waiting>"
        await stage.leave("w1", "r3")
        await stage.come("r4", "r5", "r6", "r7")
        assert repr(rw) == "<RWMutex 'rw' read 4 times>"
        await stage.leave("r4", "r5", "r6", "r7")

    staged(run, script, "rw")


def test_it_keeps_nobody_alive(run):
    async def main():
        rw = ac.RWMutex()

        async def use(side):
            async with side:
                await turn()

        tasks = [asyncio.create_task(use(side())) for side in (rw.reading, rw.writing, rw.reading, rw.writing)]
        known = [weakref.ref(task) for task in tasks]
        await asyncio.gather(*tasks)
        gc.disable()
        try:
            del tasks
            await turns(3)
            assert [ref() for ref in known] == [None] * 4
            dies = weakref.ref(rw)
            del rw
            assert dies() is None
        finally:
            gc.enable()

    run(main)
