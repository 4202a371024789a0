"""What the two cores may do differently: the whole list, each with its reason. Everything else is a fault of one."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.cores.book import Page

HEARD = "parked", "woken", "left"  # what an observer is told of a waiter, in the middle of an operation
THING = re.compile(r"<(Chan|Signal|WaitQueue) ('\w+')[^<>]*>")


class Accepted(NamedTuple):
    """One difference that is accepted: what may differ, why that is none, and how it is taken out of a page."""

    what: str
    why: str
    hide: Callable[[Page], Page]


def _heard(page: Page, change: Callable[..., tuple[Any, ...]]) -> Page:
    """Change what an observer was told of waiters: owner, state, done, places and repr."""
    notes = page.get("what happened", ())
    heard = tuple((note[0], change(*note[1]), note[2]) if note[0] in HEARD else note for note in notes)
    return {**page, "what happened": heard}


def _without_counts(page: Page) -> Page:
    def change(owner: str, state: object, done: bool, places: Any, text: str) -> tuple[Any, ...]:
        named = tuple((THING.sub(r"\2", home), kind, index) for home, kind, index in places)
        return owner, state, done, named, THING.sub(r"\2", text)

    return _heard(page, change)


def _in_order_of_cases(page: Page) -> Page:
    def change(owner: str, state: object, done: bool, places: Any, text: str) -> tuple[Any, ...]:
        return owner, state, done, tuple(sorted(places, key=repr)), "" if len(places) > 1 else text

    return _heard(page, change)


def _what_woke_it(page: Page) -> Page:
    """Of the places of a select that was served, only the one in which it was."""

    def change(owner: str, state: Any, done: bool, places: Any, text: str) -> tuple[Any, ...]:
        won = state[2]
        if won is None:
            return owner, state, done, places, text
        return owner, state, done, tuple(place for place in places if place[2] == won), ""

    return _heard(page, change)


def _without_admitted(page: Page) -> Page:
    return {key: tuple(value for value, _ in seen) if key.endswith(": held") else seen for key, seen in page.items()}


ACCEPTED = (
    Accepted(
        "counts of a channel while an observer is told of a waiter",
        "The observer is called in the middle of an operation, where the counts are on their way from one state to"
        " the next; each core takes its own steps in between. When the operation is over they are compared again.",
        _without_counts,
    ),
    Accepted(
        "in which order a sleeping select lists its places",
        "The Python core lists lines as it met them first, the compiled one cases by number. That is not the same once"
        " the dice have said that another case stands in a line. Nothing is decided by it.",
        _in_order_of_cases,
    ),
    Accepted(
        "whether a select that is served tells of all its places, or of the one that won only",
        "It is leaving the others in that moment; the compiled core is out of them before it says so, the Python core"
        " right after.",
        _what_woke_it,
    ),
    Accepted(
        "whether a value in the ring counts as admitted once its sender has returned",
        "Then nobody can take it back, and the flag says nothing any more; the Python core leaves it as it was. That"
        " the right values are taken back, and no others, shows in what is held afterwards.",
        _without_admitted,
    ),
)


def same(one: Page, other: Page) -> bool:
    """Whether two pages tell the same, but for what is accepted."""
    return one == other or hide(one) == hide(other)


def hide(page: Page) -> Page:
    """Take what may differ out of a page."""
    for accepted in ACCEPTED:
        page = accepted.hide(page)
    return page


# -- of calls.py

_OPAQUE = "A case is made by `recv`, `recv_ok` or `send`; what a select makes of any other tuple is nobody's business."
_FURTHER = "The Python core does not look further than it has to; the compiled one has looked at all cases before."
ACCEPTED_CALLS = {
    f"{how}{order} {which}": _OPAQUE
    for how in ("select", "select_nowait")
    for order in ("", ", biased")
    for which in ("of an unknown want", "of a vain want", "of a list")
} | {
    "select_loop, biased of a vain want": _OPAQUE,
    "select, biased of a bad second, the first is ready": _FURTHER,
    "select_nowait, biased of a bad second, the first is ready": _FURTHER,
}
# Besides, in no list:
# - Each core has dice of its own, so a seed repeats a run on the same core only.
# - Operations of the compiled core have no weak references: each would be 8 bytes larger for it.
# - Which says "generator" and which "coroutine" when a StopIteration is thrown into an operation.
# - The `__context__` of a TypeError about an argument: the Python core finds out by the error of something it tried.

# -- of surface.py

_HOME = "What stands in `aiochan.core` only keeps its home there."
_MOCK = "unittest.mock takes for asynchronous only what has a code object."
_MARK = (
    "Before 3.12 inspect knows asynchronous functions by their code object only; asyncio has a mark, which both carry."
)
_WAITING = (
    *("Chan: send", "Chan: recv", "Chan: recv_ok", "SendChan: send", "RecvChan: recv", "RecvChan: recv_ok"),
    *("Signal: wait", "Signal: recv", "Signal: recv_ok", "WaitQueue: park"),
)
_ASYNC_DEF = "Chan: send", "Chan: recv_ok", "Signal: wait", "Signal: recv_ok", "WaitQueue: park"
ACCEPTED_OF_SURFACE = {
    **{f"{name}: module": _HOME for name in ("WaitQueue", "set_dice", "seed", "set_budget", "budget_left")},
    **{f"{method}, on a mock": _MOCK for method in _WAITING},
    **{f"{method}, a coroutine function": _MARK for method in _ASYNC_DEF if sys.version_info < (3, 12)},
    "Chan: closed, doc": "The compiled core has one property for channels and views.",
    "Chan: stats, names": "The Python core has it from HChan, which the compiled core does without.",
}
