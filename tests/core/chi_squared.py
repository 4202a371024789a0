"""Is it plausible that these counts come from fair dice?"""

from __future__ import annotations

import math
from collections.abc import Sequence


def p_value(counts: Sequence[int]) -> float:
    """Return how likely fair dice would be to give counts at least as uneven as these (Pearson's test)."""
    expected = sum(counts) / len(counts)
    return survival(sum((count - expected) ** 2 for count in counts) / expected, len(counts) - 1)


def survival(x: float, freedom: int) -> float:
    """Return the chance of a value above `x` in the chi-squared distribution.

    Two degrees of freedom more add one term; the series begins with exp for even ones and with erfc for odd ones.
    """
    if freedom % 2:
        chance, done = math.erfc(math.sqrt(x / 2)), 1
    else:
        chance, done = math.exp(-x / 2), 2
    for k in range(done, freedom, 2):
        chance += math.exp(k / 2 * math.log(x / 2) - x / 2 - math.lgamma(k / 2 + 1)) if x else 0.0
    return chance
