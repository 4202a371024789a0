"""What is written on an error never takes its place, whatever the error refuses."""

import asyncio
import contextlib
import dataclasses
import functools
import gc
import traceback

import pytest

import aiochan as ac
from aiochan.groups.notes import NAMED, add_note, name_others
from aiochan.testing import virtual


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    """Raises FrozenInstanceError when it is written on."""

    what: str


async def fail(what="first"):
    raise FrozenError(what)


def test_the_others_are_named_up_to_a_number_and_then_counted():
    error = LookupError("first")
    name_others(error, "later", [error, *(ValueError(number) for number in range(NAMED + 2))])
    assert error.__notes__ == [
        "later: ValueError: 0; ValueError: 1; ValueError: 2; ValueError: 3; ValueError: 4; and 2 more"
    ]
    name_others(error, "later", [error])
    add_note(error, error.__notes__[0])
    assert len(error.__notes__) == 1


def test_what_refuses_stays_as_it_is():
    error = FrozenError("first")
    add_note(error, "a note")
    assert not hasattr(error, "__notes__")


async def in_a_group():
    async with ac.ErrGroup() as g:
        g.go(fail)
        g.go(fail, "second")


@pytest.mark.parametrize(
    "main",
    [
        in_a_group,
        functools.partial(ac.all_of, fail, fail),
        functools.partial(ac.race, functools.partial(fail, "second"), fail),
        functools.partial(ac.first_of, 1, fail, fail),
        functools.partial(ac.last_of, 1, fail, fail),
        functools.partial(ac.retry, fail, attempts=2, delay=0.0),
        functools.partial(ac.waterfall, fail),
    ],
    ids=["ErrGroup", "all_of", "race", "first_of", "last_of", "retry", "waterfall"],
)
def test_an_error_that_cannot_be_written_on_comes_out_as_it_is(main):
    with pytest.raises(FrozenError, match="first"):
        virtual.run(main)


# -- an error that several are told


async def share_a_flight(boom):
    flights = ac.SingleFlight()
    go_on = ac.Signal()

    async def load():
        await go_on.wait()
        await boom()

    async def ask():
        with contextlib.suppress(LookupError):
            try:
                raise KeyError("the caller's own")
            except KeyError:
                await flights.do("key", load)

    callers = [asyncio.create_task(ask()) for _ in range(3)]
    await virtual.settle()
    go_on.close()
    await asyncio.gather(*callers)


async def wait_for_a_group(boom):
    async def ask(g):
        with contextlib.suppress(LookupError):
            try:
                raise KeyError("the caller's own")
            except KeyError:
                await g.wait()

    with contextlib.suppress(LookupError):
        async with ac.ErrGroup() as g:
            waiting = [asyncio.create_task(ask(g)) for _ in range(3)]
            await virtual.settle()
            g.go(boom)
            await ac.never().recv()
    await asyncio.gather(*waiting)


async def wait_for_an_err_wait_group(boom):
    group = ac.ErrWaitGroup()
    try:
        await boom()
    except LookupError as error:
        group.error(error)
    for _ in range(3):
        with contextlib.suppress(LookupError):
            try:
                raise KeyError("the caller's own")
            except KeyError:
                await group.wait()


@pytest.mark.parametrize("share", [share_a_flight, wait_for_a_group, wait_for_an_err_wait_group])
def test_an_error_that_several_are_told_stays_what_it_was(share):
    raised = []

    async def boom():
        try:
            raise ValueError("what it came of")
        except ValueError as cause:
            raised.append(LookupError())
            raised.append(cause)
            raise raised[0]  # noqa: B904 - the context is what is looked at

    virtual.run(lambda: share(boom))
    error, cause = raised
    assert error.__context__ is cause
    assert len(traceback.extract_tb(error.__traceback__)) < 10  # it does not grow with each who is told
    raised.clear()
    del error, cause


def test_who_waits_for_a_group_leaves_no_circle(run):
    async def fail():
        await asyncio.sleep(0)  # asyncio keeps an eager task that fails in its first step
        raise LookupError

    async def ask(g):
        with contextlib.suppress(LookupError):
            await g.wait()

    async def one_round():
        with contextlib.suppress(LookupError):
            async with ac.ErrGroup() as g:
                ac.go(ask, g)  # not kept: it keeps the context, whose cause is the error, which keeps this frame
                g.go(fail)
                await ac.never().recv()

    async def main():
        await one_round()
        gc.collect()
        gc.disable()
        try:
            before = len(gc.get_objects())
            for _ in range(50):
                await one_round()
            assert len(gc.get_objects()) - before < 50
        finally:
            gc.enable()

    run(main)
