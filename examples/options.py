"""Numbers on the command line, for the examples that take them."""

from __future__ import annotations

import argparse
import math


def natural(text: str) -> int:
    """Read a whole number from 1 up."""
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def seconds(text: str) -> float:
    """Read a number of seconds from 0 up."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 up")
    return number
