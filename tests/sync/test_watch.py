"""`Watch`: one value, its version, and word of every change (AT02, AT05, E15).

AT02 is Go's ``atomic.Value``: a reader always gets one whole value. What Go forbids there, nil and a change of type, is
no harm here. AT05 and E15 are the reload of a configuration: a reader always ends at the last version.
"""

import asyncio
import copy
import gc
import pickle
import sys
import threading
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


# -- now


def test_it_holds_the_value_it_was_made_with():
    watch = ac.Watch("a")
    assert watch.get() == "a"
    assert watch.version == 0


def test_set_replaces_the_value_and_counts():
    watch = ac.Watch("a")
    assert watch.set("b") is None
    assert (watch.get(), watch.version) == ("b", 1)
    watch.set("b")
    assert (watch.get(), watch.version) == ("b", 2), "an equal value is a change like any other"


def test_none_and_a_value_of_another_type_are_values():
    watch = ac.Watch[object](None)
    watch.set(1)
    watch.set("1")
    watch.set(None)
    assert (watch.get(), watch.version) == (None, 3)


def test_swap_returns_the_value_before():
    watch = ac.Watch(1)
    assert watch.swap(2) == 1
    assert watch.swap(3) == 2
    assert (watch.get(), watch.version) == (3, 2)


def test_update_makes_the_new_value_of_the_old_one():
    watch = ac.Watch(1)
    assert watch.update(lambda n: n + 1) == 2
    assert (watch.get(), watch.version) == (2, 1)


