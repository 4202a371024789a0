"""`SingleFlight`: one call per key, and its answer for all who ask for it (SF01, P27, X14)."""

import asyncio
import contextvars
import traceback

import pytest

import aiochan as ac
from tests.conformance.kit import asleep
from tests.groups.kit import Calls, dismiss, flights, listen, settle, task_of


async def answer(value):
    return value


# -- one call for all


def test_whoever_asks_alone_is_told_so(run):
    async def main():
        group = flights()
        assert await group.do("ann", answer, 7) == (7, False)

    run(main)


def test_all_who_ask_meanwhile_get_the_value_of_one_call(run):
    """SF01: ten callers, one call, and each is told of the others."""

    async def main():
        group, calls = flights(), Calls()
        tasks = await asleep(*(group.do("ann", calls, number) for number in range(10)))
        assert calls.arguments == [(0,)]
        calls.end("value")
        await settle()
        assert [task.result() for task in tasks] == [("value", True)] * 10

    run(main)


def test_afterwards_the_next_one_calls_again(run):
    async def main():
        group = flights()
        assert await group.do("ann", answer, 1) == (1, False)
        assert await group.do("ann", answer, 2) == (2, False)

    run(main)


def test_whoever_comes_between_the_end_of_the_call_and_its_answer_calls_again(run):
    """What there is to know may have changed since the call has ended."""

    async def main():
        group, calls, late = flights(), Calls(), []

        async def load():
            asyncio.get_running_loop().call_soon(come_late, context=contextvars.Context())
            return "old"

        def come_late():
            late.append(group.do_chan("ann", calls))

        assert await group.do("ann", load) == ("old", False)
        await settle()
        calls.end("new")
        assert await late[0].recv() == ac.FlightResult("new", None, False)

    run(main)


def test_keys_have_nothing_to_do_with_each_other(run):
    async def main():
        group, calls = flights(), Calls()
        ann, bob = await asleep(group.do("ann", calls), group.do("bob", calls))
        calls.end("bob's", 1)
        await settle()
        assert bob.result() == ("bob's", False) and not ann.done()
        calls.end("ann's")
        await settle()
        assert ann.result() == ("ann's", False)

    run(main)


@pytest.mark.parametrize("value", [None, False, 0, "", ()], ids=repr)
def test_any_value_is_a_value(run, value):
    async def main():
        group, calls = flights(), Calls()
        tasks = await asleep(group.do(None, calls), group.do(None, calls))
        calls.end(value)
        await settle()
        assert [task.result() for task in tasks] == [(value, True)] * 2

    run(main)


def test_the_call_has_a_task_of_its_own_with_the_key_and_the_group_in_its_name(run):
    async def main():
        async def name():
            await asyncio.sleep(0)  # an eager task gets its name after its first step
            return asyncio.current_task().get_name()

        assert await flights().do(("ann", 1), name) == ("users[('ann', 1)]", False)
        assert await ac.SingleFlight().do("ann", name) == ("SingleFlight['ann']", False)

    run(main)


def test_one_that_never_waits(run):
    async def main():
        group = flights()
        tasks = [asyncio.create_task(group.do("ann", answer, 7)) for _ in range(3)]
        assert {value for value, _ in await asyncio.gather(*tasks)} == {7}
        group._check()

    run(main)


# -- errors


def test_all_get_the_error(run):
    """X14, P27: nobody waits for ever because a call has failed."""

    async def main():
        group, calls, error = flights(), Calls(), LookupError("no such user")
        tasks = await asleep(*(group.do("ann", calls) for _ in range(5)))
        calls.end(error)
        await settle()
        assert [task.exception() for task in tasks] == [error] * 5
        assert await group.do("ann", answer, 7) == (7, False)

    run(main)


def test_the_traceback_does_not_grow_with_the_callers(run):
    async def main():
        group, calls, depths = flights(), Calls(), []

        async def ask():
            try:
                await group.do("ann", calls)
            except LookupError as error:
                frames = traceback.extract_tb(error.__traceback__)
                depths.append([frame.name for frame in frames])

        await asleep(*(ask() for _ in range(4)))
        calls.end(LookupError("no such user"))
        await settle()
        assert len(depths) == 4 and depths == [depths[0]] * 4
        assert depths[0][0] == "ask" and depths[0][-1] == "__call__"  # from who has asked to where it happened

    run(main)


