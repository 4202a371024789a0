"""What a schedule is made of, and how one is written down in a line.

A schedule is a list of choices. Whenever more than one thing could happen next, the engine lists
the *options*, the usual one first, and somebody chooses (`aiochan.testing.choosers`); the choice is
written down as a number, 0 for the usual. Forced moves are not written down. The draws of the
library's dice are choices too. So a schedule is a line like

    fifo cancels=2 path=0.1.0.3

whose first part are the `Rules`: what may happen at all. Zeros at the end are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

__all__ = ["ADVANCE", "CANCEL", "END", "INTERRUPT", "RUN", "START", "Action", "NotDeterministic", "ReadyOrder", "Rules"]

ReadyOrder: TypeAlias = Literal["fifo", "any"]

#: What can happen next: a kind and a number.
Action: TypeAlias = tuple[str, int]
RUN = "run"  # the ready callback at that place, 0 for the oldest
START = "start"  # the spawned task of that number
CANCEL = "cancel"  # the spawned task of that number
INTERRUPT = "interrupt"  # run the ready callback at that place; its task gets a KeyboardInterrupt
ADVANCE: Action = ("advance", 0)  # let time go on to the next timer
END: Action = ("end", 0)  # leave it at that


class NotDeterministic(RuntimeError):
    """A scenario that was called again did something else than before, or a path fits no more.

    A scenario may depend on nothing but the schedule: not on time, on random numbers (other than
    the library's dice), on the order of a set of objects, or on what an earlier run left behind.
    """


@dataclass(frozen=True, slots=True)
class Rules:
    """What may happen in a search; its meaning is explained at `aiochan.testing.explore`."""

    order: ReadyOrder = "fifo"
    cancels: int = 0
    interrupts: int = 0
    max_steps: int = 500
    must_finish: bool = False
    budget: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.order not in get_args(ReadyOrder):
            raise ValueError(f'order must be "fifo" or "any", not {self.order!r}')
        for name, least in (("cancels", 0), ("interrupts", 0), ("max_steps", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number from {least} up, not {value!r}")
        if self.budget is not None and not _is_budget(self.budget):
            raise ValueError(f"budget must be two whole numbers from 0 up, not {self.budget!r}")

    def line(self, path: Sequence[int]) -> str:
        """Write down these rules and a path in one line, for `parse`."""
        words = [str(self.order)]
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value != field.default:
                words.append(f"{field.name}={_written(value)}")
        steps = list(path)
        while steps and steps[-1] == 0:
            steps.pop()
        return " ".join([*words, "path=" + ".".join(map(str, steps or [0]))])

    @classmethod
    def parse(cls, line: str) -> tuple[Rules, list[int]]:
        """Read what `line` wrote.

        Raises:
            ValueError: It is no such line.
        """
        order, *words = line.split() or [""]
        known = {field.name for field in fields(cls)} - {"order"}
        given: dict[str, Any] = {}
        try:
            for word in words:
                name, value = word.split("=")
                if name not in known | {"path"} or name in given:
                    raise ValueError(name)
                numbers = [int(number) for number in value.split("." if name == "path" else "/")]
                given[name] = numbers if name == "path" else _read(name, numbers)
            path = given.pop("path")
        except (KeyError, ValueError) as error:
            raise ValueError(f'a line to replay looks like "fifo cancels=2 path=0.1.0.3", not {line!r}') from error
        return cls(order=order, **given), path  # type: ignore[arg-type]


def _is_budget(value: object) -> bool:
    match value:
        case (int(turn), int(patience)):
            return min(turn, patience) >= 0
        case _:
            return False


def _written(value: int | tuple[int, int]) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(int(value))


def _read(name: str, numbers: list[int]) -> int | bool | tuple[int, int]:
    if name == "budget":
        turn, patience = numbers
        return turn, patience
    (number,) = numbers
    return bool(number) if name == "must_finish" else number
