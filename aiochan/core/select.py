"""Select: wait for several channels at once, do exactly one thing.

Three passes, after Go's ``selectgo``:

1. Look. Which cases are ready? One of them is drawn, each with the same chance (not: the first after a random start),
   and done by the same synchronous half that a plain operation uses. Closed channels are ready and join the draw.
2. Stand. None is ready: one `Waiter` gets a `Place` in the line of every channel and side. Cases that share a line
   share the place, and which of them it speaks for is drawn now.
3. Wake. The first grant commits the waiter and withdraws its other places at once; when the task runs, it turns the
   permit into the result. Cancelled before that, the permit goes on (core/waiters.py).

Invariants
----------
S1  Exactly one case has an effect, or none if the select is cancelled.
S2  A committed or abandoned select stands in no line.
S3  A select has at most one place in a line.

What people call stands in typed_select.py. This file and hchan.py are one algorithm in two rooms: it reads a channel's
own fields, for a call per case would double the price of a look.
"""

# It is half of the algorithm of hchan.py:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any, cast

from aiochan.core import runqueue
from aiochan.core.cases import DONE
from aiochan.core.hchan import END, MUST_WAIT, RECV, RECV_OK, SEND, WAIT, HChan
from aiochan.core.runqueue import breathe, running_queue
from aiochan.core.waiters import CLOSED, GRANTED, Place, Selecting, sleeper
from aiochan.errors import WouldBlock

__all__ = ["check_cases", "choose", "choose_now", "seed", "set_dice"]

# -- the dice belong to the library, so that nobody else's seed can load them

_random = random.Random()
_uniform = _random.random


def _own_dice(n: int) -> int:
    return int(_uniform() * n)


_dice: Callable[[int], int] = _own_dice


def set_dice(dice: Callable[[int], int] | None) -> Callable[[int], int] | None:
    """Put other dice in place of the library's own, for tests.

    Args:
        dice: Called with n >= 2 for every draw, it answers one of 0 .. n-1; None puts the library's own back.

    Returns:
        What was in place before, None for the library's own.
    """
    global _dice
    old, _dice = _dice, _own_dice if dice is None else dice
    return None if old is _own_dice else old


def seed(value: int | None = None) -> None:
    """Seed the library's own dice, so that a run can be repeated; None takes a seed from the system."""
    _random.seed(value)


# -- pass 1: look


def _look(cases: Sequence[Any], biased: bool) -> int:
    """Draw one of the cases that are ready; -1 if none is."""
    ready: list[int] = []
    index = -1
    try:
        for ch, kind, _ in cases:
            index += 1
            if ch is None:
                continue
            if kind == SEND:
                if not (
                    len(ch._held) - ch._granted + ch._reserved < ch._limit
                    or ch._closed
                    or ((q := ch._recvq) and q.first() is not None)
                    or ch._overflow != WAIT
                ):
                    continue
            elif ch._held:
                if len(ch._held) <= ch._granted and not ((q := ch._sendq) and q.first() is not None):
                    continue
            elif not (ch._closed or ((q := ch._sendq) and q.first() is not None)):
                continue
            if biased:
                return index
            ready.append(index)
    except (TypeError, ValueError, AttributeError):
        check_cases(cases)
        raise
    if not ready:
        return -1
    return ready[0] if len(ready) == 1 else ready[_dice(len(ready))]


def _do(case: Any, index: int) -> tuple[int, Any] | None:
    """Do what `_look` found ready; None if a finaliser, or the dice of a test, were quicker."""
    ch, kind, value = case
    if kind == SEND:
        return (index, None) if ch._put(value, index) else None
    value = ch._take()
    if value is MUST_WAIT:
        return None
    if value is END:
        return index, _ended(ch, kind, index)
    return index, (value, True) if kind == RECV_OK else value


