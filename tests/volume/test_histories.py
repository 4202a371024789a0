"""The check of histories: what each pattern looks like, what is no pattern, and how it compares with a search."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from tests.volume import histories
from tests.volume.bruteforce import linearizable
from tests.volume.histories import (
    CLOSE,
    CLOSED,
    DONE,
    EMPTY,
    NEVER,
    PENDING,
    QUIT,
    RECV,
    SEND,
    UNDONE,
    Least,
    Op,
    check,
)

COMPARED = 6000  # random histories


def history(text: str) -> list[Op]:
    """Read a history: one operation after the other, each `kind value answer` between its begin and its answer.

    `a( b( )a )b` gives the times; what the letters mean follows, one per line.
    """
    times, *lines = text.strip().splitlines()
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for time, word in enumerate(times.split()):
        if word.endswith("("):
            began[word[:-1]] = time
        elif word.startswith(")"):
            ended[word[1:]] = time
        else:
            began[word], ended[word] = time, time + 0.5
    ops: list[Op] = []
    for line in lines:
        name, kind, *rest = line.split()
        value = rest[0] if len(rest) > 1 else None
        ops.append(Op(kind, name, value, began[name], ended.get(name, NEVER), rest[-1]))
    return ops


BAD = {
    "VFresh never sent": "r\n r recv x done",
    "VFresh received before it was sent": "r s\n r recv x done\n s send x done",
    "VFresh refused": "c s( r )s\n c close done\n s send x closed\n r recv x done",
    "VFresh no room": "s r\n s send x undone\n r recv x done",
    "VRepet one after the other": "s r q\n s send x done\n r recv x done\n q recv x done",
    "VRepet at once": "s r( q( )r )q\n s send x done\n r recv x done\n q recv x done",
    "VOrd overtaken": "s t q r\n s send x done\n t send y done\n q recv y done\n r recv x done",
    "VOrd left behind": "s t q\n s send x done\n t send y done\n q recv y done",
    "VOrd cancelled, but sent": "s t q r\n s send x quit\n t send y done\n q recv y done\n r recv x done",
    "VOrd third of three": (
        "s t( )t u q r p\n s send x done\n t send y done\n u send z done\n"
        " q recv x done\n r recv z done\n p recv y done"
    ),
    "VWit beside a value": "s e r\n s send x done\n e recv empty\n r recv x done",
    "VWit a value that stays": "s e\n s send x done\n e recv empty",
    "VWit two values in turn": (
        "s e( t r )e q\n s send x done\n t send y done\n e recv empty\n r recv x done\n q recv y done"
    ),
    "VWit one receiver excuses one value": (
        "p( s t e )p q r\n p recv quit\n s send x done\n t send y done\n e recv empty\n q recv x done\n r recv y done"
    ),
    "VWit not sent after the close": "s( c e )s r\n s send x done\n c close done\n e recv empty\n r recv x done",
    "VWit the end beside a value": "s c e r\n s send x done\n c close done\n e recv closed\n r recv x done",
    "VWit the end is not told for a promise": (
        "p( s c e )p r\n p recv quit\n s send x done\n c close done\n e recv closed\n r recv x done"
    ),
    "VEnd without a close": "e\n e recv closed",
    "VEnd refused before the close": "s c\n s send x closed\n c close done",
    "VEnd closed twice without a first": "c\n c close closed",
    "VEnd sent after the close": "c s\n c close done\n s send x done",
    "VEnd closed twice": "c d\n c close done\n d close done",
    "VEnd a value stays": "s( e( c )e )s\n s send x done\n c close done\n e recv closed",
    "VEnd received after the end": "s( e( c( )e )c )s r\n s send x done\n c close done\n e recv closed\n r recv x done",
}

GOOD = {
    "nothing": "a",
    "in order": "s t q r\n s send x done\n t send y done\n q recv x done\n r recv y done",
    "sends at once": "s( t q r )s\n s send x done\n t send y done\n q recv y done\n r recv x done",
    "receives at once": "s t q( r( )q )r\n s send x done\n t send y done\n q recv y done\n r recv x done",
    "cancelled and not sent": "s t q\n s send x quit\n t send y done\n q recv y done",
    "cancelled and not sent, empty": "s e\n s send x quit\n e recv empty",
    "cancelled and sent": "s r\n s send x quit\n r recv x done",
    "never answered": "s( r( q\n s send x pending\n r recv pending\n q recv x done",
    "no room": "s t r e\n s send x done\n t send y undone\n r recv x done\n e recv empty",
    "empty before and after": "d s r e\n d recv empty\n s send x done\n r recv x done\n e recv empty",
    "empty for a moment": (
        "s e( r t )e q\n s send x done\n t send y done\n e recv empty\n r recv x done\n q recv y done"
    ),
    "promised": "r( s e )r\n r recv x done\n s send x done\n e recv empty",
    "promised to one who is cancelled": "p( s e )p r\n p recv quit\n s send x done\n e recv empty\n r recv x done",
    "promised to one, taken by one who came later": (
        "p( s e q( t )q )p\n p recv y done\n s send x done\n e recv empty\n q recv x done\n t send y done"
    ),
    "the end": "s c r e t\n s send x done\n c close done\n r recv x done\n e recv closed\n t send y closed",
    "the end while the last value is taken": (
        "s c r( e( )e )r\n s send x done\n c close done\n r recv x done\n e recv closed"
    ),
    "closed twice": "c d\n c close done\n d close closed",
    "refused while it closes": "s( c )s\n s send x closed\n c close done",
}


def read(text: str) -> list[Op]:
    return [] if text == "a" else history(text)


@pytest.mark.parametrize("title", BAD)
def test_names_the_bad_pattern(title: str) -> None:
    bad = check(read(BAD[title]))
    assert bad is not None
    assert bad.pattern == title.split(maxsplit=1)[0], bad
    assert not linearizable(read(BAD[title]))


@pytest.mark.parametrize("title", GOOD)
def test_lets_pass_what_is_right(title: str) -> None:
    assert check(read(GOOD[title])) is None
    assert linearizable(read(GOOD[title]))


def test_a_dropping_channel_may_lose_but_not_reorder() -> None:
    lost = read(BAD["VOrd left behind"]), read(BAD["VWit a value that stays"])
    assert [check(ops, lossy=True) for ops in lost] == [None, None]
    bad = check(read(BAD["VOrd overtaken"]), lossy=True)
    assert bad is not None
    assert bad.pattern == "VOrd"


def test_values_must_differ() -> None:
    with pytest.raises(ValueError, match="sent twice"):
        check(read("s t\n s send x done\n t send x done"))


def test_says_which_operations() -> None:
    bad = check(read(BAD["VOrd overtaken"]))
    assert str(bad) == (
        "VOrd: [0..0.5] s: send 'x' done; [3..3.5] r: recv 'x' done; "
        "[1..1.5] t: send 'y' done; [2..2.5] q: recv 'y' done"
    )


# -- beside a search through everything


def any_history(dice: random.Random) -> list[Op]:
    """Draw a history with no regard to what is right."""
    ops: list[Op] = []
    count = dice.randint(2, 6)
    times = dice.sample(range(2 * count), 2 * count)
    values = "xyz"[: dice.randint(1, 3)]
    unsent = list(values)
    for number in range(count):
        began, ended = sorted(times[2 * number : 2 * number + 2])
        if unsent and dice.random() < 0.5:
            answer = dice.choice([DONE, DONE, DONE, DONE, QUIT, CLOSED, UNDONE, PENDING])
            op = Op(SEND, f"t{number}", unsent.pop(0), began, ended, answer)
        elif dice.random() < 0.1:
            op = Op(CLOSE, f"t{number}", None, began, ended, dice.choice([DONE, DONE, CLOSED]))
        else:
            answer = dice.choice([DONE, DONE, DONE, EMPTY, CLOSED, QUIT, PENDING])
            op = Op(RECV, f"t{number}", dice.choice(values) if answer == DONE else None, began, ended, answer)
        if op.answer == PENDING:
            op.ended = NEVER
        ops.append(op)
    return ops


def likely_history(dice: random.Random) -> list[Op]:
    """Draw what a right channel does, then change a little: an answer, a value, or a moment."""
    ops = _right(dice)
    for _ in range(dice.randint(0, 2)):
        one, other = dice.choice(ops), dice.choice(ops)
        match dice.randrange(4):
            case 0 if one.kind == other.kind == RECV and one.answer == other.answer == DONE:
                one.value, other.value = other.value, one.value
            case 1 if one.kind == RECV and one.answer != PENDING:
                one.answer, one.value = dice.choice([EMPTY, CLOSED, QUIT]), None
            case 2 if one.kind == SEND and one.answer != PENDING:
                one.answer = dice.choice([DONE, QUIT, CLOSED])
            case _:  # begin later or be answered earlier, so that less overlaps
                times = {time for op in ops for time in (op.began, op.ended)}
                if dice.random() < 0.5:
                    one.began = min(one.ended, max(times, default=0) + 1) - 0.25
                    one.began = max(one.began, 0) if one.ended < NEVER else one.began
                elif one.answer != PENDING:
                    one.ended = one.began + 0.25
    return _renumbered(ops, dice)


def _right(dice: random.Random) -> list[Op]:
    """Let up to six tasks do one operation each on a queue with permits, step by step."""
    count = dice.randint(3, 6)
    ops: list[Op] = []
    inside: list[Any] = []
    holders: set[int] = set()
    closed, clock, working = False, 0, list[int]()
    unbegun = count
    while unbegun or working:
        clock += 1
        if unbegun and (not working or dice.random() < 0.4):
            unbegun -= 1
            kind = (
                dice.choice([SEND, SEND, SEND, RECV, RECV, RECV, RECV, CLOSE])
                if count > 3
                else dice.choice([SEND, RECV])
            )
            working.append(len(ops))
            ops.append(Op(kind, f"t{len(ops)}", f"v{len(ops)}" if kind == SEND else None, clock))
            continue
        number = dice.choice(working)
        op, over = ops[number], True
        surplus = len(inside) - len(holders)
        if op.kind == CLOSE:
            op.answer, closed = CLOSED if closed else DONE, True
        elif op.kind == SEND:
            op.answer = CLOSED if closed else dice.choice([DONE, DONE, DONE, QUIT])
            if op.answer == DONE or (op.answer == QUIT and dice.random() < 0.5):
                inside.append(op.value)
        elif (surplus or number in holders) and dice.random() < 0.6:
            op.answer, op.value = DONE, inside.pop(0)
            holders.discard(number)
        elif dice.random() < 0.3:
            op.answer = QUIT
            holders.discard(number)
        elif surplus and number not in holders:
            holders.add(number)
            over = False
        elif number in holders:
            over = False
        else:
            op.answer = CLOSED if closed and not inside else EMPTY if not surplus else QUIT
        if over:
            working.remove(number)
            if dice.random() < 0.1 and op.answer in (DONE, QUIT) and op.kind == SEND:
                op.answer = PENDING
            else:
                op.ended = clock + dice.random() * 3  # the answer may come late
    return ops


def _renumbered(ops: list[Op], dice: random.Random) -> list[Op]:
    """Give each begin and each answer a number of its own."""
    for op in ops:
        if op.ended < op.began:
            op.ended = op.began
    marks = sorted(
        [(op.began, 0, dice.random(), op) for op in ops]
        + [(op.ended, 1, dice.random(), op) for op in ops if op.ended < NEVER],
        key=lambda mark: mark[:3],
    )
    for number, (_, end, _, op) in enumerate(marks):
        if end:
            op.ended = number
        else:
            op.began = number
    return ops


@pytest.mark.parametrize("draw", [any_history, likely_history])
def test_beside_a_search(draw: Callable[[random.Random], list[Op]]) -> None:
    dice = random.Random(7)
    count: Counter[str] = Counter()
    for number in range(COMPARED):
        ops = draw(dice)
        bad, right = check(ops), linearizable(ops)
        assert not (bad and right), f"false alarm in history {number}: {bad} in {ops}"
        count["right" if right else bad.pattern if bad else "missed"] += 1
    print(dict(count))  # pytest -s
    assert count["right"] > COMPARED / 20
    assert all(count[pattern] for pattern in ("VOrd", "VWit", "VEnd", "VFresh"))
    assert count["missed"] < (COMPARED - count["right"]) / 500


def test_least_is_the_least() -> None:
    dice = random.Random(1)
    for size in range(1, 40):
        values = [dice.randint(-9, 9) for _ in range(size)]
        least = Least(values)
        for first in range(size):
            for last in range(first, size):
                assert least.between(first, last) == min(values[first : last + 1])


# -- how much work it is


class Counted(int):
    """A moment that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: Any) -> bool:
        Counted.compared += 1
        return int.__lt__(self, other) is True if isinstance(other, int) else float(self) < other

    def __gt__(self, other: Any) -> bool:
        Counted.compared += 1
        return int.__gt__(self, other) is True if isinstance(other, int) else float(self) > other


