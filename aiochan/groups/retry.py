"""Try again: `retry` calls a function until it succeeds, with longer and longer pauses.

Theory of operation
-------------------
The pauses are a geometric series with a ceiling. Dice make each shorter, never longer, so that many who have failed at
the same moment do not come back at the same moment.

Calls and pauses stand in a scope of the current context, so its end interrupts both. The end is looked at before each
call, too: a call may not wait anywhere. And a function may turn a cancellation of our task into an error of its own;
so who was cancelled during a call does not call again, whatever came out of it.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from random import random as roll_for_all
from typing import TypeVar, TypeVarTuple, cast

from aiochan.calling import name_of
from aiochan.context import current_context
from aiochan.groups.checks import check_count, check_functions, check_number, refuse_ended
from aiochan.groups.notes import add_note

__all__ = ["retry"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def retry(
    fn: Callable[[*Ts], Awaitable[T]],
    *args: *Ts,
    attempts: int | None = 3,
    delay: float = 0.1,
    factor: float = 2.0,
    max_delay: float = 60.0,
    jitter: float = 0.5,
    on: type[Exception] | tuple[type[Exception], ...] = Exception,
    random: Random | None = None,
) -> T:
    """Call ``await fn(*args)`` until it succeeds, and return its result; after the last attempt raise the last error.

    A note on that error tells the number of attempts. An error that is not among `on` goes on at once, as it is. A
    cancellation never leads to another attempt, not even if `fn` makes an error out of it.

    Args:
        fn: A function that returns something to await, mostly an ``async def``. An error that it raises when it is
            called counts as one that it raises when it is awaited.
        *args: What it is called with.
        attempts: How many calls there may be in all; 0 or None for any number.
        delay: The first pause, in seconds. In a pause of 0 others get their turn, too.
        factor: How many times as long each pause is as the one before; 1 for pauses of one length.
        max_delay: How long a pause may get, in seconds; infinite for as long as it takes.
        jitter: How much of each pause is left to the dice: from 0, nothing, to 1, all of it.
        on: What errors lead to another attempt.
        random: The dice; by default those of the module ``random``.

    Raises:
        Exception: What the last call has raised.
        ContextError: The current context has ended; what the last call has raised is behind it, as ``__context__``.
        TypeError: `fn` is no function, or what it returns cannot be awaited; or another argument is of a wrong type.
        ValueError: A number is out of range.

    Cancellation: goes on to `fn`, or ends the pause.

    Follows ``Retry`` of the Go packages gollback and hunch, which make no pauses.
    """
    check_functions("retry", (fn,))
    if attempts is not None:
        check_count("retry", "attempts", attempts)
    _check_kinds(on)
    pauses = _pauses(delay, factor, max_delay, jitter, random)
    ctx = current_context()
    refuse_ended(ctx)
    number, due = 0, _cancellations()
    async with ctx.scope():
        while True:
            number += 1
            try:
                made = fn(*args)
                if inspect.isawaitable(made):
                    return await made
            except on as error:
                if number == attempts or _cancellations() > due:
                    add_note(error, f"retry: {name_of(fn)} has failed {number} times")
                    raise
                await asyncio.sleep(next(pauses))  # in here, so that whatever ends the pause has the error behind it
                refuse_ended(ctx)
            else:
                raise TypeError(f"{fn!r} must return an awaitable, not {made!r}; pass a coroutine function")


def _pauses(delay: float, factor: float, max_delay: float, jitter: float, random: object) -> Iterator[float]:
    """Check the arguments, and return the pauses, without end."""
    check_number("retry", "delay", delay, 0)
    check_number("retry", "factor", factor, 1)
    check_number("retry", "max_delay", max_delay, 0, math.inf)
    check_number("retry", "jitter", jitter, 0, 1)
    if random is not None and not isinstance(random, Random):
        raise TypeError(f"random of retry() must be a random.Random, not {random!r}")
    roll = roll_for_all if random is None else random.random

    def pauses() -> Iterator[float]:
        pause = float(delay)
        while True:
            pause = min(pause, max_delay)
            yield pause * (1 - jitter * roll()) if jitter else pause
            pause *= factor

    return pauses()


def _check_kinds(on: object) -> None:
    kinds = cast("tuple[object, ...]", on) if isinstance(on, tuple) else (on,)
    if not all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
        raise TypeError(f"on of retry() must be a class below Exception, or a tuple of such, not {on!r}")


def _cancellations() -> int:
    """Return how many cancellations of our task are due."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()
