"""How Hypothesis draws for the state machine: uniformly, and every example anew.

Left to itself Hypothesis prefers small numbers, which here would mean the first rule, the first channel, the first task
over and over; it begins with the smallest examples; and of every example it makes up to five others that differ in a
few places. All of that is good for finding a fault in a hundred examples. In a million steps it would leave less than
half of them new. A backend of its own changes how examples are made, and nothing else: what fails is shrunk and told
as ever. (The smallest example, all zeros, is still the first.)
"""

from __future__ import annotations

from typing import Any

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

__all__ = ["UNIFORM"]

UNIFORM = "aiochan-uniform"


class UniformProvider(HypothesisProvider):
    """Draws what the machine asks for, whole numbers within bounds, each with the same chance."""

    def draw_integer(self, min_value: int | None = None, max_value: int | None = None, **options: Any) -> int:
        if min_value is None or max_value is None or options.get("weights") is not None:
            return super().draw_integer(min_value, max_value, **options)
        assert self._random is not None
        return self._random.randint(min_value, max_value)


AVAILABLE_PROVIDERS[UNIFORM] = UniformProvider
