"""What can be seen of the core in use without doing anything: run as a script, it tells all that as JSON.

Which core that is, AIOCHAN_PURE says. Names of where things stand (`__module__`) are put right by `aiochan` itself for
the core in use only; so this needs a process for each.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import typing
import unittest.mock
from typing import Any

import aiochan as ac
from aiochan import core

CLASSES = "Chan", "SendChan", "RecvChan", "Signal", "WaitQueue"
FUNCTIONS = "never", "recv", "recv_ok", "send", "select", "select_nowait", "select_loop"
SETTINGS = "set_dice", "seed", "set_budget", "budget_left"
# How a class is made, in Python or in C, and not what can be done with it:
MAKING = {
    "__annotations__",
    "__annotate_func__",
    "__annotations_cache__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__getattribute__",
    "__init__",
    "__module__",
    "__new__",
    "__orig_bases__",
    "__parameters__",
    "__class_getitem__",
    "__slots__",
    "__static_attributes__",
    "__weakref__",
}


def surface() -> dict[str, Any]:
    seen: dict[str, Any] = {"implementation": core.IMPLEMENTATION, "names of the core": sorted(core.__all__)}
    for name in (*CLASSES, *FUNCTIONS, *SETTINGS):
        seen |= {f"{name}: {what}": value for what, value in _described(getattr(core, name)).items()}
    for name in CLASSES:
        seen |= {f"{name}: {what}": value for what, value in _class(getattr(core, name)).items()}
    seen["kinds"] = {f"{a} is a {b}": issubclass(getattr(core, a), getattr(core, b)) for a in CLASSES for b in CLASSES}
    seen |= _in_general()
    return seen


def _described(thing: Any) -> dict[str, Any]:
    return {
        "module": thing.__module__,
        "names": [thing.__name__, thing.__qualname__],
        "doc": inspect.getdoc(thing),
        "signature": _signature(thing),
        "a class": inspect.isclass(thing),
        "callable": callable(thing),
    }


def _signature(thing: Any) -> Any:
    """Names, kinds and defaults: annotations only Python has, and a `self` that can be called by name."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError) as error:
        return repr(error)
    return [
        [p.name, p.kind.name, None if p.default is p.empty else repr(p.default)] for p in parameters if p.name != "self"
    ]


def _class(kind: type[Any]) -> dict[str, Any]:
    own = sorted(name for name in _members(kind) if name.startswith("__") or not name.startswith("_"))
    described: dict[str, Any] = {"members": own}
    for name in own:
        member = inspect.getattr_static(kind, name)
        value = getattr(kind, name)
        described[f"{name}, a property"] = inspect.isdatadescriptor(member)
        if not name.startswith("__"):  # else it does what its name says
            described[f"{name}, doc"] = inspect.getdoc(value)
        if not name.startswith("__") and callable(value):
            described[f"{name}, signature"] = _signature(value)
            described[f"{name}, names"] = [value.__name__, value.__qualname__]
            described[f"{name}, a coroutine function"] = [
                inspect.iscoroutinefunction(value),
                asyncio.iscoroutinefunction(value),
            ]
            described[f"{name}, on a mock"] = type(getattr(_mocked(kind), name)).__name__
    return described


def _members(kind: type[Any]) -> set[str]:
    return set(dir(kind)) - set(dir(object)) - MAKING


def _mocked(kind: type[Any]) -> Any:
    return unittest.mock.create_autospec(kind)


def _in_general() -> dict[str, Any]:
    class Jobs(ac.Chan[int]):
        def __init__(self) -> None:
            super().__init__(3, name="jobs")
            self.colour = "blue"

    class Bell(ac.Signal):
        pass

    class Turns(core.WaitQueue[str]):
        __slots__ = ("owner",)

    jobs, bell = Jobs(), Bell("bell")
    turns: Any = Turns("turns")
    case: Any = ac.recv(bell)
    turns.owner = 3
    ch, other = ac.Chan[int](1, name="c"), ac.Chan[int](1, name="d")
    things: list[Any] = [jobs, bell, turns, ch, ch.sender, ch.receiver, ac.never()]
    return {
        "reprs": [repr(thing) for thing in things],
        "truth and length": [(bool(thing), len(thing)) for thing in things],
        "kinds of things": [[isinstance(thing, getattr(core, name)) for name in CLASSES] for thing in things],
        "subclass, colour": jobs.colour,
        "subclass, owner": turns.owner,
        "subclass, case": repr(ac.recv(jobs)),
        "subclass, view": repr(jobs.receiver),
        "subclass, signal": repr(case[1]),
        "generic": [typing.get_origin(ac.Chan[int]) is ac.Chan, repr(typing.get_args(ac.Chan[int]))],
        "generic call": type(ac.Chan[int](3)) is ac.Chan,
        "generic view": typing.get_origin(ac.RecvChan[int]) is ac.RecvChan,
        "equal": [ch.sender == ch.sender, ch.receiver == ch.receiver, ch == ch, bell == bell, turns == turns],
        "unequal": [
            ch.sender == ch.receiver,
            ch.sender == other.sender,
            ch.sender == ch,
            ch == ch.sender,
            ch == other,
            ch.sender == 3,
            bell == Bell("bell"),
        ],
        "not equal": [ch.sender != ch.sender, ch.sender != other.sender, ch != other],
        "hashes": [hash(ch.sender) == hash(ch.sender), len({ch.sender, ch.sender, ch.receiver, ch, other})],
        "weak": [_can_be_weak(thing) for thing in (*things, ch.reserve())],
        "stats": repr(ch.stats()),
        "snapshot": repr(ch._snapshot()),
        "docs of the modules": core.__doc__,
    }


def _can_be_weak(thing: Any) -> bool:
    import weakref

    try:
        return weakref.ref(thing)() is thing
    except TypeError:
        return False


if __name__ == "__main__":
    print(json.dumps(surface()))
