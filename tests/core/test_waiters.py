"""Lines of sleeping tasks: WaitQueue as people use it, and how lines get rid of those who left."""

import asyncio
import contextlib
import gc
import weakref

import pytest

import aiochan as ac
from aiochan import core
from tests.conformance.kit import asleep, begin, dismiss, finish, go, line, settle


def watched(queue):
    """What stands in the line, checked."""
    queue._check()
    assert len(queue) == len(list(queue)) == len(queue._snapshot())
    return list(queue)


# -- waking


def test_tasks_are_woken_first_come_first_served(run):
    async def main():
        queue = core.WaitQueue()
        tasks = await asleep(*(queue.park(i) for i in range(5)))
        assert watched(queue) == [0, 1, 2, 3, 4]
        assert queue.wake() == 1
        assert watched(queue) == [1, 2, 3, 4]
        await settle()
        assert [task.done() for task in tasks] == [True, False, False, False, False]
        assert queue.wake(2) == 2
        await settle()
        assert [task.done() for task in tasks] == [True, True, True, False, False]
        assert tasks[0].result() is None
        await dismiss(*tasks[3:])

    run(main)


def test_wake_tells_how_many_there_were(run):
    async def main():
        queue = core.WaitQueue()
        assert (queue.wake(), queue.wake(3), queue.wake_all()) == (0, 0, 0)
        await asleep(queue.park(), queue.park())
        assert queue.wake(0) == 0
        assert queue.wake(10) == 2
        assert queue.wake(10) == 0
        await asleep(queue.park(), queue.park(), queue.park())
        assert queue.wake_all() == 3
        assert watched(queue) == []
        await settle()

    run(main)


def test_who_parks_after_a_wake_is_not_woken_by_it(run):
    async def main():
        queue = core.WaitQueue()
        queue.wake_all()
        (first,) = await asleep(queue.park())
        queue.wake()
        late = begin(queue.park("late"))
        await settle()
        assert first.done()
        assert watched(queue) == ["late"]
        late.close()

    run(main)


def test_who_parks_again_stands_at_the_end(run):
    async def main():
        queue, log = core.WaitQueue(), []

        async def park_again(name):
            for _ in range(2):
                await queue.park(name)
                log.append(name)

        tasks = await asleep(*(park_again(name) for name in "abc"))
        while any(not task.done() for task in tasks):
            assert queue.wake() == 1
            await settle()
        assert log == list("abcabc")

    run(main)


@pytest.mark.parametrize("n", [-1, -100])
def test_nobody_wakes_less_than_nobody(n):
    with pytest.raises(ValueError, match=str(n)):
        core.WaitQueue().wake(n)


# -- looking


def test_tags_tell_what_they_wait_for(run):
    async def main():
        queue = core.WaitQueue()
        assert queue.first is None
        tags = [object(), None, 3]
        tasks = await asleep(*(queue.park(tag) for tag in tags))
        assert queue.first is tags[0]
        assert list(queue) == tags
        for place, task, tag in zip(queue._snapshot(), tasks, tags, strict=True):
            assert (place.owner, place.kind, place.value) == (task, "wait", tag)
        await dismiss(tasks[0])
        assert queue.first is None  # the tag of the second
        assert len(queue) == 2
        queue.wake()
        assert queue.first == 3
        queue.wake()
        await settle()

    run(main)


def test_a_queue_is_true_and_says_what_it_is(run):
    async def main():
        queue = core.WaitQueue("lock")
        assert repr(queue) == "<WaitQueue 'lock', 0 parked>"
        await asleep(queue.park(), queue.park())
        assert repr(queue) == "<WaitQueue 'lock', 2 parked>"
        assert bool(queue) is True
        queue.wake_all()
        assert repr(queue) == "<WaitQueue 'lock', 0 parked>"
        assert bool(queue) is True
        nameless = core.WaitQueue()
        assert repr(nameless) == f"<WaitQueue at {id(nameless):#x}, 0 parked>"
        await settle()

    run(main)


