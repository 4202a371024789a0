"""A queue with room for so many: who puts waits while it is full, who takes waits while it is empty.

The classical answer, on one lock and two conditions. It has the names of a channel, so that one can stand for the
other; `ac.Chan[T](room)` is the other answer.

B1  There are at most `room` items.
B2  Items leave in the order in which they came.
B3  Nobody sleeps while he could go on and nobody is on the way who will wake him: each item that comes wakes one who
    takes, each that leaves wakes one who puts. Whoever is cancelled after he was woken leaves that to the next one; the
    condition sees to it.

Whoever was woken looks again (`while`, not `if`): he has to take the lock first, and somebody may be there before him.
That is the difference to the channel: there, what was promised to one who waits cannot be taken by one who comes later.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import aiochan as ac

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """A queue with room for so many.

    Args:
        room: How many; 1 or more.
    """

    def __init__(self, room: int) -> None:
        if room < 1:
            raise ValueError(f"a queue needs room for at least one item, not for {room}")
        self._room = room
        self._items = deque[T]()
        self._closed = False
        self._lock = ac.Mutex(name="queue")
        self._not_full = ac.Cond(self._lock, name="not full")
        self._not_empty = ac.Cond(self._lock, name="not empty")

    def __len__(self) -> int:
        return len(self._items)

    async def send(self, item: T) -> None:
        """Put an item into the queue, as soon as there is room.

        Raises:
            ac.ChannelClosed: The queue is closed, or was closed meanwhile.

        Cancellation: it was not put there.
        """
        async with self._lock:
            while len(self._items) >= self._room and not self._closed:
                await self._not_full.wait()
            if self._closed:
                raise ac.ChannelClosed(self, doing="send")
            self._items.append(item)
            self._not_empty.signal()

    async def recv(self) -> T:
        """Take the oldest item, as soon as there is one.

        Raises:
            ac.ChannelClosed: The queue is closed, and there are no more.

        Cancellation: nothing was taken.
        """
        async with self._lock:
            while not self._items and not self._closed:
                await self._not_empty.wait()
            if not self._items:
                raise ac.ChannelClosed(self, doing="recv")
            item = self._items.popleft()
            self._not_full.signal()
            return item

    def close(self) -> None:
        """Put nothing in any more; what is there can still be taken. Everybody looks again."""
        self._closed = True
        self._not_full.broadcast()
        self._not_empty.broadcast()
