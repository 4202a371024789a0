"""What can be seen of a core, in words that are the same for both when the cores do the same.

Nothing here may depend on which core it looks at. What the two may do differently is not hidden here: see accepted.py.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import fields
from operator import attrgetter
from typing import Any

from aiochan import core
from aiochan.testing.innards import exception_of, handle_parts, must_cancel, result_of, sleeps, stepped_by

CLASS = re.compile(r"<class '[\w.]*\.(\w+)'>")
ADDRESS = re.compile(r"\b0x[0-9a-f]+")
_figures = attrgetter(*(field.name for field in fields(core.Stats)))
LINES = "recvq", "sendq", "slotq"


def words(thing: object) -> str:
    """The repr of anything, without addresses."""
    return plain(repr(thing))


def plain(text: str) -> str:
    """A text without addresses; of a class only its name, for where it stands depends on which core is in use."""
    if "0x" in text:
        text = ADDRESS.sub("0x", text)
    return CLASS.sub(r"<class '\1'>", text) if "<class" in text else text


def error_words(error: BaseException | None) -> tuple[Any, ...] | None:
    """All that somebody who catches it can tell: type, text, case, cause and what it was raised in the handling of."""
    if error is None:
        return None
    context = None if error.__suppress_context__ else error.__context__
    return (
        type(error).__qualname__,
        plain(str(error)),
        getattr(error, "index", None),
        words(getattr(error, "channel", None)),
        error_words(error.__cause__),
        error_words(context),
    )


def place_words(place: Any) -> tuple[Any, ...]:
    """A place in a line, but for its ticket: of that only the order counts."""
    return name_of(place.owner), place.kind, place.index, words(place.value)


def name_of(task: Any) -> str | None:
    return None if task is None else task.get_name()


def channel_words(chan: Any) -> dict[str, Any]:
    """Everything that can be asked of a channel or signal."""
    shot = chan._snapshot()
    for_room = sorted((*shot.sendq, *shot.slotq), key=lambda place: place.ticket)
    return {
        "held": tuple((words(value), admitted) for value, admitted in shot.held),
        "counts": (shot.granted, shot.reserved, shot.closed, shot.dropped, shot.received, shot.void),
        **{line: tuple(map(place_words, getattr(shot, line))) for line in LINES},
        "order for room": tuple(name_of(place.owner) for place in for_room),
        "stats": _figures(chan.stats()),
        "asked": (len(chan), bool(chan), chan.closed, chan.capacity, chan.name),
        "repr": words(chan),
        "invariants": _invariants(chan),
    }


def queue_words(queue: Any) -> dict[str, Any]:
    return {
        "line": tuple(map(place_words, queue._snapshot())),
        "asked": (len(queue), bool(queue), words(queue.first), tuple(map(words, queue))),
        "repr": words(queue),
        "invariants": _invariants(queue),
    }


def _invariants(thing: Any) -> str:
    try:
        thing._check()
    except AssertionError as error:
        return words(error)
    return "hold"


def waiter_words(waiter: Any) -> tuple[Any, ...]:
    """A sleeping operation, as an observer can see it."""
    sleeps_on = tuple((words(home), kind, index) for home, kind, index in waiter.waits_for())
    return name_of(waiter.owner), waiter._snapshot(), waiter.done(), sleeps_on, words(waiter)


def task_words(task: asyncio.Task[Any]) -> str:
    """Whether a task that has not ended sleeps, and whether a cancellation is on its way."""
    state = "asleep" if sleeps(task) else "awake"
    return f"{task.get_name()} {state}{', to be cancelled' if must_cancel(task) else ''} {task.cancelling()}"


def end_words(task: asyncio.Task[Any]) -> tuple[Any, ...]:
    """How a task ended."""
    if task.cancelled():
        return task.get_name(), "cancelled"
    if (error := exception_of(task)) is not None:
        task.exception()  # heard: asyncio need not tell
        return task.get_name(), "raised", error_words(error)
    return task.get_name(), "returned", words(result_of(task))


def handle_words(handle: asyncio.Handle) -> str:
    """What a ready callback or a timer will do; of those of a core only that they are its own."""
    if (task := stepped_by(handle)) is not None:
        return f"steps {task.get_name()}"
    callback = handle_parts(handle)[0]
    home = getattr(callback, "__module__", None) or type(callback).__module__
    if home.startswith(("aiochan.core", "builtins")):
        return "drains"
    return f"calls {getattr(callback, '__qualname__', type(callback).__qualname__)}"
