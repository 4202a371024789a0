"""Times are seconds, everywhere: as numbers, by the clock of the loop."""

from __future__ import annotations

import math

__all__ = ["check_seconds"]


def check_seconds(what: str, value: object) -> float:
    """Return a number of seconds as a float; one that no float can hold is as good as infinite.

    Args:
        what: What it is, for the error.
        value: The number.

    Raises:
        TypeError: It is no number.
        ValueError: It is not a number (nan).
    """
    if isinstance(value, bool) or not isinstance(value, (float, int)):  # a union would take twice as long
        raise TypeError(f"{what} must be a number of seconds, not {value!r}")
    try:
        seconds = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    if math.isnan(seconds):
        raise ValueError(f"{what} must be a number of seconds, not {value!r}")
    return seconds
