"""What the combinators refuse."""

import asyncio
import math

import pytest

import aiochan as ac
from aiochan.groups.checks import check_count, check_functions, check_number, refuse_ended


def test_every_coroutine_among_the_functions_is_closed():
    """Nobody would await them, and Python would complain of each."""

    async def fetch():
        raise AssertionError("it must not run")

    coroutines = [fetch() for _ in range(3)]
    with pytest.raises(TypeError, match=r"race\(\) takes functions, not <coroutine.*functools\.partial"):
        check_functions("race", [fetch, *coroutines])
    assert not any(coro.cr_frame for coro in coroutines)


def test_what_can_be_called_is_a_function():
    check_functions("race", [print, asyncio.sleep, ac.Chan().recv, lambda: None])
    check_functions("race", [])


@pytest.mark.parametrize("wrong", [None, True, 1.0, "1", [1]], ids=str)
def test_a_count_is_an_int(wrong):
    with pytest.raises(TypeError, match=r"n of first_of\(\) must be a whole number, not"):
        check_count("first_of", "n", wrong)


def test_a_count_is_not_negative():
    check_count("first_of", "n", 0)
    check_count("first_of", "n", 10**30)
    with pytest.raises(ValueError, match=r"n of first_of\(\) must be 0 or more, not -7"):
        check_count("first_of", "n", -7)


def test_a_number_lies_in_its_range():
    for right in 0, 1, 0.5:
        check_number("retry", "jitter", right, 0, 1)
    for wrong in -1e-9, 1.1, math.nan, -math.inf:
        with pytest.raises(ValueError, match=r"jitter of retry\(\) must be a number from 0 to 1, not"):
            check_number("retry", "jitter", wrong, 0, 1)
    for strange in None, True, "1", 1j:
        with pytest.raises(TypeError, match=r"jitter of retry\(\) must be a number, not"):
            check_number("retry", "jitter", strange, 0, 1)


def test_a_number_is_finite_unless_it_may_be_infinite():
    check_number("retry", "delay", 1e300, 0)
    check_number("retry", "max_delay", math.inf, 0, math.inf)
    for wrong in math.inf, math.nan, 10**400:
        with pytest.raises(ValueError, match=r"delay of retry\(\) must be a number from 0 up, and finite, not"):
            check_number("retry", "delay", wrong, 0)


def test_a_context_that_has_ended_is_refused_with_an_error_of_its_own():
    refuse_ended(ac.background())
    ctx = ac.background().with_cancel()
    refuse_ended(ctx)
    ctx.cancel()
    with pytest.raises(ac.Canceled, match="context canceled") as raised:
        refuse_ended(ctx)
    assert raised.value is not ctx.err()
    assert raised.value.__cause__ is None
    other = ac.background().with_cancel()
    other.cancel(cause := LookupError("why"))
    with pytest.raises(ac.Canceled) as raised:
        refuse_ended(other)
    assert raised.value.__cause__ is cause
