"""Asking more than one: the next when the first is slow or has failed, and the first good answer wins.

The tail of the answering times is mostly bad luck of single calls. A second call, sent when the first
has taken longer than most do, cuts the tail off and costs few calls more ("The Tail at Scale", Dean
and Barroso, 2013).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiochan as ac
from examples.gateway.records import UpstreamError

T = TypeVar("T")


@dataclass(slots=True)
class HedgeCounts:
    """Why more than one was asked."""

    hedged: int = 0  # the others were slow
    failed_over: int = 0  # the others had failed


async def hedged(attempts: Sequence[Callable[[], Awaitable[T]]], delay: float, counts: HedgeCounts) -> T:
    """Return the first result of some attempts, begun one after the other.

    The next one begins as soon as all before it have failed, or nothing has happened for a while.

    Args:
        attempts: What to try, in this order.
        delay: How long that while is, in seconds.
        counts: Where attempts other than the first are counted.

    Raises:
        UpstreamError: Every attempt has raised one.

    Cancellation: cancels the attempts and waits for them, as the first result does to the others.
    """
    outcomes = ac.Chan[T | UpstreamError](len(attempts), name="outcomes")

    async def attempt(get: Callable[[], Awaitable[T]]) -> None:
        outcome: T | UpstreamError
        try:
            outcome = await get()
        except UpstreamError as error:
            outcome = error  # in this group it is no error but news, and must not cancel the others
        outcomes.send_nowait(outcome)

    failures: list[UpstreamError] = []
    async with ac.ErrGroup(name="hedged") as group:
        begun = [group.go(attempt, attempts[0])]
        while len(failures) < len(attempts):
            more = len(begun) < len(attempts)
            if len(failures) == len(begun):
                counts.failed_over += 1
                begun.append(group.go(attempt, attempts[len(begun)]))
                continue
            match await ac.select(ac.recv(outcomes), ac.recv(ac.after(delay) if more else None)):
                case 0, UpstreamError() as failure:
                    failures.append(failure)
                case 0, answer:
                    for task in begun:
                        task.cancel()
                    return answer
                case 1, _:
                    counts.hedged += 1
                    begun.append(group.go(attempt, attempts[len(begun)]))
    raise UpstreamError("; ".join(map(str, failures)))
