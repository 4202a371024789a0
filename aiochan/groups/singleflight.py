"""Many callers ask for the same thing at the same time; it is done once, and all of them get the answer.

Theory of operation
-------------------
What all callers of a key wait for is a *flight*: a task of its own, which belongs to none of them. So none of them can
take it down: a caller who is cancelled just leaves, and a caller's deadline does not reach it, for it runs in a context
of its own (with the values of the one who started it). Only when the last one has left it is cancelled, because then
nobody wants its answer any more.

A caller who leaves awaits nothing, and neither does the flight when it lands: it closes a signal, and each caller reads
the answer from the flight when its turn comes. A caller who is cancelled in between leaves like any other.

Invariants
----------
F1  At most one flight stands under a key, and whoever comes joins it unless its task has ended.
F2  A flight that stands under its key has callers: the last one who leaves takes it off, and cancels it, at once.
F3  A flight that has landed does not stand under its key any more. What is there then is another flight.
F4  Whoever sleeps until a flight lands is one of its callers; so is each channel that waits for its result.
F5  Flights do not wait for each other in a circle: the caller who would close one is refused.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Generic, NamedTuple, TypeVar, TypeVarTuple

from aiochan.calling import call, check_callable
from aiochan.context import lasting_context, variables
from aiochan.core import Chan, RecvChan, Signal
from aiochan.errors import Canceled, MisuseError, WrongLoop
from aiochan.loops import running_loop
from aiochan.raising import raise_as_it_was
from aiochan.tasks import keep

__all__ = ["FlightResult", "SingleFlight"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Ts = TypeVarTuple("Ts")

# The innermost flight that this code is part of: it waits for whatever this code waits for. Weak, as a task that the
# flight has started may live longer, and has no use for the answer.
_aboard: ContextVar[weakref.ref[_Flight[Any]] | None] = ContextVar("aiochan.singleflight.aboard", default=None)


class FlightResult(NamedTuple, Generic[V]):
    """What became of a flight, as `SingleFlight.do_chan` tells it.

    Attributes:
        value: What the function returned; None if there was an error.
        error: What it raised, or a `Canceled` if it was cancelled; None if all went well.
        shared: Whether anybody shared the call, so that others may have got the same.
    """

    value: V | None
    error: BaseException | None
    shared: bool


class SingleFlight(Generic[K, V]):
    """Do the same thing only once at a time, however many ask for it: one call per key is in flight.

    Whoever asks for a key while a call for it is in flight waits for that one, and gets the same value, or the same
    error. Afterwards the key is free: this is no cache, but stands in front of one, so that when an entry has expired
    it is loaded once and not once for each who wants it::

        users = ac.SingleFlight[int, User]()

        async def user(number: int) -> User:
            found, _shared = await users.do(number, load_user, number)
            return found

    A call is a task of its own. A caller who is cancelled while waiting for it just leaves, and no caller's context or
    deadline reaches it; when the last one has left, it is cancelled, and the key is free at that moment. Inside, the
    current context has the values of whoever asked first, and ends with the call.

    Args:
        name: Shown in ``repr`` and in the names of the tasks.

    Raises:
        TypeError: `name` is no string.

    Follows ``Group`` of golang.org/x/sync/singleflight.
    """

    __slots__ = ("__weakref__", "_flights", "_loop", "_name")

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the name of a SingleFlight is a string, not {name!r}")
        self._name = name
        self._flights: dict[K, _Flight[V]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def do(self, key: K, fn: Callable[[*Ts], Awaitable[V]], *args: *Ts) -> tuple[V, bool]:
        """Return what ``fn(*args)`` returns, or what a call for the same key returns that is in flight already.

        Args:
            key: What is the same for calls that are to be one.
            fn: A function that returns something to await, mostly an ``async def``. It is not called if another call
                for `key` is in flight.
            *args: What it is called with.

        Returns:
            The value, and whether anybody shared the call, so that others may have got it too.

        Raises:
            BaseException: What `fn` has raised: the same error for everybody who waits.
            Canceled: The call was cancelled, but not by those who wait for it.
            TypeError: `key` cannot be hashed, or `fn` is no function.
            MisuseError: This is asked from inside the call for the same key, or from inside one for which that call
                waits: they would wait for each other for ever.
            WrongLoop: It is in use in another event loop.

        Cancellation: leaves the call to the others; the last one who leaves cancels it.
        """
        aboard = _flight_of_this_code()
        flight = self._join(key, fn, args, aboard)
        try:
            try:
                await flight.landed.wait()
            except BaseException:
                flight.leave(aboard)
                raise
            return flight.answer(aboard)
        finally:
            del flight, aboard  # the traceback of an error leads to this frame, which must not lead back to the error

    def do_chan(self, key: K, fn: Callable[[*Ts], Awaitable[V]], *args: *Ts) -> RecvChan[FlightResult[V]]:
        """Do the same as `do` without waiting: the answer comes by a channel.

        The channel gives one value and is closed then. Whoever has it counts as a caller until the end, so this call is
        not cancelled when the others leave.

        Args:
            key: As for `do`.
            fn: As for `do`.
            *args: What it is called with.

        Raises:
            TypeError: `key` cannot be hashed, or `fn` is no function.
            MisuseError: No event loop is running; or as for `do`.
            WrongLoop: It is in use in another event loop.
        """
        aboard = _flight_of_this_code()
        flight = self._join(key, fn, args, aboard)
        ch = Chan[FlightResult[V]](1, name=flight.name)
        flight.chans.append((ch, aboard))
        return ch.receiver

    def forget(self, key: K) -> None:
        """Let the next one who asks for `key` start anew, even if a call is in flight; those who wait for it go on to.

        Raises:
            TypeError: `key` cannot be hashed.
            MisuseError: The call is in flight, and no event loop is running.
            WrongLoop: The call is in flight in another event loop.
        """
        _check_key(key)
        if key in self._flights:
            self._check_loop()
            self._flights.pop(key, None)

    # -- inside

    def _join(
        self, key: K, fn: Callable[..., Awaitable[V]], args: tuple[Any, ...], aboard: _Flight[Any] | None
    ) -> _Flight[V]:
        """Become a caller, aboard another flight or not, of the flight for a key; if there is none, of a new one."""
        _check_key(key)
        check_callable(fn)
        loop = self._check_loop()
        flight = self._flights.get(key)
        if flight is not None and not flight.ended:
            flight.join(aboard)
            return flight
        name = f"{self._name or 'SingleFlight'}[{key!r}]"
        self._flights[key] = flight = _Flight(self._flights, key, name)
        flight.board(aboard)
        try:
            flight.start(loop, fn, args)
        except BaseException:
            flight.unboard(aboard)
            flight.free_key()
            raise
        return flight

    def _check_loop(self) -> asyncio.AbstractEventLoop:
        """Belong to the running loop; what is left of one that was closed is gone."""
        if (loop := running_loop()) is None:
            raise MisuseError(f"{self!r} needs a running event loop")
        if self._loop is not loop:
            if self._loop is not None and not self._loop.is_closed():
                raise WrongLoop(f"{self!r} belongs to another event loop, which is not closed; make one for each loop")
            self._loop = loop
            self._flights.clear()
        return loop

    def __repr__(self) -> str:
        name = repr(self._name) if self._name is not None else f"at {id(self):#x}"
        return f"<SingleFlight {name} {len(self._flights)} in flight>"

    def _check(self) -> None:
        for key, flight in self._flights.items():
            assert flight.key == key, "F1: a flight stands under a key that is not its own"
            assert flight.callers > 0, "F2: a flight that nobody waits for stands under its key"
            assert not flight.landed.closed, "F3: a flight that has landed stands under its key"
            waiting = flight.landed.stats().parked_receivers + len(flight.chans)
            assert waiting <= flight.callers, "F4: somebody waits for a flight who is none of its callers"

    def _snapshot(self) -> object:
        return tuple(self._flights.items())


class _Flight(Generic[V]):
    """One call, and who waits for it."""

    __slots__ = (
        "__weakref__",
        "awaited",
        "callers",
        "chans",
        "ctx",
        "error",
        "heard",
        "joined",
        "key",
        "landed",
        "name",
        "table",
        "task",
        "traceback",
    )

    task: asyncio.Task[V]  # not there yet while it is started; an eager one may do all its work meanwhile

    def __init__(self, table: dict[Any, _Flight[V]], key: Hashable, name: str) -> None:
        self.table: Final = table  # where it stands under its key, at first
        self.key: Final = key
        self.name: Final = name
        self.ctx: Final = lasting_context().with_cancel()
        self.landed: Final = Signal(name)
        self.chans: Final[list[tuple[Chan[FlightResult[V]], _Flight[Any] | None]]] = []
        self.callers = 0  # who have not got the answer yet, and have not left
        self.awaited = Counter[_Flight[Any]]()  # the flights for which this one waits
        self.joined = False  # whether there was ever another one than the first
        self.heard = False  # whether anybody has got the answer
        self.error: BaseException | None = None
        self.traceback: TracebackType | None = None

    def start(self, loop: asyncio.AbstractEventLoop, fn: Callable[..., Awaitable[V]], args: tuple[Any, ...]) -> None:
        """Begin; `land` is called when the task has ended, also if it never came to run."""
        context = variables(self.ctx)
        context.run(_aboard.set, weakref.ref(self))
        coro = _call(fn, args)
        try:
            self.task = loop.create_task(coro, name=self.name, context=context)
        except BaseException:  # of a task factory that is not asyncio's
            coro.close()
            raise
        keep(self.task)
        self.task.add_done_callback(self.land)

    @property
    def ended(self) -> bool:
        """Whether its task has ended; it may have to land yet."""
        return hasattr(self, "task") and self.task.done()

    def board(self, aboard: _Flight[Any] | None) -> None:
        """Count one more caller, who may be aboard another flight."""
        self.callers += 1
        if aboard is not None:
            aboard.awaited[self] += 1

    def join(self, aboard: _Flight[Any] | None) -> None:
        """Become one more caller of a flight that was there before.

        Raises:
            MisuseError: The flight that the caller is aboard of would wait for itself.
        """
        if aboard is not None and self.waits_for(aboard):
            whose = "its own call" if self is aboard else f"the call {aboard.name}, for which it waits"
            raise MisuseError(f"{self.name} is asked for by {whose}: they would wait for ever")
        self.board(aboard)
        self.joined = True

    def waits_for(self, other: _Flight[Any]) -> bool:
        """Tell whether this is the other flight, or waits for it, in however many steps."""
        found: set[_Flight[Any]] = {self}
        line: list[_Flight[Any]] = [self]
        for flight in line:  # it grows as we go
            new = flight.awaited.keys() - found
            found |= new
            line += new
        return other in found

    def unboard(self, aboard: _Flight[Any] | None) -> None:
        """Count one caller less."""
        self.callers -= 1
        if aboard is not None:
            aboard.awaited[self] -= 1
            if not aboard.awaited[self]:
                del aboard.awaited[self]

    def leave(self, aboard: _Flight[Any] | None) -> None:
        """Be a caller no more, without an answer."""
        self.unboard(aboard)
        if self.callers:
            return
        if self.landed.closed:
            self.tell_the_loop()
        elif not self.task.get_loop().is_closed():  # else nobody is there to hear it
            self.task.cancel()
            self.free_key()
            self.ctx.cancel()

    def land(self, task: asyncio.Task[V]) -> None:
        """Give everybody the answer: the task has ended."""
        self.error = _error_of(task)
        if self.error is not None:
            self.traceback = self.error.__traceback__
        self.landed.close()
        for ch, aboard in self.chans:
            ch.send_nowait(self.result())
            ch.close()
            self.unboard(aboard)
        self.chans.clear()
        if not self.callers:
            self.tell_the_loop()
        self.free_key()
        self.ctx.cancel()

    def answer(self, aboard: _Flight[Any] | None) -> tuple[V, bool]:
        """Give a caller the answer."""
        self.unboard(aboard)
        self.heard = True
        error = self.failure()
        try:
            if error is not None:
                raise_as_it_was(error, error.__traceback__)
            return self.task.result(), self.joined
        finally:
            del self, error, aboard  # as in `do`

    def result(self) -> FlightResult[V]:
        """Make the answer for a channel."""
        self.heard = True
        error = self.failure()
        return FlightResult(self.task.result() if error is None else None, error, self.joined)

    def failure(self) -> BaseException | None:
        """Make what a caller is to be told; None if all went well.

        It is the one error for all, with the traceback that it had in the call: each raise would add to it.
        """
        if self.error is None:
            return None
        if not isinstance(self.error, asyncio.CancelledError):
            return self.error.with_traceback(self.traceback)
        canceled = Canceled(f"{self.name} was cancelled, and not by those who wait for it")
        canceled.__cause__ = self.error
        return canceled  # a CancelledError would look as if the caller were meant

    def tell_the_loop(self) -> None:
        """Give an error that no caller has got, as all have left, to the loop's exception handler."""
        error, told = self.error, self.heard
        if error is None or told or isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
            return
        message = f"{self.name} has failed, and nobody waits for it any more"
        self.task.get_loop().call_exception_handler({"message": message, "exception": error, "task": self.task})

    def free_key(self) -> None:
        """Let the next one who asks for the key start anew, unless that has happened already."""
        if self.table.get(self.key) is self:
            del self.table[self.key]


async def _call(fn: Callable[..., Awaitable[V]], args: tuple[Any, ...]) -> V:
    """Call the function inside the task, so that whatever it raises is the answer for all."""
    return await call(fn, args)


def _flight_of_this_code() -> _Flight[Any] | None:
    """Return the innermost flight in which this runs, unless a task runs here that has outlived it."""
    reference = _aboard.get()
    flight = None if reference is None else reference()
    return None if flight is None or flight.ended else flight


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    """Return what a task has failed with, a cancellation too."""
    try:
        return task.exception()
    except asyncio.CancelledError as error:
        # where it happened, without this frame
        return error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)


def _check_key(key: object) -> None:
    try:
        hash(key)
    except TypeError as error:
        raise TypeError(f"{key!r} cannot be a key: {error}") from None
