"""Small channel programs as plain data, drawn by seed: what ours.py and theirs.go both know how to run.

A program has channels, made with these capacities, and goroutines, each a list of operations. A channel is meant by its
number; None is the nil channel, which only cases have. Every value that is sent occurs once, and none is 0.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple


class Op(NamedTuple):
    """An operation, or a case of a select."""

    do: str  # send, recv, recv_ok, try_send, try_recv, close, range, select
    chan: int | None = None
    value: int = 0
    cases: tuple[Op, ...] = ()
    default: bool = False

    def __str__(self) -> str:
        return _WORDS[self.do].format(ch=_name(self.chan), value=self.value, cases=_cases(self))

    def data(self) -> dict[str, Any]:
        """Make what `json` writes as an object."""
        return self._asdict() | {"cases": [case.data() for case in self.cases]}


class Program(NamedTuple):
    capacities: tuple[int, ...]
    tasks: tuple[tuple[Op, ...], ...]

    def __str__(self) -> str:
        """Write it nearly as Go."""
        lines = [f"{_name(c)} := make(chan int, {capacity})" for c, capacity in enumerate(self.capacities)]
        lines += [f"go {{ {'; '.join(map(str, ops))} }}" for ops in self.tasks]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        return {"capacities": self.capacities, "tasks": [[op.data() for op in ops] for ops in self.tasks]}


_WORDS = {
    "send": "{ch} <- {value}",
    "recv": "<-{ch}",
    "recv_ok": "v, ok := <-{ch}",
    "try_send": "select {{ case {ch} <- {value}: default: }}",
    "try_recv": "select {{ case <-{ch}: default: }}",
    "close": "close({ch})",
    "range": "for range {ch} {{}}",
    "select": "select {{ {cases} }}",
}


def _name(chan: int | None) -> str:
    return "nil" if chan is None else "abc"[chan]


def _cases(op: Op) -> str:
    return " ".join([*(f"case {case}:" for case in op.cases), *["default:"] * op.default])


# -- drawing one

TASKS = {2: 4, 3: 5, 4: 1}  # how many goroutines, and how often
SIZES = {1: 3, 2: 4, 3: 2, 4: 1}  # how many operations each
OPS = {"send": 10, "recv": 8, "recv_ok": 4, "select": 12, "close": 3, "try_send": 2, "try_recv": 2, "range": 2}
CASES = {"send": 2, "recv": 1, "recv_ok": 1}


def programs(seed: int, count: int, most: int) -> Iterator[Program]:
    """Draw programs of up to about so many schedules.

    The same seed gives the same ones, and more of them begin with the same.
    """
    for number in range(count):
        dice = random.Random(f"{seed} {number}")
        drawn = program(dice)
        while schedules(drawn) > most:
            drawn = program(dice)
        yield drawn


def program(dice: random.Random) -> Program:
    capacities = tuple(dice.choice((0, 0, 1, 2)) for _ in range(dice.randint(1, 2)))
    draw = _Drawing(dice, range(len(capacities)))
    sizes = [_draw(dice, SIZES) for _ in range(_draw(dice, TASKS))]
    return Program(capacities, tuple(tuple(draw.op() for _ in range(size)) for size in sizes))


def schedules(program: Program) -> int:
    """Guess how many schedules there are: the orders of the operations, times the cases of the selects."""
    orders = math.factorial(sum(map(len, program.tasks)))
    for ops in program.tasks:
        orders //= math.factorial(len(ops))
    return orders * math.prod(len(op.cases) or 1 for ops in program.tasks for op in ops)


class _Drawing:
    """Draws operations; knows which value comes next."""

    def __init__(self, dice: random.Random, chans: Sequence[int]) -> None:
        self.dice = dice
        self.chans = chans
        self.value = 0

    def op(self) -> Op:
        do = _draw(self.dice, OPS)
        if do != "select":
            return self._plain(do, self.dice.choice(self.chans))
        cases = tuple(self._case() for _ in range(self.dice.randint(2, 3)))
        return Op("select", cases=cases, default=self.dice.random() < 0.25)

    def _case(self) -> Op:
        chan = None if self.dice.random() < 0.1 else self.dice.choice(self.chans)
        return self._plain(_draw(self.dice, CASES), chan)

    def _plain(self, do: str, chan: int | None) -> Op:
        if not do.endswith("send"):
            return Op(do, chan)
        self.value += 1
        return Op(do, chan, self.value)


def _draw(dice: random.Random, weights: dict[Any, int]) -> Any:
    return dice.choices(list(weights), list(weights.values()))[0]