def test_the_line_may_change_while_it_is_looked_through(run):
    async def main():
        queue = core.WaitQueue()
        await asleep(*(queue.park(i) for i in range(4)))
        seen = []
        for tag in queue:
            seen.append(tag)
            queue.wake(2)
        assert seen == [0, 1, 2, 3]
        await settle()

    run(main)


# -- cancelled


def test_cancelled_asleep_it_leaves_at_once_and_gives_nothing_back(run):
    async def main():
        queue, given_back = core.WaitQueue(), []
        tasks = await asleep(*(queue.park(i, lambda i=i: given_back.append(i)) for i in range(4)))
        tasks[0].cancel()
        tasks[2].cancel()
        assert watched(queue) == [1, 3]
        assert queue.wake() == 1  # not one of the dead
        await settle()
        assert [task.cancelled() for task in tasks] == [True, False, True, False]
        assert tasks[1].done()
        assert given_back == []
        await dismiss(tasks[3])

    run(main)


def test_cancelled_after_it_was_woken_it_gives_back_once_before_the_cancellation_goes_on(run):
    async def main():
        queue, log = core.WaitQueue(), []

        async def park(name):
            try:
                await queue.park(name, lambda: log.append(f"{name} gives back"))
            finally:
                log.append(f"{name} ends")

        tasks = await asleep(park("a"), park("b"))
        queue.wake()
        assert tasks[0].cancel()
        assert log == []
        await settle()
        assert tasks[0].cancelled()
        assert log == ["a gives back", "a ends"]
        assert watched(queue) == ["b"]  # what is given back is the caller's affair
        await dismiss(tasks[1])
        assert log == ["a gives back", "a ends", "b ends"]

    run(main)


def test_left_to_itself_it_wakes_the_next_in_line(run):
    async def main():
        queue = core.WaitQueue()
        tasks = await asleep(*(queue.park() for _ in range(4)))
        queue.wake()
        for task in tasks[:3]:
            task.cancel()
        await settle()
        assert [task.cancelled() for task in tasks] == [True, True, True, False]
        assert tasks[3].done()
        (last,) = await asleep(queue.park())
        queue.wake()
        await dismiss(last)  # with nobody behind it, the turn is lost: there is no state in a line
        assert watched(queue) == []

    run(main)


def test_it_gives_back_whatever_ends_it_early(run):
    async def main():
        queue, log = core.WaitQueue(), []
        for how in (lambda coro: coro.close(), throw(KeyboardInterrupt), throw(ValueError)):
            asleep_then = begin(queue.park("a", lambda: log.append("asleep")))
            how(asleep_then)
            assert watched(queue) == []
            woken_then = begin(queue.park("b", lambda: log.append("woken")))
            queue.wake()
            how(woken_then)
            assert watched(queue) == []
        assert log == ["woken"] * 3

    run(main)


def throw(error):
    def end(coro):
        with pytest.raises(error):
            coro.throw(error())

    return end


def test_not_cancelled_it_gives_nothing_back(run):
    async def main():
        queue, log = core.WaitQueue(), []
        coro = begin(queue.park(None, lambda: log.append("given back")))
        queue.wake()
        assert finish(coro) is None
        assert log == []

    run(main)


# -- what is left in a line


def test_a_line_on_which_nobody_is_served_does_not_grow(run):
    async def main():
        ch = ac.Chan()
        for _ in range(20):
            tasks = [go(ch.recv()) for _ in range(100)]
            await settle()
            for task in tasks:
                task.cancel()
            await settle()
            assert ch.stats().parked_receivers == 0
            assert len(line(ch, "recvq")) <= 32
            ch._check()

    run(main)


