"""How each type of object is described in a fingerprint.

A description is a list: what the object is, in plain data, and what it refers to. The latter is
walked, so objects may refer to each other in circles. The rules, first match wins (`describe_type`):

1. `__fingerprint__()` of the object itself.
2. What this file knows: tasks, futures, functions, cells, exceptions, ...
3. `_snapshot()`, for channels and all that is built like them.
4. Attributes, in `__dict__` and slots, and items, if Python code can see the whole state.
5. Else what its `__reduce_ex__` tells; if that refuses, so does the fingerprint.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import enum
import logging
import types
import weakref
from collections.abc import Iterable
from typing import Any, TypeAlias

from aiochan import core
from aiochan.testing.innards import (
    bound_names,
    callbacks_of,
    cancel_message_of,
    exception_of,
    handle_parts,
    insides_of,
    insides_of_c_object,
    result_of,
    type_of,
)
from aiochan.testing.structure import (
    PLAIN,
    Describe,
    Walk,
    attributes_of,
    by_reduce,
    hides_state,
    is_local,
    slots_of,
    structure,
)

__all__ = ["KNOWN", "describe_type"]

_Task: TypeAlias = "asyncio.Task[Any]"


def describe_type(kind: type[Any]) -> Describe:
    """Return the function that describes the objects of a type."""
    describe = KNOWN.get(kind)
    if describe is None:
        describe = _choose(kind)
        if not is_local(kind):  # a class of a scenario is a new one in every run
            KNOWN[kind] = describe
    return describe


def _choose(kind: type[Any]) -> Describe:
    if hasattr(kind, "__fingerprint__"):
        return _by_own_word
    for family, describe in _FAMILIES:
        if issubclass(kind, family):
            return describe
    if (kind.__module__, kind.__name__) in _TRANSPARENT or kind in _VIEWS:
        return _c_object
    if hasattr(kind, "_snapshot"):
        return _channel if hasattr(kind, "capacity") else _by_snapshot
    return by_reduce if hides_state(kind) else structure(kind)


# -- code, and how far it is

_codes: dict[int, tuple[int, int, types.CodeType]] = {}
_complete: set[tuple[int, int, int]] = set()


def _number(code: types.CodeType) -> tuple[int, int, types.CodeType]:
    """Return the number of a code object, and how many variables it has; 0 if none can be unbound."""
    found = _codes.get(id(code))
    if found is None:
        arguments = code.co_argcount + code.co_kwonlyargcount
        arguments += bool(code.co_flags & 4) + bool(code.co_flags & 8)  # *args, **kwargs
        variables = len({*code.co_varnames, *code.co_cellvars, *code.co_freevars})
        found = len(_codes), variables if code.co_nlocals > arguments else 0, code
        _codes[id(code)] = found
    return found


def _code(_: Walk, code: types.CodeType) -> list[Any]:
    return ["code", _number(code)[0]]


def _frame(walk: Walk, coro: Any, frame: types.FrameType | None) -> list[Any]:
    """Describe how far a coroutine is, its variables and its stack."""
    if frame is None:
        return ["ended"]
    code = frame.f_code
    number, variables, _ = _number(code)
    parts = insides_of(coro, code)
    direct = walk.direct
    description = [number, frame.f_lasti, *[part if type(part) in PLAIN else direct(part) for part in parts]]
    # The values alone do not say which variable is which, unless all have one; and at one place in
    # the code, the number of parts tells whether all have one.
    place = number, frame.f_lasti, len(parts)
    if variables and place not in _complete:
        names = bound_names(frame)
        if len(names) == variables:
            _complete.add(place)
        else:
            description.append(names)
    return description


def _coroutine(walk: Walk, coro: types.CoroutineType[Any, Any, Any]) -> list[Any]:
    return _frame(walk, coro, coro.cr_frame)


def _generator(walk: Walk, generator: types.GeneratorType[Any, Any, Any]) -> list[Any]:
    if generator.gi_code is _PARKING:
        return ["parking"]  # with one place to stop at; the waiter is described for itself
    return _frame(walk, generator, generator.gi_frame)


_PARKING = getattr(core.Waiter.__await__, "__code__", None)  # the compiled core has no such generator


def _async_generator(walk: Walk, generator: types.AsyncGeneratorType[Any, Any]) -> list[Any]:
    return _frame(walk, generator, generator.ag_frame)


def _function(walk: Walk, function: types.FunctionType) -> list[Any]:
    closure = function.__closure__
    return [
        _number(function.__code__)[0],
        closure and [walk.direct(cell) for cell in closure],
        function.__defaults__,
        function.__kwdefaults__,
        function.__dict__ or None,
    ]


def _builtin(walk: Walk, function: types.BuiltinFunctionType) -> list[Any]:
    owner = function.__self__
    return [function.__name__, None if isinstance(owner, types.ModuleType) else walk.direct(owner)]


def _method(walk: Walk, method: types.MethodType) -> list[Any]:
    return ["method", walk.direct(method.__func__), walk.direct(method.__self__)]


def _slot_method(walk: Walk, method: types.MethodWrapperType) -> list[Any]:
    return [method.__name__, walk.direct(method.__self__)]


def _cell(walk: Walk, cell: types.CellType) -> list[Any]:
    try:
        return ["cell", walk.direct(cell.cell_contents)]
    except ValueError:
        return ["empty cell"]


# -- who waits, and for what


def _task(walk: Walk, task: _Task) -> list[Any]:
    return ["task", walk.label(task)]


def _future(walk: Walk, future: asyncio.Future[Any]) -> list[Any]:
    state: list[Any]
    if not future.done():
        state = [(walk.direct(call), context or None) for call, context in callbacks_of(future) or ()]
    elif future.cancelled():
        state = ["cancelled", cancel_message_of(future)]
    else:
        state = [exception_of(future), result_of(future)]
    attributes = attributes_of(walk, getattr(future, "__dict__", None))
    return [type(future).__name__, future.done(), state, attributes]


def _handle(walk: Walk, handle: asyncio.Handle) -> list[Any]:
    if handle.cancelled():
        return ["cancelled handle"]
    when = handle.when() if isinstance(handle, asyncio.TimerHandle) else None
    call, arguments, context = handle_parts(handle)
    return ["handle", when, walk.direct(call), arguments, context or None]


def _loop(_: Walk, __: asyncio.AbstractEventLoop) -> list[Any]:
    return ["loop"]


def _c_object(walk: Walk, thing: Any) -> list[Any]:
    return [type(thing).__name__, *map(walk.direct, insides_of_c_object(thing))]


# -- data


def _set(walk: Walk, things: set[Any]) -> list[Any]:
    """List a set; one of tasks by label, because its own order depends on addresses."""
    if things and all(isinstance(thing, asyncio.Task) for thing in things):
        return ["set", *sorted(str(walk.label(task)) for task in things)]
    return ["set", *things]


def _deque(walk: Walk, things: collections.deque[Any]) -> list[Any]:
    kind = type_of(things)
    attributes = attributes_of(walk, getattr(things, "__dict__", None))
    return [kind.__qualname__, things.maxlen, list(things), attributes, *slots_of(things, kind)]


def _range(_: Walk, numbers: range) -> list[Any]:
    return ["range", numbers.start, numbers.stop, numbers.step]


def _range_iterator(_: Walk, iterator: Any) -> list[Any]:
    _, (numbers,), *place = iterator.__reduce__()
    return ["range iterator", numbers.start, numbers.stop, numbers.step, *place]


def _view(_: Walk, view: Iterable[Any]) -> list[Any]:
    return [type(view).__name__, list(view)]


def _context(_: Walk, context: contextvars.Context) -> list[Any]:
    values = {variable.name: value for variable, value in context.items()}
    return ["context", [(name, values[name]) for name in sorted(values)]]


def _exception(walk: Walk, error: BaseException) -> list[Any]:
    kind = type(error)
    attributes = attributes_of(walk, error.__dict__)
    return [kind.__qualname__, error.args, error.__cause__, attributes, *slots_of(error, kind)]


def _reference(walk: Walk, reference: weakref.ReferenceType[Any]) -> list[Any]:
    return ["reference", walk.direct(reference())]


def _enumeration(_: Walk, member: enum.Enum) -> list[Any]:
    return [type(member).__qualname__, member.name]


def _named(_: Walk, thing: Any) -> list[Any]:
    name = getattr(thing, "__qualname__", None) or getattr(thing, "name", None) or thing.__name__
    return [type(thing).__name__, str(name)]


def _traceback(_: Walk, __: types.TracebackType) -> list[Any]:
    return ["traceback"]


def _class(walk: Walk, kind: type[Any]) -> list[Any]:
    what = ["class", kind.__module__, kind.__qualname__]
    if not is_local(kind):
        return what
    variables = {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("__") and not isinstance(value, _PARTS_OF_A_CLASS)
    }
    return [*what, kind.__bases__, attributes_of(walk, variables)]


_PARTS_OF_A_CLASS = (
    types.FunctionType,
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    staticmethod,
    classmethod,
    property,
)


# -- objects that say it themselves


def _by_own_word(_: Walk, thing: Any) -> list[Any]:
    return [type(thing).__qualname__, thing.__fingerprint__()]


def _by_snapshot(_: Walk, thing: Any) -> list[Any]:
    return [type(thing).__qualname__, thing._snapshot()]


def _channel(walk: Walk, chan: Any) -> list[Any]:
    """Describe a channel. Of the tickets only the order counts: the numbers tell of the past."""
    snapshot = chan._snapshot()
    recvq, sendq, slotq = snapshot.recvq, snapshot.sendq, snapshot.slotq
    parts: list[Any] = [type(chan).__qualname__, chan.capacity, len(recvq), len(sendq), *snapshot[:-3]]
    for parked in recvq + sendq + slotq:
        owner = parked.owner and walk.label(parked.owner)
        parts += owner, parked.kind, parked.index, parked.value
    if sendq and slotq:
        parts += [parked.kind for parked in sorted(sendq + slotq, key=_ticket)]
    return parts


def _ticket(parked: Any) -> int:
    ticket: int = parked.ticket
    return ticket


# -- which is described how

# C objects that only stand between a task and what it waits for.
_TRANSPARENT = {
    ("_asyncio", "FutureIter"),
    ("_asyncio", "TaskStepMethWrapper"),
    ("builtins", "TaskStepMethWrapper"),
    ("builtins", "coroutine_wrapper"),
    ("builtins", "async_generator_asend"),
    ("builtins", "async_generator_athrow"),
    ("builtins", "anext_awaitable"),
}

# One-way views of a channel say of themselves nothing but whose they are; of the compiled core, in C.
_VIEWS = (core.SendChan, core.RecvChan)

_FAMILIES: tuple[tuple[type, Describe], ...] = (
    (asyncio.Task, _task),
    (asyncio.Future, _future),
    (asyncio.AbstractEventLoop, _loop),
    (asyncio.Handle, _handle),
    (BaseException, _exception),
    (type, _class),
    (enum.Enum, _enumeration),
    (logging.Logger, _named),
    (weakref.ReferenceType, _reference),
    (collections.deque, _deque),
)

_nothing: dict[Any, Any] = {}

#: How the types that were met so far are described; filled by `describe_type`.
KNOWN: dict[type[Any], Describe] = {
    type(vars(core.RecvChan)["recv"]): _named,  # of the compiled core; in the other it is a function
    types.FunctionType: _function,
    types.BuiltinFunctionType: _builtin,
    types.MethodType: _method,
    types.MethodWrapperType: _slot_method,
    types.MethodDescriptorType: _named,
    types.WrapperDescriptorType: _named,
    types.ClassMethodDescriptorType: _named,
    types.ModuleType: _named,
    types.CodeType: _code,
    types.CellType: _cell,
    types.TracebackType: _traceback,
    contextvars.Context: _context,
    contextvars.ContextVar: _named,
    set: _set,
    range: _range,
    type(iter(range(0))): _range_iterator,
    type(_nothing.keys()): _view,
    type(_nothing.values()): _view,
    type(_nothing.items()): _view,
    types.CoroutineType: _coroutine,
    types.GeneratorType: _generator,
    types.AsyncGeneratorType: _async_generator,
}