def test_an_update_that_raises_changes_nothing():
    watch = ac.Watch(1)
    with pytest.raises(ZeroDivisionError):
        watch.update(lambda n: n // 0)
    assert (watch.get(), watch.version) == (1, 0)


async def _coroutine(value):
    return value


def test_an_update_by_a_coroutine_function_is_refused(silence):
    watch = ac.Watch(1, name="hits")
    with pytest.raises(TypeError, match=r"update\(\) of <Watch 'hits' .*> takes a plain function, not <function _cor"):
        watch.update(_coroutine)
    with pytest.raises(TypeError, match="a function is needed, not 7"):
        watch.update(7)
    with pytest.raises(TypeError, match="a function is needed"):
        watch.update(_coroutine(1))
    assert (watch.get(), watch.version) == (1, 0)


def test_an_update_that_sets_the_watch_itself_is_refused_and_loses_nothing():
    watch = ac.Watch(1, name="hits")

    def meddle(n):
        watch.set(10)
        return n + 1

    with pytest.raises(ac.MisuseError, match="has set <Watch 'hits' version 1, 0 waiting>"):
        watch.update(meddle)
    assert (watch.get(), watch.version) == (10, 1)


def test_compare_and_set_compares_by_equality():
    watch = ac.Watch([1])
    assert watch.compare_and_set([1], [2]) is True
    assert watch.compare_and_set([1], [3]) is False
    assert (watch.get(), watch.version) == ([2], 1)


def test_compare_and_set_finds_what_does_not_equal_itself():
    nan = float("nan")
    watch = ac.Watch(nan)
    assert watch.compare_and_set(float("nan"), 1.0) is False
    assert watch.compare_and_set(nan, 1.0) is True


class Meddling:
    """Sets a watch while it is compared."""

    def __init__(self, watch, value):
        self.watch, self.value = watch, value

    def __eq__(self, other):
        if self.value is not None:
            value, self.value = self.value, None
            self.watch.set(value)
        return True

    __hash__ = None


def test_a_comparison_that_sets_the_watch_is_made_again():
    watch = ac.Watch(0, name="n")
    meddling = Meddling(watch, 5)
    watch.set(meddling)
    assert watch.compare_and_set(1, 2) is False, "5 is no 1"
    assert (watch.get(), watch.version) == (5, 2)


def test_a_comparison_that_raises_changes_nothing():
    class Refusing:
        def __eq__(self, other):
            raise ValueError("not comparable")

        __hash__ = None

    watch = ac.Watch(refusing := Refusing())
    with pytest.raises(ValueError, match="not comparable"):
        watch.compare_and_set(1, 2)
    assert (watch.get(), watch.version) == (refusing, 0)


# -- the next one


def test_changed_waits_for_the_next_value(run):
    async def main():
        watch = ac.Watch("a")
        (task,) = await asleep(watch.changed())
        assert not task.done()
        watch.set("b")
        assert await task == "b"

    run(main)


def test_changed_returns_at_once_what_is_newer_than_what_was_seen(run):
    async def main():
        watch = ac.Watch("a")
        watch.set("b")
        watch.set("c")
        assert await watch.changed(0) == "c"
        assert await watch.changed(1) == "c"
        (task,) = await asleep(watch.changed(2))
        assert not task.done()
        watch.set("d")
        assert await task == "d"

    run(main)


def test_all_who_wait_are_told_once_and_get_the_newest(run):
    async def main():
        watch = ac.Watch(0)
        tasks = await asleep(*(watch.changed() for _ in range(10)))
        for n in (1, 2, 3):
            watch.set(n)
        assert await asyncio.gather(*tasks) == [3] * 10, "who runs reads what is there then"

    run(main)


def test_a_reader_ends_at_the_last_version_however_slow_it_is(run):
    """AT05: the reader of a configuration, with a writer who does not wait for it."""

    async def main():
        watch, read = ac.Watch(0), []

        async def reader(slowness):
            seen = watch.version
            while watch.get() != 20:
                value = await watch.changed(seen)
                seen = watch.version
                read.append(value)
                for _ in range(slowness):
                    await asyncio.sleep(0)

        async def writer():
            for n in range(1, 21):
                watch.set(n)
                for _ in range(n % 4):
                    await asyncio.sleep(0)

        for slowness in range(6):
            read.clear()
            watch.set(0)
            await asyncio.gather(reader(slowness), writer())
            assert watch.get() == 20
            assert read == sorted(set(read)), "never back, never twice"

    run(main)


@pytest.mark.parametrize(
    ("since", "error", "words"),
    [
        (-1, ValueError, "since must be 0 or more, not -1"),
        (1, ValueError, r"<Watch 'w' version 0, 0 waiting> has no version 1 yet"),
        (True, TypeError, "since must be a whole number, not True"),
        ("0", TypeError, "since must be a whole number, not '0'"),
    ],
)
def test_a_version_that_cannot_be_is_refused(since, error, words):
    async def main():
        with pytest.raises(error, match=words):
            await ac.Watch("a", name="w").changed(since)

    asyncio.run(main())


def test_a_cancelled_waiter_changes_nothing_for_the_others(run):
    async def main():
        watch = ac.Watch(0)
        first, second, third = await asleep(*(watch.changed() for _ in range(3)))
        first.cancel()
        watch.set(1)
        second.cancel()  # woken already
        assert await asyncio.gather(first, second, third, return_exceptions=True) == [Cancelled(), Cancelled(), 1]
        watch._check()

    run(main)


def test_a_cancelled_waiter_does_not_wake_who_has_seen_the_newest(run):
    async def main():
        watch = ac.Watch(0, name="w")

        async def outrun():
            watch.set(1)
            first.cancel()  # woken, and not there yet
            return await watch.changed()

        (first,) = await asleep(watch.changed())
        second = asyncio.create_task(outrun())
        while not first.done():
            await asyncio.sleep(0)
            assert repr(watch) == "<Watch 'w' version 1, 1 waiting>"
        watch.set(2)
        assert await second == 2

    run(main)


class Cancelled:
    """Equals any CancelledError."""

    def __eq__(self, other):
        return isinstance(other, asyncio.CancelledError)

    __hash__ = None


def test_a_deadline_ends_the_wait():
    async def main():
        watch = ac.Watch(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await watch.changed()
        assert repr(watch).endswith("0 waiting>")

    virtual.run(main)


# -- views


def test_a_view_begins_with_the_value_and_goes_on_with_the_newest(run):
    async def main():
        watch = ac.Watch("a")
        view = watch.watch()
        assert await view.recv() == "a"
        with pytest.raises(ac.WouldBlock):
            view.recv_nowait()
        for value in "bcd":
            watch.set(value)
        assert await view.recv() == "d", "of many only the last arrives"
        (task,) = await asleep(view.recv_ok())
        watch.set("e")
        assert await task == ("e", True)

    run(main)


def test_the_value_of_a_view_that_was_never_read_is_the_newest():
    watch = ac.Watch("a")
    view = watch.watch()
    watch.set("b")
    assert view.recv_nowait() == "b"
    assert len(view) == 0


def test_every_view_gets_every_change(run):
    async def main():
        watch = ac.Watch(0)
        views = [watch.watch() for _ in range(5)]
        assert [await view.recv() for view in views] == [0] * 5
        tasks = await asleep(*(view.recv() for view in views))
        watch.set(1)
        assert await asyncio.gather(*tasks) == [1] * 5

    run(main)


def test_what_a_receiver_was_promised_is_its_own_and_the_newest_comes_next(run):
    async def main():
        watch = ac.Watch(0)
        view = watch.watch()
        view.recv_nowait()
        (task,) = await asleep(view.recv())
        for n in (1, 2, 3):
            watch.set(n)
        assert [await task, view.recv_nowait()] == [1, 3]

    run(main)


def test_async_for_over_a_view(run):
    async def main():
        watch, read = ac.Watch(0), []

        async def reader():
            async for value in watch.watch():
                read.append(value)
                if value == 3:
                    break

        (task,) = await asleep(reader())
        watch.set(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        watch.set(2)
        watch.set(3)
        await task
        assert read[:2] == [0, 1]
        assert read[-1] == 3

    run(main)


def test_a_view_in_a_select(run):
    async def main():
        watch, stop = ac.Watch(0), ac.Signal()
        view = watch.watch()
        assert await ac.select(ac.recv(view), ac.recv(stop)) == (0, 0)
        (task,) = await asleep(ac.select(ac.recv(view), ac.recv(stop)))
        watch.set(1)
        assert await task == (0, 1)
        (task,) = await asleep(ac.select(ac.recv_ok(view), ac.recv(stop)))
        stop.close()
        assert await task == (1, None)

    run(main)


def test_a_cancelled_receiver_leaves_the_value_for_the_next(run):
    async def main():
        watch = ac.Watch(0)
        view = watch.watch()
        view.recv_nowait()
        first, second = await asleep(view.recv(), view.recv())
        watch.set(1)
        first.cancel()  # promised already
        watch._check()
        assert await second == 1
        with pytest.raises(asyncio.CancelledError):
            await first

    run(main)


# -- what lives how long


def views_of(watch):
    return len(watch._snapshot()[3])


@pytest.fixture
def no_collector():
    """Nothing dies by the collector: whatever dies has no cycles."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_view_that_nobody_holds_is_forgotten(no_collector):
    watch = ac.Watch(0)
    kept, dropped = watch.watch(), watch.watch()
    assert views_of(watch) == 2
    del dropped
    assert views_of(watch) == 1
    watch.set(1)
    assert kept.recv_nowait() == 1


async def _cancelled(coro):
    (task,) = await asleep(coro)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


WAITING = {
    "recv": lambda view: view.recv(),
    "recv_ok": lambda view: view.recv_ok(),
    "async for": anext,
    "select": lambda view: ac.select(ac.recv(view), ac.recv(ac.never())),
}


@pytest.mark.parametrize("wait", WAITING.values(), ids=WAITING)
def test_a_view_lives_as_long_as_somebody_waits_on_it(no_collector, wait):
    async def main():
        watch = ac.Watch(0)
        view = watch.watch()
        view.recv_nowait()
        (task,) = await asleep(wait(view))
        del view
        assert views_of(watch) == 1
        watch.set(1)
        assert await task in (1, (1, True), (0, 1))
        del task
        assert views_of(watch) == 0

        view = watch.watch()
        view.recv_nowait()
        (coro,) = (wait(view),)
        del view
        await _cancelled(coro)
        del coro
        assert views_of(watch) == 0

    asyncio.run(main())


def test_a_task_that_nobody_knows_but_the_watch_is_told(run):
    async def main():
        watch, told = ac.Watch(0), []

        async def wait_for_change():
            told.append(await watch.changed())

        async def wait_on_view():
            view = watch.watch()
            told.append(await view.recv())
            told.append(await view.recv())

        await asleep(wait_for_change(), wait_on_view())  # the tasks are thrown away here
        gc.collect()
        watch.set(1)
        for _ in range(3):
            await asyncio.sleep(0)
        assert told == [0, 1, 1]

    run(main)


def test_it_dies_without_the_collector(no_collector):
    async def main():
        watch = ac.Watch(0)
        known = weakref.ref(watch)
        view = watch.watch()
        (task,) = await asleep(watch.changed())
        watch.set(1)
        await task
        await _cancelled(watch.changed())
        del watch
        assert known() is not None, "a view keeps its watch"
        del view
        return known

    known = asyncio.run(main())
    assert known() is None


def test_an_old_value_that_dies_may_set_a_newer_one():
    class Dying:
        def __del__(self):
            watch.set("by the finaliser")

    watch = ac.Watch(Dying())
    views = [watch.watch() for _ in range(3)]
    for view in views:
        view.recv_nowait()
    watch.set("by us")
    assert watch.get() == "by the finaliser"
    assert [view.recv_nowait() for view in views] == ["by the finaliser"] * 3
    watch._check()


def interrupted_at(line, watch):
    """Trace `swap`, and set another value before its n-th line: as a finaliser may, whenever the collector runs."""
    lines = iter(range(line + 1))

    def local(frame, event, _):
        if event == "line" and next(lines, None) == line:
            sys.settrace(None)
            watch.set("by a finaliser")
        return local

    return lambda frame, event, _: local if frame.f_code is ac.Watch.swap.__code__ else None


@pytest.mark.parametrize("line", range(12))
def test_a_set_in_the_middle_of_a_set_leaves_no_view_behind(line):
    watch = ac.Watch("at first")
    views = [watch.watch() for _ in range(3)]
    before = sys.gettrace()
    sys.settrace(interrupted_at(line, watch))
    try:
        watch.set("by us")
    finally:
        sys.settrace(before)
    watch._check()
    assert [view.recv_nowait() for view in views] == [watch.get()] * 3
    assert watch.version in (1, 2)


# -- misuse


def test_another_thread_is_refused(run):
    async def main():
        watch, errors = ac.Watch(0, name="w"), []
        (task,) = await asleep(watch.changed())

        def meddle():
            try:
                watch.set(1)
            except ac.WrongLoop as error:
                errors.append(str(error))

        thread = threading.Thread(target=meddle)
        thread.start()
        thread.join()
        assert len(errors) == 1
        assert errors[0].startswith("<Watch 'w' version 0, 1 waiting> belongs to the event loop of another thread")
        assert watch.get() == 0, "nothing has changed"
        watch.set(2)
        assert await task == 2

    run(main)


def test_another_loop_is_refused():
    watch = ac.Watch(0)
    keep = []

    async def wait():
        keep.extend(await asleep(watch.changed()))
        await asyncio.sleep(0)

    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        first.run_until_complete(wait())
        with pytest.raises(ac.WrongLoop):
            second.run_until_complete(watch.changed())
        watch.set(1)
        assert first.run_until_complete(keep[0]) == 1
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_cannot_be_copied(duplicate):
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(ac.Watch(0))


def test_a_name_that_is_no_string_is_refused():
    with pytest.raises(TypeError, match="the name of a Watch must be a string, not 7"):
        ac.Watch(0, name=7)


def test_it_says_how_it_stands(run):
    async def main():
        watch = ac.Watch(0, name="config")
        assert repr(watch) == "<Watch 'config' version 0, 0 waiting>"
        view = watch.watch()
        view.recv_nowait()
        tasks = await asleep(watch.changed(), view.recv())
        assert repr(watch) == "<Watch 'config' version 0, 2 waiting>"
        watch.set(1)
        await asyncio.gather(*tasks)
        assert repr(watch) == "<Watch 'config' version 1, 0 waiting>"
        assert repr(ac.Watch(0)).startswith("<Watch at 0x")

    run(main)
