"""Objects that are the sum of their parts: attributes, slots, items, and what C types tell of theirs."""

from __future__ import annotations

import asyncio
import collections
import types
import warnings
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from aiochan.testing.innards import type_of

__all__ = [
    "PLAIN",
    "Describe",
    "Walk",
    "attributes_of",
    "by_reduce",
    "hides_state",
    "is_local",
    "slots_of",
    "structure",
]


class Walk(Protocol):
    """What the descriptions ask of the traversal."""

    def label(self, task: asyncio.Task[Any], /) -> object:
        """Return what a task is called."""
        ...

    def direct(self, thing: Any, /) -> Any:
        """Return plain data as it is, and a description for all else: what will be walked anyway."""
        ...


#: Describes an object of some type.
Describe: TypeAlias = Callable[[Walk, Any], list[Any]]

#: What pickle writes itself, together with what is in it.
PLAIN = frozenset({type(None), bool, int, float, str, bytes, bytearray, list, tuple, dict, frozenset})

# Types that also make a plain copy of what is in their subclasses; an ordered dict is copied as a dict.
_CONTAINERS: tuple[Any, ...] = (dict, list, tuple, set, frozenset, str, int, float, bytes)

_POINTER = object.__basicsize__ // 2  # an empty object is a reference count and a type
_UNSET = NotImplemented  # what an empty slot holds; nobody keeps this in a variable
_REFUSED = (
    "cannot tell what state {} is in: give its type a __fingerprint__ method that returns whatever"
    " decides about its future, or search with prune=False"
)


def structure(kind: type[Any]) -> Describe:
    """Make the description of a type whose whole state Python code can see."""
    what = [kind.__module__, kind.__qualname__, kind if is_local(kind) else None]
    content = next((base for base in _CONTAINERS if issubclass(kind, base)), None)

    def describe(walk: Walk, thing: Any) -> list[Any]:
        attributes = attributes_of(walk, getattr(thing, "__dict__", None))
        return [*what, attributes, content and content(thing), *slots_of(thing, kind)]

    return describe


def attributes_of(walk: Walk, attributes: dict[str, Any] | None) -> list[Any] | None:
    """Describe the `__dict__` of an object; None if it has none, or an empty one."""
    if not attributes:
        return None
    direct = walk.direct
    return [item for name, value in attributes.items() for item in (name, direct(value))]


def slots_of(thing: object, kind: type[Any]) -> list[Any]:
    """List what is in the slots of an object of a type."""
    values: list[Any] = []
    for slot in _members(kind):
        try:
            values.append(slot.__get__(thing, kind))
        except AttributeError:
            values.append(_UNSET)
    return values


def _members(kind: type[Any]) -> list[types.MemberDescriptorType]:
    found = _slot_lists.get(kind)
    if found is None:
        found = [
            slot
            for ancestor in kind.__mro__
            if "__slots__" in vars(ancestor)
            for slot in vars(ancestor).values()
            if isinstance(slot, types.MemberDescriptorType)
        ]
        _slot_lists[kind] = found
    return found


_slot_lists: weakref.WeakKeyDictionary[type[Any], list[types.MemberDescriptorType]]
_slot_lists = weakref.WeakKeyDictionary()


def hides_state(kind: type[Any]) -> bool:
    """Tell whether objects of a type are larger than what can be seen of them."""
    bases = collections.OrderedDict, *_CONTAINERS, object
    visible: int = next(base for base in bases if issubclass(kind, base)).__basicsize__
    visible += _POINTER * len(_members(kind))
    managed_dict, managed_references = kind.__flags__ & (1 << 4), kind.__flags__ & (1 << 3)
    visible += _POINTER * (kind.__dictoffset__ != 0 and not managed_dict)
    visible += _POINTER * (kind.__weakrefoffset__ != 0 and not managed_references)
    return kind.__basicsize__ > visible


def by_reduce(_: Walk, thing: Any) -> list[Any]:
    """Describe an object of C by what it tells `pickle`: a name, or the parts to make it anew."""
    kind = type_of(thing)
    try:
        if kind.__module__ == "itertools":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on
                told = thing.__reduce_ex__(4)
        else:
            told = thing.__reduce_ex__(4)
    except TypeError as error:
        raise TypeError(_REFUSED.format(object.__repr__(thing))) from error
    if isinstance(told, str):
        return [kind.__qualname__, told]
    # The function that would make it, which comes first, says nothing that its type does not say.
    parts = [list(part) if index > 1 and part else part for index, part in enumerate(told[1:])]
    return [kind.__qualname__, parts, *slots_of(thing, kind)]


def is_local(kind: type) -> bool:
    """Tell whether a class was made by a function, so that the next call makes another one."""
    return "<locals>" in kind.__qualname__
