"""Are counts what a fair die gives?"""

from __future__ import annotations

import math


def p_value(counts: list[int]) -> float:
    """Give the probability that a fair die is at least so uneven, for two or three faces."""
    expected = sum(counts) / len(counts)
    chi = sum((count - expected) ** 2 / expected for count in counts)
    match len(counts):
        case 2:
            return math.erfc(math.sqrt(chi / 2))
        case 3:
            return math.exp(-chi / 2)
        case faces:
            raise ValueError(f"no formula for {faces} faces")
