"""The door: so many inside at a time, so many more in line, and everybody else is turned away at once.

A free place is a value in a channel, so a channel does all the waiting: who comes in takes one, who
leaves puts it back, and whoever has waited longest is next. A cancelled receive has taken nothing,
which is why no place is lost with a client that gives up in the very moment in which it is its turn.

    free places + people inside == places         people in line > 0  =>  no place is free
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiochan as ac
from examples.gateway.records import Refused


class Door:
    """Bounds how much is done at the same time.

    Args:
        places: How many may be inside.
        line: How many more may wait outside for a place.

    Attributes:
        inside: How many are.
        empty: Closed once the door is shut and the last one has gone.
    """

    def __init__(self, places: int, line: int) -> None:
        self._places = ac.Chan[None](places, name="free places")
        for _ in range(places):
            self._places.send_nowait(None)
        self._line = line
        self._present = 0
        self._shut = False
        self.inside = 0
        self.empty = ac.Signal("the gateway is empty")

    @property
    def waiting(self) -> int:
        """How many have come and are not inside yet."""
        return self._present - self.inside

    @property
    def is_shut(self) -> bool:
        return self._shut

    def shut(self) -> None:
        """Let nobody in any more who is not in line yet; shutting it twice is allowed."""
        self._shut = True
        self._tell_if_empty()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Be inside during the body.

        Raises:
            Refused: The door is shut, or the line is full.

        Cancellation: leaves the line, or the place to the next one.
        """
        if self._shut:
            raise Refused("shutting down")
        if not len(self._places) and self._places.stats().parked_receivers >= self._line:
            raise Refused("too many requests are waiting")
        self._present += 1
        try:
            await self._places.recv()
            self.inside += 1
            try:
                yield
            finally:
                self.inside -= 1
                self._places.send_nowait(None)
        finally:
            self._present -= 1
            self._tell_if_empty()

    def _check(self) -> None:
        free = self._places.stats()
        assert free.length + free.promised + self.inside == self._places.capacity, "a place was lost, or there are two"
        assert not (free.length and free.parked_receivers), "somebody is in line beside a free place"
        assert self.empty.closed == (self._shut and not self._present), "who waits for the end is told wrongly"

    def _snapshot(self) -> object:
        return self._places._snapshot(), self._present, self.inside, self._shut

    def _tell_if_empty(self) -> None:
        if self._shut and not self._present:
            self.empty.close()
