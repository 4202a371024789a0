"""`PriorityQueue`: the best item leaves first, pop waits, and close wakes everybody (SY07, E09)."""

import asyncio
import copy
import fractions
import gc
import pickle
import random
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aiochan as ac
from aiochan.testing import virtual


async def asleep(*coros):
    """Start tasks, and let them come as far as they can."""
    tasks = [asyncio.create_task(coro) for coro in coros]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def drained(queue):
    """Take all there is."""
    items = []
    while len(queue):
        items.append(queue.pop_nowait())
        queue._check()
    return items


# -- the order


@given(st.lists(st.integers(0, 9)))
def test_the_smallest_leaves_first(items):
    queue = ac.PriorityQueue[int]()
    for item in items:
        queue.push(item)
        queue._check()
    assert drained(queue) == sorted(items)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers())))
def test_equals_leave_in_the_order_in_which_they_came(items):
    queue = ac.PriorityQueue[tuple[int, int]](key=lambda item: item[0])
    for item in items:
        queue.push(item)
    assert drained(queue) == sorted(items, key=lambda item: item[0])


def test_items_with_a_key_are_never_compared():
    queue = ac.PriorityQueue[object](key=lambda item: 0)
    items = [object() for _ in range(20)]
    for item in items:
        queue.push(item)
    assert drained(queue) == items


@given(st.lists(st.integers(0, 3)))
def test_equals_by_comparison_alone_leave_in_their_order_too(ranks):
    """A class that defines ``<`` and nothing else: two of the same rank are not ``==``."""
    queue = ac.PriorityQueue[Fragile]()
    items = [Fragile(rank) for rank in ranks]
    for item in items:
        queue.push(item)
        queue._check()
    assert [id(item) for item in drained(queue)] == [id(item) for item in sorted(items, key=lambda item: item.n)]


def test_keys_of_several_types_that_can_be_compared():
    queue = ac.PriorityQueue[object]()
    items = [fractions.Fraction(5, 2), 2, 3.5, fractions.Fraction(2), 3, fractions.Fraction(7, 2)]
    for item in items:
        queue.push(item)
    assert list(map(str, drained(queue))) == ["2", "2", "5/2", "3", "3.5", "7/2"]


def test_a_key_turns_the_direction_round():
    queue = ac.PriorityQueue[int](key=lambda n: -n)
    for n in (3, 1, 2):
        queue.push(n)
    assert drained(queue) == [3, 2, 1]


@given(st.lists(st.one_of(st.integers(0, 99), st.none()), max_size=60))
def test_pushes_and_pops_in_any_order_do_as_a_sorted_list_does(steps):
    """None is a pop."""
    queue, model = ac.PriorityQueue[int](), []
    for step in steps:
        if step is not None:
            queue.push(step)
            model = sorted([*model, step])
        elif model:
            assert queue.pop_nowait() == model.pop(0)
        else:
            with pytest.raises(ac.WouldBlock):
                queue.pop_nowait()
        assert len(queue) == len(model)


# -- waiting


def test_pop_waits_for_an_item(run):
    async def main():
        queue = ac.PriorityQueue[str]()
        (task,) = await asleep(queue.pop())
        assert queue.waiters == 1
        queue.push("a")
        assert await task == "a"
        assert (len(queue), queue.waiters) == (0, 0)

    run(main)


def test_pop_takes_at_once_what_is_there(run):
    async def main():
        queue = ac.PriorityQueue[int]()
        queue.push(2)
        queue.push(1)
        assert [await queue.pop(), await queue.pop()] == [1, 2]

    run(main)


def test_a_woken_popper_takes_the_best_when_it_runs(run):
    async def main():
        queue = ac.PriorityQueue[int]()
        (task,) = await asleep(queue.pop())
        for n in (5, 1, 3):
            queue.push(n)
        assert len(queue) == 2, "one of them is promised"
        assert await task == 1
        assert drained(queue) == [3, 5]

    run(main)


def test_poppers_are_served_first_come_first_served(run):
    async def main():
        queue, served = ac.PriorityQueue[int](), []

        async def popper(name):
            served.append((name, await queue.pop()))

        tasks = await asleep(*map(popper, "abc"))
        for n in (3, 2, 1):
            queue.push(n)
        await asyncio.gather(*tasks)
        assert served == [("a", 1), ("b", 2), ("c", 3)]

    run(main)


async def _outrun(queue, pop):
    queue.push(1)
    with pytest.raises(ac.WouldBlock, match=r"no item: <PriorityQueue at .* 0 items, open, 0 waiting>"):
        queue.pop_nowait()
    return await pop(queue)