def long_history(count: int) -> list[Op]:
    """A right history of many overlapping operations with all kinds of answers, in no order."""
    dice, ops, time = random.Random(count), list[Op](), 0
    for number in range(count // 4):
        send, take, quits, empty = (
            Op(SEND, "s", number, 0, 0, DONE),
            Op(RECV, "r", number, 0, 0, DONE),
            Op(RECV, "q", None, 0, 0, QUIT),
            Op(RECV, "e", None, 0, 0, EMPTY),
        )
        for op in (quits, send, empty, take):
            op.began, time = Counted(time), time + 1
        for op in (send, take, empty, quits):
            op.ended, time = Counted(time), time + 1
        ops += [send, take, quits, empty]
    dice.shuffle(ops)
    return ops


def work(count: int) -> int:
    """Count the comparisons of moments and the lines of Python that a check of so many operations takes."""
    ops, lines = long_history(count), 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace if frame.f_code.co_filename == histories.__file__ else None

    before, Counted.compared = sys.gettrace(), 0
    sys.settrace(trace)
    try:
        assert check(ops) is None
    finally:
        sys.settrace(before)
    return lines + Counted.compared


def test_work_grows_little_more_than_linearly() -> None:
    small, large = work(500), work(8000)
    assert large < 16 * 1.6 * small, (small, large)  # 16 n log 16 n is 1.45 times 16 n log n; n * n would be 16 times
    assert large < 8000 * 150, (small, large)


@pytest.mark.stress
def test_a_long_history_is_checked() -> None:
    assert check(long_history(200_000)) is None
