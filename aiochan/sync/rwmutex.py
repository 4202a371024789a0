"""A lock that many readers have at a time, or one writer.

Theory of operation
-------------------
Two lines and a door. A writer that has to wait closes the door behind the readers that are in; those who come later
stand before it, so that writers do not wait for ever. When the last reader has left, the writer that has waited longest
gets in. When a writer leaves, all readers that stand before the door at that moment get in, so that readers do not wait
for ever either, and then it is the next writer's turn. Nobody to wait for: the door is open.

Whoever is let in is counted in that moment, and counted out again if it was cancelled before it ran. A writer that is
cancelled in line may have been the last one for whom the door was closed; then it is opened by whoever notices first:
that writer, when it runs, or somebody who comes or goes before.

Invariants
----------
R1  A writer is in alone.
R2  The door is closed while a writer is in or waits.
R3  Somebody is in while it is closed; nobody sleeps while it is open.
R4  Whoever sleeps is sought: `unlock` looks at the lines only then.
R5  No task is taken for a reader more often than there are readers.
"""

# The lines are asked for their invariants and their state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from aiochan.errors import NotHeld
from aiochan.sync.locker import Locker
from aiochan.sync.owned import Holder, Owned, Side, Task, refuse_in_debug_mode, task_of
from aiochan.sync.primitive import Line

__all__ = ["RWMutex"]


