"""Schedules in words: what a step did, and where a task stands after it."""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

from aiochan.testing.innards import exception_of, handle_parts, stepped_by
from aiochan.testing.report import describe_task

__all__ = ["callback_words", "error_words", "stand_words"]

_Task: TypeAlias = "asyncio.Task[Any]"


def callback_words(handle: asyncio.Handle) -> str:
    """Say what a ready callback does: the task that it steps, or what it calls for whom."""
    task = stepped_by(handle)
    if task is not None:
        return task.get_name()
    callback = handle_parts(handle)[0]
    called = getattr(callback, "__qualname__", None) or type(callback).__name__
    owner: _Task | None = getattr(handle, "owner", None)
    called = f"{called.rpartition('<locals>.')[2]}()"
    return called if owner is None else f"{called} for {owner.get_name()}"


def stand_words(task: _Task) -> str:
    """Say where a task stands: how it ended, or what it waits for and on which line."""
    if not task.done():
        return describe_task(task)
    if task.cancelled():
        end = "is cancelled"
    else:
        error = exception_of(task)
        end = "returns" if error is None else f"fails with {error_words(error)}"
    return f"{task.get_name()}: {end}"


def error_words(error: BaseException) -> str:
    """Say an exception: its type and message, on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
