"""The reference pages, made from the docstrings.

    python -m tests.docs.reference

writes them anew after a docstring has changed; test_reference.py says when that was forgotten.
"""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.architecture.public import members
from tests.docs.pages import ROOT

FOLDER = ROOT / "docs" / "reference"
WIDTH = 120


@dataclass(frozen=True)
class Group:
    """Names that stand under one heading."""

    title: str
    module: str  # where they are imported from
    names: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    """One page."""

    file: str
    intro: str
    groups: tuple[Group, ...]


CORE = Reference(
    "core.md",
    """\
# Reference: errors and core

Made from the docstrings by `python -m tests.docs.reference`; change those, not this page. The names of the first four
groups are imported as `import aiochan as ac`, those of the last two from `aiochan.core`. How things are meant to be
used is in the [guide](../guide/core.md).
""",
    (
        Group("Channels", "aiochan", ("Chan", "SendChan", "RecvChan", "Reservation", "Stats")),
        Group("Signals, and channels that never are ready", "aiochan", ("Signal", "never")),
        Group("Select", "aiochan", ("select", "select_nowait", "select_loop", "recv", "recv_ok", "send", "Case")),
        Group(
            "Errors",
            "aiochan",
            (
                *("AiochanError", "ChannelClosed", "WouldBlock", "ContextError", "Canceled", "DeadlineExceeded"),
                *("BrokenBarrier", "MisuseError", "NotHeld", "WrongLoop"),
            ),
        ),
        Group(
            "To build on",
            "aiochan.core",
            ("WaitQueue", "Waiter", "set_budget", "budget_left", "set_dice", "seed", "CommaOk", "IMPLEMENTATION"),
        ),
        Group("To look inside", "aiochan.core", ("Snapshot", "Parked", "hooks")),
    ),
)

PAGES = (CORE,)

# What has no docstring of its own, because Python's own syntax says what it is.
SYNTAX = {
    "__aiter__": "`async for` receives until the channel is closed and drained; a close with a cause ends it by raising"
    " `ChannelClosed`.",
    "__enter__": "`with` closes on leaving, if it is still open; an exception that leaves the block is the cause.",
    "__aenter__": "`async with` does what `with` does, and waits for nothing.",
    "__len__": "`len()` counts the values that nobody was promised.",
    "__bool__": "`bool()` is always True.",
    "__eq__": "`==`: two views of the same end of one channel are equal, and hash alike.",
}
OTHER_SYNTAX = {
    "Stats": {"__eq__": "`==` compares all the counts."},
    "Signal": {
        "__aiter__": "`async for` ends once it is closed, and gives nothing.",
        "__len__": "`len()` is always 0.",
    },
    "WaitQueue": {
        "__len__": "`len()` counts the tasks that sleep here.",
        "__iter__": "`iter()` gives the tags of the tasks that sleep here, the longest waiting first.",
    },
}
# Classes that nobody makes, and where they come from.
COMES_FROM = {
    "SendChan": "`ch.sender`; every `Chan` is one too.",
    "RecvChan": "`ch.receiver` and `never()`; every `Chan` and every `Signal` is one too.",
    "Reservation": "`ch.reserve()`.",
    "Stats": "`ch.stats()`.",
    "Case": "`recv`, `recv_ok` and `send`.",
    "Waiter": "a task that goes to sleep; an observer is told of it.",
    "Snapshot": "`ch._snapshot()`.",
    "Parked": "the lines of a `Snapshot`.",
}
VALUES = {
    "IMPLEMENTATION": 'Which core is in use: `"python"` or `"c"`.',
    "CommaOk": "The type of what `recv_ok` answers: `tuple[T, Literal[True]] | tuple[None, Literal[False]]`.",
}
# What stands on a class for asyncio and for the core itself.
INSIDE = {"Waiter": {"commit", "quit", "leave", "parked", "get_loop", "add_done_callback", "cancel"}}


def render(page: Reference) -> str:
    """Make the text of a page."""
    parts = [page.intro]
    for group in page.groups:
        parts.append(f"## {group.title}\n")
        for name in group.names:
            parts += _entry(name, getattr(importlib.import_module(group.module), name))
    return "\n".join(parts)


def _entry(name: str, thing: Any) -> Iterator[str]:
    yield f"### `{name}`\n"
    if inspect.isclass(thing):
        yield from _class(name, thing)
    elif inspect.ismodule(thing):
        yield _markdown(thing)
        for part in thing.__all__:
            yield from _part(f"{name}.{part}", getattr(thing, part))
    elif inspect.isfunction(thing):
        yield from function_entry(name, thing)
    else:
        yield f"{VALUES[name]}\n"


