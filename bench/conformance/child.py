"""Ask one library all questions and print the answers: python -m bench.conformance.child LIBRARY [QUESTION ...]."""

from __future__ import annotations

import contextlib
import json
import platform
import signal
import sys
from collections.abc import Iterator
from typing import Any

from bench.conformance.findings import Finding, other
from bench.conformance.libraries import LIBRARIES
from bench.conformance.library import Library, Missing
from bench.conformance.questions import QUESTIONS

SECONDS = 120  # far more than any question takes


class TooLong(BaseException):
    """The question hangs."""


@contextlib.contextmanager
def limit_of(seconds: int) -> Iterator[None]:
    """Give up on a library that hangs, where the system can interrupt."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def too_long(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def ask(name: str, keys: list[str]) -> dict[str, Any]:
    """Ask the library of this name."""
    about = {"library": name, "title": LIBRARIES[name].title, "python": platform.python_version()}
    try:
        library = LIBRARIES[name]()
        about["version"] = library.version
    except Missing as error:
        return {**about, "missing": str(error)}
    about["waits_for_several_by"] = library.select_is
    answers = {key: put(key, library).as_data() for key in keys or QUESTIONS}
    return {**about, "answers": answers}


def put(key: str, library: Library) -> Finding:
    """Ask one question, but not for ever."""
    try:
        with limit_of(SECONDS):
            return QUESTIONS[key].put_to(library)
    except TooLong:
        return other("hangs", f"no answer within {SECONDS} s")


if __name__ == "__main__":
    json.dump(ask(sys.argv[1], sys.argv[2:]), sys.stdout)
