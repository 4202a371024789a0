"""`aiochan.seconds`: what is taken for a time."""

import decimal
import math

import pytest

from aiochan.seconds import check_seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1.5, 1.5), (2, 2.0), (-1, -1.0), (math.inf, math.inf), (10**400, math.inf), (-(10**400), -math.inf)],
)
def test_a_number_is_taken_as_a_float(value, seconds):
    checked = check_seconds("it", value)
    assert type(checked) is float
    assert checked == seconds


@pytest.mark.parametrize("wrong", ["1", None, True, 1j, decimal.Decimal(1)], ids=repr)
def test_what_is_no_number_is_named(wrong):
    with pytest.raises(TypeError, match=r"^it must be a number of seconds, not ") as caught:
        check_seconds("it", wrong)
    assert repr(wrong) in str(caught.value)


def test_nan_is_refused():
    with pytest.raises(ValueError, match="it must be a number of seconds, not nan"):
        check_seconds("it", math.nan)
