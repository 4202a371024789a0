"""What is compared between a real channel and its model, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiochan as ac
from aiochan import core
from aiochan.testing.model import ModelChan, Outcome

LINES = ("recvq", "recv"), ("sendq", "send"), ("slotq", "reserve")
PARKED = Outcome("parked")


class Watcher(core.hooks.Observer):
    """Keeps the set of sleeping operations, from what the core tells."""

    def __init__(self) -> None:
        self.asleep: set[core.Waiter] = set()
        self.closed_channels: list[object] = []

    def parked(self, waiter: core.Waiter) -> None:
        assert waiter not in self.asleep, "told twice"
        self.asleep.add(waiter)

    def woken(self, waiter: core.Waiter) -> None:
        self.asleep.remove(waiter)

    def left(self, waiter: core.Waiter) -> None:
        self.asleep.remove(waiter)

    def closed(self, channel: object) -> None:
        self.closed_channels.append(channel)


class Mismatch(AssertionError):
    """The real channel and the model disagree."""


class Value:
    """A value that nobody may look into: it is passed on, and that is all."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"v{self.number}"

    def __bool__(self) -> bool:
        raise AssertionError(f"somebody asked for the truth of {self!r}")

    def __eq__(self, other: object) -> bool:
        raise AssertionError(f"somebody compared {self!r} with {other!r}")

    __hash__ = None  # type: ignore[assignment]


def compare_channel(chan: Any, model: ModelChan, tasks: dict[int, asyncio.Task[Any]]) -> None:
    """Compare everything that can be seen of a channel; `tasks` by the id of their operation."""
    stats, modelled_stats, shot = chan.stats(), model.stats(), chan._snapshot()
    for name, expected in modelled_stats._asdict().items():
        equal(chan, name, getattr(stats, name), expected)
    equal(chan, "len()", len(chan), modelled_stats.length)
    for name, expected in (
        ("granted", len(model.promised)),
        ("reserved", len(model.places)),
        ("closed", model.closed),
        ("dropped", model.dropped),
        ("received", model.received),
    ):
        equal(chan, name, getattr(shot, name), expected)
    equal(chan, "held", [id(v) for v, _ in shot.held], [id(v) for v, _ in model.held])
    for (value, real), (_, modelled) in zip(shot.held, model.held, strict=True):
        if modelled and not real:
            raise Mismatch(f"{chan!r}: {value} cannot be taken back, the model says it can")
    for line, side in LINES:
        real_line = [_place(p.owner, p.kind, p.index, p.value) for p in getattr(shot, line)]
        expected = [_place(tasks[id(s.op)], s.case.kind, s.index, s.case.value) for s in model.waiting(side)]
        equal(chan, line, real_line, expected)
    for_room = sorted((*shot.sendq, *shot.slotq), key=lambda place: place.ticket)
    arrived = [place.owner and place.owner.get_name() for place in for_room]
    expected = [s.op.name for s in model.line if s.case.side != "recv"]
    equal(chan, "those in line for room", arrived, expected)


def _place(owner: Any, kind: str, index: int | None, value: object) -> tuple[object, ...]:
    if kind == "done" or (kind == "recv_ok" and index is None):
        kind = "recv"  # what a signal is asked for; and the real recv_ok is free to be a wrapper
    return owner and owner.get_name(), kind, index, id(value)


def equal(chan: object, what: str, real: object, expected: object) -> None:
    if real != expected:
        raise Mismatch(f"{chan!r}: {what} is {real}, the model says {expected}")


def same_value(real: object, expected: object) -> bool:
    if isinstance(real, tuple) and isinstance(expected, tuple):
        return len(real) == len(expected) and all(a is b for a, b in zip(real, expected, strict=True))
    return real is expected


def outcome_of(call: Callable[[], Any], *, pair: bool = False) -> Outcome:
    """Tell what a call did; `pair`: it returns the index of a select and the value."""
    try:
        value = call()
    except ac.WouldBlock:
        return Outcome("blocked")
    except ac.ChannelClosed as error:
        return Outcome("closed", None, error.index, error.__cause__)
    except asyncio.CancelledError:
        return Outcome("cancelled")
    if pair:
        return Outcome("done", value[1], value[0])
    return Outcome("done", None if hasattr(value, "__aenter__") else value)
