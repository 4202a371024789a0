"""The floor to build on: parking, passing, choosing. No clock, no context, no tasks of its own.

    errors          what can go wrong
    hooks           the null observer
    runqueue        woken tasks, and how many operations they may do before the loop gets its turn
    waiters         who sleeps, who may wake it, what a late cancellation does; WaitQueue
    hchan, chan     the channel: the algorithm and its invariants; the face that people see. ends: its one-way views
    reservation, signal, stats
    cases, select   the cases of a select, and its three passes; typed_select is its typed face

Our own locks and groups use nothing that is not named here, so whatever they can do, you can do.

The core exists in Python and may exist in C, with the same names and the same meaning. The compiled one is used where
it is there, unless the environment says ``AIOCHAN_PURE=1``. `IMPLEMENTATION` says which one it is: "python" or "c".
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from aiochan.core import hooks
from aiochan.core.cases import Case, recv, recv_ok, send
from aiochan.core.chan import Chan
from aiochan.core.ends import CommaOk, RecvChan, SendChan
from aiochan.core.reservation import Reservation
from aiochan.core.runqueue import budget_left, set_budget
from aiochan.core.select import seed, set_dice
from aiochan.core.signal import Signal, never
from aiochan.core.stats import Snapshot, Stats
from aiochan.core.typed_select import select, select_loop, select_nowait
from aiochan.core.waiters import Parked, Waiter, WaitQueue

__all__ = [
    "IMPLEMENTATION",
    "Case",
    "Chan",
    "CommaOk",
    "Parked",
    "RecvChan",
    "Reservation",
    "SendChan",
    "Signal",
    "Snapshot",
    "Stats",
    "WaitQueue",
    "Waiter",
    "budget_left",
    "hooks",
    "never",
    "recv",
    "recv_ok",
    "seed",
    "select",
    "select_loop",
    "select_nowait",
    "send",
    "set_budget",
    "set_dice",
]

IMPLEMENTATION = "python"


def _compiled() -> ModuleType | None:
    """Find the compiled core, if there is one and nobody asked for the other."""
    if os.environ.get("AIOCHAN_PURE", "0") not in ("", "0"):
        return None
    try:
        return importlib.import_module("aiochan.core._speedups")
    except ModuleNotFoundError as error:
        if error.name != "aiochan.core._speedups":
            raise  # it is there, and misses something
        return None


if (_speedups := _compiled()) is not None:
    globals().update({name: getattr(_speedups, name) for name in __all__ if hasattr(_speedups, name)})
    globals()["IMPLEMENTATION"] = "c"
