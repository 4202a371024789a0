"""`aiochan.calling`: functions that are called and awaited later."""

import functools

import pytest

import aiochan as ac
from aiochan.calling import as_coroutine, call, check_callable, name_of


async def value(what):
    return what


def test_a_name_is_that_of_the_function():
    assert name_of(value) == "value"
    assert name_of(functools.partial(value, 1)) == "value"
    assert name_of(ac.Chan().recv) == "recv"


def test_call_and_check_callable():
    coro = call(value, (1,))
    with pytest.raises(StopIteration):
        coro.send(None)
    check_callable(value)
    with pytest.raises(TypeError, match="a function is needed"):
        check_callable(None)


def test_only_what_can_be_awaited_becomes_a_coroutine(run):
    class Awaitable:
        def __await__(self):
            return iter(())

    coro = value(1)
    assert as_coroutine(value, coro) is coro
    coro.close()
    run(lambda: as_coroutine(Awaitable, Awaitable()))
    with pytest.raises(TypeError, match=r"must return an awaitable, not 7"):
        as_coroutine(value, 7)
