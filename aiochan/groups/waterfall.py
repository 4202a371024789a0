"""One after the other, each with what the one before returned: `waterfall`.

It starts no task: the functions run in the task of the caller, in a scope of his context.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from aiochan.calling import call
from aiochan.context import current_context
from aiochan.groups.checks import check_functions, refuse_ended

__all__ = ["waterfall"]

T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")


@overload
async def waterfall() -> None: ...
@overload
async def waterfall(fn1: Callable[[], Awaitable[T1]], /) -> T1: ...
@overload
async def waterfall(fn1: Callable[[], Awaitable[T1]], fn2: Callable[[T1], Awaitable[T2]], /) -> T2: ...
@overload
async def waterfall(
    fn1: Callable[[], Awaitable[T1]], fn2: Callable[[T1], Awaitable[T2]], fn3: Callable[[T2], Awaitable[T3]], /
) -> T3: ...
@overload
async def waterfall(
    fn1: Callable[[], Awaitable[T1]],
    fn2: Callable[[T1], Awaitable[T2]],
    fn3: Callable[[T2], Awaitable[T3]],
    fn4: Callable[[T3], Awaitable[T4]],
    /,
) -> T4: ...
@overload
async def waterfall(
    fn1: Callable[[], Awaitable[T1]],
    fn2: Callable[[T1], Awaitable[T2]],
    fn3: Callable[[T2], Awaitable[T3]],
    fn4: Callable[[T3], Awaitable[T4]],
    fn5: Callable[[T4], Awaitable[T5]],
    /,
) -> T5: ...
@overload
async def waterfall(  # longer ones, and those of a star argument
    fn1: Callable[..., Awaitable[Any]],
    fn2: Callable[..., Awaitable[Any]],
    fn3: Callable[..., Awaitable[Any]],
    fn4: Callable[..., Awaitable[Any]],
    fn5: Callable[..., Awaitable[Any]],
    fn6: Callable[..., Awaitable[Any]],
    /,
    *fns: Callable[..., Awaitable[Any]],
) -> Any: ...
async def waterfall(*fns: Callable[..., Awaitable[Any]]) -> Any:
    """Call the functions one after the other, each with the result of the one before, and return the last result.

    An error ends it, and goes on as it is: the functions behind it are not called.

    Args:
        *fns: Functions that return something to await: the first takes no argument, each of the others one. Without
            any, the answer is None.

    Raises:
        BaseException: Whatever a function raises.
        TypeError: One of `fns` is no function, or what it returns cannot be awaited.
        ContextError: The current context has ended.

    Cancellation: goes on to the function whose turn it is.

    Follows ``Waterfall`` of the Go package hunch.
    """
    check_functions("waterfall", fns)
    ctx = current_context()
    result: tuple[Any, ...] = ()
    async with ctx.scope():
        for fn in fns:
            refuse_ended(ctx)
            result = (await call(fn, result),)
    return result[0] if result else None
