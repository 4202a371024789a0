"""`SingleFlight` asked by its own call, misused, in several loops and looked at (SF01)."""

import asyncio
import gc
import threading
import weakref

import anyio
import pytest

import aiochan as ac
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

        whose = r"the call users\['bob'\], for which it waits" if how == "by way of another key" else "its own call"
        with pytest.raises(ac.MisuseError, match=rf"users\['ann'\] is asked for by {whose}: they would wait for ever"):
            await group.do("ann", ask)
        group._check()
        assert repr(group) == "<SingleFlight 'users' 0 in flight>"

    run(main)


def test_what_a_call_has_started_may_ask_for_one_that_waits_for_it_once_it_has_ended(run):
    """Not only when everybody has heard that it has ended: it does not wait for anybody any more."""

    async def main():
        group, late = flights(), []

        async def ann():
            value, _ = await group.do("bob", bob)
            return value

        async def bob():
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(come_late)
            return 7

        def come_late():
            late.append(group.do_chan("ann", answer, 8))

        assert await group.do("ann", ann) == (7, True)
        assert await late[0].recv() == (7, None, True)

    run(main)


def test_calls_that_ask_for_each_other(run):
    """Each was asked for from outside first, so that none of them has started the one that it waits for."""

    async def main():
        group, calls = flights(), Calls()

        async def ask(other):
            await calls()
            return await group.do(other, answer, 7)

        ann, bob, cid = await asleep(*(group.do(key, ask, other) for key, other in ("ab", "bc", "ca")))
        for number in range(3):
            calls.end(None, number)
            await settle()
        for task in ann, bob, cid:
            with pytest.raises(
                ac.MisuseError, match=r"users\['a'\] is asked for by the call users\['c'\], for which it"
            ):
                task.result()

    run(main)


def test_a_call_that_has_given_up_another_may_be_asked_for_by_it(run):
    async def main():
        group, calls, scope = flights(), Calls(), anyio.CancelScope()

        async def ask_in_vain():
            with scope:
                await group.do("bob", ask_back)
            return await calls()

        async def ask_back():
            await calls()
            return await group.do("ann", answer, 7)

        bob, ann = await asleep(group.do("bob", ask_back), group.do("ann", ask_in_vain))
        scope.cancel()
        await settle()
        calls.end(None, 0)
        await settle()
        calls.end("value", 1)
        await settle()
        assert ann.result() == ("value", True)
        assert bob.result() == (("value", True), True)

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
