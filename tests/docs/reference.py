"""The reference pages, made from the docstrings.

    python -m tests.docs.reference

writes them anew after a docstring has changed; test_reference.py says when that was forgotten. They are made from the
Python core, whose signatures have types; test_c_docs.py sees that the compiled one says the same.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiochan
import aiochan.core
from tests.architecture.public import DUNDERS, members
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

CONTEXT = Reference(
    "context.md",
    """\
# Reference: context

Made from the docstrings by `python -m tests.docs.reference`; change those, not this page. The names are imported as
`import aiochan as ac`. How things are meant to be used is in the [guide](../guide/context.md).
""",
    (Group("Contexts", "aiochan", ("Context", "background", "todo", "current_context")),),
)

TIMERS = Reference(
    "timers.md",
    """\
# Reference: timers

Made from the docstrings by `python -m tests.docs.reference`; change those, not this page. All names are imported as
`import aiochan as ac`. How they are meant to be used is in the [guide](../guide/timers.md).
""",
    (
        Group("Channels that time sends on", "aiochan", ("after", "at", "tick")),
        Group("With stop and reset", "aiochan", ("Timer", "Ticker")),
    ),
)

SYNC = Reference(
    "sync.md",
    """\
# Reference: locks, conditions and what else tasks wait for

Made from the docstrings by `python -m tests.docs.reference`; change those, not this page. The names are imported as
`import aiochan as ac`. How they are meant to be used is in the guides to [locks](../guide/locks.md), to
[conditions](../guide/conditions.md), to [semaphores and barriers](../guide/semaphores.md) and to
[values, maps and ranked items](../guide/maps.md).
""",
    (
        Group("Locks", "aiochan", ("Mutex", "ReentrantMutex", "RWMutex")),
        Group("Until something has happened", "aiochan", ("Cond", "Once", "OnceValue", "WaitGroup")),
        Group("So many at once, and all together", "aiochan", ("Semaphore", "CyclicBarrier")),
        Group("Values that change, maps, and items by rank", "aiochan", ("Watch", "AsyncMap", "PriorityQueue")),
    ),
)

GROUPS = Reference(
    "groups.md",
    """\
# Reference: groups

Made from the docstrings by `python -m tests.docs.reference`; change those, not this page. The names are imported as
`import aiochan as ac`. How things are meant to be used is in the guides to [groups](../guide/groups.md), to
[several calls with one answer](../guide/combinators.md), to [one call for all](../guide/singleflight.md), to
[schedules](../guide/schedule.md) and to [workers](../guide/workers.md).
""",
    (
        Group("Tasks that work on one thing", "aiochan", ("ErrGroup", "ErrWaitGroup")),
        Group("Several calls, one answer", "aiochan", ("all_of", "race", "first_of", "last_of", "retry", "waterfall")),
        Group("Tasks that belong to nobody", "aiochan", ("go",)),
        Group("One call for all", "aiochan", ("SingleFlight", "FlightResult")),
        Group("Jobs in line, and jobs at their times", "aiochan", ("WorkerPool", "Schedule")),
    ),
)

POOLS = Reference(
    "pools.md",
    """\
# Reference: pools

Made from the docstrings by `python -m tests.docs.reference`; change those, not this page. The names are imported from
`aiochan.pools`. How things are meant to be used is in the [guide](../guide/pools.md).
""",
    (
        Group("Resources that must be closed", "aiochan.pools", ("ResourcePool", "Lease", "ResourceStats")),
        Group("Objects that need not", "aiochan.pools", ("ObjectPool", "SizedPool", "Loan")),
    ),
)

TESTING = Reference(
    "testing.md",
    """\
# Reference: testing

