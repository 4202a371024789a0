"""Numbers of things: what is no whole number, or too small, is refused at once."""

from __future__ import annotations

import operator
from typing import SupportsIndex

__all__ = ["whole"]


def whole(what: str, value: SupportsIndex, least: int) -> int:
    """Return a number of things as an int.

    Args:
        what: What it is, for the error.
        value: The number.
        least: The smallest that makes sense.

    Raises:
        TypeError: It is no whole number; True and False are none.
        ValueError: It is less than `least`.
    """
    if type(value) is int and value >= least:  # nearly always, and this is asked for each permit
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be a whole number, not {value!r}") from None
    if number < least:
        raise ValueError(f"{what} must be {least} or more, not {value!r}")
    return number
