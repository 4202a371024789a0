"""What cancelled waits leave behind in an idle channel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bench.conformance.findings import Finding, not_asked, other, safe
from bench.conformance.library import Library
from bench.conformance.questions.registry import question
from bench.conformance.stage import Stage, live_objects

GROUP = "Left behind by 10,000 waits that were cancelled"
WAITS = 10_000
A_FEW = 500  # objects that a library may keep for later, or that the interpreter makes


@question(
    GROUP,
    ("leaks-recv", "receives on an empty channel", {}),
)
async def receives(library: Library, stage: Stage) -> Finding:
    """Nobody ever sends."""
    channel = library.make(1)
    return await leaks(library, stage, [channel], lambda: library.recv(channel))


@question(
    GROUP,
    ("leaks-send", "sends to a full channel", {}),
)
async def sends(library: Library, stage: Stage) -> Finding:
    """Nobody ever receives."""
    channel = library.make(1)
    library.send_nowait(channel, 1)
    return await leaks(library, stage, [channel], lambda: library.send(channel, 2))


@question(
    GROUP,
    ("leaks-select", "selects of two empty channels", {}),
)
async def selects(library: Library, stage: Stage) -> Finding:
    """Nobody ever sends."""
    if library.select_is != "select":
        return not_asked("a race of tasks is two receives")
    channels = [library.make(1), library.make(1)]
    return await leaks(library, stage, channels, lambda: library.select(channels))


@question(
    "Left behind by 10,000 selects that were won by another case",
    ("leaks-losers", "in the idle channel", {}),
)
async def losers(library: Library, stage: Stage) -> Finding:
    """The idle channel never gets a value; the busy one always, while the select sleeps."""
    if library.select_is != "select":
        return not_asked("a race of tasks is two receives")
    idle, busy = library.make(1), library.make(1)

    async def won(turn: Callable[[], Awaitable[None]]) -> None:
        actor = stage.spawn(lambda: library.select([idle, busy]))
        await turn()
        library.send_nowait(busy, 1)
        while actor.told is None:
            await turn()
        await stage.clear()

    await won(stage.turn)
    before = live_objects()
    for _ in range(WAITS):
        await won(stage.turn)
    return verdict(library, [idle], live_objects() - before, WAITS)


async def leaks(library: Library, stage: Stage, channels: list[Any], act: Callable[[], Awaitable[Any]]) -> Finding:
    """Start and cancel one wait after the other, and count what is alive before and after."""
    before = 0
    for count in range(WAITS + 1):
        if count == 1:
            before = live_objects()
        actor = stage.spawn(act)
        await stage.turn(2)
        actor.leave()
        while actor.told is None:
            await stage.turn()
        if actor.told != "cancelled":
            return other(actor.told.replace("raised", "raises"), f"wait number {count + 1} {actor.told}")
        await stage.clear() if stage.kind == "asyncio" else stage.actors.clear()
    found = verdict(library, channels, live_objects() - before, WAITS)
    for channel in channels:
        library.discard(channel)
    return found


def verdict(library: Library, channels: list[Any], objects: int, waits: int) -> Finding:
    """Judge by the objects that stay alive; what the library itself counts is told as well."""
    counts = [library.asleep(channel) for channel in channels]
    said = "" if None in counts else f"; the library counts {sum(filter(None, counts))} asleep"
    evidence = f"{max(objects, 0):,} objects more after {waits:,} waits{said}"
    return other("leaks", evidence) if objects > A_FEW or any(counts) else safe(evidence)
