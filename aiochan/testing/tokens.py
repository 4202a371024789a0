"""What the reference model of a channel (see `model.py`) is asked with and answers with."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from aiochan.testing.model import ModelChan

__all__ = [
    "Answer",
    "Kind",
    "ModelCase",
    "ModelStats",
    "Op",
    "Outcome",
    "Overflow",
    "Pick",
    "Standing",
]

Kind: TypeAlias = Literal["recv", "recv_ok", "send", "reserve"]
Overflow: TypeAlias = Literal["wait", "drop_oldest", "drop_newest"]
Pick: TypeAlias = Callable[[Sequence[int]], int]
"""Chooses one of several case numbers: the model's dice, or the eye on what a real select chose."""


@dataclass(eq=False)
class Op:
    """One operation, from its beginning to its end.

    Attributes:
        name: What the user of the model calls it.
        state: `"new"`, `"parked"`, `"woken"` (granted something, or told of a close, and has not
            run yet) or `"over"`.
        cancelled: It was cancelled after it was woken, and will hand on its grant when it runs.
        won: The case that was decided, for a woken operation.
        told: It was woken by a close instead of a grant.
    """

    name: Hashable = None
    state: Literal["new", "parked", "woken", "over"] = "new"
    cancelled: bool = False
    won: Standing | None = field(default=None, repr=False)
    told: bool = False
    waits_on: list[ModelChan] = field(default_factory=list["ModelChan"], repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an operation.

    Attributes:
        what: `"done"`, `"parked"`, `"blocked"` (a `*_nowait` form that would wait), `"closed"` or
            `"cancelled"`.
        value: What was received; for a `recv_ok` the pair.
        index: The case, if it was a select.
        cause: The cause the channel was closed with, for `"closed"`.
    """

    what: Literal["done", "parked", "blocked", "closed", "cancelled"]
    value: object = None
    index: int | None = None
    cause: BaseException | None = None


class Answer(NamedTuple):
    """The outcome of one call, and whom it woke, in order."""

    outcome: Outcome
    woken: tuple[Op, ...] = ()


class ModelCase(NamedTuple):
    """One case of an operation."""

    chan: ModelChan
    kind: Kind
    value: object = None

    @property
    def side(self) -> str:
        """The line it would wait in: both ways to receive share one."""
        return "recv" if self.kind == "recv_ok" else self.kind


@dataclass(frozen=True, eq=False, slots=True)
class Standing:
    """An operation in a channel's waiting list, with the case it stands there for."""

    op: Op
    case: ModelCase
    index: int | None


class ModelStats(NamedTuple):
    """The figures of a channel, as its `stats()` tells them."""

    length: int
    promised: int
    reserved: int
    capacity: float
    parked_senders: int
    parked_receivers: int
    sent: int
    received: int
    dropped: int
    closed: bool
