"""What functions that take functions refuse: wrong arguments, and a context that has ended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from aiochan.context import Context

__all__ = ["check_count", "check_functions", "check_number", "refuse_ended"]


def check_functions(caller: str, fns: Sequence[object]) -> None:
    """Refuse what cannot be called, above all coroutines.

    Raises:
        TypeError: One of `fns` cannot be called.
    """
    wrong = [fn for fn in fns if not callable(fn)]
    if not wrong:
        return
    for fn in wrong:
        if asyncio.iscoroutine(fn):
            fn.close()  # nobody will await it
    raise TypeError(
        f"{caller}() takes functions, not {wrong[0]!r};"
        f" write {caller}(functools.partial(fn, arg)), not {caller}(fn(arg))"
    )


def check_count(caller: str, name: str, value: object) -> None:
    """Refuse what is no whole number from 0 up.

    Raises:
        TypeError: `value` is no int.
        ValueError: It is negative.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} of {caller}() must be a whole number, not {value!r}")
    if value < 0:
        raise ValueError(f"{name} of {caller}() must be 0 or more, not {value!r}")


def check_number(caller: str, name: str, value: object, least: float, most: float | None = None) -> None:
    """Refuse what is no number from `least` to `most`; without `most`, any finite one from `least` up.

    Raises:
        TypeError: `value` is no number.
        ValueError: It is out of range, or not a number (nan).
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} of {caller}() must be a number, not {value!r}")
    if not least <= value <= (sys.float_info.max if most is None else most):
        upwards = "up, and finite" if most is None else f"to {most:g}"
        raise ValueError(f"{name} of {caller}() must be a number from {least:g} {upwards}, not {value!r}")


def refuse_ended(ctx: Context) -> None:
    """Raise the error of a context that has ended: an instance of its own, as leaving a scope does.

    Raises:
        ContextError: It has ended.
    """
    if (ended := ctx.scope().error()) is not None:
        cause = ctx.cause()
        if cause is ctx.err():
            raise ended
        raise ended from cause
