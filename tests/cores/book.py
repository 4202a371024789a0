"""The book of one history: a page for every step, with everything that could be seen after it."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any, TypeAlias

from aiochan import core
from aiochan.testing.loop import StepLoop
from tests.cores.both import Core
from tests.cores.words import (
    channel_words,
    end_words,
    error_words,
    handle_words,
    queue_words,
    task_words,
    waiter_words,
    words,
)

Page: TypeAlias = dict[str, Any]

speaker: ContextVar[str] = ContextVar("speaker", default="nobody")  # who runs, as far as his context knows


class Book(core.hooks.Observer):
    """Writes down what is answered, what the observer hears, how the dice are thrown; and how all looks then."""

    def __init__(self, used: Core, loop: StepLoop) -> None:
        self._core = used
        self._loop = loop
        self._heard: list[tuple[Any, ...]] = []
        self._open: dict[asyncio.Task[Any], None] = {}  # tasks that have not ended
        self.pages: list[Page] = []

    # -- what happens

    def note(self, *what: Any) -> None:
        self._heard.append((*what, speaker.get()))

    def raised(self, who: str, what: object, error: BaseException) -> None:
        self.note(who, what, "raised", error_words(error))

    def parked(self, waiter: core.Waiter) -> None:
        self.note("parked", waiter_words(waiter))

    def woken(self, waiter: core.Waiter) -> None:
        self.note("woken", waiter_words(waiter))

    def left(self, waiter: core.Waiter) -> None:
        self.note("left", waiter_words(waiter))

    def closed(self, channel: object) -> None:
        self.note("closed", words(channel))

    def opens(self, task: asyncio.Task[Any]) -> None:
        """A task was made; its end will be noted."""
        self._open[task] = None

    def forgets(self, task: asyncio.Task[Any]) -> None:
        """A task was killed, and has no end."""
        del self._open[task]

    def live(self) -> list[asyncio.Task[Any]]:
        return [task for task in self._open if not task.done()]

    # -- how it looks

    def page(self, step: object, things: list[Any], queue: Any, cranks: list[Any]) -> None:
        """Write a page."""
        loop = self._loop
        ended = [task for task in self._open if task.done()]
        for task in ended:
            del self._open[task]
        page: Page = {"step": step, "what happened": tuple(self._heard)}
        for thing in things:
            page |= {f"{thing.name}: {what}": seen for what, seen in channel_words(thing).items()}
        page |= {f"queue: {what}": seen for what, seen in queue_words(queue).items()}
        page["ended"] = tuple(map(end_words, ended))
        page["tasks"] = tuple(map(task_words, self._open))
        page["by hand"] = tuple((crank.woken, crank.done, crank.suspended_at is not None) for crank in cranks)
        page["ready"] = tuple(map(handle_words, loop.ready))
        page["timers"] = tuple((timer.when(), handle_words(timer)) for timer in loop.timers)
        page["budget"] = self._core.budget_left()
        page["the loop was told"] = tuple((told["message"], error_words(told.get("exception"))) for told in loop.errors)
        loop.errors.clear()
        self._heard.clear()
        self.pages.append(page)
