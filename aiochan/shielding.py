"""To go on waiting although we are cancelled, where somebody else would suffer otherwise."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

__all__ = ["shield"]


def shield() -> contextlib.AbstractContextManager[object]:
    """Keep a cancelled anyio scope from cancelling us in every turn; nothing is to be done where there is no anyio.

    Who waits again after a CancelledError does it in here. A cancellation of asyncio comes once, and goes through.
    """
    anyio: Any = sys.modules.get("anyio")  # whoever is in a scope of it has loaded it; nobody else has to
    scope: contextlib.AbstractContextManager[object]
    scope = contextlib.nullcontext() if anyio is None else anyio.CancelScope(shield=True)
    return scope
