"""Whether a small history is one of a right channel, by trying everything.

The rules of a channel, as far as `histories.check` knows them: a FIFO queue without bounds, that can be closed, with
permits. A receiver at work may be promised a value that is nobody's yet; it hides a value until the receiver takes one
(the oldest) or, if it is cancelled, gives the permit back. Everything else takes what nobody was promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.volume.histories import CLOSED, DONE, EMPTY, NEVER, PENDING, QUIT, RECV, SEND, UNDONE, Op


class State(NamedTuple):
    """Where a search stands: how many begins and answers have passed, who has had its effect, what is inside."""

    at: int
    over: frozenset[int]
    inside: tuple[object, ...]
    holders: frozenset[int]
    closed: bool


def linearizable(ops: Sequence[Op]) -> bool:
    """Say whether the rules allow these answers."""
    events = [(op.began, number) for number, op in enumerate(ops)]
    events += [(op.ended, number) for number, op in enumerate(ops) if op.ended < NEVER]
    events.sort()
    todo = [State(0, frozenset(), (), frozenset(), False)]
    seen = set(todo)
    while todo:
        state = todo.pop()
        if state.at == len(events):
            return True
        for following in [*_effects(ops, events, state), *_passes(ops, events, state)]:
            if following not in seen:
                seen.add(following)
                todo.append(following)
    return False


def _passes(ops: Sequence[Op], events: list[tuple[float, int]], state: State) -> Iterator[State]:
    """Let the next begin or answer pass, if its effect has been."""
    time, number = events[state.at]
    op = ops[number]
    if time == op.began:
        yield state._replace(at=state.at + 1)
    elif number in state.over or op.answer in (QUIT, UNDONE):
        yield state._replace(at=state.at + 1, holders=state.holders - {number})


def _effects(ops: Sequence[Op], events: list[tuple[float, int]], state: State) -> Iterator[State]:
    """Let somebody who is at work have an effect."""
    begun = {number for time, number in events[: state.at] if time == ops[number].began}
    answered = {number for time, number in events[: state.at] if time == ops[number].ended}
    for number in begun - answered - state.over:
        op = ops[number]
        if op.kind == SEND:
            yield from _send(op, number, state)
        elif op.kind == RECV:
            yield from _recv(op, number, state)
        elif state.closed == (op.answer == CLOSED):
            yield state._replace(over=state.over | {number}, closed=True)


def _send(op: Op, number: int, state: State) -> Iterator[State]:
    over = state.over | {number}
    if op.answer == CLOSED and state.closed:
        yield state._replace(over=over)
    if op.answer in (DONE, QUIT, PENDING) and not state.closed:
        yield state._replace(over=over, inside=(*state.inside, op.value))


def _recv(op: Op, number: int, state: State) -> Iterator[State]:
    inside, holders, over = state.inside, state.holders, state.over | {number}
    surplus = len(inside) - len(holders)
    if op.answer == EMPTY and not surplus:
        yield state._replace(over=over)
    if op.answer == CLOSED and state.closed and not inside:
        yield state._replace(over=over)
    if op.answer == DONE and (surplus or number in holders) and inside[:1] == (op.value,):
        yield state._replace(over=over, inside=inside[1:], holders=holders - {number})
    if op.answer in (DONE, QUIT, PENDING):
        if number in holders:
            if op.answer != DONE:
                yield state._replace(over=over, holders=holders - {number})
        elif surplus:
            yield state._replace(holders=holders | {number})
