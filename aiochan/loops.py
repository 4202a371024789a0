"""Which event loop runs here, for those who have something to say where none does."""

from __future__ import annotations

import asyncio

__all__ = ["running_loop"]


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread; None where asyncio would raise a RuntimeError."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
