"""Recorded histories of queue operations, and a check of them that needs O(n log n).

A history says of every operation on one channel: which task, send, receive or close, which value, when it was begun
and when it was answered (numbers of one clock that never gives a number twice), and what the answer was. Every value is
sent at most once. `check` names the first *bad pattern* it finds:

VFresh  a value was received that was never sent, or before its send began, or whose send was answered "not sent"
VRepet  a value was received twice
VOrd    the send of x was over before the send of y began; y was received; and x was not, or not before that receive was
        over
VWit    a receiver was told "empty" although all the time it asked some value was surely inside; or it was told the end
        while a value was surely inside
VEnd    something is out of order with a close: it succeeded twice; the end, or a refusal, was told before any began; a
        send that began after it succeeded; the end was told, and a value was received by somebody who came later, or
        by nobody

The first four are those of Henzinger, Sezgin and Vafeiadis ("Aspect-oriented linearizability proofs", CONCUR 2013): for
a history in which every operation is over and every value is sent once, a FIFO queue is linearizable if and only if
none of them occurs. Bouajjani, Emmi, Enea and Hamza ("On reducing linearizability to state reachability", ICALP 2015)
give the same for stacks, registers and mutexes, and say why it needs no search. The last one is ours, for channels that
close.

Why it is sound: no history of a right channel is rejected
----------------------------------------------------------
*What happened when.* An operation takes effect between its begin and its answer. So whatever was answered before
something else began also happened before it. All patterns use this and nothing else.

*Capacity* only makes operations wait: each history of a bounded channel is one of an unbounded channel too, the
rendezvous (capacity 0) included, whose sender is answered when the value is promised. A send that was told "no room"
did nothing.

*A cancelled send* may have sent or not. If its value was received it did, between its begin and its answer, and then
it counts like any other. If not, nothing is concluded from it. The same for a send that is not over.

*A cancelled receive* has taken nothing. But a receiver that was woken holds a permit: one value in the channel is
promised to it and hidden from newcomers, until it runs or passes the permit on. And a receiver takes the oldest value,
not the one that was there when it was woken; so a value that was promised to one may be taken by another one, who came
later. That is why an "empty" cannot be judged as on a plain queue. At a moment t let

    S = values whose send was over before t, and that were not received by anybody who began before t
    A = receivers at work at t, not served yet, who later receive a value whose send was over before t
    B = other receivers at work at t that may hold a permit: cancelled later, never answered, or served later with a
        value whose send was not over at t

Inside are at least S + A values, and at most A + B of them are promised. If S > B then at least one is not, and nobody
can be told "empty" at t. VWit asks for S > B at every moment from the begin to the answer. The end is told only when
nothing at all is inside; so there S > 0 is enough. (What was sent was sent before the close, so once that is answered
the send counts as over.)

*Dropping channels* lose values on purpose: with `lossy` neither absence (in VOrd) nor emptiness (VWit) is judged.

What it does not see
--------------------
It is not complete. It does not count places (a send that should have waited, a "no room" where there was some), and not
the order in which sleeping receivers are served; a cancelled select that sent two of its values is two cancelled sends
to it. With permits, cancellations, and closes in the game, several harmless pairs may contradict each other together.
`tests/volume/test_histories.py` compares it with a search (`bruteforce.py`) on 12 000 small histories: of the 4830 that
no right channel can have it misses 3, and it rejects none of the others.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

SEND, RECV, CLOSE = "send", "recv", "close"

#: Answers. A send may be DONE, CLOSED, UNDONE (no room; a select chose another case) or QUIT; a receive DONE, EMPTY,
#: CLOSED (the end), UNDONE (a select chose another case) or QUIT; a close DONE or CLOSED. PENDING: none yet.
DONE, CLOSED, UNDONE, EMPTY, QUIT, PENDING = "done", "closed", "undone", "empty", "quit", "pending"

NEVER: Final = math.inf


class Op:
    """One operation."""

    __slots__ = ("answer", "began", "ended", "kind", "task", "value")

    def __init__(
        self, kind: str, task: str, value: Any, began: float, ended: float = NEVER, answer: str = PENDING
    ) -> None:
        self.kind = kind
        self.task = task
        self.value = value
        self.began = began
        self.ended = ended
        self.answer = answer

    def __repr__(self) -> str:
        value = "" if self.value is None else f" {self.value!r}"
        return f"[{self.began}..{self.ended}] {self.task}: {self.kind}{value} {self.answer}"


class Bad(NamedTuple):
    """A bad pattern, and the operations that make it up."""

    pattern: str
    ops: tuple[Op, ...]

    def __str__(self) -> str:
        return f"{self.pattern}: " + "; ".join(map(repr, self.ops))


def check(ops: Iterable[Op], *, lossy: bool = False) -> Bad | None:
    """Return the first bad pattern in the history of one channel, or None.

    Args:
        ops: The operations, in any order.
        lossy: Whether the channel may drop values.

    Raises:
        ValueError: A value was sent twice.
    """
    sends: dict[Any, Op] = {}
    takes: dict[Any, Op] = {}
    others: list[Op] = []  # everything that is not about a value that was passed on
    for op in ops:
        if op.kind == SEND:
            if sends.setdefault(op.value, op) is not op:
                raise ValueError(f"{op.value!r} was sent twice; the check needs values that differ")
        elif op.kind == RECV and op.answer == DONE:
            if (first := takes.setdefault(op.value, op)) is not op:
                return Bad("VRepet", (first, op))
        elif op.answer != UNDONE:
            others.append(op)
    bad = _fresh(sends, takes)
    if bad is None:
        passed = [(send, takes.get(value)) for value, send in sends.items() if send.answer == DONE or value in takes]
        bad = _order(passed, lossy) or _witness(passed, others, lossy) or _end(sends.values(), passed, others, lossy)
    return bad


_began, _ended = attrgetter("began"), attrgetter("ended")
_Passed = Sequence[tuple[Op, Op | None]]  # values that were surely sent: their send, and their receive


def _fresh(sends: dict[Any, Op], takes: dict[Any, Op]) -> Bad | None:
    for value, take in takes.items():
        send = sends.get(value)
        if send is None:
            return Bad("VFresh", (take,))
        if send.answer in (CLOSED, UNDONE) or take.ended < send.began:
            return Bad("VFresh", (send, take))
    return None


def _order(passed: _Passed, lossy: bool) -> Bad | None:
    """Go through the values by the begin of their sends, with the latest receive among those sent before them."""
    befores = iter(sorted(passed, key=lambda pair: pair[0].ended))
    before = next(befores, None)
    latest: tuple[Op, Op | None] | None = None
    latest_began: float = -1
    for send, take in sorted(passed, key=lambda pair: pair[0].began):
        while before is not None and before[0].ended < send.began:
            began = NEVER if before[1] is None else before[1].began
            if began > latest_began and not (lossy and before[1] is None):
                latest, latest_began = before, began
            before = next(befores, None)
        if take is not None and latest is not None and take.ended < latest_began:
            return Bad("VOrd", tuple(op for op in (*latest, send, take) if op is not None))
    return None


def _end(sends: Iterable[Op], passed: _Passed, others: Sequence[Op], lossy: bool) -> Bad | None:
    closes = [op for op in others if op.kind == CLOSE and op.answer in (DONE, PENDING)]
    if sum(op.answer == DONE for op in closes) > 1:
        return Bad("VEnd", tuple(closes))
    told = [op for op in others if op.answer == CLOSED] + [op for op in sends if op.answer == CLOSED]
    close = min(closes, key=_began, default=None)
    for op in told:
        if close is None or op.ended < close.began:
            return Bad("VEnd", (op,) if close is None else (op, close))
    shut = min([*told, *closes], key=_ended, default=None)  # from its answer on it is closed
    end = min((op for op in told if op.kind == RECV), key=_ended, default=None)
    for send, take in passed:
        if shut is not None and send.began > shut.ended:
            return Bad("VEnd", (shut, send))
        if end is not None and take is not None and take.began > end.ended:
            return Bad("VEnd", (end, send, take))
        if end is not None and take is None and not lossy:
            return Bad("VEnd", (end, send))
    return None


def _witness(passed: _Passed, others: Sequence[Op], lossy: bool) -> Bad | None:
    ends = [op for op in others if op.kind == RECV and op.answer == CLOSED]
    empties = [op for op in others if op.answer == EMPTY]
    if lossy or (not ends and not empties):
        return None
    shut = min((op.ended for op in others if op.kind == CLOSE or op.answer == CLOSED), default=NEVER)
    inside: list[tuple[float, int]] = []
    for send, take in passed:
        began = NEVER if take is None else take.began
        over = min(send.ended, shut)
        if over < began:
            inside += ((over, 1), (began, -1))
    bad = _never_none(ends, inside)
    if bad is None and empties:
        bad = _never_none(empties, inside + _permits(passed, others, shut))
    return bad


def _permits(passed: _Passed, others: Sequence[Op], shut: float) -> list[tuple[float, int]]:
    """List when receivers may have held permits for values other than the one they got."""
    permits: list[tuple[float, int]] = []
    for op in others:
        if op.kind == RECV and op.answer in (QUIT, PENDING):
            permits += ((op.began, -1), (op.ended, 1))
    for send, take in passed:
        over = min(send.ended, shut)
        if take is not None and take.began < over:
            permits += ((take.began, -1), (min(take.ended, over), 1))
    return permits


def _never_none(asked: list[Op], changes: list[tuple[float, int]]) -> Bad | None:
    """Find somebody who asked while the sum of the changes was positive all the time."""
    changes.sort(key=itemgetter(0))
    times = [time for time, _ in changes]
    levels = [0]
    for _, change in changes:
        levels.append(levels[-1] + change)
    least = None
    for op in asked:
        first, last = bisect_left(times, op.began), bisect_left(times, op.ended)
        if levels[first] <= 0 or levels[last] <= 0:
            continue
        if last - first > 1:
            least = least or Least(levels)
            if least.between(first, last) <= 0:
                continue
        return Bad("VWit", (op,))
    return None


class Least:
    """Tell the least of a part of a list, in O(log n) each; made in O(n)."""

    def __init__(self, values: Sequence[int]) -> None:
        size = self._size = len(values)
        tree = self._tree = [0] * size + list(values)
        for i in range(size - 1, 0, -1):
            tree[i] = min(tree[2 * i], tree[2 * i + 1])

    def between(self, first: int, last: int) -> int:
        """Return the least from `first` to `last`, both included."""
        tree, low, high = self._tree, first + self._size, last + self._size
        least = min(tree[low], tree[high])
        while low <= high:
            if low % 2:
                least = min(least, tree[low])
            if not high % 2:
                least = min(least, tree[high])
            low, high = (low + 1) // 2, (high - 1) // 2
        return least
