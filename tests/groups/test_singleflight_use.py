"""`SingleFlight` asked by its own call, misused, in several loops, by a crowd; and what is left of it (SF01, SF02)."""

import asyncio
import contextlib
import gc
import sys
import threading
import weakref

import pytest

import aiochan as ac
from aiochan.core import hooks
from tests.conformance.kit import asleep
from tests.groups.kit import Calls, dismiss, flights, settle


async def answer(value):
    return value


# -- recursion


@pytest.mark.parametrize("how", ["directly", "in a child", "by a channel", "by way of another key"])
def test_a_call_that_asks_for_its_own_key_is_told_so(run, how):
    async def main():
        group = flights()

        async def ask():
            match how:
                case "directly":
                    await group.do("ann", ask)
                case "in a child":
                    await asyncio.gather(group.do("ann", ask))
                case "by a channel":
                    await group.do_chan("ann", ask).recv()
                case "by way of another key":
                    await group.do("bob", group.do, "ann", ask)

        with pytest.raises(ac.MisuseError, match=r"users\['ann'\] is asked for by its own call, .* for ever"):
            await group.do("ann", ask)
        group._check()
        assert repr(group) == "<SingleFlight 'users' 0 in flight>"

    run(main)


def test_a_call_may_ask_for_other_keys_and_for_the_same_in_another_group(run):
    async def main():
        group, other = flights(), flights("others")

        async def fibonacci(n):
            if n < 2:
                return n
            asked = [group.do(k, fibonacci, k) for k in (n - 1, n - 2)]
            return sum(value for value, _ in await asyncio.gather(*asked))

        assert await group.do(12, fibonacci, 12) == (144, False)
        assert await group.do("ann", other.do, "ann", answer, 7) == ((7, False), False)

    run(main)


def test_a_call_that_was_forgotten_may_ask_for_its_key(run):
    async def main():
        group = flights()

        async def again():
            group.forget("ann")
            return await group.do("ann", answer, 7)

        assert await group.do("ann", again) == ((7, False), False)

    run(main)


def test_a_task_that_a_call_has_started_may_ask_for_the_key_once_the_call_is_over(run):
    async def main():
        group, over = flights(), asyncio.Event()

        async def later():
            await over.wait()
            return await group.do("ann", answer, 7)

        async def start():
            return asyncio.create_task(later())

        task, _ = await group.do("ann", start)
        over.set()
        assert await task == (7, False)

    run(main)


# -- misuse, and other loops


def test_a_key_is_hashable(run):
    async def main():
        group = flights()
        with pytest.raises(TypeError, match=r"\['ann'\] cannot be a key: unhashable type: 'list'"):
            await group.do(["ann"], answer, 7)
        with pytest.raises(TypeError, match=r"\['ann'\] cannot be a key"):
            group.do_chan(["ann"], answer, 7)
        with pytest.raises(TypeError, match=r"\['ann'\] cannot be a key"):
            group.forget(["ann"])

    run(main)


def test_what_is_called_is_a_function(run):
    async def main():
        group = flights()
        with pytest.raises(TypeError, match="a function is needed, not <coroutine object answer"):
            await group.do("ann", answer(7))
        group._check()
        assert repr(group) == "<SingleFlight 'users' 0 in flight>"

    run(main)


def test_the_name_is_a_string():
    with pytest.raises(TypeError, match="the name of a SingleFlight is a string, not 7"):
        ac.SingleFlight(7)


def test_it_needs_a_loop():
    with pytest.raises(ac.MisuseError, match="<SingleFlight 'users' 0 in flight> needs a running event loop"):
        flights().do_chan("ann", answer, 7)
    flights().forget("ann")


def test_it_goes_from_one_loop_to_the_next(run):
    group = flights()
    assert run(group.do, "ann", answer, 7) == (7, False)
    assert run(group.do, "ann", answer, 8) == (8, False)


def test_nothing_is_left_of_a_loop_that_was_closed(run):
    group, calls, told = flights(), Calls(), []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: told.append(context["message"]))

    async def ask(calls):
        tasks = await asleep(group.do("ann", calls))
        return [weakref.ref(task) for task in tasks]

    (task,) = loop.run_until_complete(ask(calls))
    assert repr(group) == "<SingleFlight 'users' 1 in flight>"
    loop.close()
    assert run(group.do, "ann", answer, 7) == (7, False)
    del calls
    gc.collect()
    assert task() is None
    assert set(told) == {"Task was destroyed but it is pending!"}  # which is so: and nothing else


