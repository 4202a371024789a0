"""A program to search through: what a scenario says (`Run`), and the tasks it starts.

A scenario is a plain function that is called afresh for every schedule, with a new `Run`. It makes
its objects, spawns its tasks and says what must hold:

    def two_senders(run):
        jobs, got = Chan(1), []

        async def worker():
            got.append(await jobs.recv())

        run.spawn(jobs.send, "a")
        run.spawn(jobs.send, "b", cancel=True)
        run.spawn(worker)
        run.watch(jobs)
        run.at_end(lambda: check(got))
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, Protocol, TypeAlias, TypeVar

from aiochan.testing.innards import abandon
from aiochan.testing.loop import StepLoop

__all__ = ["Interrupt", "Interruptible", "Run", "ScenarioLoop", "Spawned", "Watched"]

_T = TypeVar("_T")
_Task: TypeAlias = "asyncio.Task[Any]"


class Watched(Protocol):
    """What `Run.watch` takes: channels, locks and all that is built like them."""

    def _check(self) -> None: ...

    def _snapshot(self) -> object: ...


class Interrupt(KeyboardInterrupt):
    """The KeyboardInterrupt that the engine throws into a task, as if Ctrl-C came just then."""


class Spawned:
    """A task of a scenario.

    Attributes:
        name: What it is called in traces; unique in its run.
        task: The asyncio task, or None as long as it was not started.
        cancels_left: How many times the engine may still cancel it.
        may_swallow: Whether it may end normally although it was cancelled.
    """

    __slots__ = ("_args", "_fn", "cancels_left", "judged", "may_swallow", "name", "task")

    def __init__(
        self, name: str, fn: Callable[..., Coroutine[Any, Any, Any]], args: tuple[Any, ...], cancels: int, swallow: bool
    ) -> None:
        self.name = name
        self.task: _Task | None = None
        self.cancels_left = cancels
        self.may_swallow = swallow
        self.judged = False
        self._fn = fn
        self._args = args

    def start(self, loop: ScenarioLoop) -> None:
        """Make the task."""
        self.task = loop.create_task(self._fn(*self._args), name=self.name, label=self.name)

    def cancel(self) -> None:
        """Cancel the task, and count it."""
        self.cancels_left -= 1
        if self.task is not None:
            self.task.cancel()

    @property
    def cancellable(self) -> bool:
        """Whether the engine may cancel it now."""
        return self.cancels_left > 0 and self.task is not None and not self.task.done()

    def __fingerprint__(self) -> object:
        return self.name  # the engine looks at the rest itself

    def program(self) -> tuple[Any, ...]:
        """Return what it runs: a function and its arguments."""
        return self._fn, *self._args


class Run:
    """One execution of a scenario, as the scenario sees it."""

    def __init__(self, loop: ScenarioLoop) -> None:
        self._loop = loop
        self._names: set[str] = set()
        self.spawned: list[Spawned] = []
        self.watched: list[Watched] = []
        self.rules: list[Callable[[], object]] = []
        self.endings: list[Callable[[], object]] = []
        self.extras: list[Callable[[], object]] = []

    def spawn(
        self,
        fn: Callable[..., Coroutine[Any, Any, Any]],
        *args: Any,
        name: str | None = None,
        cancel: bool | int = False,
        may_swallow: bool = False,
    ) -> Spawned:
        """Have a task that runs `fn(*args)`; when it starts is for the search to choose.

        Args:
            fn: A function that returns a coroutine, mostly an `async def`.
            *args: What it is called with.
            name: What the task is called in traces; by default the name of the function, with a
                number if that is taken.
            cancel: Whether the search may cancel the task, at any moment after its start; a number
                allows it that many times.
            may_swallow: Whether the task may end normally after it was cancelled. By default that
                is a failure.

        Raises:
            ValueError: The name is taken.
        """
        if name is None:
            name = base = str(getattr(fn, "__name__", type(fn).__name__))
            number = 2
            while name in self._names:
                name, number = f"{base}{number}", number + 1
        elif name in self._names:
            raise ValueError(f"there is a task named {name!r} already")
        self._names.add(name)
        spawned = Spawned(name, fn, args, int(cancel), may_swallow)
        self.spawned.append(spawned)
        if self._loop.start_at_once:
            spawned.start(self._loop)
        return spawned

    def watch(self, *things: Watched) -> None:
        """Call `_check()` of these after every step, and let their `_snapshot()` be part of the state."""
        self.watched += things

    def always(self, fn: Callable[[], object]) -> None:
        """Call `fn` after every step; it asserts what must hold at any moment."""
        self.rules.append(fn)

    def at_end(self, fn: Callable[[], object]) -> None:
        """Call `fn` when nothing can happen any more; it asserts how things must have come out.

        Tasks that wait for ever are no failure in themselves; see `tasks`, and `must_finish`.
        """
        self.endings.append(fn)

    def state(self, fn: Callable[[], object]) -> None:
        """Let what `fn` returns be part of the state: for what the search cannot see (globals)."""
        self.extras.append(fn)

    def __fingerprint__(self) -> object:
        return None  # the engine looks at all of it itself

    @property
    def tasks(self) -> dict[str, _Task]:
        """The tasks that were started, by name."""
        return {spawned.name: spawned.task for spawned in self.spawned if spawned.task is not None}

    @property
    def loop(self) -> ScenarioLoop:
        """The event loop of this execution."""
        return self._loop


class ScenarioLoop(StepLoop):
    """The loop of one execution: knows all tasks, by labels that do not depend on the schedule.

    Args:
        start_at_once: Whether a spawned task is started by `Run.spawn` already.
        interrupts: Whether tasks may get an `Interrupt`.
    """

    def __init__(self, *, start_at_once: bool, interrupts: bool) -> None:
        super().__init__()
        self.start_at_once = start_at_once
        self.labels: dict[_Task, str] = {}
        self.contexts: dict[_Task, contextvars.Context] = {}
        self._gate = _Gate() if interrupts else None
        self._children: dict[str, int] = {}
        self._coming: list[str] = []  # eager tasks run before we know them
        self._over = False

    def create_task(
        self,
        coro: Generator[Any, None, _T] | Coroutine[Any, Any, _T],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        label: str | None = None,
        **options: Any,
    ) -> asyncio.Task[_T]:
        """Make a task. Its label, which is also its name by default, says whose child it is: `p/2`."""
        if label is None:
            label = self._label_child()
        if context is None:
            context = contextvars.copy_context()
        running: Any = coro if self._gate is None else Interruptible(coro, self._gate)
        self._coming.append(label)
        try:
            task: asyncio.Task[_T] = super().create_task(running, name=name or label, context=context, **options)
        finally:
            self._coming.pop()
        self.labels[task] = label
        self.contexts[task] = context
        return task

    def abandon(self) -> None:
        """End all tasks, wherever they are."""
        self._over = True
        ended = 0
        while ended < len(self.labels):  # a task may start another one on its way out
            for task in list(self.labels)[ended:]:
                ended += 1
                abandon(task)

    def forget(self) -> None:
        """Let go of all tasks, which refer to the loop in turn."""
        self.labels.clear()
        self.contexts.clear()

    def step_interrupted(self, place: int) -> None:
        """Let a ready step of a task begin with an `Interrupt`."""
        assert self._gate is not None, "only with interrupts=True"
        self._gate.armed = True
        try:
            self.step(place)
        finally:
            self._gate.armed = False

    def _finalize_asyncgen(self, agen: AsyncGenerator[Any, Any]) -> None:
        if not self._over:
            super()._finalize_asyncgen(agen)

    def _label_child(self) -> str:
        parent = asyncio.current_task(self)
        base = "" if parent is None else self.labels.get(parent) or self._coming[-1]
        number = self._children[base] = self._children.get(base, 0) + 1
        return f"{base}/{number}"


# -- interrupts


class _Gate:
    """Says whether the next step of a task is to be an interrupt."""

    __slots__ = ("armed",)

    def __init__(self) -> None:
        self.armed = False


class Interruptible(Coroutine[Any, Any, Any]):
    """Steps a coroutine for a task, but throws an `Interrupt` into it where the gate says so.

    That is where Ctrl-C hurts most: the task was woken, so something was handed to it, and it never
    gets to see it.

    Attributes:
        inner: The coroutine.
    """

    __slots__ = ("_gate", "inner")

    def __init__(self, inner: Any, gate: _Gate) -> None:
        self.inner = inner
        self._gate = gate

    def send(self, value: Any, /) -> Any:
        """Step it."""
        if self._gate.armed:
            return self.throw(None)
        return self.inner.send(value)

    def throw(self, error: Any, /, *_: Any) -> Any:
        """Step it with an error, or with an interrupt in its place."""
        if self._gate.armed:
            self._gate.armed = False
            error = Interrupt()
        return self.inner.throw(error)

    def close(self) -> None:
        """End it."""
        self.inner.close()

    @property
    def cr_frame(self) -> Any:
        """The frame of the coroutine, for those who look where a task stands."""
        return self.inner.cr_frame

    @property
    def cr_await(self) -> Any:
        """What the coroutine awaits."""
        return self.inner.cr_await

    def __await__(self) -> Generator[Any, Any, Any]:
        """Refuse: only a task may run it."""
        raise TypeError("only a task can run this")
