"""What a task waits for, in words: for reports of deadlocks and leaks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, TypeAlias

from aiochan.testing.innards import frame_of, waiter_of

__all__ = ["describe_task", "describe_tasks", "describe_wait"]

_Task: TypeAlias = "asyncio.Task[Any]"

_MACHINERY = "aiochan.", "asyncio"  # modules whose lines say nothing about the program


def describe_tasks(tasks: Iterable[_Task]) -> str:
    """Describe several tasks, one to a line, by name."""
    lines = sorted(describe_task(task) for task in tasks)
    return "".join(f"\n  {line}" for line in lines)


def describe_task(task: _Task) -> str:
    """Tell a task's name, what it waits for and in which line of the program."""
    line = _line_of(task.get_coro())
    return f"{task.get_name()}: {describe_wait(task)}" + (f", at {line}" if line else "")


def describe_wait(task: _Task) -> str:
    """Tell what a task waits for."""
    if task.done():
        return "done"
    waiter = waiter_of(task)
    if waiter is None:
        return "ready to run"
    if (wants := getattr(waiter, "waits_for", None)) is None:
        return f"waits for {waiter!r}"
    state, kind, _ = waiter._snapshot()
    if state != "parked":
        return f"was woken ({state}) and has not run yet"
    cases = [
        f"{want} on {thing!r}" if index is None else f"case {index}: {want} on {thing!r}"
        for thing, want, index in wants()
    ]
    return f"waits for {'; '.join(cases) or kind + ' of nothing'}"


def _line_of(coro: Any) -> str | None:
    """Find the innermost line of the program itself in which a coroutine is suspended."""
    line = None
    while (frame := frame_of(coro)) is not None:
        if line is None or not frame.f_globals.get("__name__", "").startswith(_MACHINERY):
            file = PurePath(frame.f_code.co_filename).name
            line = f"{file}:{frame.f_lineno} in {frame.f_code.co_name}"
        coro = _awaited(coro)
    return line


def _awaited(coro: Any) -> Any:
    for attribute in ("cr_await", "gi_yieldfrom", "ag_await"):
        if (inner := getattr(coro, attribute, None)) is not None:
            return inner
    return None