Made from the docstrings by `python -m tests.docs.reference`; change those, not this page. Each group says where its
names are imported from. How they are meant to be used is in the [guide](../guide/testing.md).
""",
    (
        Group(
            "Every order, or many",
            "aiochan.testing",
            (
                *("explore", "sample", "pct", "replay", "cross_check", "Result", "Failure", "NotDeterministic"),
                *("Run", "Spawned", "Watched", "Interrupt"),
            ),
        ),
        Group(
            "Virtual time",
            "aiochan.testing.virtual",
            ("run", "settle", "advance", "Deadlock", "LeftBehind", "BusyWaiting", "VirtualLoop"),
        ),
        Group("Numbered steps", "aiochan.testing.order", ("Order",)),
        Group("Leaks", "aiochan.testing.leaks", ("no_leaks", "watch_leaks", "LeakWatch", "Leaked")),
        Group("Step by step", "aiochan.testing.stepper", ("Stepper", "Suspension", "at_once")),
        Group("The loop under it", "aiochan.testing.loop", ("StepLoop", "StepHandle", "StepTimer")),
    ),
)

PAGES = (CORE, CONTEXT, TIMERS, SYNC, GROUPS, POOLS, TESTING)
ENTRIES = {name for page in PAGES for group in page.groups for name in group.names}

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
    "Context": {
        "__enter__": "`with` cancels it on leaving; of a context without an end of its own (`with_value`,"
        " `without_cancel`) it makes one that has.",
    },
    "ErrGroup": {
        "__aenter__": "`async with` on leaving waits for all tasks, and raises what there is to raise; a group is"
        " entered once.",
    },
    "Schedule": {
        "__len__": "`len()` counts the jobs that wait for their time.",
        "__bool__": SYNTAX["__bool__"],
    },
    "ResourcePool": {
        "__aenter__": "`async with` closes the pool on leaving, and waits for what is lent.",
    },
    "Lease": {
        "__aenter__": "`async with` borrows a resource, and gives it back on leaving.",
    },
    "Loan": {
        "__enter__": "`with` takes an object, and puts it back on leaving.",
        "__aenter__": "`async with` does what `with` does, and waits for nothing.",
    },
    "ResourceStats": {"__eq__": "`==` compares all the counts."},
    "Mutex": {"__aenter__": "`async with` locks it, and unlocks it on leaving."},
    "ReentrantMutex": {"__aenter__": "`async with` locks it for the running task, and unlocks it on leaving."},
    "Semaphore": {
        "__aenter__": "`async with` takes 1, and gives it back on leaving.",
    },
    "WaitQueue": {
        "__bool__": SYNTAX["__bool__"],
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
    "Context": "`background`, `todo`, and the `with_` methods of another one.",
    "Case": "`recv`, `recv_ok` and `send`.",
    "Waiter": "a task that goes to sleep; an observer is told of it.",
    "Snapshot": "`ch._snapshot()`.",
    "Parked": "the lines of a `Snapshot`.",
    "Lease": "`pool.lease()`, and `pool.acquire()`.",
    "Loan": "`pool.borrow()`.",
    "ResourceStats": "`pool.stats()`.",
    "FlightResult": "`SingleFlight.do_chan`, by its channel.",
    "Run": "the engine, which calls a scenario with a new one for each schedule.",
    "Spawned": "`run.spawn(...)`.",
    "Watched": "you: any class with these two methods will do.",
    "Suspension": "`stepper.step()`.",
    "StepHandle": "`loop.ready`.",
    "StepTimer": "`loop.timers`, and `loop.ready` once it is due.",
    "LeakWatch": "`no_leaks` and `watch_leaks`; or make one yourself, for a loop.",
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
            if callable(value := getattr(thing, part)):
                yield from _part(f"{name}.{part}", value)
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
    told = [
        (f"{member}{_signature(value, member, bound=True)}", inspect.getdoc(value)) for member, value in members(thing)
    ]
    yield "\n".join(_item(f"`{signature}`: {doc}") for signature, doc in told) + "\n"


def _class(name: str, cls: type) -> Iterator[str]:
    if name in COMES_FROM:
        yield f"Comes from {COMES_FROM[name]}\n"
    elif inspect.isfunction(cls.__init__):
        yield _code(f"{name}{_signature(cls.__init__, name, bound=True, returns=False)}")
    if bases := [
        f"`{base.__name__}`" for base in cls.__bases__ if base.__name__ in ENTRIES or issubclass(base, BaseException)
    ]:
        yield f"Subclass of {', '.join(bases)}.\n"
    yield _markdown(cls)
    if fields := getattr(cls, "_fields", ()):
        yield _fill(f"Fields: {', '.join(f'`{field}`' for field in fields)}.") + "\n"
    for member, thing in members(cls):
        if _is_told(name, cls, member, thing):
            yield f"#### `{name}.{member}`\n"
            yield from [_markdown(thing)] if isinstance(thing, property) else function_entry(member, thing, bound=True)
    yield from _syntax(name, cls)


def _syntax(name: str, cls: type) -> Iterator[str]:
    """Tell what `async for`, `with`, `len` and the like do."""
    known = (SYNTAX if issubclass(cls, aiochan.SendChan | aiochan.RecvChan) else {}) | OTHER_SYNTAX.get(name, {})
    found = [
        known[member]
        for member, thing in members(cls)
        if member in known and (not thing.__doc__ or _is_alias(member, thing))
    ]
    if found:
        yield f"#### `{name}` in Python's syntax\n"
        yield "\n".join(map(_item, found)) + "\n"


def function_entry(name: str, function: Any, *, bound: bool = False) -> Iterator[str]:
    """Yield the signature and the docstring of a function."""
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    is_async = bool(flags & inspect.CO_COROUTINE)  # and not one that only passes a coroutine on
    yield _code(f"{'async ' if is_async else ''}{name}{_signature(function, name, bound=bound)}")
    yield _markdown(function)


def _is_told(name: str, cls: type, member: str, thing: Any) -> bool:
    """Tell whether a member gets an entry of its own: it is no mere attribute, and not documented elsewhere."""
    if member in INSIDE.get(name, ()) or not (isinstance(thing, property) or callable(thing)) or not thing.__doc__:
        return False
    if _is_alias(member, thing):
        return False
    owner = next(base for base in cls.__mro__ if member in vars(base))
    if owner is not cls and owner.__name__ in ENTRIES:
        return False
    pythons_own = [
        base for base in cls.__mro__ if base.__module__.partition(".")[0] != "aiochan" and base is not object
    ]
    return not any(member in vars(base) for base in pythons_own)


def _is_alias(member: str, thing: Any) -> bool:
    """Tell whether Python's syntax calls a method that has a name of its own, and stands there."""
    return member in DUNDERS and getattr(thing, "__name__", member) != member


