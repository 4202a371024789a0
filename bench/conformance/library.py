"""What an adapter has to offer: the operations of one library, under common names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bench.conformance.stage import AsyncioStage, Stage


class Missing(Exception):
    """The library is not installed here."""


class Ended(Exception):
    """Nothing more will come, or nothing more can be sent."""


class Refused(Exception):
    """Cannot be done now without waiting."""


Taken = list[tuple[int, Any]]  # what a select took: the number of the case, and the value


class Library:
    """One library. A channel is whatever `make` returns.

    Attributes:
        name: for the command line.
        title: for the table.
        stage: where it runs.
        rendezvous, closes, bare_none: whether there are channels of capacity 0; an end; None as a value.
        select: "select" if it has one, else "race of tasks".
        can_select_sends: whether a select can also send.
        notes: where its documentation says what it does, by question.
    """

    name: str
    title: str
    distribution: str | None = None
    stage: type[Stage] = AsyncioStage
    rendezvous = False
    closes = True
    select_is = "race of tasks"
    can_select_sends = False

    def __init__(self) -> None:
        self.load()

    @property
    def version(self) -> str:
        """The release that is installed."""
        try:
            return version(self.distribution) if self.distribution else ""
        except PackageNotFoundError as error:
            raise Missing(f"{self.distribution} is not installed") from error

    def load(self) -> None:
        """Import it, or raise `Missing`."""
        raise NotImplementedError

    def capacities(self) -> list[int]:
        """List the capacities at which a value may be waited for."""
        return [1, 0] if self.rendezvous else [1]

    def make(self, capacity: int) -> Any:
        """Make a channel."""
        raise NotImplementedError

    async def send(self, channel: Any, value: Any) -> None:
        """Send, waiting as long as it takes; `Ended` if it is closed."""
        raise NotImplementedError

    async def recv(self, channel: Any) -> Any:
        """Receive, waiting as long as it takes; `Ended` at the end."""
        raise NotImplementedError

    def send_nowait(self, channel: Any, value: Any) -> None:
        """Send now, or raise `Refused`, or `Ended`."""
        raise NotImplementedError

    def recv_nowait(self, channel: Any) -> Any:
        """Receive now, or raise `Refused`, or `Ended`."""
        raise NotImplementedError

    def close(self, channel: Any) -> None:
        """Say that nothing more will be sent; what is inside can still be received."""
        raise NotImplementedError

    def discard(self, channel: Any) -> None:
        """Throw a channel away, so that nobody warns."""

    def asleep(self, channel: Any) -> int | None:  # noqa: ARG002 - for those who know
        """Count who waits in it, as far as the library says so in public."""
        return None

    def seed(self, seed: int) -> None:
        """Make what is random in it repeatable."""

    async def select(self, channels: Sequence[Any]) -> Taken:
        """Receive from one of several. A library without select races tasks, and may take more than one."""
        racers = [asyncio.ensure_future(self.recv(channel)) for channel in channels]
        try:
            await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for racer in racers:
                racer.cancel()
            await asyncio.gather(*racers, return_exceptions=True)
        return [(index, racer.result()) for index, racer in enumerate(racers) if not racer.cancelled()]

    async def select_mixed(self, receive: Any, send: Any, value: Any) -> Taken:
        """Receive from one or send to the other; the value taken by the sending case is None."""
        raise NotImplementedError
