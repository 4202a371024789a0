"""Groups beside and inside of everything else that cancels: asyncio's limits and groups, anyio's scopes and groups.

H11, H13, H15: the same as with `asyncio.TaskGroup` in the same place, and no busy loop.
"""

import asyncio

import anyio
import pytest

import aiochan as ac
from aiochan.context import background
from aiochan.groups.errgroup import ErrGroup
from aiochan.testing import virtual

HOUR = 3600.0


class Boom(Exception):
    pass


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def fails(error, after=0):
    await turns(after)
    raise error


async def cleans_up(seconds, log):
    try:
        await for_ever()
    finally:
        await asyncio.sleep(seconds)
        log.append("cleaned up")


class Counting(virtual.VirtualLoop):
    """Count the callbacks that have been scheduled."""

    steps = 0

    def call_soon(self, *args, **options):
        self.steps += 1
        return super().call_soon(*args, **options)


def steps_of(main):
    """Run it in virtual time, and count the callbacks that it took."""
    with asyncio.Runner(loop_factory=Counting) as runner:
        runner.run(main())
        return runner.get_loop().steps


def due():
    return asyncio.current_task().cancelling()


# -- asyncio


@pytest.mark.parametrize("waits", [True, False], ids=["in the body", "on leaving"])
def test_a_limit_around_a_group(run, waits):
    async def main():
        children = []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001), ErrGroup() as g:
                children += [g.go(for_ever), g.go(turns, 2)]
                if waits:
                    await for_ever()
        assert children[0].cancelled()
        assert due() == 0
        await asyncio.sleep(0)

    run(main)


def test_a_limit_around_a_group_that_takes_an_hour_to_clean_up():
    log = []

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), ErrGroup() as g:
                g.go(cleans_up, HOUR, log)
        assert asyncio.get_running_loop().time() == HOUR + 1
        assert log == ["cleaned up"]

    virtual.run(main)


def test_a_limit_inside_of_a_group(run):
    async def main():
        async with ErrGroup() as g:
            child = g.go(turns, 20)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await for_ever()
            assert g.ctx.err() is None
        assert not child.cancelled()

    run(main)


def test_a_limit_inside_of_a_group_and_an_error_in_the_same_turn(run):
    """The limit is told as soon as it is left; the error, where the group is."""

    async def main():
        gate = asyncio.Event()
        with pytest.raises(Boom):
            async with ErrGroup() as g:

                async def child():
                    await gate.wait()
                    raise Boom

                g.go(child)
                async with asyncio.timeout(None) as limit:
                    await turns(2)
                    gate.set()
                    limit.reschedule(asyncio.get_running_loop().time())
                    await for_ever()
        assert due() == 0
        await asyncio.sleep(0)

    run(main)


def test_a_limit_around_a_group_and_an_error_in_the_same_turn(run):
    """The error goes before the limit, which has nothing left to say."""

    async def main():
        with pytest.raises(Boom):
            async with asyncio.timeout(None) as limit:
                async with ErrGroup() as g:
                    g.go(fails, Boom(), 2)
                    limit.reschedule(asyncio.get_running_loop().time())
                    try:
                        await for_ever()
                    finally:
                        await asyncio.shield(turns(5))
        assert due() == 0
        await asyncio.sleep(0)

    run(main)


def test_wait_for_around_a_group(run):
    async def main():
        children = []

        async def grouped():
            async with ErrGroup() as g:
                children.append(g.go(for_ever))

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(grouped(), 0.001)
        assert children[0].cancelled()

    run(main)


def test_a_group_in_a_task_group(run):
    async def main():
        children = []
        with pytest.raises(ExceptionGroup) as raised:
            async with asyncio.TaskGroup() as outer:
                outer.create_task(fails(Boom(), 3))
                async with ErrGroup() as g:
                    children.append(g.go(for_ever))
        assert [type(error) for error in raised.value.exceptions] == [Boom]
        assert children[0].cancelled()
        assert due() == 0

    run(main)


def test_a_task_group_in_a_group(run):
    async def main():
        children = []
        with pytest.raises(Boom):
            async with ErrGroup() as g:
                g.go(fails, Boom(), 3)
                async with asyncio.TaskGroup() as inner:
                    children.append(inner.create_task(for_ever()))
        assert children[0].cancelled()
        assert due() == 0

    run(main)


def test_the_error_of_an_inner_group_is_the_bodys_of_the_outer_one(run):
    async def main():
        error = Boom()
        with pytest.raises(Boom) as raised:
            async with ErrGroup() as outer:
                other = outer.go(for_ever)
                ctx = outer.ctx
                async with ErrGroup() as inner:
                    inner.go(fails, error, 2)
        assert raised.value is error
        assert other.cancelled()
        assert ctx.cause() is error

    run(main)


def test_the_end_of_an_outer_group_reaches_the_inner_one_by_its_context_too(run):
    async def main():
        error, seen = Boom(), []

        async def child():
            async with ErrGroup() as inner:
                seen.append(inner.ctx)
                inner.go(for_ever)

        with pytest.raises(Boom):
            async with ErrGroup() as outer:
                outer.go(child)
                outer.go(fails, error, 5)
        [ctx] = seen
        assert ctx.cause() is error
        assert outer.errors == ()

    run(main)


