"""Who decides what happens next.

A chooser is asked `choose(options)` for what to do, of a list with the usual first, and `draw(n)`
for the library's dice. It writes down what was chosen in `path`, so that any run can be repeated by
a `Script`, whoever chose.

- `DepthFirst` counts through all schedules, as if the path were a number.
- `RandomWalk` chooses at random; `Priorities` by random priorities of tasks (PCT).
- `Script` follows a given path.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from aiochan.testing.schedule import ADVANCE, CANCEL, END, INTERRUPT, Action, NotDeterministic

__all__ = ["Chooser", "DepthFirst", "Priorities", "RandomWalk", "Script"]

#: What an action is about, in words that do not depend on the schedule: the name of a task.
Subject: TypeAlias = Callable[[Action], str]


class Chooser(Protocol):
    """What the engine asks."""

    @property
    def path(self) -> list[int]:
        """The choices so far, without forced ones."""
        ...

    def recorded(self, options: Callable[[], list[Action]], /) -> Iterable[Action]:
        """Return what was chosen in an earlier run already and is to be done again.

        Args:
            options: Lists what can happen at the moment, to see whether that is what it was then.
        """
        ...

    def choose(self, options: list[Action], subject: Subject, /) -> Action:
        """Choose one of the options, of which there is at least one."""
        ...

    def draw(self, n: int, /) -> int:
        """Roll the library's dice: a number from 0 to n - 1."""
        ...


class _Step:
    """One choice of a depth-first search: which one, out of how many; no options for a draw."""

    __slots__ = ("choice", "count", "options")

    def __init__(self, count: int, options: list[Action] | None) -> None:
        self.choice = 0
        self.count = count
        self.options = options


class DepthFirst:
    """Count through all schedules: `next` moves on to the following one."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._position = 0

    @property
    def path(self) -> list[int]:
        """The choices of this run, without forced ones."""
        return [step.choice for step in self._steps[: self._position] if step.count > 1]

    def next(self) -> bool:
        """Go on to the next schedule; False if this was the last one."""
        steps = self._steps
        del steps[self._position :]
        while steps and steps[-1].choice + 1 == steps[-1].count:
            steps.pop()
        if steps:
            steps[-1].choice += 1
        self._position = 0
        return bool(steps)

    def recorded(self, options: Callable[[], list[Action]], /) -> Iterator[Action]:
        """Return the part of the schedule that was done before, and the choice that is new."""
        steps = self._steps
        while self._position < len(steps):
            step = steps[self._position]
            self._position += 1
            if step.options is None:
                raise NotDeterministic(f"{_AGAIN}: it drew no lots where it did before")
            # Compared at the last place only: cheap, and enough to find most trouble.
            if self._position == len(steps) and options() != step.options:
                raise NotDeterministic(f"{_AGAIN}: it could do {options()}, and not {step.options}")
            yield step.options[step.choice]

    def choose(self, options: list[Action], subject: Subject, /) -> Action:  # noqa: ARG002
        """Choose the first; the others have their turn in later runs."""
        self._steps.append(_Step(len(options), options))
        self._position += 1
        return options[0]

    def draw(self, n: int) -> int:
        """Choose 0 first; the others have their turn in later runs."""
        if self._position == len(self._steps):
            self._steps.append(_Step(n, None))
        step = self._steps[self._position]
        if step.options is not None or step.count != n:
            raise NotDeterministic(f"{_AGAIN}: it drew one of {n} lots and did not do so before")
        self._position += 1
        return step.choice


_AGAIN = "the scenario was called again and did something else than before"


class Script:
    """Follow a path; the usual where it ends.

    Args:
        path: The choices.
        strict: Whether a choice that is not there is an error. If not, the usual happens instead.
    """

    def __init__(self, path: Iterable[int], *, strict: bool = False) -> None:
        self._script = list(path)
        self._strict = strict
        self.path: list[int] = []
        self.counts: list[int] = []

    def recorded(self, options: Callable[[], list[Action]], /) -> Iterable[Action]:  # noqa: ARG002
        """Return nothing: every step is to be looked at."""
        return ()

    def choose(self, options: list[Action], subject: Subject, /) -> Action:  # noqa: ARG002
        """Choose what the path says."""
        return options[self.draw(len(options))] if len(options) > 1 else options[0]

    def draw(self, n: int) -> int:
        """Choose what the path says."""
        place = len(self.path)
        choice = self._script[place] if place < len(self._script) else 0
        if not 0 <= choice < n:
            if self._strict:
                raise NotDeterministic(
                    f"the path does not fit this scenario: choice {place + 1} is {choice},"
                    f" and there are only {n} options, 0 to {n - 1}"
                )
            choice = 0
        self.path.append(choice)
        self.counts.append(n)
        return choice

    def left_over(self) -> Sequence[int]:
        """Return the choices that were not needed, without zeros at the end."""
        rest = self._script[len(self.path) :]
        while rest and rest[-1] == 0:
            rest.pop()
        return rest


class _Noting:
    """Base of the choosers that choose afresh in every run, and note what they chose."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.path: list[int] = []

    def recorded(self, options: Callable[[], list[Action]], /) -> Iterable[Action]:  # noqa: ARG002
        """Return nothing: every run is a new one."""
        return ()

    def draw(self, n: int) -> int:
        """Draw a uniform number."""
        choice = self._dice.randrange(n)
        self.path.append(choice)
        return choice

    def choose(self, options: list[Action], subject: Subject, /) -> Action:
        """Choose, and note it."""
        if len(options) == 1:
            return options[0]
        choice = options.index(self._pick(options, subject))
        self.path.append(choice)
        return options[choice]

    def _pick(self, options: list[Action], subject: Subject, /) -> Action:
        raise NotImplementedError