class RWMutex(Owned):
    """Let many readers in at a time, or one writer.

        prices = ac.RWMutex("prices")

        async with prices.reading():
            ...
        async with prices.writing():
            ...

    A writer that waits stops new readers; those who came while a writer was in go before the next one. So neither
    starves. For the same reason a task must not read-lock it twice: a writer may come in between, and each would wait
    for the other. In debug mode of the loop that raises.

    Any task may unlock it, as with `Mutex`. A reader cannot become a writer without unlocking it first.

    Args:
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `name` is no string.

    Follows Go's ``sync.RWMutex``.
    """

    __slots__ = ("_closed", "_readers", "_reading", "_reads", "_sought", "_writer", "_writing")

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._closed = False
        self._sought = False
        self._readers = 0
        self._reads: dict[Holder, int] = {}  # how often each task is among them
        self._writer: Holder = False
        self._reading = Line[Holder](self)
        self._writing = Line[Holder](self)

    @property
    def locked(self) -> bool:
        """Whether a writer has it, or is being handed it."""
        return self._writer is not False

    @property
    def owner(self) -> Task | None:
        """The writer that has it; None if none has, or one that is no task."""
        return None if isinstance(self._writer, bool) else self._writer

    @property
    def readers(self) -> int:
        """How many readers have it, or are being handed it."""
        return self._readers

    @property
    def waiting_readers(self) -> int:
        """How many readers wait for it."""
        return len(self._reading)

    @property
    def waiting_writers(self) -> int:
        """How many writers wait for it."""
        return len(self._writing)

    # -- reading

    async def rlock(self) -> None:
        """Take it for reading, besides others; wait while a writer has it or waits for it.

        Raises:
            MisuseError: The task reads or writes already, and would wait for itself (in debug mode of the loop only).
            WrongLoop: Tasks of another loop wait for it.

        Cancellation: it is not taken.

        Follows ``RWMutex.RLock``.
        """
        if self._closed and not self._open_again():
            await self._reading.park(self._waiting_to_read(), self.runlock)
        else:
            reader = task_of(self._loop) or self._caller()
            self._readers += 1
            self._reads[reader] = self._reads.get(reader, 0) + 1

    def try_rlock(self) -> bool:
        """Take it for reading if no writer has it or waits for it.

        Returns:
            Whether it was taken.

        Follows ``RWMutex.TryRLock``.
        """
        if self._closed and not self._open_again():
            return False
        self._count(self._caller())
        return True

    def runlock(self) -> None:
        """Undo one `rlock`, of whichever task; the last reader lets a writer in.

        Raises:
            NotHeld: Nobody reads.
            WrongLoop: Tasks of the loop of another thread wait for it.

        Follows ``RWMutex.RUnlock``.
        """
        if not self._readers:
            raise NotHeld(
                f"runlock of unlocked RWMutex: {self!r}; there must be one rlock() for each runlock(), before it"
            )
        if self._closed and self._readers == 1:
            self._let_writer_in()
        self._readers -= 1
        reader = task_of(self._loop) or self._caller()
        left = self._reads.pop(reader, 0) - 1
        if left > 0:
            self._reads[reader] = left
        elif left < 0:  # it was locked by another task, and there is no telling by which
            self._reads.clear()

    def reading(self) -> AbstractAsyncContextManager[None]:
        """Return what ``async with`` takes to have it for reading."""
        return Side("readers", self, self.rlock, self.runlock)

    def rlocker(self) -> Locker:
        """Return the side of the readers, as a lock: its ``lock`` is `rlock`, its ``unlock`` is `runlock`.

        Follows ``RWMutex.RLocker``.
        """
        return Side("readers", self, self.rlock, self.runlock, self._reader)

    # -- writing

    async def lock(self) -> None:
        """Take it for writing, alone; wait until all who have it have left. New readers wait from now on.

        Raises:
            MisuseError: The task reads or writes already, and would wait for itself (in debug mode of the loop only).
            WrongLoop: Tasks of another loop wait for it.

        Cancellation: it is not taken. If no other writer waits, the readers that stood behind us are let in.

        Follows ``RWMutex.Lock``.
        """
        if not self._closed and not self._readers:
            self._closed = True
            self._writer = task_of(self._loop) or self._caller()
            return
        try:
            await self._writing.park(self._waiting_to_write(), self._pass_on)
        except BaseException:
            if self._closed:
                self._open_again()
            raise

    def try_lock(self) -> bool:
        """Take it for writing if nobody has it.

        Returns:
            Whether it was taken.

        Follows ``RWMutex.TryLock``.
        """
        if self._closed or self._readers:
            return False
        self._closed = True
        self._writer = self._caller()
        return True

    def unlock(self) -> None:
        """Let all readers in that wait, or else the next writer, or set it free. Any task may.

        Raises:
            NotHeld: No writer has it.
            WrongLoop: Tasks of the loop of another thread wait for it.

        Follows ``RWMutex.Unlock``.
        """
        if not self._writer:
            raise NotHeld(
                f"unlock of unlocked RWMutex: {self!r}; there must be one lock() for each unlock(), before it"
            )
        if not self._sought:
            self._writer = self._closed = False
        elif len(self._reading):
            self._let_readers_in()
            self._writer = False
            self._closed = len(self._writing) > 0
        else:
            self._let_writer_in()

    def writing(self) -> AbstractAsyncContextManager[None]:
        """Return what ``async with`` takes to have it for writing."""
        return Side("writers", self, self.lock, self.unlock)

    # -- the door

    def _reader(self) -> Task | None:
        """Return a task that reads: the running one, if it does; None if nobody is known to."""
        caller = self._caller()
        if caller in self._reads or sum(self._reads.values()) < self._readers:
            return None if isinstance(caller, bool) else caller
        return next((reader for reader in self._reads if not isinstance(reader, bool)), None)

    def _count(self, reader: Holder) -> None:
        self._readers += 1
        self._reads[reader] = self._reads.get(reader, 0) + 1

    def _let_readers_in(self) -> None:
        readers = list(self._reading)
        self._reading.wake_all()
        for reader in readers:
            self._count(reader or True)

    def _let_writer_in(self) -> None:
        """Give it to the next writer; the last one who was in is leaving. If there is none, open the door."""
        heir = self._writing.first
        if self._writing.wake():
            self._writer = heir or True
        else:
            self._let_readers_in()
            self._writer = self._closed = self._sought = False

    def _pass_on(self) -> None:
        """Give to the next writer what we were handed and never had: the readers behind it have waited for none yet."""
        if self._writer:
            self._let_writer_in()

    def _open_again(self) -> bool:
        """Open the door if it is closed for nobody any more: those who stand before it are first."""
        if self._writer or len(self._writing):
            return False
        self._let_readers_in()
        self._closed = False
        return True

    def _waiting_to_read(self) -> Holder:
        caller = self._caller()
        self._refuse_to_wait(caller)
        self._sought = True
        return caller

    def _waiting_to_write(self) -> Holder:
        caller = self._caller()
        self._refuse_to_wait(caller)
        if self._closed:
            self._open_again()
        self._closed = self._sought = True
        return caller

    def _refuse_to_wait(self, caller: Holder) -> None:
        if caller is self._writer:
            refuse_in_debug_mode(caller, "has locked", self, "unlock it first")
        if caller in self._reads:
            refuse_in_debug_mode(caller, "has read-locked", self, "runlock it first, or do not lock it again")

    def __repr__(self) -> str:
        if self._writer:
            has = "locked" if isinstance(self._writer, bool) else f"locked by {self._writer.get_name()}"
        elif self._readers:
            known = [reader.get_name() for reader in self._reads if not isinstance(reader, bool)][:3]
            has = f"read by {', '.join(known)}" if self._readers == len(known) else f"read {self._readers} times"
        else:
            has = "free"
        waiting = f", {len(self._reading)} readers and {len(self._writing)} writers waiting" if self._closed else ""
        return f"<{self._title()} {has}{waiting}>"

    def _check(self) -> None:
        assert not (self._writer and self._readers), "R1: a writer is not alone"
        assert self._closed or not (self._writer or len(self._writing)), (
            "R2: the door is open, though a writer is there"
        )
        assert not self._closed or self._writer or self._readers, "R3: the door is closed, and nobody is in"
        assert self._closed or not len(self._reading), "R3: the door is open, and somebody waits before it"
        assert self._sought or not (len(self._reading) + len(self._writing)), "R4: somebody waits who is overlooked"
        assert sum(self._reads.values()) <= self._readers, "R5: readers are known that are none"
        self._reading._check()
        self._writing._check()

    def _snapshot(self) -> object:
        lines = self._reading._snapshot(), self._writing._snapshot()
        return self._closed, self._sought, self._readers, tuple(self._reads.items()), self._writer, lines
