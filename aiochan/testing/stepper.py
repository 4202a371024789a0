"""One coroutine, cranked by hand: where it suspends, what it waits for, and what it does then.

    with StepLoop().running() as loop:
        ch = ac.Chan[int]()
        reader = Stepper(ch.recv())
        suspension = reader.step()         # runs until it waits for somebody
        at_once(ch.send(7))                # does not suspend, or the test fails
        assert reader.woken
        reader.step()
        assert reader.result == 7

No task and no loop takes part: the stepper does what `asyncio.Task` does between two suspensions,
and everything else is left to the test. It also takes the place of the current task, so that
`asyncio.timeout` and the like find somebody to cancel.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager, nullcontext
from typing import Any, Generic, TypeAlias, TypeVar, cast

from aiochan.testing.innards import handle_parts
from aiochan.testing.loop import StepLoop

__all__ = ["Stepper", "Suspension", "at_once"]

_T = TypeVar("_T")
_Drivable: TypeAlias = Coroutine[Any, Any, _T] | Generator[Any, Any, _T]

_serial = itertools.count(1)


class Suspension:
    """A point at which a coroutine is suspended.

    Attributes:
        waits_for: The future-like object that was yielded, or None for a bare yield: then the
            coroutine only lets others run (`asyncio.sleep(0)`).
    """

    def __init__(self, waits_for: Any, loop: StepLoop) -> None:
        self.waits_for = waits_for
        self._loop = loop
        self._called = waits_for is None

    @property
    def woken(self) -> bool:
        """Whether the coroutine may go on: its wake-up has been called or is ready to be."""
        return self._called or any(self._is_ours(handle) for handle in self._loop.ready)

    def register(self, context: contextvars.Context) -> None:
        """Ask the object to call back, as a task does."""
        self.waits_for._asyncio_future_blocking = False
        self.waits_for.add_done_callback(self._wake, context=context)

    def unregister(self) -> None:
        """Take back a wake-up that is on its way."""
        for handle in list(self._loop.ready):
            if self._is_ours(handle):
                handle.cancel()
        remove = getattr(self.waits_for, "remove_done_callback", None)
        if remove is not None:  # our own waiters forget whoever leaves
            remove(self._wake)

    def __repr__(self) -> str:
        what = "a bare yield" if self.waits_for is None else repr(self.waits_for)
        return f"<Suspension at {what}, {'woken' if self.woken else 'asleep'}>"

    def _wake(self, _: object) -> None:
        self._called = True

    def _is_ours(self, handle: asyncio.Handle) -> bool:
        return bool(handle_parts(handle)[0] == self._wake)


class Stepper(Generic[_T]):
    """Crank one coroutine (or anything else that can be awaited) by hand.

    An exception that the coroutine lets out comes out of the call that made it go on.

    Args:
        awaitable: A coroutine, an object with its `send`, `throw` and `close`, or any awaitable.
        loop: The loop to run on; the running `StepLoop` by default, else a new one. Steppers that
            share a channel have to share their loop.
        name: What `get_name()` and reports say.

    Attributes:
        loop: The loop.
        steps: How many times the coroutine was made to go on.
    """

    def __init__(
        self,
        awaitable: Awaitable[_T] | Generator[Any, Any, _T],
        *,
        loop: StepLoop | None = None,
        name: str | None = None,
    ) -> None:
        self.loop = loop or _running_step_loop() or StepLoop()
        self.steps = 0
        self._name = name or f"Stepper-{next(_serial)}"
        self._coro = _drivable(awaitable)
        self._context = contextvars.copy_context()
        self._at: Suspension | None = None
        self._must_cancel: tuple[object, ...] | None = None
        self._cancels = 0
        self._end: _Returned[_T] | BaseException | None = None

    # -- cranking

    def step(self) -> Suspension | None:
        """Go on to the next suspension, and return it; None when the coroutine is done.

        Raises:
            AssertionError: Nobody has woken the coroutine.
            RuntimeError: It is done already, or it yielded what no event loop understands.
            BaseException: Whatever the coroutine raises.
        """
        if self._must_cancel is not None:
            args, self._must_cancel = self._must_cancel, None
            return self.throw(asyncio.CancelledError(*args))
        if self._at is not None and not self._at.woken:
            raise AssertionError(f"{self!r} was not woken")
        return self._resume(lambda: self._coro.send(None))

    def throw(self, exc: BaseException) -> Suspension | None:
        """Raise `exc` where the coroutine is suspended, woken or not; else as `step`."""
        return self._resume(lambda: self._coro.throw(exc))

    def close(self) -> None:
        """End the coroutine where it is, as the garbage collector does (`GeneratorExit`).

        Raises:
            RuntimeError: The coroutine suspended again instead of ending.
            BaseException: Whatever the coroutine raises.
        """
        if self.done:
            return
        self._depart()
        self._end = GeneratorExit()
        with self._inside():
            self._context.run(self._coro.close)

    def cancel(self, msg: object = None) -> bool:
        """Ask for a cancellation as `asyncio.Task.cancel` does; the next `step` lets it happen.

        What the coroutine waits for is cancelled if that is possible still, and wakes it.
        Otherwise the next step raises `asyncio.CancelledError` in it.
        """
        if self.done:
            return False
        self._cancels += 1
        if self._at is not None and self._at.waits_for is not None:
            with self._inside():
                if self._at.waits_for.cancel(msg=msg):
                    return True
        self._must_cancel = () if msg is None else (msg,)
        return True

    # -- what became of it

    @property
    def suspended_at(self) -> Suspension | None:
        """Where the coroutine is suspended; None before the first step and after the end."""
        return self._at

    @property
    def woken(self) -> bool:
        """Whether `step` may be called: not started yet, woken, or to be cancelled."""
        if self.done:
            return False
        return self._at is None or self._at.woken or self._must_cancel is not None

    @property
    def done(self) -> bool:
        """Whether the coroutine has returned, raised or been closed."""
        return self._end is not None

    @property
    def result(self) -> _T:
        """What the coroutine returned.

        Raises:
            RuntimeError: It is not done yet.
            BaseException: What it raised; `GeneratorExit` if it was closed.
        """
        if self._end is None:
            raise RuntimeError(f"{self!r} has no result yet")
        if isinstance(self._end, BaseException):
            raise self._end
        return self._end.value

    # -- what asyncio asks of the current task

    def get_name(self) -> str:
        """Return the name."""
        return self._name

    def get_loop(self) -> StepLoop:
        """Return the loop."""
        return self.loop

    def get_coro(self) -> object:
        """Return what is cranked."""
        return self._coro

    def get_context(self) -> contextvars.Context:
        """Return the context that the coroutine runs in."""
        return self._context

    def cancelling(self) -> int:
        """Return how many cancellations were asked for and not taken back."""
        return self._cancels

    def uncancel(self) -> int:
        """Take one request for cancellation back, and return how many are left."""
        self._cancels = max(0, self._cancels - 1)
        if not self._cancels:
            self._must_cancel = None
        return self._cancels

    def __repr__(self) -> str:
        state = "done" if self.done else repr(self._at) if self._at else "not suspended"
        return f"<Stepper {self._name!r}, {self.steps} steps, {state}>"

    # -- inside

    def _resume(self, go_on: Callable[[], Any]) -> Suspension | None:
        """Do one step of the coroutine, and register with what it yields."""
        if self.done:
            raise RuntimeError(f"{self!r} cannot go on")
        self._depart()
        self.steps += 1
        with self._inside():
            try:
                yielded = self._context.run(go_on)
            except StopIteration as stop:
                self._end = _Returned(stop.value)
                return None
            except BaseException as exc:
                self._end = exc
                raise
        self._at = self._arrive(yielded)
        return self._at

    def _depart(self) -> None:
        if self._at is not None:
            self._at.unregister()
            self._at = None

    def _arrive(self, yielded: Any) -> Suspension:
        at = Suspension(yielded, self.loop)
        if yielded is not None:
            if getattr(yielded, "_asyncio_future_blocking", None) is not True:
                raise RuntimeError(f"{self!r} yielded what no event loop understands: {yielded!r}")
            with self._inside():
                at.register(self._context)
        return at

    @contextmanager
    def _inside(self) -> Generator[None, None, None]:
        """Make our loop the running one and this the current task."""
        me: Any = self  # all that anybody asks of a current task is above
        running = asyncio.events._get_running_loop()  # pyright: ignore[reportPrivateUsage]
        with nullcontext() if running is self.loop else self.loop.running():
            asyncio.tasks._enter_task(self.loop, me)
            try:
                yield
            finally:
                asyncio.tasks._leave_task(self.loop, me)


class _Returned(Generic[_T]):
    """A returned value, to be told from an exception that was raised."""

    def __init__(self, value: _T) -> None:
        self.value = value


def at_once(awaitable: Awaitable[_T], *, loop: StepLoop | None = None) -> _T:
    """Await something that must not suspend, and return what it returns.

    Args:
        awaitable: What to await.
        loop: The loop to do it on, as for `Stepper`.

    Raises:
        AssertionError: It suspended; it was closed then.
        BaseException: Whatever it raises.
    """
    stepper = Stepper(awaitable, loop=loop)
    if (suspension := stepper.step()) is not None:
        where = repr(suspension)
        stepper.close()
        raise AssertionError(f"expected no suspension, got {where}")
    return stepper.result


def _drivable(awaitable: Awaitable[_T] | Generator[Any, Any, _T]) -> _Drivable[_T]:
    if isinstance(awaitable, Coroutine | Generator):
        return cast("_Drivable[_T]", awaitable)
    return _await(awaitable)


async def _await(awaitable: Awaitable[_T]) -> _T:
    return await awaitable


def _running_step_loop() -> StepLoop | None:
    running = asyncio.events._get_running_loop()  # pyright: ignore[reportPrivateUsage]
    return running if isinstance(running, StepLoop) else None
