"""`ErrWaitGroup`: add, done, error, wait; one error or several (GP05)."""

import asyncio

import pytest

import aiochan as ac
from aiochan.groups.errwaitgroup import ErrWaitGroup


class Boom(Exception):
    pass


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


def test_gp05_nothing_announced_is_done_at_once(run):
    async def main():
        await ErrWaitGroup().wait()

    run(main)


def test_gp05_wait_waits_for_all(run):
    async def main():
        group = ErrWaitGroup()
        group.add(3)
        waiting = [asyncio.create_task(group.wait()) for _ in range(3)]
        for left in (2, 1):
            group.done()
            await turns(3)
            assert group.count == left
            assert not any(task.done() for task in waiting)
            group._check()
        group.done()
        group._check()
        await asyncio.gather(*waiting)
        await group.wait()

    run(main)


def test_gp05_one_error_is_raised_as_it_is(run):
    async def main():
        group, error = ErrWaitGroup(), Boom("one")
        group.add()
        group.error(error)
        group.error(error)
        group.done()
        for _ in range(2):
            with pytest.raises(Boom) as raised:
                await group.wait()
            assert raised.value is error

    run(main)


def test_gp05_several_errors_are_raised_in_a_group(run):
    async def main():
        group, errors = ErrWaitGroup("downloads"), [Boom(n) for n in range(3)]
        group.add(3)
        for error in errors:
            group.error(error)
            group.done()
        with pytest.raises(ExceptionGroup, match="ErrWaitGroup 'downloads' failed") as raised:
            await group.wait()
        assert raised.value.exceptions == tuple(errors)

    run(main)


def test_an_error_is_not_done(run):
    async def main():
        group = ErrWaitGroup()
        group.add()
        group.error(Boom())
        waiting = asyncio.create_task(group.wait())
        await turns(3)
        assert not waiting.done()
        group.done()
        with pytest.raises(Boom):
            await waiting

    run(main)


@pytest.mark.parametrize("error", [None, "text", Boom, KeyboardInterrupt()], ids=repr)
def test_gp05_what_is_no_exception_is_refused(error):
    """Go's panics on a nil error."""
    with pytest.raises(TypeError, match="must be an Exception, not"):
        ErrWaitGroup().error(error)


def test_a_cancellation_is_not_to_be_reported():
    with pytest.raises(TypeError, match="raise it, and call done"):
        ErrWaitGroup().error(asyncio.CancelledError())


def test_gp05_more_done_than_announced_is_refused_and_changes_nothing():
    group = ErrWaitGroup()
    group.add(2)
    with pytest.raises(ValueError, match="cannot add -3: more would be done than was announced"):
        group.add(-3)
    group.add(-2)
    with pytest.raises(ValueError, match="cannot add -1"):
        group.done()
    assert group.count == 0


@pytest.mark.parametrize("n", [1.0, "1", None])
def test_a_number_that_is_none_is_refused(n):
    with pytest.raises(TypeError):
        ErrWaitGroup().add(n)


def test_gp05_it_serves_once(run):
    async def main():
        group = ErrWaitGroup("once")
        group.add()
        group.done()
        await group.wait()
        late = [group.add, group.done, lambda: group.error(Boom())]
        for each in late:
            with pytest.raises(ac.MisuseError, match="was waited for to the end; make another one"):
                each()

    run(main)


def test_gp05_who_was_woken_is_told_of_that_end_and_of_no_later_one(run):
    """Go's WaitGroup panics when it is used again before its Wait has returned."""

    async def main():
        group = ErrWaitGroup()
        group.add()
        waiting = asyncio.create_task(group.wait())
        await turns(2)
        group.done()
        with pytest.raises(ac.MisuseError, match="was waited for to the end"):
            group.add()
        with pytest.raises(ac.MisuseError, match="was waited for to the end"):
            group.error(Boom())
        await waiting

    run(main)


def test_it_may_come_to_zero_before_anybody_waits(run):
    async def main():
        group = ErrWaitGroup()
        for _ in range(3):
            group.add()
            group.done()
        await group.wait()

    run(main)


def test_a_wait_that_is_cancelled_changes_nothing(run):
    async def main():
        group = ErrWaitGroup()
        group.add()
        waiting = [asyncio.create_task(group.wait()) for _ in range(2)]
        await turns(2)
        waiting[0].cancel()
        await turns(2)
        assert waiting[0].cancelled()
        assert not waiting[1].done()
        group.done()
        waiting[1].cancel()  # in the turn in which it was told
        await turns(2)
        assert waiting[1].cancelled()
        await group.wait()

    run(main)


def test_repr(run):
    async def main():
        group = ErrWaitGroup("downloads")
        group.add(2)
        group.error(Boom())
        waiting = asyncio.create_task(group.wait())
        await turns(2)
        assert repr(group) == "<ErrWaitGroup 'downloads' 2 to be done, 1 errors, 1 waiting>"
        waiting.cancel()
        assert repr(ErrWaitGroup()).startswith("<ErrWaitGroup at 0x")

    run(main)
