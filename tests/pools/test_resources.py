"""`Limits`: how long a resource may live and be idle (PL07)."""

import math

import pytest

from aiochan.pools.resources import Limits


def test_without_limits_nobody_looks_at_a_clock():
    limits = Limits(None, None)
    resource = limits.born("it", 5.0)

    def no_clock():
        raise AssertionError("somebody looked at the clock")

    limits.laid_aside(resource, no_clock)
    assert limits.timeless
    assert limits.verdict(resource, 1e300) is None


@pytest.mark.parametrize(
    ("lifetime", "idle_time", "now", "verdict"),
    [
        (10, None, 9.9, None),
        (10, None, 10.0, "max_lifetime"),
        (None, 3, 6.9, None),
        (None, 3, 7.0, "max_idle_time"),
        (10, 3, 7.0, "max_idle_time"),
        (10, 3, 10.0, "max_lifetime"),
        (5, 3, 5.0, "max_lifetime"),  # whichever comes first
    ],
)
def test_what_was_opened_at_0_and_laid_aside_at_4(lifetime, idle_time, now, verdict):
    limits = Limits(lifetime, idle_time)
    resource = limits.born("it", 0.0)
    limits.laid_aside(resource, lambda: 4.0)
    assert limits.verdict(resource, now) == verdict


def test_infinity_is_no_limit():
    assert Limits(math.inf, math.inf).timeless


@pytest.mark.parametrize("value", [0, -1, -0.5])
@pytest.mark.parametrize("which", ["max_lifetime", "max_idle_time"])
def test_a_limit_is_positive(which, value):
    arguments = {"max_lifetime": None, "max_idle_time": None, which: value}
    with pytest.raises(ValueError, match=f"{which} must be more than 0 seconds, not {value}; None is for ever"):
        Limits(**arguments)


@pytest.mark.parametrize("value", ["1", True, [2]])
def test_a_limit_is_a_number(value):
    with pytest.raises(TypeError, match="max_lifetime must be a number of seconds"):
        Limits(value, None)
