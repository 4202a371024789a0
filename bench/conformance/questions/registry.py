"""The list of questions, and how one is put."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bench.conformance.findings import Finding, not_asked, other
from bench.conformance.library import Library
from bench.conformance.stage import Stage

Ask = Callable[[Library, Stage], Awaitable[Finding]]


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        key: for the command line.
        group: the heading in the table.
        title: the row in the table.
        asked_in: the module that asks it.
    """

    key: str
    group: str
    title: str
    ask: Ask
    asked_in: str

    def put_to(self, library: Library) -> Finding:
        """Ask one library, in an event loop of its own."""

        async def ask(stage: Stage) -> Finding:
            return await self.ask(library, stage)

        try:
            return library.stage.run(ask)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            return other(f"raises {type(error).__name__}", f"the question ended in {error!r}"[:200])


QUESTIONS: dict[str, Question] = {}


Row = tuple[str, str, dict[str, Any]]  # key, title, and what is passed on to the function
Asks = Callable[..., Awaitable[Finding]]


def question(group: str, *rows: Row) -> Callable[[Asks], Asks]:
    """Add one question for each of the rows, all asked by the same function."""

    def add(function: Asks) -> Asks:
        for key, title, details in rows:
            QUESTIONS[key] = Question(key, group, title, functools.partial(function, **details), function.__module__)
        return function

    return add


def means_of(stage: Stage, *wanted: str) -> list[str]:
    """List the ways to be cancelled that exist on a stage: by name, "native" for all of asyncio, "scope"."""
    found = []
    for name in wanted:
        if name == "native":
            found += stage.native
        elif name == "scope":
            found += ["scope"] * stage.has_scopes() + ["deadline"] * (stage.kind == "trio")
        elif name in stage.native:
            found.append(name)
    return found


def no_means(stage: Stage) -> Finding:
    """Say that nobody can be cancelled in that way here."""
    return not_asked("not installed: anyio" if stage.kind == "asyncio" else "trio cancels by scopes only")
