"""Errors that several are told: each time raised as it was.

That is with the traceback of where it happened, which must not grow, and without what this or that caller is busy with.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, NoReturn

__all__ = ["raise_as_it_was", "set_context"]

_context: Final[Any] = BaseException.__dict__["__context__"]


def set_context(error: BaseException, context: BaseException | None) -> None:
    """Write what an error came of, also where the class of the error refuses to be written on."""
    _context.__set__(error, context)


def raise_as_it_was(error: BaseException, trace: TracebackType | None) -> NoReturn:
    """Raise an error that others are told, too.

    Args:
        error: The error; it keeps its ``__context__``.
        trace: Its traceback at the time when it was caught.
    """
    context = error.__context__
    try:
        raise error.with_traceback(trace)
    finally:
        set_context(error, context)
        del error, trace, context  # the traceback leads here