@pytest.mark.parametrize("depth", [3, 10])
def test_groups_in_groups_are_all_left_by_one_error(run, depth):
    async def main():
        async def nested(left):
            async with ErrGroup() as g:
                g.go(for_ever)
                if left:
                    g.go(nested, left - 1)
                else:
                    g.go(fails, Boom(), 3)

        with pytest.raises(Boom):
            await nested(depth)
        assert due() == 0

    run(main)


def test_scopes_inside_and_outside(run):
    async def main():
        with background().with_cancel() as outer, background().with_cancel() as inner:
            with pytest.raises(ac.Canceled):
                async with outer.scope(), ErrGroup() as g:
                    child = g.go(for_ever)
                    outer.cancel()
            assert child.cancelled()
            async with ErrGroup() as g:
                with pytest.raises(ac.Canceled):
                    async with inner.scope():
                        inner.cancel()
                        await for_ever()
                assert g.ctx.err() is None
        assert due() == 0

    run(main)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_h20_an_interrupt_in_a_task_comes_out_alone_and_stops_the_others(interrupt):
    """The loop raises it from the task; whoever runs the loop again finds the group left."""
    ended = []

    async def child():
        await asyncio.sleep(0)
        raise interrupt("now")

    async def main():
        try:
            async with ErrGroup(errors="all") as g:
                other = g.go(for_ever)
                g.go(child)
                await for_ever()
        except interrupt as error:
            ended.append((str(error), other.cancelled(), due()))

    with asyncio.Runner() as runner:
        with pytest.raises(interrupt):
            runner.run(main())
        assert not ended  # it was in the middle of it
    assert [(text, cancelled) for text, cancelled, _ in ended] == [("now", True)]


# -- anyio


@pytest.mark.parametrize("waits", [True, False], ids=["in the body", "on leaving"])
def test_h15_in_a_cancelled_scope_a_slow_clean_up_takes_no_turns(waits):
    log = []

    async def main(seconds):
        with anyio.move_on_after(1) as scope:
            async with ErrGroup() as g:
                g.go(cleans_up, seconds, log)
                if waits:
                    await for_ever()
        assert scope.cancelled_caught
        assert asyncio.get_running_loop().time() == seconds + 1
        assert due() == 0
        await anyio.lowlevel.checkpoint()

    short, long = steps_of(lambda: main(1.0)), steps_of(lambda: main(HOUR))
    assert short == long < 60
    assert log == ["cleaned up"] * 2


def test_h15_nor_does_it_in_an_anyio_task_group():
    log = []

    async def main(seconds):
        async def member():
            async with ErrGroup() as g:
                g.go(cleans_up, seconds, log)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(member)
            await anyio.sleep(1)
            tasks.cancel_scope.cancel()
        assert asyncio.get_running_loop().time() == seconds + 1

    # the scope of the task group itself waits for its member, and counts turns until the group waits behind its shield
    short, long = steps_of(lambda: main(1.0)), steps_of(lambda: main(HOUR))
    assert short == long < 60
    assert log == ["cleaned up"] * 2


def test_a_scope_inside_of_a_group(run):
    async def main():
        async with ErrGroup() as g:
            child = g.go(turns, 20)
            with anyio.move_on_after(0.001) as scope:
                await for_ever()
            assert scope.cancelled_caught
            assert g.ctx.err() is None
        assert not child.cancelled()

    run(main)


def test_a_scope_around_a_group_that_has_errors_besides(run):
    """They go before the cancellation, as they do in anyio's own groups."""

    async def fails_when_cancelled():
        try:
            await for_ever()
        finally:
            raise Boom

    async def main():
        with pytest.raises(Boom), anyio.CancelScope() as scope:
            async with ErrGroup() as g:
                g.go(fails_when_cancelled)
                await turns(2)
                scope.cancel()
                await for_ever()
        assert due() == 0
        await asyncio.sleep(0)

    run(main)


def test_an_error_stops_a_body_that_waits_in_a_scope(run):
    async def main():
        with pytest.raises(Boom):
            async with ErrGroup() as g:
                g.go(fails, Boom(), 3)
                with anyio.CancelScope() as scope:
                    await for_ever()
        assert not scope.cancelled_caught
        assert due() == 0

    run(main)


def test_a_body_in_a_shield_is_cancelled_by_an_error_as_by_any_other_cancellation(run):
    """anyio's shields are for anyio's scopes."""

    async def main():
        with pytest.raises(Boom):
            async with ErrGroup() as g:
                g.go(fails, Boom(), 3)
                with anyio.CancelScope(shield=True):
                    await for_ever()
        assert due() == 0

    run(main)


def test_an_anyio_task_group_in_a_group(run):
    async def main():
        ended = []

        async def member():
            try:
                await anyio.sleep_forever()
            finally:
                ended.append("member")

        with pytest.raises(Boom):
            async with ErrGroup() as g:
                g.go(fails, Boom(), 5)
                async with anyio.create_task_group() as inner:
                    inner.start_soon(member)
        assert ended == ["member"]
        assert due() == 0

    run(main)


def test_a_group_in_an_anyio_task_group_that_fails(run):
    async def main():
        children = []

        async def failing():
            await turns(5)
            raise Boom

        with pytest.raises(ExceptionGroup) as raised:
            async with anyio.create_task_group() as outer:
                outer.start_soon(failing)
                async with ErrGroup() as g:
                    children.append(g.go(for_ever))
        assert [type(error) for error in raised.value.exceptions] == [Boom]
        assert children[0].cancelled()
        assert due() == 0

    run(main)
