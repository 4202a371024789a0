"""The distances in time at which an event and a cancellation are put beside each other.

How many turns a library needs from "a value is there" to "the receiver has it" is its own business, so a question does
not try one distance but all of them: the cancellation up to six turns before the event, in the same turn before or
after it, and up to six turns after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.conformance.stage import Stage

REACH = 6


@dataclass(frozen=True)
class Moment:
    """When the cancellation comes: so many turns after the event; in turn 0 before or after it."""

    turns: int
    first: bool

    def __str__(self) -> str:
        if self.turns:
            return f"cancelled {abs(self.turns)} turn(s) {'before' if self.first else 'after'} it"
        return f"cancelled in the same turn, {'before' if self.first else 'after'} it"

    async def play(self, stage: Stage, event: Callable[[], None], leave: Callable[[], None]) -> None:
        """Let both happen."""
        before, after = (leave, event) if self.first else (event, leave)
        before()
        await stage.turn(abs(self.turns))
        after()
        await stage.settle()


MOMENTS = [Moment(turns, first=turns < 0) for turns in range(-REACH, REACH + 1) if turns]
MOMENTS += [Moment(0, first=False), Moment(0, first=True)]
MOMENTS.sort(key=lambda moment: (abs(moment.turns), moment.first))  # the same turn first: the plainest evidence
