"""Programs of moves for the comparison with the model: drawn at random, shortened when they fail."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.testing.differential import Move, Pair, Spec


@dataclass(frozen=True)
class Program:
    """Channels, moves, and the seed of the dice."""

    specs: tuple[Spec, ...]
    moves: tuple[Move, ...]
    seed: int = 0
    drain: tuple[int, int] | None = None

    def run(self) -> int:
        """Run it to the end, and return how many moves were compared.

        Raises:
            Mismatch: Real and model differ.
        AssertionError: An invariant of either is broken.
        """
        with Pair(self.specs, random.Random(self.seed).randrange, self.drain) as pair:
            for move in self.moves:
                pair.apply(move)
            pair.finish()
            return pair.moves

    def fails(self) -> Exception | None:
        """Run it, and return what went wrong, if anything did."""
        try:
            self.run()
        except Exception as error:
            return error
        return None

    def shortest(self) -> Program:
        """Leave out moves and cases as long as it still fails."""
        program, size = self, len(self.moves)
        while size := size // 2:
            program = program._without(size)
        while (smaller := program._without(1)._with_fewer_cases()) != program:
            program = smaller
        return program

    def _without(self, size: int) -> Program:
        """Leave out pieces of so many moves, each if it still fails without."""
        program, at = self, 0
        while at < len(program.moves):
            smaller = replace(program, moves=program.moves[:at] + program.moves[at + size :])
            if smaller.fails():
                program = smaller
            else:
                at += size
        return program

    def _with_fewer_cases(self) -> Program:
        program = self
        for i, move in enumerate(self.moves):
            for j in reversed(range(len(move[2]) if move[0].startswith("select") else 0)):
                before, (name, biased, cases), after = program.moves[:i], program.moves[i], program.moves[i + 1 :]
                fewer = (name, biased, cases[:j] + cases[j + 1 :])
                smaller = replace(program, moves=(*before, fewer, *after))
                if smaller.fails():
                    program = smaller
        return program


# Often enough to fill lines, seldom enough to let them live for a while.
_WEIGHTS = {
    "send": 6,
    "recv": 5,
    "recv_ok": 2,
    "reserve": 2,
    "select": 6,
    "send_nowait": 3,
    "recv_nowait": 2,
    "select_nowait": 1,
    "use": 2,
    "give_up": 1,
    "close": 1,
    "run": 9,
    "cancel": 5,
    "kill": 1,
}
_SPECS = (
    *(Spec(capacity) for capacity in (0, 0, 1, 1, 2, float("inf"))),
    Spec(None),
    *(Spec(capacity, "drop_oldest") for capacity in (1, 2)),
    *(Spec(capacity, "drop_newest") for capacity in (1, 2)),
)


CROWDED = 0.03  # of all programs


def random_program(seed: int, length: int = 25) -> Program:
    """Draw a program; the same seed gives the same program."""
    rng = random.Random(seed)
    if rng.random() < CROWDED:
        return _crowd(rng, seed, length)
    specs = tuple(rng.choice(_SPECS) for _ in range(rng.choice((1, 2, 2, 3))))
    names = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=length)
    moves = tuple(_random_move(rng, name, len(specs)) for name in names)
    budget = rng.choice((0, 0, 1, 2, 5)), rng.choice((0, 0, 1, 2, 5))
    return Program(specs, moves, seed, budget if rng.random() < 0.3 else None)


def _crowd(rng: random.Random, seed: int, length: int) -> Program:
    """Draw a program with long lines that are left from the middle: they are tidied up then."""
    side, other = rng.choice((("send", "recv"), ("recv", "send")))
    moves: list[Move] = []
    for _ in range(8 * length):
        name = rng.choices((side, "select", "cancel", "kill", other, "run"), (9, 3, 7, 1, 1, 1))[0]
        if name == "select":
            moves.append((name, False, tuple((side, rng.choice((0, 0, 1))) for _ in range(rng.randrange(1, 4)))))
        else:
            moves.append((name, rng.randrange(2 if name in (side, other) else 40)))
    return Program((Spec(0), Spec(rng.choice((0, 1)))), tuple(moves), seed, rng.choice((None, (0, 0))))


def _random_move(rng: random.Random, name: str, channels: int) -> Move:
    if name.startswith("select"):
        cases = tuple(
            (
                rng.choice(("recv", "recv", "recv_ok", "send", "send")),
                rng.choice((None, *range(channels), *range(channels))),
            )
            for _ in range(rng.choice((0, 1, 2, 2, 2, 3, 3, 4)))
        )
        return name, rng.random() < 0.2, cases
    if name == "close":
        return name, rng.randrange(channels), rng.random() < 0.3
    if name in ("use", "give_up", "run", "cancel", "kill"):
        return name, rng.choice((0, 0, 0, 1, 2, 3))
    return name, rng.randrange(channels)


def check_programs(seeds: Iterable[int], length: int = 25) -> int:
    """Run the programs of `seeds`, and return how many moves were compared.

    Raises:
        AssertionError: One failed; the message has the shortest program that does.
    """
    compared = 0
    for seed in seeds:
        program = random_program(seed, length)
        try:
            compared += program.run()
        except Exception:
            shortest = program.shortest()
            text = f"program of seed {seed}, shortened:\n{shortest}"
            raise AssertionError(text) from shortest.fails()
    return compared
