"""Random programs, played on two cores: their books must be the same, page by page."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.cores.accepted import hide, same
from tests.cores.book import Page
from tests.cores.both import PYTHON, Core
from tests.cores.player import ERRORS, Player
from tests.testing import programs
from tests.testing.differential import Cases, Move, Spec
from tests.testing.programs import _random_move


class Difference(AssertionError):
    """Two cores did not do the same."""


@dataclass(frozen=True)
class Program(programs.Program):
    """Channels and moves, as before; how the loop runs them, and the two cores that are compared."""

    patience: int = 0
    eager: bool = False
    debug: bool = False
    meddles: bool = False  # the dice use the channels when they are thrown
    weighs: bool = False  # says in each step which values are in memory: the cores may differ in that
    collects: bool = False  # looks, at the end, for what is left in memory
    cores: tuple[Core, Core] = field(default=(PYTHON, PYTHON), repr=False, compare=False)

    def history(self, core: Core) -> list[Page]:
        """Play it on one core."""
        dice = random.Random(self.seed).randrange
        player = Player(
            core,
            self.specs,
            dice,
            self.drain or (0, self.patience),
            together=self.drain is not None,
            eager=self.eager,
            debug=self.debug,
            meddles=self.meddles,
            weighs=self.weighs,
        )
        with player:
            pages = player.play(self.moves)
        return [*pages, player.left_over()] if self.collects else pages

    def run(self) -> int:
        """Play it on both cores, and return how many steps were compared.

        Raises:
            Difference: They are not the same.
        """
        first, second = (self.history(core) for core in self.cores)
        for number, (one, other) in enumerate(zip(first, second, strict=False)):
            if not same(one, other):
                contrast = self._contrast(hide(one), hide(other))
                raise Difference(f"step {number}, {one['step']}:\n{contrast}")
        if len(first) != len(second):
            raise Difference(f"{self.cores[0]} takes {len(first)} steps, {self.cores[1]} {len(second)}")
        return len(first)

    def _contrast(self, one: Page, other: Page) -> str:
        differing = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        return "\n".join(
            f"  {key}:\n    {self.cores[0].label:9} {one.get(key)}\n    {self.cores[1].label:9} {other.get(key)}"
            for key in differing
        )


# -- drawing them

WEIGHTS = {
    **programs._WEIGHTS,
    "send": 9,
    "recv_nowait": 4,
    "clear": 1,
    "run": 4,
    "next": 2,
    "for": 1,
    "wait": 1,
    "loop": 1,
    "round": 2,
    "exhaust": 1,
    "block": 1,
    "park": 3,
    "wake": 2,
    "wake_all": 1,
    "within": 2,
    "wait_for": 1,
    "gather": 1,
    "script": 4,
    "budget": 1,
    "drop": 1,
    "direct": 4,
    "crank": 3,
    "turn": 3,
    "throw": 1,
    "shut": 1,
    "cancel_woken": 8,
    "cancel_again": 1,
    "step_many": 2,
    "advance": 1,
}
OPTIONAL = tuple(sorted(WEIGHTS.keys() - {"send", "recv", "run", "cancel_woken"}))
SINGLE = (
    "send",
    "send",
    "recv",
    "recv",
    "recv_ok",
    "next",
    "select",
    "select",
)  # operations that anything can be made of
CALLS = "send_nowait", "recv_nowait", "select_nowait", "clear", "close", "wake", "loop"
IN_SCRIPTS = *SINGLE, *SINGLE, *CALLS, "reserve", "park", "round", "block", "pause", "pause", "interrupt"
ALONE = *SINGLE, "reserve", "park", "round", "wait"
BUDGETS = (256, 1024), (3, 5), (1, 1), (2, 0), (0, 2), (5, 3)
GIVE_BACKS = None, None, "wake", "raise"


class Draw:
    """Draws the moves of one program."""

    def __init__(self, rng: random.Random, channels: int) -> None:
        self._rng = rng
        self._laps = 2 * channels  # the second lap means views

    def moves(self, length: int) -> tuple[Move, ...]:
        """Draw so many; some kinds are missing altogether, so that the others come to more."""
        missing = self._rng.sample(OPTIONAL, self._rng.randrange(len(OPTIONAL)))
        weights = {name: weight for name, weight in WEIGHTS.items() if name not in missing}
        names = self._rng.choices(list(weights), list(weights.values()), k=length)
        return tuple(self.move(name) for name in names)

    def move(self, name: str) -> Move:
        draw: Any = getattr(self, f"_{name}", None)
        return _random_move(self._rng, name, self._laps) if draw is None else (name, *draw())

    def _any_of(self, names: tuple[str, ...]) -> Move:
        return self.move(self._rng.choice(names))

    def _several(self, names: tuple[str, ...], most: int) -> tuple[Move, ...]:
        return tuple(self._any_of(names) for _ in range(self._rng.randint(1, most)))

    def _few(self) -> tuple[int]:
        return (self._rng.choice((0, 0, 1, 2)),)

    def _cases(self) -> tuple[bool, Cases]:
        _, biased, cases = _random_move(self._rng, "select", self._laps)
        return biased, cases

    def _nothing(self) -> tuple[()]:
        return ()

    _round = _wake = _turn = _shut = _cancel_woken = _cancel_again = _few
    _loop = _exhaust = _cases
    _wake_all = _pause = _interrupt = _nothing

    def _clear(self) -> tuple[int]:
        return (self._rng.randrange(self._laps),)

    def _block(self) -> tuple[int, bool]:
        return self._rng.randrange(self._laps), self._rng.random() < 0.7

    def _park(self) -> tuple[object, str | None]:
        return self._rng.choice((None, "tag", 3)), self._rng.choice(GIVE_BACKS)

    def _within(self) -> tuple[float, Move]:
        return self._rng.choice((0.0, 1.0, 2.0, 5.0)), self._any_of((*SINGLE, "park"))

    _wait_for = _within

    def _gather(self) -> tuple[tuple[Move, ...]]:
        return (self._several(SINGLE, 3),)

    def _script(self) -> tuple[tuple[Move, ...]]:
        return (self._several(IN_SCRIPTS, 6),)

    def _budget(self) -> tuple[int, int]:
        return self._rng.choice(BUDGETS)

    def _direct(self) -> tuple[Move]:
        return (self._any_of(ALONE),)

    _drop = _crank = _direct

    def _throw(self) -> tuple[int, str]:
        return self._rng.randrange(3), self._rng.choice(list(ERRORS))

    def _step_many(self) -> tuple[int]:
        return (self._rng.randint(1, 4),)

    def _advance(self) -> tuple[float]:
        return (self._rng.choice((0.0, 1.0, 3.0)),)


def random_program(seed: int, cores: tuple[Core, Core], length: int = 30) -> Program:
    """Draw a program; the same seed gives the same program."""
    rng = random.Random(seed)
    if rng.random() < programs.CROWDED:
        crowd = programs._crowd(rng, seed, min(length, 30))  # a page of a crowd is long
        return Program(crowd.specs, crowd.moves, seed, crowd.drain, cores=cores)
    specs: tuple[Spec, ...] = tuple(rng.choice(programs._SPECS) for _ in range(rng.choice((1, 1, 2, 3))))
    return Program(
        specs,
        Draw(rng, len(specs)).moves(length),
        seed,
        drain=rng.choice(BUDGETS) if rng.random() < 0.5 else None,
        patience=rng.choice((0, 0, 1, 3)),
        eager=rng.random() < 0.2 and sys.version_info >= (3, 12),
        debug=rng.random() < 0.03,
        meddles=rng.random() < 0.2,
        collects=rng.random() < 0.1,
        cores=cores,
    )


def compare(seeds: Iterable[int], cores: tuple[Core, Core], length: int = 30) -> int:
    """Play the programs of `seeds` on both cores, and return how many steps were compared.

    Raises:
        Difference: They differ in one; the message has the shortest program in which they do.
    """
    compared = 0
    for seed in seeds:
        program = random_program(seed, cores, length)
        failure, steps = _played(program)
        if failure is not None:
            shortest = program.shortest()
            text = f"program of seed {seed}, shortened:\n{shortest}\n{shortest.fails() or failure}"
            raise Difference(text) from failure
        compared += steps
    return compared


def _played(program: Program) -> tuple[Exception | None, int]:
    """Play it; what fails is returned, for while it is handled it would be the context of every error in a program."""
    try:
        return None, program.run()
    except Exception as error:
        return error, 0
