"""What is written on an error before it is raised.

A note is a nicety, and must never take the error's place: an exception may refuse to be written on, for example one
that is a frozen dataclass.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Sequence

__all__ = ["add_note", "name_others"]

NAMED = 5  # errors that a note names; the others are counted


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