class _Bare(str):
    """An annotation that shows itself without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(function: Any, name: str, *, bound: bool = False, returns: bool = True) -> str:
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())[bound:]
    bare = [each.replace(annotation=_Bare(each.annotation)) for each in parameters]  # all are annotated, as strings
    bare = [each.replace(default=_Bare(each.default.__name__)) if _is_a_class(each) else each for each in bare]
    answer = f" -> {signature.return_annotation}" if returns else ""
    line = str(signature.replace(parameters=bare, return_annotation=signature.empty)) + answer
    if len(line) < WIDTH - len("        ") - len(name) - len("async "):
        return line
    return "(\n" + "".join(f"        {each},\n" for each in _with_stars(bare)) + f"    ){answer}"


def _is_a_class(parameter: inspect.Parameter) -> bool:
    """Tell whether the default of a parameter is a class, and not that there is none."""
    return inspect.isclass(parameter.default) and parameter.default is not inspect.Parameter.empty


def _with_stars(parameters: list[inspect.Parameter]) -> Iterator[str]:
    """Write parameters one by one, with the `*` that stands before the first that has to be named."""
    starred = False
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not starred:
            yield "*"
        starred |= each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        yield str(each)


def _code(text: str) -> str:
    return f"    {text}\n"


def _item(text: str) -> str:
    return _fill(f"- {text}", indent="  ")


def _fill(text: str, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


_SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Cancellation|Example):(.*)")
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
    if name == "Example":
        return f"**Example**\n\n{inside.strip(chr(10))}"
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


def write() -> None:
    """Write all pages, from the Python core."""
    if aiochan.core.IMPLEMENTATION != "python":  # too late to choose the other one in this process
        subprocess.run(
            [sys.executable, "-m", "tests.docs.reference"], env=os.environ | {"AIOCHAN_PURE": "1"}, check=True
        )
        return
    for page in PAGES:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / page.file).write_text(render(page), encoding="utf-8")


if __name__ == "__main__":
    write()