def test_a_line_forgets_those_who_left_from_its_middle_too(run):
    async def main():
        ch = ac.Chan()
        first, *others = await asleep(*(ch.recv() for _ in range(3)))
        for _ in range(1000):
            with contextlib.closing(begin(ch.recv())):
                assert ch.stats().parked_receivers == 4
            assert ch.stats().parked_receivers == 3
            assert len(line(ch, "recvq")) <= 32
            ch._check()
        ch.send_nowait("a")
        await settle()
        assert first.result() == "a"
        await dismiss(*others)

    run(main)


@pytest.mark.parametrize("n", [1, 2, 16, 17, 18, 40])
def test_those_who_left_are_skipped_in_any_pattern(run, n):
    async def main():
        for keep in (2, 3, n):
            ch = ac.Chan(n)
            tasks = await asleep(*(ch.recv() for _ in range(n)))
            kept = [task for i, task in enumerate(tasks) if i % keep == 0]
            for task in reversed(tasks):
                if task not in kept:
                    task.cancel()
                    ch._check()
                    assert ch.stats().parked_receivers == sum(not task.cancelling() for task in tasks)
            for i in range(len(kept)):
                ch.send_nowait(i)
                ch._check()
            await settle()
            assert [task.result() for task in kept] == list(range(len(kept)))

    run(main)


# -- what a task waits for, as tools see it


def test_a_waiter_tells_its_state_and_who_sleeps(run):
    async def main():
        ch = ac.Chan()
        (task,) = await asleep(ch.recv())
        waiter = task._fut_waiter
        assert isinstance(waiter, core.Waiter)
        assert waiter.owner is task
        assert waiter.waits_for() == [(ch, "recv", None)]
        assert waiter._snapshot() == ("parked", "recv", None)
        ch.send_nowait(1)
        assert waiter._snapshot() == ("granted", "recv", None)
        await settle()
        assert task.done()

    run(main)


def test_the_waiter_of_a_select_tells_all_its_cases_and_then_the_one_that_won(run):
    async def main():
        ch, other, queue = ac.Chan(), ac.Chan(), core.WaitQueue()
        task, parked = await asleep(ac.select(ac.recv(None), ac.recv_ok(ch), ac.send(other, 1)), queue.park())
        waiter = task._fut_waiter
        assert waiter.waits_for() == [(ch, "recv_ok", 1), (other, "send", 2)]
        assert waiter._snapshot()[0] == "parked"
        assert other.recv_nowait() == 1
        assert waiter._snapshot() == ("granted", "send", 2)
        assert parked._fut_waiter.waits_for() == [(queue, "wait", None)]
        queue.wake()
        await settle()

    run(main)


@pytest.mark.parametrize("end", ["closed", "cancelled"])
def test_a_waiter_tells_how_it_ended(run, end):
    async def main():
        ch = ac.Chan()
        (task,) = await asleep(ch.recv_ok())
        waiter = task._fut_waiter
        ch.close() if end == "closed" else task.cancel()
        assert waiter._snapshot()[0] == end
        assert waiter.cancel() is False  # decided is decided
        assert waiter._snapshot()[0] == end
        await settle()

    run(main)


def test_a_sleeping_operation_that_is_resumed_by_nobody_says_so(run):
    async def main():
        ch = ac.Chan()
        coro = begin(ch.recv())
        with pytest.raises(RuntimeError, match="nobody woke it"):
            coro.send(None)
        ch._check()
        assert ch.stats().parked_receivers == 0

    run(main)


@pytest.mark.parametrize("woken", [False, True])
def test_a_tag_is_not_kept_by_the_cancellation(run, woken):
    """The tag may be the task itself: its error would keep it, and whatever it knows, until the collector comes."""

    async def main():
        queue, held = core.WaitQueue(), []

        async def park(held):
            await queue.park(asyncio.current_task(), held.clear)

        task = asyncio.create_task(park(held))
        await asyncio.sleep(0)
        if woken:
            queue.wake()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await asyncio.sleep(0)
        known = weakref.ref(task)
        gc.disable()
        try:
            del task
            assert known() is None
        finally:
            gc.enable()

    run(main)