@pytest.mark.parametrize("pop", [ac.PriorityQueue.pop, anext], ids=["pop", "async for"])
def test_nobody_who_comes_later_takes_what_was_promised(run, pop):
    async def main():
        queue = ac.PriorityQueue[int]()
        (first,) = await asleep(queue.pop())
        second = asyncio.create_task(_outrun(queue, pop))  # it runs before the first, which it wakes
        await asyncio.sleep(0)
        assert await first == 1
        assert not second.done()
        queue.push(2)
        assert await second == 2

    run(main)


def test_a_popper_that_is_cancelled_when_it_was_woken_passes_on(run):
    async def main():
        queue = ac.PriorityQueue[int]()
        first, second = await asleep(queue.pop(), queue.pop())
        queue.push(1)
        first.cancel()
        assert await second == 1
        with pytest.raises(asyncio.CancelledError):
            await first
        (third,) = await asleep(queue.pop())
        queue.push(2)
        third.cancel()
        with pytest.raises(asyncio.CancelledError):
            await third
        assert (len(queue), queue.pop_nowait()) == (1, 2), "with nobody in line the item stays"
        queue._check()

    run(main)


def test_a_cancelled_popper_leaves_the_line(run):
    async def main():
        queue = ac.PriorityQueue[int]()
        first, second = await asleep(queue.pop(), queue.pop())
        first.cancel()
        queue.push(1)
        assert await second == 1
        with pytest.raises(asyncio.CancelledError):
            await first

    run(main)


def test_a_deadline_ends_the_wait():
    async def main():
        queue = ac.PriorityQueue[int]()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await queue.pop()
        queue.push(1)
        assert queue.pop_nowait() == 1

    virtual.run(main)


# -- close


def test_close_wakes_everybody_who_waits(run):
    """SY07, E09: nobody hangs in Pop."""

    async def main():
        queue = ac.PriorityQueue[int](name="jobs")
        tasks = await asleep(*(queue.pop() for _ in range(5)))
        queue.close()
        for task in tasks:
            with pytest.raises(
                ac.ChannelClosed, match="pop on a closed channel: <PriorityQueue 'jobs' 0 items, closed"
            ):
                await task
        with pytest.raises(ac.ChannelClosed):
            await queue.pop()
        with pytest.raises(ac.ChannelClosed):
            queue.pop_nowait()

    run(main)


def test_what_is_in_a_closed_queue_can_still_be_popped(run):
    async def main():
        queue = ac.PriorityQueue[int]()
        queue.push(2)
        queue.push(1)
        queue.close()
        assert queue.closed
        with pytest.raises(ac.ChannelClosed, match="push on a closed"):
            queue.push(3)
        assert [item async for item in queue] == [1, 2]

    run(main)


def test_those_who_wait_are_told_when_what_was_promised_is_taken(run):
    async def main():
        queue = ac.PriorityQueue[int]()
        first, second = await asleep(queue.pop(), queue.pop())
        queue.push(1)
        queue.close()
        queue._check()
        first.cancel()  # so the second gets it after all
        assert await second == 1
        first, second = await asyncio.gather(first, queue.pop(), return_exceptions=True)
        assert isinstance(first, asyncio.CancelledError)
        assert isinstance(second, ac.ChannelClosed)

        queue = ac.PriorityQueue[int]()
        first, second = await asleep(queue.pop(), queue.pop())
        queue.push(1)
        queue.close()
        assert await first == 1
        with pytest.raises(ac.ChannelClosed):
            await second

    run(main)


def test_who_was_told_of_the_end_and_cancelled_has_nothing_to_pass_on(run):
    async def main():
        queue = ac.PriorityQueue[int]()
        first, second = await asleep(queue.pop(), queue.pop())
        queue.close()
        first.cancel()
        results = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, ac.ChannelClosed]
        queue._check()

    run(main)


def test_the_cause_of_a_close(run):
    async def main():
        queue = ac.PriorityQueue[int]()
        (task,) = await asleep(anext(queue))
        queue.close(cause := ValueError("no more"))
        with pytest.raises(ac.ChannelClosed) as caught:
            await task
        assert caught.value.__cause__ is cause
        with pytest.raises(ac.ChannelClosed, match="close of a closed channel") as caught:
            queue.close()
        assert caught.value.__cause__ is cause

    run(main)


def test_async_for_ends_at_the_close(run):
    async def main():
        queue, seen = ac.PriorityQueue[int](), []

        async def worker():
            seen.extend([item async for item in queue])

        (task,) = await asleep(worker())
        queue.push(1)
        await asleep()
        queue.push(3)
        queue.push(2)
        queue.close()
        await task
        assert seen == [1, 2, 3]

    run(main)


def test_the_cause_must_be_an_exception():
    queue = ac.PriorityQueue[int]()
    with pytest.raises(TypeError, match="the cause of a close is an exception or None, not 'done'"):
        queue.close("done")
    assert not queue.closed


# -- what cannot be compared