class RandomWalk(_Noting):
    """Choose at random what runs next, and strike (cancel, interrupt) at random moments.

    The moments are drawn before the run, evenly over its probable length: if each step chose evenly
    among all options, programs with many tasks would be cancelled before they have done anything.

    Args:
        dice: Where the random numbers come from.
        strikes: How many cancellations and interrupts there may be.
        length: How many steps the run will probably have.
    """

    def __init__(self, dice: random.Random, *, strikes: int, length: int) -> None:
        super().__init__(dice)
        self._step = 0
        self._moments = sorted(dice.randrange(length + 1) for _ in range(dice.randint(0, strikes)))

    def choose(self, options: list[Action], subject: Subject, /) -> Action:
        """Choose, and note it."""
        self._step += 1
        return super().choose(options, subject)

    def _pick(self, options: list[Action], subject: Subject, /) -> Action:
        strikes = [option for option in options if option[0] in (CANCEL, INTERRUPT)]
        others = [option for option in options if option[0] not in (CANCEL, INTERRUPT)]
        # At rest there is no later moment.
        due = self._moments and (self._step > self._moments[0] or others == [END])
        if strikes and due:
            del self._moments[0]
            return self._dice.choice(strikes)
        return self._among(others, subject)

    def _among(self, options: list[Action], subject: Subject, /) -> Action:  # noqa: ARG002
        return self._dice.choice(options)


class Priorities(RandomWalk):
    """Run the task of the highest priority; change priorities at a few random moments.

    Probabilistic concurrency testing (Burckhardt et al., 2010): with n tasks and k steps, a bug that
    needs d ordered events is found with a probability of at least 1 / (n * k ** (d - 1)) per run.

    Args:
        dice: Where the random numbers come from.
        strikes: How many cancellations and interrupts there may be.
        length: How many steps the run will probably have.
        depth: D; there are d - 1 moments of change.
    """

    def __init__(self, dice: random.Random, *, strikes: int, length: int, depth: int) -> None:
        super().__init__(dice, strikes=strikes, length=length)
        self._priorities: dict[str, float] = {}
        self._changes = sorted(dice.randrange(length + 1) for _ in range(depth - 1))
        self._lowest = 0.0

    def _among(self, options: list[Action], subject: Subject, /) -> Action:
        best = max(options, key=lambda option: self._priority(option, subject))
        if self._changes and self._step > self._changes[0] and best not in (ADVANCE, END):
            del self._changes[0]
            self._lowest -= 1  # below all that was ever drawn
            self._priorities[subject(best)] = self._lowest
            best = max(options, key=lambda option: self._priority(option, subject))
        return best

    def _priority(self, option: Action, subject: Subject) -> float:
        if option in (ADVANCE, END):
            return 0.0
        name = subject(option)
        if name not in self._priorities:
            self._priorities[name] = self._dice.random()
        return self._priorities[name]
