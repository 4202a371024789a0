"""Objects that were never made properly: `__new__` without `__init__`. They may refuse, or be as if made with nothing.

What counts is that neither core does worse: in the compiled one everything that `__init__` sets is missing then.
"""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import aiochan as ac
from tests.cores.both import PYTHON, SPEEDUPS, Core, stage

CORES = [core for core in (PYTHON, SPEEDUPS) if core is not None]
KINDS = "Chan", "SendChan", "RecvChan", "Signal", "WaitQueue"
PROPERTIES = "capacity", "closed", "name", "sender", "receiver", "first"
CALLS = "stats", "recv_nowait", "close", "reserve", "wake", "wake_all", "_check", "_snapshot", "__enter__", "__aiter__"
OPERATIONS = "recv", "recv_ok", "wait", "park", "__anext__"
REFUSED = AttributeError, TypeError, ValueError, ac.AiochanError, StopAsyncIteration


def _begun(operation: Any) -> str:
    try:
        operation.send(None)
    except StopIteration:
        return "answered"
    finally:
        operation.close()
    return "slept"


USES: dict[str, Callable[[Core, Any], object]] = {
    **{name: lambda core, thing, name=name: getattr(thing, name) for name in PROPERTIES},  # type: ignore[misc]
    **{name: lambda core, thing, name=name: getattr(thing, name)() for name in CALLS},  # type: ignore[misc]
    **{name: lambda core, thing, name=name: _begun(getattr(thing, name)()) for name in OPERATIONS},  # type: ignore[misc]
    "send": lambda core, thing: _begun(thing.send(1)),
    "send_nowait": lambda core, thing: thing.send_nowait(1),
    "len": lambda core, thing: len(thing),
    "bool": lambda core, thing: bool(thing),
    "repr": lambda core, thing: repr(thing),
    "hash": lambda core, thing: hash(thing),
    "equal": lambda core, thing: (thing == thing, thing == 3, thing == core.Chan()),
    "list": lambda core, thing: list(thing),
    "copy": lambda core, thing: copy.copy(thing),
    "weak": lambda core, thing: weakref.ref(thing),
    "view": lambda core, thing: core.RecvChan(thing).recv_nowait(),
    "other view": lambda core, thing: core.SendChan(thing).send_nowait(1),
    "select": lambda core, thing: _begun(core.select(core.recv(thing), core.recv_ok(thing))),
    "select, sending": lambda core, thing: _begun(core.select(core.send(thing, 1))),
    "select_nowait": lambda core, thing: core.select_nowait(core.recv(thing)),
    "select_loop": lambda core, thing: _begun(core.select_loop(core.recv(thing)).__anext__()),
    "collect": lambda core, thing: gc.collect(),
}


@pytest.mark.parametrize("core", CORES, ids=lambda core: core.label)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_an_unmade_object_answers_or_refuses(core: Core, kind: str, use: Callable[[Core, Any], object]) -> None:
    class Heir(getattr(core, kind)):  # type: ignore[misc]
        def __init__(self) -> None:
            pass

    bare = getattr(core, kind)
    for make in (Heir, lambda: bare.__new__(bare)):
        with stage(core), suppress(*REFUSED):
            use(core, make())