def test_a_call_that_is_no_call(run):
    async def main():
        group = flights()

        def plain():
            return 7

        for task in [asyncio.create_task(group.do("ann", plain)) for _ in range(2)]:
            with pytest.raises(TypeError, match=r"plain.* must return an awaitable, not 7"):
                await task

    run(main)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_comes_out_of_the_loop(run, error):
    told = []

    async def interrupted():
        await asyncio.sleep(0)  # what an eager task fails with in its first step, asyncio itself tells again
        raise error

    async def main():
        told.append(listen())
        await asyncio.wait([asyncio.create_task(flights().do("ann", interrupted)) for _ in range(2)])

    with pytest.raises(error):
        run(main)
    assert told == [[]]


def test_a_call_that_was_cancelled_from_elsewhere_does_not_look_like_a_cancellation_of_the_callers(run):
    async def main():
        group, calls = flights(), Calls()
        tasks = await asleep(*(group.do("ann", calls) for _ in range(3)))
        task_of("users['ann']").cancel("because")
        await settle()
        errors = [task.exception() for task in tasks]
        for error in errors:
            assert isinstance(error, ac.Canceled)
            assert str(error) == "users['ann'] was cancelled, and not by those who wait for it"
            assert isinstance(error.__cause__, asyncio.CancelledError) and error.__cause__.args == ("because",)
        assert len(set(map(id, errors))) == 3
        assert not any(task.cancelling() for task in tasks)

    run(main)


def test_so_does_one_that_was_cancelled_before_its_first_step(run):
    """H16: it has never run a line (unless tasks are eager); the callers are told all the same."""

    async def main():
        group, calls = flights(), Calls()
        ch = group.do_chan("ann", calls)
        task_of("users['ann']").cancel()
        assert isinstance((await ch.recv()).error, ac.Canceled)

    run(main)


def test_so_does_one_that_met_a_cancelled_future(run):
    async def main():
        group, calls = flights(), Calls()
        (task,) = await asleep(group.do("ann", calls))
        calls.end(asyncio.CancelledError())
        await settle()
        assert isinstance(task.exception(), ac.Canceled)

    run(main)


# -- the result by a channel


def test_a_channel_gives_the_result_and_ends(run):
    async def main():
        group, calls = flights(), Calls()
        first = group.do_chan("ann", calls, "first")
        second = group.do_chan("ann", calls, "second")
        await settle()
        assert calls.arguments == [("first",)]
        assert first != second
        calls.end("value")
        for ch in first, second:
            assert [result async for result in ch] == [("value", None, True)]
        (result,) = [result async for result in group.do_chan("ann", answer, 7)]
        assert (result.value, result.error, result.shared) == (7, None, False)

    run(main)


def test_a_channel_gives_the_error(run):
    async def main():
        group, calls, error = flights(), Calls(), LookupError("no such user")
        ch = group.do_chan("ann", calls)
        (task,) = await asleep(group.do("ann", calls))
        calls.end(error)
        await settle()
        assert await ch.recv() == ac.FlightResult(None, error, True)
        assert task.exception() is error

    run(main)


def test_an_error_in_a_channel_counts_as_got(run):
    async def main():
        group, calls, told = flights(), Calls(), listen()
        group.do_chan("ann", calls)
        await settle()
        calls.end(LookupError("no such user"))
        await settle()
        assert not told

    run(main)


def test_whoever_has_a_channel_is_a_caller_to_the_end(run):
    async def main():
        group, calls = flights(), Calls()
        (leaving,) = await asleep(group.do("ann", calls))
        ch = group.do_chan("ann", calls)
        await dismiss(leaving)
        assert not calls.cancelled
        calls.end("value")
        assert await ac.select(ac.recv(ch)) == (0, ("value", None, True))

    run(main)


# -- forgetting


def test_after_forget_the_next_one_calls_again_while_the_old_call_goes_on(run):
    async def main():
        group, calls = flights(), Calls()
        (old,) = await asleep(group.do("ann", calls))
        group.forget("ann")
        new, joined = await asleep(group.do("ann", calls), group.do("ann", calls))
        assert len(calls) == 2
        calls.end("old", 0)
        await settle()
        assert old.result() == ("old", False)
        (third,) = await asleep(group.do("ann", calls))  # the end of the old one has not freed the key
        calls.end("new", 1)
        await settle()
        assert [task.result() for task in (new, joined, third)] == [("new", True)] * 3
        assert len(calls) == 2

    run(main)


def test_a_forgotten_call_is_cancelled_by_its_own_callers_alone(run):
    async def main():
        group, calls = flights(), Calls()
        (old,) = await asleep(group.do("ann", calls))
        group.forget("ann")
        (new,) = await asleep(group.do("ann", calls))
        await dismiss(old)
        assert calls.cancelled == [0]
        group.forget("ann")
        group.forget("ann")
        group.forget("bob")
        calls.end("new", 1)
        await settle()
        assert new.result() == ("new", False)

    run(main)
