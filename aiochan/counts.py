"""Numbers of things: what is no whole number, or too small, is refused at once."""

from __future__ import annotations

import operator
from typing import SupportsIndex

__all__ = ["change", "whole"]


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


def change(n: SupportsIndex) -> int:
    """Return by how much ``add(n)`` changes a count, as an int; less than 0 takes away.

    Raises:
        TypeError: It is no whole number; True and False are none.
    """
    if type(n) is int:
        return n
    if isinstance(n, bool) or not isinstance(n, SupportsIndex):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"add() takes a whole number, not {n!r}")
    return operator.index(n)
