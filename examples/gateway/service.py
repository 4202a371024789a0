"""What the gateway does with one request, from the door to the answer.

    client ──▶ door ──▶ flight ──▶ hedged calls ──▶ upstreams
               bounds    shares     the first wins

Every request has a context of its own, below that of the gateway. Whatever ends it (the deadline, the
client who leaves, the gateway that has to close) cancels what is being done for it, wherever that
is: in line, waiting for somebody else's flight, or in a call.

A flight belongs to all who wait for it: it is a task with a context of its own, so it outlives the
deadline of the one who happened to begin it, and it is cancelled when the last has left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NoReturn, Protocol

import aiochan as ac
from examples.gateway.door import Door
from examples.gateway.hedging import HedgeCounts, hedged
from examples.gateway.records import Answer, Call, ClientGone, UpstreamError
from examples.gateway.upstream import UpstreamCounts


class Source(Protocol):
    """Where answers come from: an `Upstream`, or a stand-in in a test."""

    name: str
    counts: UpstreamCounts

    async def get(self, call: Call, /) -> Answer: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the gateway does at a time, and how long it waits.

    Attributes:
        places: How many requests are in work at the same time.
        line: How many more may wait for a place.
        deadline: The seconds that a request may take.
        hedge_after: The seconds after which the next upstream is asked too.
    """

    places: int = 64
    line: int = 256
    deadline: float = 30.0
    hedge_after: float = 0.1


class Gateway:
    """Gets answers from upstreams, for many clients.

    Args:
        upstreams: Whom to ask, the first one first.
        limits: How much, how long.
    """

    def __init__(self, upstreams: Sequence[Source], limits: Limits) -> None:
        self.limits = limits
        self.ctx = ac.background().with_cancel()
        self.door = Door(limits.places, limits.line)
        self._upstreams = upstreams
        self._flights = ac.SingleFlight[Call, Answer | UpstreamError]("flights")
        self._flying: set[asyncio.Task[Any]] = set()
        self._coalesced = 0
        self._hedges = HedgeCounts()

    async def answer(self, call: Call, *, within: float, gone: Callable[[], Awaitable[object]]) -> Answer:
        """Answer one request.

        Args:
            call: What it asks for.
            within: How many seconds it has.
            gone: Returns when its client has left.

        Raises:
            Refused: There is too much to do, or the door is shut.
            UpstreamError: No upstream has an answer.
            DeadlineExceeded: The time has run out.
            Canceled: The gateway had to close before it was done.
            ClientGone: The client has left.

        Cancellation: leaves line and flight; what is done for nobody else ends.
        """

        async def watch() -> NoReturn:
            await gone()
            raise ClientGone

        with self.ctx.with_timeout(within) as ctx:
            async with ac.ErrGroup(ctx, name="request") as group:
                watching = group.go(watch)
                async with self.door.place():
                    answer = await self._fly(call)
                watching.cancel()
        return answer

    async def _fly(self, call: Call) -> Answer:
        """Get the answer from a flight: that of an equal request if one is under way, or else our own."""
        is_ours = False

        async def fly() -> Answer | UpstreamError:
            nonlocal is_ours
            is_ours = True
            self._keep_track()
            try:
                return await self._ask(call)
            except UpstreamError as error:
                return error  # a value: nobody has to hear of it if all have left meanwhile

        outcome, _ = await self._flights.do(call, fly)
        if isinstance(outcome, UpstreamError):
            raise UpstreamError(*outcome.args)  # one of our own: a traceback belongs to one request
        self._coalesced += not is_ours
        return outcome

    async def _ask(self, call: Call) -> Answer:
        attempts = [partial(upstream.get, call) for upstream in self._upstreams]
        return await hedged(attempts, self.limits.hedge_after, self._hedges)

    # -- the end

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Be ready for requests during the body; afterwards nothing is left of them."""
        try:
            yield
        finally:
            self.door.shut()
            self.ctx.cancel()
            await self.door.empty.wait()
            if self._flying:  # cancelled by now, as all have left; the calls close their connections
                await asyncio.wait(self._flying)
            for upstream in self._upstreams:
                await upstream.aclose()

    def _keep_track(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    # -- looking

    def stats(self) -> dict[str, Any]:
        """Count what is being done, and what was done so far."""
        return {
            "in_work": self.door.inside,
            "waiting": self.door.waiting,
            "flights": len(self._flying),
            "coalesced": self._coalesced,
            **asdict(self._hedges),
            "upstreams": {upstream.name: asdict(upstream.counts) for upstream in self._upstreams},
        }
