"""What the tests of examples/gateway share: a source to hold in the hand, and a served gateway."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

import aiochan as ac
from examples.gateway.app import Front
from examples.gateway.connections import Transport
from examples.gateway.records import Answer, Call, UpstreamError
from examples.gateway.server import serve
from examples.gateway.service import Gateway, Limits, Source
from examples.gateway.upstream import UpstreamCounts

PATIENCE_S = 60  # for what happens at once unless something is broken


class Stub:
    """A source without a network: each call waits until the test lets it go on, or answers at once.

    Attributes:
        asked: The calls that have begun, in order.
        cancelled: Those that were cancelled.
        hold: Whether calls wait for `let_go` or `fail`.
    """

    def __init__(self, name: str = "stub", *, hold: bool = False) -> None:
        self.name = name
        self.counts = UpstreamCounts()
        self.hold = hold
        self.asked: list[Call] = []
        self.cancelled: list[Call] = []
        self.running = 0
        self.closed = False
        self._outcomes = ac.Chan[bool](math.inf)

    async def get(self, call: Call) -> Answer:
        self.asked.append(call)
        self.running += 1
        try:
            good = await self._outcomes.recv() if self.hold else True
        except BaseException:
            self.cancelled.append(call)
            raise
        finally:
            self.running -= 1
        if not good:
            raise UpstreamError(f"{self.name} is out of order")
        return Answer(200, (("content-type", "text/plain"),), f"{call.target} from {self.name}".encode(), self.name)

    def let_go(self) -> None:
        """Have the oldest call that waits answered."""
        self._outcomes.send_nowait(True)

    def fail(self) -> None:
        """Have it fail."""
        self._outcomes.send_nowait(False)

    async def aclose(self) -> None:
        assert not self.running, "a call is running on a connection that is being closed"
        self.closed = True


@dataclass
class Served:
    """A gateway that is being served on loopback."""

    url: str
    front: Front
    signals: ac.Chan[int]
    ended: Callable[[], bool]


@asynccontextmanager
async def served(*sources: Source, grace: float = PATIENCE_S, limits: Limits) -> AsyncIterator[Served]:
    """Serve a gateway on a free port during the body, and end it as a signal does."""
    front = Front(Gateway(sources, limits))
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    url = "http://{}:{}".format(*listener.getsockname())
    signals = ac.Chan[int](math.inf)
    async with ac.ErrGroup(name="served") as group:
        serving = group.go(lambda: serve(front, listener, grace=grace, signals=signals))
        yield Served(url, front, signals, serving.done)
        signals.send_nowait(15)


def adds_up(front: Front) -> None:
    """Assert that nothing is being done, and that the counts say the same in every way of counting."""
    stats = front.stats()
    assert stats["received"] == sum(stats["served"].values()), stats
    assert (stats["in_work"], stats["waiting"], stats["flights"]) == (0, 0, 0), stats
    for counts in stats["upstreams"].values():
        assert counts["calls"] == counts["answered"] + counts["failed"] + counts["cancelled"], stats
    front.gateway.door._check()


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds that other tasks and sockets bring about."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - sockets and processes set no event
            await asyncio.sleep(0)


def browser(url: str) -> httpx.AsyncClient:
    """Make a client that waits as long as it takes, and can be cancelled."""
    return httpx.AsyncClient(base_url=url, transport=Transport(keep=10), timeout=None)
