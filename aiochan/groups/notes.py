"""What is written on an error before it is raised, and what is not.

A note is a nicety, and must never take the error's place. And an error that several are told is each time raised as it
was: with the traceback of where it happened, which must not grow, and without what this or that caller is busy with.

An exception may refuse to be written on, for example one that is a frozen dataclass.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, NoReturn

__all__ = ["add_note", "name_others", "raise_as_it_was", "set_context"]

NAMED = 5  # errors that a note names; the others are counted

_context: Final[Any] = BaseException.__dict__["__context__"]


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an error, if it takes one and has it not yet: one error may be raised again and again."""
    with contextlib.suppress(Exception):
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)


def name_others(error: BaseException, title: str, others: Sequence[BaseException]) -> None:
    """Name other errors on the one that is raised."""
    others = [other for other in others if other is not error]
    if others:
        named = ["".join(traceback.format_exception_only(each)).strip() for each in others[:NAMED]]
        more = f"; and {len(others) - NAMED} more" if len(others) > NAMED else ""
        add_note(error, f"{title}: {'; '.join(named)}{more}")


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
