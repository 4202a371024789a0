"""A point that a fixed number of tasks leave together, round after round.

Theory of operation
-------------------
Whoever arrives takes a ticket; so many tickets make a round. The last of a round runs the action, if there is one, and
then moves the mark up to which tickets are *released*. So a woken party needs to ask one thing only: is my ticket below
the mark? If it is, the round was complete, and no cancellation that comes late breaks anything.

A round that cannot be completed any more breaks the barrier, with all who are in it or arrive later. `reset` throws the
tickets, the mark and the lines away and begins with new ones: an *era*. What was left of the old one can disturb only
the old one.

While an action takes its time, others may arrive for the next round. If that gets full, its last one waits in a line of
its own (`turns`) until it may run the action again. If one of them is cancelled, the round at its action is complete
all the same: it leaves, and then the barrier breaks.

A party that was cancelled and has not run yet sleeps nowhere, so the sleepers are fewer than the tickets: whoever looks
then sees a barrier that is broken already.

Invariants
----------
C1  Tickets are released by rounds: a multiple of the parties, and never more than were given out.
C2  A broken era has nobody in its lines.
C3  One that is not has no more in its lines, and at its action, than hold a ticket that was not released.
C4  Without an action that runs, what is not released makes no whole round.
C5  Who is missing from a later round breaks the barrier as soon as no action runs.
"""

# The lines are asked for their invariants and their state:
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, SupportsIndex, TypeAlias

from aiochan.counts import whole
from aiochan.errors import BrokenBarrier, MisuseError, WrongLoop
from aiochan.sync.primitive import Line, Primitive, nothing

__all__ = ["CyclicBarrier"]

_Told: TypeAlias = "list[Exception | None]"  # for one who slept: the error that broke the barrier, if it was one

CANCELLED = "a party was cancelled while it waited"


