"""An event loop that does nothing until it is told to.

`StepLoop` has no selector, no thread and no clock of its own. Callbacks gather in `ready`, oldest
first, and timers in `timers`; whoever drives the loop decides which callback runs next (`step`) and
when time goes on (`advance_to`). Tasks and futures are asyncio's own, so what is tested is what
runs in production; only the order of events is ours.

Two rules make it fit for searching through schedules:

- `single_steps` is true: `aiochan.core` then wakes every task through a `call_soon` of its own
  instead of draining them together, so that one step is one wake-up.
- Whatever is cancelled is out of sight at once: `ready` and `timers` show live callbacks only.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import sys
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeAlias, TypeVar, TypeVarTuple, Unpack

__all__ = ["StepHandle", "StepLoop", "StepTimer"]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_Context: TypeAlias = dict[str, Any]
_CoroutineLike: TypeAlias = Generator[Any, None, _T] | Coroutine[Any, Any, _T]
_TaskFactory: TypeAlias = Callable[..., "asyncio.Future[Any]"]
_ExceptionHandler: TypeAlias = Callable[[asyncio.AbstractEventLoop, _Context], object]
_Task: TypeAlias = "asyncio.Task[Any]"


class StepHandle(asyncio.Handle):
    """One callback that is ready to run.

    Attributes:
        owner: The task that the callback will run; for other callbacks the task that scheduled it,
            or None if no task did.
    """

    __slots__ = ("_step_loop", "owner")

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: StepLoop,
        context: contextvars.Context | None,
        owner: _Task | None,
    ) -> None:
        super().__init__(callback, args, loop, context)
        self._step_loop = loop
        self.owner = owner

    def cancel(self) -> None:
        """Forget the callback; it leaves `StepLoop.ready` at once."""
        if not self._cancelled:
            super().cancel()
            self._step_loop.note_cancelled()

    #: Call it, in its context; exceptions go to the loop's exception handler.
    run = asyncio.Handle._run


class StepTimer(asyncio.TimerHandle):
    """One callback that waits for its time. `owner` is as in `StepHandle`."""

    __slots__ = ("_step_loop", "owner", "serial")

    def __init__(
        self,
        when: float,
        serial: int,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: StepLoop,
        context: contextvars.Context | None,
        owner: _Task | None,
    ) -> None:
        super().__init__(when, callback, args, loop, context)
        self._step_loop = loop
        self.serial = serial
        self.owner = owner

    def cancel(self) -> None:
        """Forget the callback; it leaves `StepLoop.timers` or `ready` at once."""
        if not self._cancelled:
            # Not TimerHandle.cancel: the loop is told once, below.
            asyncio.Handle.cancel(self)
            self._step_loop.note_cancelled()

    #: Call it, in its context; exceptions go to the loop's exception handler.
    run = asyncio.Handle._run


def _refuse(*_: object, **__: object) -> NoReturn:
    raise NotImplementedError("this event loop is cranked by hand: it has no threads, sockets, processes or signals")


_unavailable: Any = _refuse


class StepLoop(asyncio.AbstractEventLoop):
    """An asyncio event loop that is cranked by hand.

    Example:
        >>> loop = StepLoop()
        >>> with loop.running():
        ...     task = loop.create_task(asyncio.sleep(3, "done"))
        ...     _ = loop.step()  # the task parks on a timer
        ...     loop.advance_to(loop.timers[0].when())
        ...     while loop.ready:
        ...         _ = loop.step()
        >>> task.result(), loop.time()
        ('done', 3.0)

    Attributes:
        errors: What `call_exception_handler` was told, oldest first.
    """

    #: Read by `aiochan.core`: one `call_soon` for each woken task.
    single_steps = True

    def __init__(self, *, start_time: float = 0.0) -> None:
        """Make a loop whose clock shows `start_time` (seconds)."""
        self.errors: list[_Context] = []
        self._now = start_time
        self._ready: deque[StepHandle | StepTimer] = deque()
        self._timers: list[tuple[float, int, StepTimer]] = []
        self._serial = 0
        self._stale = False
        self._running = False
        self._closed = False
        self._debug = False
        self._task_factory: _TaskFactory | None = None
        self._exception_handler: _ExceptionHandler | None = None
        self._asyncgens: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return (
            f"<{type(self).__name__} {state}, {len(self.ready)} ready, {len(self.timers)} timers, time {self._now:g}>"
        )

    # -- what the driver uses

    @property
    def ready(self) -> deque[StepHandle | StepTimer]:
        """The callbacks that may run now, oldest first. Look, do not change."""
        if self._stale:
            self._purge()
        return self._ready

    @property
    def timers(self) -> list[StepTimer]:
        """The live timers, earliest first; timers of the same time in the order they were made."""
        if self._stale:
            self._purge()
        return [timer for _, _, timer in sorted(self._timers)] if self._timers else []

    def step(self, index: int = 0) -> StepHandle | StepTimer:
        """Run the ready callback at `index` (0 is the oldest) and return its handle.

        Raises:
            IndexError: Nothing is ready at that index.
        """
        ready = self.ready
        handle = ready[index]
        del ready[index]
        handle.run()
        return handle

    def next_time(self) -> float | None:
        """Return when the earliest timer is due (loop time, seconds), or None without timers."""
        if self._stale:
            self._purge()
        return self._timers[0][0] if self._timers else None

    def advance_to(self, when: float) -> None:
        """Set the clock to `when` (seconds) and make every timer ready that is due by then.

        Raises:
            ValueError: `when` lies in the past.
        """
        if when < self._now:
            raise ValueError(f"time cannot go back from {self._now!r} to {when!r}")
        self._now = when
        timers = self._timers
        while timers and timers[0][0] <= when:
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled():
                self._ready.append(timer)

    @contextmanager
    def running(self) -> Generator[StepLoop, None, None]:
        """Be the running event loop of this thread for the time of a `with` block."""
        hooks = sys.get_asyncgen_hooks()
        if asyncio.events._get_running_loop() is not None:  # pyright: ignore[reportPrivateUsage]
            raise RuntimeError("another event loop is running in this thread")
        sys.set_asyncgen_hooks(self._asyncgens.add, self._finalize_asyncgen)
        asyncio.events._set_running_loop(self)  # pyright: ignore[reportPrivateUsage]
        self._running = True
        try:
            yield self
        finally:
            self._running = False
            asyncio.events._set_running_loop(None)  # pyright: ignore[reportPrivateUsage]
            sys.set_asyncgen_hooks(*hooks)

    # -- what asyncio uses: callbacks and time

    def call_soon(
        self,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: contextvars.Context | None = None,
    ) -> StepHandle:
        """Append a callback to `ready`."""
        self._check_open()
        handle = StepHandle(callback, args, self, context, self._owner(callback))
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: contextvars.Context | None = None,
    ) -> StepHandle:
        """Do what `call_soon` does: nobody sleeps here who would have to be woken."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: contextvars.Context | None = None,
    ) -> StepTimer:
        """Call back `delay` seconds of loop time from now."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: contextvars.Context | None = None,
    ) -> StepTimer:
        """Call back at loop time `when` (seconds): some `advance_to` makes it ready."""
        self._check_open()
        self._serial += 1
        owner = self._owner(callback)
        timer = StepTimer(when, self._serial, callback, args, self, context, owner)
        heapq.heappush(self._timers, (when, self._serial, timer))
        return timer

    def time(self) -> float:
        """Return the loop's time in seconds; it moves by `advance_to` only."""
        return self._now

    def note_cancelled(self) -> None:
        """Remember that some handle was cancelled; used by the handles."""
        self._stale = True

    # -- what asyncio uses: futures and tasks

    def create_future(self) -> asyncio.Future[Any]:
        """Return a new `asyncio.Future` of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: _CoroutineLike[_T],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        **options: Any,
    ) -> asyncio.Task[_T]:
        """Return a new `asyncio.Task`; its first step is in `ready` unless it starts eagerly.

        Args:
            coro: What the task runs.
            name: The task's name, or None for one of asyncio's.
            context: The task's context, or None for a copy of the current one.
            options: Handed on, like `eager_start` from Python 3.12 on.
        """
        self._check_open()
        made: Any
        if self._task_factory is None:
            made = asyncio.Task(coro, loop=self, name=name, context=context, **options)
        else:
            made = self._task_factory(self, coro, name=name, context=context, **options)
        task: asyncio.Task[_T] = made
        return task

    def set_task_factory(self, factory: _TaskFactory | None) -> None:
        """Let `factory(loop, coro, *, name, context)` make the tasks, or asyncio.Task if None."""
        self._task_factory = factory

    def get_task_factory(self) -> _TaskFactory | None:
        """Return the task factory, or None."""
        return self._task_factory

    # -- what asyncio uses: errors, state, end

    def call_exception_handler(self, context: _Context) -> None:
        """Note the error in `errors`, then tell the handler if one is set."""
        self.errors.append(context)
        if self._exception_handler is not None:
            self._exception_handler(self, context)

    def default_exception_handler(self, context: _Context) -> None:
        """Do nothing more: `errors` has it already."""

    def set_exception_handler(self, handler: _ExceptionHandler | None) -> None:
        """Let `handler(loop, context)` hear of errors too."""
        self._exception_handler = handler

    def get_exception_handler(self) -> _ExceptionHandler | None:
        """Return the exception handler, or None."""
        return self._exception_handler

    def get_debug(self) -> bool:
        """Return whether asyncio's debug mode is on; off by default."""
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        """Switch asyncio's debug mode."""
        self._debug = enabled

    def is_running(self) -> bool:
        """Return whether this is inside of `running()`."""
        return self._running

    def is_closed(self) -> bool:
        """Return whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Drop all callbacks and accept no more.

        Raises:
            RuntimeError: The loop is running.
        """
        if self._running:
            raise RuntimeError("cannot close a running event loop")
        self._closed = True
        self._ready.clear()
        self._timers.clear()

    async def shutdown_asyncgens(self) -> None:
        """Close the asynchronous generators that were left half-way.

        Cancellation: those that were not closed yet stay open.
        """
        for agen in list(self._asyncgens):
            self._asyncgens.discard(agen)
            await agen.aclose()

    async def shutdown_default_executor(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the name that asyncio gives it
    ) -> None:
        """Do nothing: there is no executor.

        Cancellation: never waits.
        """

    # -- what it has not: threads, sockets, processes, signals, and a way of its own to run

    run_forever = run_until_complete = stop = _unavailable
    run_in_executor = set_default_executor = getaddrinfo = getnameinfo = _unavailable
    create_connection = create_server = create_datagram_endpoint = _unavailable
    create_unix_connection = create_unix_server = connect_accepted_socket = _unavailable
    start_tls = sendfile = connect_read_pipe = connect_write_pipe = _unavailable
    subprocess_shell = subprocess_exec = add_signal_handler = remove_signal_handler = _unavailable
    add_reader = remove_reader = add_writer = remove_writer = _unavailable
    sock_recv = sock_recv_into = sock_recvfrom = sock_recvfrom_into = _unavailable
    sock_sendall = sock_sendto = sock_connect = sock_accept = sock_sendfile = _unavailable

    # -- inside

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Event loop is closed")

    def _owner(self, callback: Callable[..., object]) -> _Task | None:
        # A task's steps and wake-ups are methods of the task, also in C.
        task: Any = getattr(callback, "__self__", None)
        if isinstance(task, asyncio.Task):
            return task  # pyright: ignore[reportUnknownVariableType]
        return asyncio.current_task(self)

    def _purge(self) -> None:
        self._stale = False
        self._ready = deque(handle for handle in self._ready if not handle.cancelled())
        self._timers = [entry for entry in self._timers if not entry[2].cancelled()]
        heapq.heapify(self._timers)

    def _finalize_asyncgen(self, agen: AsyncGenerator[Any, Any]) -> None:
        self._asyncgens.discard(agen)
        if not self._closed:
            # Its first step, in `ready`, keeps the task alive.
            _ = self.create_task(_close_asyncgen(agen))


async def _close_asyncgen(agen: AsyncGenerator[Any, Any]) -> None:
    await agen.aclose()