def test_while_another_loop_has_it_it_is_refused(run):
    group, calls = flights(), Calls()
    refused = []

    def elsewhere():
        async def main():
            for use in (lambda: group.do("ann", answer, 7), lambda: group.do("bob", answer, 7)):
                with pytest.raises(ac.WrongLoop, match="'users' 1 in flight> belongs to another event loop") as error:
                    await use()
                refused.append(error.type)
            with pytest.raises(ac.WrongLoop) as error:
                group.forget("ann")
            refused.append(error.type)

        asyncio.run(main())

    async def main():
        (task,) = await asleep(group.do("ann", calls))
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        calls.end("value")
        assert await task == ("value", False)

    run(main)
    assert refused == [ac.WrongLoop] * 3


# -- cost, and what is left


class Count(hooks.Observer):
    """Counts who is woken, and who leaves."""

    def __init__(self):
        self.woken_, self.left_ = 0, 0

    def woken(self, waiter):
        self.woken_ += 1

    def left(self, waiter):
        self.left_ += 1


@pytest.fixture
def count():
    count = Count()
    before = hooks.install(count)
    yield count
    hooks.install(before)


CROWD = 10_000


def test_a_crowd_is_woken_once_each(run, count):
    async def main():
        group, calls = ac.SingleFlight(), Calls()
        tasks = [asyncio.create_task(group.do("ann", calls)) for _ in range(CROWD)]
        await asyncio.sleep(0)
        calls.end("value") if calls else asyncio.get_running_loop().call_soon(calls.end, "value")
        assert await asyncio.gather(*tasks) == [("value", True)] * CROWD
        assert len(calls) == 1
        assert (count.woken_, count.left_) == (CROWD, 0)

    run(main)


def test_leaving_costs_the_same_however_many_there_are(run):
    async def main():
        spent = {n: await cost_of_leaving(n) for n in (200, 400)}
        assert spent[400] < 2.1 * spent[200]

    async def cost_of_leaving(n):
        group, calls, steps = ac.SingleFlight(), Calls(), 0
        tasks = [asyncio.create_task(group.do("ann", calls)) for _ in range(n)]
        await settle()

        def count(frame, event, argument):
            nonlocal steps
            steps += event in ("call", "c_call", "line")

        sys.setprofile(count)
        try:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        finally:
            sys.setprofile(None)
        await settle()
        assert calls.cancelled == [0]
        return steps

    run(main)


class Thing:
    """Something a weak reference can be made to."""


@pytest.mark.parametrize("how", ["value", "error", "cancelled", "left"])
def test_nothing_waits_for_the_collector(run, how):
    """H23: flights, values and errors die when they are over, while the collector is off."""

    async def main():
        group, thing = flights(), Thing()
        alive = weakref.ref(thing)

        async def load(thing):
            await asyncio.sleep(0)
            if how == "error":
                raise LookupError(thing)
            if how == "cancelled":
                raise asyncio.CancelledError(thing)
            if how == "left":
                await asyncio.get_running_loop().create_future()
            return thing

        async def ask(thing):
            with contextlib.suppress(LookupError, ac.Canceled):
                await group.do("ann", load, thing)

        tasks = [asyncio.create_task(ask(thing)) for _ in range(3)]
        del thing
        await settle() if how == "left" else await asyncio.wait(tasks)
        while tasks and how == "left":
            tasks.pop().cancel()
        tasks.clear()
        await settle()
        assert alive() is None

    gc.collect()
    gc.disable()
    try:
        run(main)
    finally:
        gc.enable()


def test_the_group_need_not_be_kept(run):
    async def main():
        calls = Calls()
        ch = ac.SingleFlight().do_chan("ann", calls)
        await settle()
        gc.collect()
        calls.end("value")
        assert (await ch.recv()).value == "value"

    run(main)


# -- looking


def test_what_it_looks_like(run):
    async def main():
        group, calls = flights(), Calls()
        assert repr(group) == "<SingleFlight 'users' 0 in flight>"
        tasks = await asleep(group.do("ann", calls), group.do("bob", calls), group.do("bob", calls))
        assert repr(group) == "<SingleFlight 'users' 2 in flight>"
        assert repr(ac.SingleFlight()).startswith("<SingleFlight at 0x")
        assert [key for key, _ in group._snapshot()] == ["ann", "bob"]
        await dismiss(*tasks)
        assert group._snapshot() == ()

    run(main)
