"""Go's tests of golang.org/x/sync/singleflight: singleflight_test.go.

A panic is an exception here. In Go it must take the program down, since nobody there can hand it to the reader of a
channel; here it is an error like any other, so that what these tests ask for is that everybody gets it.
"""

import asyncio

import pytest

import aiochan as ac
from tests.conformance.kit import asleep
from tests.groups.kit import settle

MANY = 10
SOME = 5


async def gives(value):
    return value


async def raises(error):
    raise error


def test_do(run):
    """TestDo: the value comes through, with its type."""

    async def main():
        value, _ = await ac.SingleFlight[str, str]().do("key", gives, "bar")
        assert value == "bar" and type(value) is str

    run(main)


def test_do_err(run):
    """TestDoErr: so does the error, the very one."""

    async def main():
        error = OSError("some error")
        with pytest.raises(OSError, match="some error") as raised:
            await ac.SingleFlight[str, str]().do("key", raises, error)
        assert raised.value is error

    run(main)


def test_do_dup_suppress(run):
    """TestDoDupSuppress: ten ask while the first call runs. Go may need up to nine calls; here it is one."""

    async def main():
        group, ch, calls = ac.SingleFlight[str, str](), ac.Chan[str](1), []

        async def fn():
            calls.append(1)
            return await ch.recv()

        tasks = await asleep(*(group.do("key", fn) for _ in range(MANY)))
        await ch.send("bar")
        assert [value for value, _ in await asyncio.gather(*tasks)] == ["bar"] * MANY
        assert len(calls) == 1

    run(main)


def test_forget(run):
    """TestForget (go.dev/issue/31420): the end of a forgotten call leaves the call that came after it alone."""

    async def main():
        group = ac.SingleFlight[str, int]()
        first_started, unblock_first, first_finished = ac.Signal(), ac.Signal(), ac.Signal()
        unblock_second = ac.Signal()

        async def first():
            first_started.close()
            await unblock_first.wait()
            first_finished.close()
            return 1

        async def second():
            await unblock_second.wait()
            return 2

        asking = asyncio.create_task(group.do("key", first))
        await first_started.wait()
        group.forget("key")
        second_result = group.do_chan("key", second)
        unblock_first.close()
        await first_finished.wait()
        await settle()  # Go's race of the first call's end with the third call, lost: here the first call is over
        third_result = group.do_chan("key", gives, 3)
        unblock_second.close()
        assert (await second_result.recv()).value == 2
        assert (await third_result.recv()).value == 2
        assert await asking == (1, False)

    run(main)


def test_do_chan(run):
    """TestDoChan: as TestDo, by a channel."""

    async def main():
        result = await ac.SingleFlight[str, str]().do_chan("key", gives, "bar").recv()
        assert (result.value, result.error) == ("bar", None)

    run(main)


class Wrapped(Exception):
    """An error that others may want to catch."""


@pytest.mark.parametrize("error", [Wrapped(), ValueError("some text")], ids=["an error", "a text"])
def test_panic_error_unwrap(run, error):
    """TestPanicErrorUnwrap: whoever catches it finds what was raised, and need not unwrap it."""

    async def main():
        with pytest.raises(type(error)) as raised:
            await ac.SingleFlight[str, str]().do("key", raises, error)
        assert raised.value is error

    run(main)


def test_panic_do(run):
    """TestPanicDo (go.dev/issue/41133): five ask, the call panics, and each of them hears it."""

    async def main():
        group = ac.SingleFlight[str, str]()
        answers = await asyncio.gather(
            *(group.do("key", raises, ZeroDivisionError()) for _ in range(SOME)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [ZeroDivisionError] * SOME

    run(main)


def test_goexit_do(run):
    """TestGoexitDo: the call ends its goroutine without an answer. Nobody waits for ever.

    What comes closest is a task that cancels itself. Go ends the callers' goroutines too; here they are told.
    """

    async def main():
        group, go_on = ac.SingleFlight[str, str](), ac.Signal()

        async def exits():
            await go_on.wait()
            raise asyncio.CancelledError

        tasks = await asleep(*(group.do("key", exits) for _ in range(SOME)))
        go_on.close()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [ac.Canceled] * SOME

    run(main)


def test_panic_do_chan(run):
    """TestPanicDoChan: a panic in a call that is waited for by a channel is not lost."""

    async def main():
        result = await ac.SingleFlight[str, str]().do_chan("", raises, ZeroDivisionError()).recv()
        assert isinstance(result.error, ZeroDivisionError)

    run(main)


def test_panic_do_shared_by_do_chan(run):
    """TestPanicDoSharedByDoChan: nor is that of a call which somebody else has begun."""

    async def main():
        group = ac.SingleFlight[str, str]()
        blocked, unblock = ac.Signal(), ac.Signal()

        async def panics():
            blocked.close()
            await unblock.wait()
            raise ZeroDivisionError

        async def never():
            raise AssertionError("the second function was called")

        asking = asyncio.create_task(group.do("", panics))
        await blocked.wait()
        ch = group.do_chan("", never)
        unblock.close()
        assert isinstance((await ch.recv()).error, ZeroDivisionError)
        with pytest.raises(ZeroDivisionError):
            await asking

    run(main)


def test_example_group(run):
    """ExampleGroup: two functions for one key; the first is called, and both results are its own, and shared."""

    async def main():
        group, block = ac.SingleFlight[str, str](), ac.Signal()

        async def fn(text):
            await block.wait()
            return text

        first, second = group.do_chan("key", fn, "func 1"), group.do_chan("key", fn, "func 2")
        block.close()
        assert await first.recv() == await second.recv() == ac.FlightResult("func 1", None, True)

    run(main)
