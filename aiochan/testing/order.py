"""Numbered steps: a test says in which order things happen, instead of sleeping and hoping.

    with Order() as order:
        async def reader() -> None:
            order.expect(1)
            await ch.recv()
            order.finish(3)
        ...
        order.expect(2)

The idea is that of `expect(1) ... finish(7)` in the tests of kotlinx.coroutines: numbers stand next
to the lines they belong to, in program order on paper and in real order at run time, and the first
one out of place fails the test.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import PurePath
from typing import NamedTuple, NoReturn, TypeVar

__all__ = ["Order"]

_E = TypeVar("_E", bound=AssertionError)


class _Step(NamedTuple):
    """One step that was taken, and who took it."""

    number: int
    who: str

    def __str__(self) -> str:
        return f"{self.number} ({self.who})"


class Order:
    """Check that numbered steps are taken in order, each exactly once.

    As a context manager it also checks on leaving that `finish` was reached, and raises a failure
    again that happened inside a task nobody asked for its result. It does neither when the block is
    left by another exception.
    """

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._finished = False
        self._failure: AssertionError | None = None

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps taken so far."""
        return tuple(step.number for step in self._steps)

    @property
    def finished(self) -> bool:
        """Whether the last step was taken."""
        return self._finished

    def expect(self, step: int) -> None:
        """Take step number `step`.

        Raises:
            AssertionError: It is not the next one, or `finish` was already reached.
        """
        self._take(step, "expect")

    def finish(self, step: int) -> None:
        """Take step number `step`, the last one.

        Raises:
            AssertionError: It is not the next one, or `finish` was already reached.
        """
        self._take(step, "finish")
        self._finished = True

    def never(self, why: str = "this line must not be reached") -> NoReturn:
        """Fail: the program came to a place it must not come to.

        Raises:
            AssertionError: Always.
        """
        raise self._failed(AssertionError(f"{why} (reached by {_who(2)}); {self._so_far()}"))

    def __enter__(self) -> Order:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: object, traceback: object) -> None:
        if kind is not None:
            return
        if self._failure is not None:
            raise self._failure
        if not self._finished:
            raise AssertionError(f"finish({len(self._steps) + 1}) was not reached; {self._so_far()}")

    async def __aenter__(self) -> Order:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: object, traceback: object) -> None:
        self.__exit__(kind, exc, traceback)

    def __repr__(self) -> str:
        state = "finished" if self._finished else "open"
        return f"<Order {state}, {self._so_far()}>"

    def _take(self, step: int, how: str) -> None:
        due, who = len(self._steps) + 1, _who(3)
        if self._finished:
            raise self._failed(AssertionError(f"{how}({step}) by {who} after finish({due - 1}); {self._so_far()}"))
        if step != due:
            raise self._failed(AssertionError(f"expected step {due}, got {how}({step}) by {who}; {self._so_far()}"))
        self._steps.append(_Step(step, who))

    def _failed(self, error: _E) -> _E:
        """Remember the first failure: raised inside a task, it might be seen by nobody."""
        if self._failure is None:
            self._failure = error
        return error

    def _so_far(self) -> str:
        return "steps so far: " + (", ".join(map(str, self._steps)) or "none")


def _who(depth: int) -> str:
    """Name the task and the line of the caller `depth` frames up."""
    frame = sys._getframe(depth)  # pyright: ignore[reportPrivateUsage]
    place = f"{PurePath(frame.f_code.co_filename).name}:{frame.f_lineno}"
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop is running
        task = None
    return place if task is None else f"{task.get_name()}, {place}"
