"""Every roll of the dice is followed: what a select drew, the model draws too, or they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import aiochan as ac
from aiochan.testing.model import Answer, ModelCase, Op, ready, select, select_nowait
from tests.testing.comparison import Mismatch, equal, outcome_of
from tests.testing.differential import Cases, Dice, Pair, Spec
from tests.volume.machine_events import Events


class Follower(Pair):
    """A `Pair` whose model does not believe the real select, but rolls what it rolled.

    A draw among n ready cases asks the dice for one of n, once, and takes the case with that number; cases that share a
    line are drawn by rolls of 1 in 2, 1 in 3, ... . Nobody rolls without need.
    """

    def __init__(self, specs: Sequence[Spec], dice: Dice, drain: tuple[int, int] | None, events: Events) -> None:
        self.rolls: list[tuple[int, int]] = []  # what the real side asked for and got, until the model has followed
        super().__init__(list(specs), self._roll_of(dice), drain)
        self.events = events

    def _select_nowait(self, biased: bool, cases: Cases) -> bool:
        real, model = self._cases(cases)
        outcome = outcome_of(lambda: ac.select_nowait(*real, biased=biased), pair=True)
        self._same(outcome, select_nowait(model, self._drawn, biased=biased))
        self.events.saw(f"select_nowait: {outcome.what}")
        return True

    def _roll_of(self, dice: Dice) -> Dice:
        def roll(n: int) -> int:
            answer = dice(n)
            self.rolls.append((n, answer))
            return answer

        return roll

    def _follow(self, sides: int) -> int:
        """Follow the real side in its next roll of the dice."""
        if not self.rolls:
            raise Mismatch(f"no dice were rolled, the model says one of {sides}")
        n, answer = self.rolls.pop(0)
        equal("the dice", "sides", n, sides)
        return answer

    def _drawn(self, allowed: Sequence[int]) -> int:
        return allowed[self._follow(len(allowed))]

    def _model_select(self, op: Op, cases: Sequence[ModelCase | None], biased: bool) -> Answer:
        if now := ready(cases, biased=biased):
            self.events.saw("select: drew among several", len(now) > 1)
            return select(op, cases, self._drawn, biased=biased)
        standing = self._standing(cases, biased)
        answer = select(op, cases, lambda group: standing[group[0]], biased=biased)
        self.events.parks(op, cases)
        return answer

    def _standing(self, cases: Sequence[ModelCase | None], biased: bool) -> dict[int, int]:
        """Draw for every line which case is to stand there; by the first case that wants to."""
        first: dict[tuple[int, str], int] = {}
        seen, standing = Counter[int](), dict[int, int]()
        for i, case in enumerate(cases):
            if case is None:
                continue
            at = first.setdefault((id(case.chan), case.side), i)
            seen[at] += 1
            if seen[at] == 1 or (not biased and self._follow(seen[at]) == 0):
                standing[at] = i
        return standing

    def _compare(self) -> None:
        super()._compare()
        equal("the dice", "rolls without need", self.rolls, [])
