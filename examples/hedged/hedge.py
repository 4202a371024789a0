"""The hedge: a race in which each starts a little later than the one before.

    first    ──started──────────────────── silence ─ ─ ─ ─ ─ ─ x cancelled
                  │ delay
    second        └──────started───────── error x
                                                │ at once
    third                                       └──started──── answer !

As in Dean and Barroso, "The Tail at Scale" (2013): most requests are answered in time and never cost a second one; the
few that meet a slow replica do not wait for it. That an error starts the next one at once is from "Happy Eyeballs"
(RFC 8305).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import aiochan as ac

T = TypeVar("T")


async def hedged(calls: Sequence[Callable[[], Awaitable[T]]], delay: float) -> T:
    """Return the first answer of some calls, of which no more are made than needed.

    Args:
        calls: What may be asked, in this order. Each is made when the one before has failed, or keeps silent.
        delay: After how many seconds silence is too long.

    Raises:
        Exception: All have failed: the error that came last.
        ValueError: There are no calls.
    """
    started = [ac.Signal() for _ in calls]
    failed = [ac.Signal() for _ in calls]

    async def contender(number: int) -> T:
        if number > 0:
            await started[number - 1].wait()
            await ac.select(ac.recv(failed[number - 1]), ac.recv(ac.after(delay)))
        started[number].close()
        try:
            return await calls[number]()
        except Exception:
            failed[number].close()
            raise

    return await ac.race(*(partial(contender, number) for number in range(len(calls))))