def test_an_item_that_cannot_be_compared_is_refused_and_nothing_changes():
    queue = ac.PriorityQueue[object]()
    for n in (5, 1, 4, 2, 3):
        queue.push(n)
    before = queue._snapshot()
    with pytest.raises(TypeError, match="'<' not supported"):
        queue.push("x")
    assert queue._snapshot() == before
    assert drained(queue) == [1, 2, 3, 4, 5]


def test_a_key_that_raises_changes_nothing(run):
    async def main():
        queue = ac.PriorityQueue[int](key=lambda n: 1 // n)
        (task,) = await asleep(queue.pop())
        with pytest.raises(ZeroDivisionError):
            queue.push(0)
        assert not task.done()
        queue.push(1)
        assert await task == 1

    run(main)


class Fragile:
    """A number that refuses to be compared when it is told to."""

    left = None  # how many comparisons go well

    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        if Fragile.left is not None:
            Fragile.left -= 1
            if Fragile.left < 0:
                raise ArithmeticError
        return self.n < other.n


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 20, 33])
def test_a_comparison_that_raises_anywhere_loses_nothing(size):
    """Whichever comparison of a push or a pop fails: all is as it was, to the place in the heap."""
    queue, dice = ac.PriorityQueue[Fragile](), random.Random(size)
    failed = 0
    for _ in range(60):
        for _step in range(size):
            pushing = len(queue) < 2 or dice.random() < 0.5
            if len(queue) > size:
                pushing = False
            item = Fragile(dice.randrange(size))
            before = queue._snapshot()
            Fragile.left = dice.randrange(8)
            try:
                queue.push(item) if pushing else queue.pop_nowait()
            except ArithmeticError:
                failed += 1
                assert queue._snapshot() == before
            finally:
                Fragile.left = None
            queue._check()
    assert failed > 5 or size == 1
    order = [item.n for item in drained(queue)]
    assert order == sorted(order)


def test_a_popper_for_whom_a_comparison_raises_leaves_the_item_for_others(run):
    async def main():
        queue = ac.PriorityQueue[Fragile]()
        tasks = await asleep(queue.pop(), queue.pop())
        for n in (3, 2, 1):
            queue.push(Fragile(n))
        Fragile.left = 0
        try:
            results = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            Fragile.left = None
        assert [type(result) for result in results] == [ArithmeticError, ArithmeticError]
        assert [item.n for item in drained(queue)] == [1, 2, 3]

    run(main)


# -- misuse, and what lives how long


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError, match="a function is needed, not 7"):
        ac.PriorityQueue(key=7)
    with pytest.raises(TypeError, match="the name of a PriorityQueue must be a string, not 7"):
        ac.PriorityQueue(name=7)


def test_another_thread_is_refused_and_changes_nothing(run):
    async def main():
        queue, refused = ac.PriorityQueue[int](), []
        (task,) = await asleep(queue.pop())

        def meddle():
            for act in (lambda: queue.push(1), queue.pop_nowait, queue.close):
                try:
                    act()
                except ac.WrongLoop as error:
                    refused.append(error)

        thread = threading.Thread(target=meddle)
        thread.start()
        thread.join()
        assert len(refused) == 3
        queue._check()
        assert (len(queue), queue.closed, queue.waiters) == (0, False, 1)
        queue.push(2)
        assert await task == 2

    run(main)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_cannot_be_copied(duplicate):
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(ac.PriorityQueue[int]())


def test_it_dies_without_the_collector():
    async def main():
        queue = ac.PriorityQueue[int]()
        (task,) = await asleep(queue.pop())
        queue.push(1)
        await task
        return weakref.ref(queue)

    gc.collect()
    gc.disable()
    try:
        assert asyncio.run(main())() is None
    finally:
        gc.enable()


def test_it_says_how_it_stands():
    queue = ac.PriorityQueue[int](name="jobs")
    assert repr(queue) == "<PriorityQueue 'jobs' 0 items, open, 0 waiting>"
    assert queue, "always true, as channels are"
    queue.push(1)
    queue.close()
    assert repr(queue) == "<PriorityQueue 'jobs' 1 items, closed, 0 waiting>"


@pytest.mark.parametrize("use", ["push", "pop_nowait"])
def test_a_comparison_cannot_use_the_queue(use):
    """Entries are on the move then: one more, or one less, would tear the heap (and once made `push` never return)."""
    queue = ac.PriorityQueue()

    class Meddling:
        def __lt__(self, other):
            queue.push(other) if use == "push" else queue.pop_nowait()
            raise AssertionError("it must be refused")

    queue.push(Meddling())
    with pytest.raises(ac.MisuseError, match="uses the queue while it is compared"):
        queue.push(Meddling())
    assert len(queue) == 1
    assert type(queue.pop_nowait()) is Meddling
    queue._check()