class CyclicBarrier(Primitive):
    """Let a fixed number of tasks wait for each other, again and again.

        barrier = ac.CyclicBarrier(3)

        async def worker(part):
            for step in steps:
                compute(part, step)
                await barrier.wait()  # all three have done this step

    If a party is cancelled while it waits, or the action fails, the round can never be complete: everybody who waits,
    or comes later, gets `BrokenBarrier` until somebody calls `reset`. A party that is cancelled after the round was
    complete breaks nothing.

    Args:
        parties: How many tasks make a round, 1 or more.
        action: A function that is called once in each round, by the last who arrives, before anybody leaves; plain or
            ``async def``: what it returns is awaited if it can be.
        name: Shown in ``repr`` and in reports.

    Raises:
        TypeError: `parties` is no whole number, `action` is no function, or `name` is no string.
        ValueError: `parties` is less than 1.

    Follows Java's ``CyclicBarrier`` and marusama/cyclicbarrier.
    """

    __slots__ = ("_action", "_era", "_parties")

    def __init__(
        self, parties: SupportsIndex, action: Callable[[], object] | None = None, name: str | None = None
    ) -> None:
        super().__init__(name)
        self._parties = whole("the parties of a CyclicBarrier", parties, 1)
        if action is not None and not callable(action):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"the action of a CyclicBarrier must be a function without arguments, not {action!r}")
        self._action = action
        self._era = _Era(self)

    @property
    def parties(self) -> int:
        """How many tasks make a round."""
        return self._parties

    @property
    def waiting(self) -> int:
        """How many have arrived and were not released yet; who runs the action included."""
        era = self._era
        return era.present() if era.reason is None else 0

    @property
    def broken(self) -> bool:
        """Whether `wait` would raise `BrokenBarrier`, until `reset`."""
        era = self._era
        return era.reason is not None or era.missing > 0 or era.deserted()

    async def wait(self) -> int:
        """Arrive, and wait until all parties of this round have.

        Returns:
            In which place it arrived: 0 for the first, ``parties - 1`` for the last, as in `asyncio.Barrier` (in Java
            it is the other way round). All in one round get different numbers.

        Raises:
            BrokenBarrier: The round cannot be completed any more, or it is `broken` already. If the action failed, that
                is the cause.
            Exception: What the action raised, for the one who called it.
            MisuseError: The action calls it; it would wait for itself.
            WrongLoop: Tasks of another loop or thread wait here.

        Cancellation: breaks the barrier, unless the round was complete.

        Follows ``CyclicBarrier.await``.
        """
        era = self._era
        if self.broken:
            if era.deserted():
                era.break_off(CANCELLED)
            raise self._broken(era)
        if era.actor is not None and era.actor is asyncio.current_task():
            raise MisuseError(f"the action of {self!r} must not wait for it: it would wait for itself")
        ticket = era.arrived
        index = ticket % self._parties
        last = index == self._parties - 1
        if last and self._action is None:
            era.line.wake(index)
            era.arrived = era.released = ticket + 1
            return index
        era.arrived = ticket + 1
        if not last or era.acting:
            told: _Told = []
            try:
                await (era.turns if last else era.line).park(told, nothing)
            except WrongLoop:
                era.arrived = ticket  # it never came
                raise
            except BaseException:
                if era.acting and ticket >= era.released + self._parties:
                    era.missing += 1  # the round at its action is complete; it breaks when that one has left
                elif ticket >= era.released:
                    era.break_off(CANCELLED)
                raise
            if told:
                raise self._broken(era) from told[0]
        if last:
            if era.reason is not None:  # it was broken after the turn was handed to us
                raise self._broken(era)
            await self._finish(era)
        return index

    def reset(self) -> None:
        """Begin anew: whoever waits now gets `BrokenBarrier`, whoever comes from now on makes a new round.

        Called while the action runs, by the action itself or by others, it breaks that round too: the action runs to
        its end, perhaps beside that of a new round, and then who called it gets `BrokenBarrier`.

        Raises:
            WrongLoop: Tasks of another loop or thread wait here.

        Follows ``CyclicBarrier.reset``.
        """
        self._era.break_off("reset() was called")
        self._era = _Era(self)

    def abort(self) -> None:
        """Break it: whoever waits, or comes before somebody calls `reset`, gets `BrokenBarrier`. Nothing once broken.

        Raises:
            WrongLoop: Tasks of another loop or thread wait here.

        Follows ``asyncio.Barrier.abort``.
        """
        self._era.break_off("abort() was called")

    # -- inside

    async def _finish(self, era: _Era) -> None:
        """Run the action, as the last of a round, and let all of them go."""
        assert self._action is not None
        era.acting = True
        try:
            made: Any = self._action()
            if inspect.isawaitable(made):
                era.actor = asyncio.current_task()
                await made
            if era.deserted():
                era.break_off(CANCELLED)
            if era.reason is not None:
                raise self._broken(era)
        except BaseException as error:
            era.break_off(f"its action ended with {type(error).__name__}", error)
            raise
        finally:
            era.actor = None
        era.line.wake(self._parties - 1)
        era.released += self._parties
        if era.missing:
            era.break_off(CANCELLED)
        else:
            era.acting = era.turns.wake() > 0  # the next round is full already; its last one goes on with the action

    def _broken(self, era: _Era) -> BrokenBarrier:
        return BrokenBarrier(f"{self._title()} is broken: {era.reason or CANCELLED}; reset() begins anew")

    def __repr__(self) -> str:
        reason = self._era.reason or (CANCELLED if self.broken else None)
        state = f"{self.waiting} of {self._parties} waiting" if reason is None else f"broken: {reason}"
        return f"<{self._title()} {state}>"

    def _check(self) -> None:
        era = self._era
        pending = era.arrived - era.released
        assert pending >= 0, "C1: more was released than has arrived"
        assert era.released % self._parties == 0, "C1: half a round was released"
        assert era.reason is None or not (len(era.line) or len(era.turns)), "C2: somebody sleeps at a broken barrier"
        assert era.reason is not None or era.present() + era.missing <= pending, "C3: more wait than have arrived"
        assert era.reason is not None or era.acting or not era.missing, (
            "C5: a round that cannot be complete is waited for"
        )
        assert era.acting or pending < self._parties, "C4: a round is complete, and was not released"
        era.line._check()
        era.turns._check()

    def _snapshot(self) -> object:
        era = self._era
        state = era.arrived - era.released, era.acting, era.missing, era.reason
        return *state, era.line._snapshot(), era.turns._snapshot()


class _Era:
    """What a barrier knows, from one `reset` to the next.

    Args:
        of: The barrier.

    Attributes:
        line: Who waits for the others; with what each will have been told when it wakes.
        turns: Who was the last of a round while the action still ran for an earlier one.
        arrived: How many tickets were given out.
        released: Tickets below this may go.
        acting: Whether the action runs, or its turn was handed on.
        actor: The task that awaits the action.
        missing: How many of those who came while the action ran were cancelled: their rounds cannot be complete.
        reason: Why it is broken; None if it is not.
    """

    __slots__ = ("acting", "actor", "arrived", "line", "missing", "reason", "released", "turns")

    def __init__(self, of: CyclicBarrier) -> None:
        self.line: Line[_Told] = Line(of)
        self.turns: Line[_Told] = Line(of)
        self.arrived = self.released = self.missing = 0
        self.acting = False
        self.actor: asyncio.Task[Any] | None = None
        self.reason: str | None = None

    def present(self) -> int:
        """Count who has arrived, was not released, and is alive."""
        return len(self.line) + len(self.turns) + self.acting

    def deserted(self) -> bool:
        """Tell whether somebody who waited was cancelled, and has not run since to say so."""
        return self.present() + self.missing < self.arrived - self.released

    def break_off(self, reason: str, error: BaseException | None = None) -> None:
        """Wake everybody, and tell them why. Nothing if that was done."""
        if self.reason is not None:
            return
        lines = self.line, self.turns
        for line in lines:
            line.wake(0)  # refuses another thread, before anything has changed
        self.reason = reason
        for line in lines:
            for told in line:
                assert told is not None
                told.append(error if isinstance(error, Exception) else None)
            line.wake_all()