def _undo(waiter: Selecting) -> None:
    """Give back what was granted to a select that was cancelled before it ran."""
    won: Any = waiter.won
    ch, kind, _ = won.case
    if kind == SEND:
        ch._take_back(waiter)
    else:
        ch._pass_on()


def _ended(ch: HChan, kind: str, index: int) -> Any:
    if kind == RECV_OK:
        return None, False
    if kind == DONE:
        return None
    raise ch._error(kind, index)


def check_cases(cases: Sequence[object]) -> None:
    """Raise a TypeError that names the first argument which is no case."""
    for index, case in enumerate(cases):
        if not _is_case(case):
            raise TypeError(
                f"case {index} of the select must be recv(ch), recv_ok(ch) or send(ch, value), not {case!r}"
            )


def _is_case(thing: object) -> bool:
    if not isinstance(thing, tuple):
        return False
    parts = cast("tuple[object, ...]", thing)
    return len(parts) == 3 and isinstance(parts[0], HChan | None) and parts[1] in (RECV, RECV_OK, SEND, DONE)


# -- pass 2: stand

_numbers = itertools.count(1)


def _stand(waiter: Selecting, cases: Sequence[Any], biased: bool) -> None:
    number, stands, changed = next(_numbers), waiter.stands, False
    queue = waiter.queue
    for index, case in enumerate(cases):
        ch, kind, _ = case
        if ch is None:
            continue
        if ch._queue is not queue:
            ch._own()
        line = ch._sendq if kind == SEND else ch._recvq
        if line is None:
            line = ch._line(kind)
        if line.last == number and line:  # this line again: our place is the last one in it
            if waiter.state:
                return
            place = line[-1]
            place.drawn += 1
            if not biased and _dice(place.drawn) == 0 and not waiter.state:
                place.index, place.case = index, case
        else:
            line.last = number
            place = Place()
            place.waiter = waiter
            place.line = line
            place.index = index
            place.case = case
            place.drawn = 1
            place.ticket = ch._ticket() if ch._slotq is not None else 0
            if waiter.state:  # a finaliser has used a channel where we stand already, and served us
                return
            stands.append(place)
            line.append(place)
        if ch._closed or (len(ch._held) - ch._granted + ch._reserved < ch._limit if kind == SEND else ch._held):
            changed = True
    if changed and _look(cases, True) >= 0:  # a finaliser has used one of the channels since we looked
        for place in list(stands):
            if place.case is not None:
                place.case[0]._settle()


# -- the whole


async def choose(cases: Sequence[Any], biased: bool) -> tuple[int, Any]:
    """Do one of `cases`, waiting until one can be done."""
    for _ in runqueue.budget:
        break
    else:
        await breathe()
    while (index := _look(cases, biased)) >= 0:
        if (done := _do(cases[index], index)) is not None:
            return done
    sleeper(waiter := Selecting(), running_queue(), None, "select", None)
    waiter.stands, waiter.won = [], None
    try:
        _stand(waiter, cases, biased)
        await waiter
    except BaseException:
        if waiter.state == GRANTED:
            _undo(waiter)
        else:
            waiter.quit()
        raise
    finally:
        won: Any = waiter.won
        waiter.stands, waiter.won = [], None  # no cycle is left behind
        cases = ()  # nor anything alive by the traceback of a cancellation, which its task keeps
    (ch, kind, _), index = won.case, won.index
    if waiter.state == CLOSED:
        return index, _ended(ch, kind, index)
    if kind == SEND:
        return index, None
    value = ch._redeem()
    return index, (value, True) if kind == RECV_OK else value


choose.__name__ = choose.__qualname__ = "select"  # which people know, where a coroutine was never awaited


def choose_now(cases: Sequence[Any], biased: bool) -> tuple[int, Any]:
    """Do one of `cases` now, or raise WouldBlock."""
    while (index := _look(cases, biased)) >= 0:
        if (done := _do(cases[index], index)) is not None:
            return done
    raise WouldBlock(f"none of the {len(cases)} cases of the select is ready")
