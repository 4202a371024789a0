"""Both cores in one process, under the same names.

The Python core can always be imported, the compiled one where it is built; which of them `aiochan.core` has chosen does
not matter here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytest

from aiochan.testing.loop import StepLoop

HOMES = {
    "chan": ("Chan",),
    "ends": ("SendChan", "RecvChan"),
    "signal": ("Signal", "never"),
    "waiters": ("WaitQueue", "Waiter"),
    "cases": ("recv", "recv_ok", "send"),
    "typed_select": ("select", "select_nowait", "select_loop"),
    "select": ("set_dice", "seed"),
    "runqueue": ("set_budget", "budget_left"),
}
NAMES = tuple(name for names in HOMES.values() for name in names)
COMPILED = "aiochan.core._speedups"


@dataclass(frozen=True)
class Core:
    """The names of one core.

    Attributes:
        label: What reports call it.
        around: Entered for as long as a history is recorded; a place to plant faults.
    """

    label: str
    names: dict[str, Any]
    around: Callable[[], AbstractContextManager[object]] = nullcontext

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["names"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        return f"the {self.label} core"


@contextmanager
def stage(core: Core) -> Iterator[StepLoop]:
    """A running loop, on which nobody ever has to go round because of what was done before."""
    with StepLoop().running() as loop:
        old = core.set_budget(0, 0)
        try:
            yield loop
        finally:
            core.set_budget(*old)


def _python() -> Core:
    modules = {home: importlib.import_module(f"aiochan.core.{home}") for home in HOMES}
    return Core("Python", {name: getattr(modules[home], name) for home, names in HOMES.items() for name in names})


def _compiled() -> Core | None:
    try:
        module = importlib.import_module(COMPILED)
    except ModuleNotFoundError as error:
        if error.name != COMPILED:
            raise  # it is there, and misses something
        return None
    return Core("compiled", {name: getattr(module, name) for name in NAMES})


PYTHON = _python()
SPEEDUPS = _compiled()
needs_both = pytest.mark.skipif(SPEEDUPS is None, reason="the compiled core is not built here: nothing to compare with")


def compiled() -> Core:
    """Return the compiled core, in a test that is skipped without it."""
    assert SPEEDUPS is not None
    return SPEEDUPS
