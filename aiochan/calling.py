"""Functions that people hand over to be called and awaited later: what is refused, and what they are called."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from types import CoroutineType
from typing import Any, TypeVar, TypeVarTuple

__all__ = ["as_coroutine", "call", "check_callable", "name_of"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def call(fn: Callable[[*Ts], Awaitable[T]], args: tuple[*Ts]) -> Coroutine[Any, Any, T]:
    """Call ``fn(*args)``, and make a coroutine of what it returns.

    Raises:
        TypeError: `fn` cannot be called, or what it returned cannot be awaited.

    Cancellation: goes on to what `fn` returned.
    """
    try:
        made: Any = fn(*args)
    except TypeError:
        check_callable(fn)
        raise
    return as_coroutine(fn, made)


def as_coroutine(fn: object, made: Any) -> Coroutine[Any, Any, Any]:
    """Make a coroutine of what `fn` has returned.

    Raises:
        TypeError: It cannot be awaited.

    Cancellation: goes on to what `fn` returned.
    """
    coro: Coroutine[Any, Any, Any] = made
    if type(made) is CoroutineType or isinstance(made, Coroutine):
        return coro
    if not inspect.isawaitable(made):
        raise TypeError(f"{fn!r} must return an awaitable, not {made!r}; pass a coroutine function and its arguments")
    return _await(made)


def check_callable(fn: object) -> None:
    """Refuse what cannot be called, above all a coroutine.

    Raises:
        TypeError: It cannot be called.
    """
    if callable(fn):
        return
    if asyncio.iscoroutine(fn):
        fn.close()
    raise TypeError(f"a function is needed, not {fn!r}; write go(fn, arg), not go(fn(arg))")


def name_of(fn: object) -> str:
    """Return what tasks of `fn` are called."""
    name: str | None = getattr(fn, "__name__", None)
    if name is None:
        return name_of(fn.func) if isinstance(fn, functools.partial) else type(fn).__name__
    return name


async def _await(made: Awaitable[T]) -> T:
    return await made
