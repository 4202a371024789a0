"""The public names and signatures, as the lines of public_api.txt.

    python -m tests.architecture.public

writes the file anew, after a change that is meant. Parameters stand without their types, which
tests/typing nails down, so that the file reads the same on every Python and with either core.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import aiochan

FILE = Path(__file__).with_name("public_api.txt")
DUNDERS = {
    *("__aenter__", "__aexit__", "__aiter__", "__anext__", "__await__", "__bool__", "__call__"),
    *("__enter__", "__eq__", "__exit__", "__getitem__", "__iter__", "__len__"),
}


def lines() -> Iterator[str]:
    """List every public name, and every public member of the classes among them."""
    for name in sorted(aiochan.__all__):
        thing = getattr(aiochan, name)
        if inspect.isclass(thing):
            yield from _class_lines(name, thing)
        elif callable(thing):
            yield f"{name}{_signature(thing)}"
        else:
            yield f"{name}: {type(thing).__name__}"


def members(cls: type) -> Iterator[tuple[str, object]]:
    """List what a class of ours offers, inherited or not, without what every object has."""
    for name in sorted(dir(cls)):
        if name.startswith("_") and name not in DUNDERS:
            continue
        owner = next(base for base in cls.__mro__ if name in base.__dict__)
        if _ours(owner):
            yield name, owner.__dict__[name]


def _class_lines(name: str, cls: type) -> Iterator[str]:
    bases = [base.__name__ for base in cls.__bases__ if _told(base)]
    yield f"class {name}({', '.join(bases)})"
    if any("__init__" in base.__dict__ for base in cls.__mro__ if _ours(base)):
        yield f"    {name}{_signature(cls)}"
    for member, thing in members(cls):
        if member in DUNDERS:  # Python's syntax calls it, and says how
            yield f"    {name}.{member}"
        elif callable(thing) or isinstance(thing, classmethod | staticmethod):
            yield f"    {name}.{member}{_signature(getattr(cls, member))}"
        elif thing is not None:  # `__hash__ = None` and the like
            yield f"    {name}.{member}"


def _told(base: type) -> bool:
    if _ours(base):
        return base.__name__ in aiochan.__all__
    return base.__name__ not in ("object", "Generic", "Protocol")


def _ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "aiochan"


def _signature(thing: object) -> str:
    try:
        signature = inspect.signature(thing)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "(?)"
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    if bare and bare[0].name == "self":  # which C never takes by name, and nobody else does
        bare[0] = bare[0].replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))


if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")
