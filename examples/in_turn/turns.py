"""Tasks that speak in turn, in two ways. Each task knows its own number, and nobody tells it when.

with channels   a token goes round. Each task has a channel, in which the token comes to it, and passes it on to the
                next one's. Only who has the token is awake.

                    ┌─▶ 1 ──▶ 2 ──▶ 3 ──▶ 4 ─┐
                    └────────────────────────┘

with a Cond     whose turn it is stands in a variable that all look at. Who has spoken changes it and wakes all others,
                of whom one finds that it is its turn. `signal` would wake the one who has waited longest, and that may
                be another one, who would go back to sleep: and then nobody is left to wake the right one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiochan as ac

Say = Callable[[int], Awaitable[None]]


async def with_channels(workers: int, rounds: int, say: Say) -> None:
    """Let workers 1, 2, 3, ... speak in this order, so many times."""
    # There is one token, so one place is enough: room for it where it comes to rest, with nobody left to take it.
    places = [ac.Chan[None](1, name=f"to {number}") for number in range(1, workers + 1)]

    async def worker(number: int, mine: ac.RecvChan[None], following: ac.SendChan[None]) -> None:
        for _ in range(rounds):
            await mine.recv()
            await say(number)
            await following.send(None)

    async with ac.ErrGroup(name="workers") as g:
        for number, (mine, following) in enumerate(zip(places, places[1:] + places[:1], strict=True), 1):
            g.go(worker, number, mine.receiver, following.sender)
        await places[0].send(None)


async def with_condition(workers: int, rounds: int, say: Say) -> None:
    """Let workers 1, 2, 3, ... speak in this order, so many times."""
    spoken, changed = 0, ac.Cond(name="somebody has spoken")

    async def worker(number: int) -> None:
        nonlocal spoken

        def my_turn() -> bool:
            return spoken % workers == number - 1

        for _ in range(rounds):
            async with changed:
                await changed.wait_for(my_turn)
                await say(number)
                spoken += 1
                changed.broadcast()

    async with ac.ErrGroup(name="workers") as g:
        for number in range(1, workers + 1):
            g.go(worker, number)