def _part(name: str, thing: Any) -> Iterator[str]:
    if not inspect.isclass(thing):
        yield f"#### `{name}`\n"
        yield from function_entry(name, thing)
        return
    yield f"#### `{name}`\n"
    yield _markdown(thing)
    told = [(f"{member}{_signature(value, bound=True)}", inspect.getdoc(value)) for member, value in members(thing)]
    yield "\n".join(_item(f"`{signature}`: {doc}") for signature, doc in told) + "\n"


def _class(name: str, cls: type) -> Iterator[str]:
    if name in COMES_FROM:
        yield f"Comes from {COMES_FROM[name]}\n"
    elif "__init__" in vars(cls) or not issubclass(cls, BaseException):
        yield _code(f"{name}{_signature(cls.__init__, bound=True, returns=False)}")
    else:
        yield f"Subclass of {', '.join(f'`{base.__name__}`' for base in cls.__bases__)}.\n"
    yield _markdown(cls)
    if fields := getattr(cls, "_fields", ()):
        yield f"Fields: {', '.join(f'`{field}`' for field in fields)}.\n"
    for member, thing in members(cls):
        if member not in INSIDE.get(name, ()) and getattr(thing, "__doc__", None) and not _is_slot(thing):
            yield f"#### `{name}.{member}`\n"
            yield from [_markdown(thing)] if isinstance(thing, property) else function_entry(member, thing, bound=True)
    yield from _syntax(name, cls)


def _syntax(name: str, cls: type) -> Iterator[str]:
    """Tell what `async for`, `with`, `len` and the like do."""
    known = SYNTAX | OTHER_SYNTAX.get(name, {})
    found = [known[member] for member, thing in members(cls) if member in known and not thing.__doc__]
    if found:
        yield f"#### `{name}` in Python's syntax\n"
        yield "\n".join(map(_item, found)) + "\n"


def function_entry(name: str, function: Any, *, bound: bool = False) -> Iterator[str]:
    """Yield the signature and the docstring of a function."""
    is_async = inspect.iscoroutinefunction(function)
    yield _code(f"{'async ' if is_async else ''}{name}{_signature(function, bound=bound)}")
    yield _markdown(function)


def _is_slot(thing: Any) -> bool:
    return inspect.ismemberdescriptor(thing) or type(thing).__name__ == "_tuplegetter"


class _Bare(str):
    """An annotation that shows itself without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(function: Any, *, bound: bool = False, returns: bool = True) -> str:
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())[bound:]
    bare = [each.replace(annotation=_Bare(each.annotation)) for each in parameters]  # all are annotated, as strings
    answer = f" -> {signature.return_annotation}" if returns else ""
    return str(signature.replace(parameters=bare, return_annotation=signature.empty)) + answer


def _code(text: str) -> str:
    return f"    {text}\n"


def _item(text: str) -> str:
    return _fill(f"- {text}", indent="  ")


def _fill(text: str, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


_SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Cancellation):(.*)")
_ITEM = re.compile(r"(\*{0,2}\w[\w, ]*): (.*)", re.DOTALL)


def _markdown(thing: Any) -> str:
    """Turn a docstring into Markdown: sections become lists, literal blocks stay."""
    doc = inspect.getdoc(thing)
    if not doc:
        raise ValueError(f"{thing!r} has no docstring")
    paragraphs: list[str] = []
    section = ""
    for paragraph in re.split(r"\n\s*\n", doc):
        if match := _SECTION.match(paragraph):
            section = match.group(1)
            inside = paragraph[match.end(1) + 1 :]
            paragraphs.append(_section(section, inside))
        elif section:
            paragraphs.append(_section("", paragraph))
        else:
            paragraphs.append(re.sub("::$", ":", paragraph))
    return "\n\n".join(paragraphs) + "\n"


def _section(name: str, inside: str) -> str:
    body = textwrap.dedent(inside.strip("\n"))
    if name in ("Cancellation", "Returns", ""):
        title = f"**{name}**: " if name else ""
        return _fill(title + body)
    items: list[str] = []
    for line in body.splitlines():
        if line.startswith(" "):
            items[-1] += " " + line.strip()
        else:
            items.append(line)
    listed = [_item(f"`{match.group(1)}`: {match.group(2)}") for item in items if (match := _ITEM.fullmatch(item))]
    if len(listed) != len(items):
        raise ValueError(f"not all of this is 'name: text': {items}")
    return "\n".join([f"**{name}**", "", *listed])


if __name__ == "__main__":
    for reference in PAGES:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / reference.file).write_text(render(reference), encoding="utf-8")
