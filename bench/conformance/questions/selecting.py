"""Waiting for several channels: a select, or a race of tasks where there is none."""

from __future__ import annotations

from typing import Any

from bench.conformance.chi_squared import p_value
from bench.conformance.findings import Finding, judge, not_asked, other, safe, show, worst_of
from bench.conformance.ledger import NOTHING, Ledger
from bench.conformance.library import Library
from bench.conformance.questions.receiving import describe, stage_default
from bench.conformance.questions.registry import means_of, no_means, question
from bench.conformance.stage import Actor, Stage
from bench.conformance.sweeps import MOMENTS, Moment

GROUP = "Wait for several at once (a select, or a race of tasks where there is none)"
DRAWS = 10_000


@question(
    GROUP,
    ("select-ready", "two are ready: takes one value", {}),
)
async def two_are_ready(library: Library, stage: Stage) -> Finding:
    """1 lies in a, 2 in b."""
    a, b = Ledger(library, 1, inside=(1,)), Ledger(library, 1, inside=(2,))
    actor = stage.spawn(lambda: library.select([a.channel, b.channel]), stage_default(stage))
    await stage.settle()
    return await books(stage, library, a, b, actor, f"{library.select_is}, 1 in a, 2 in b")


@question(
    GROUP,
    ("select-both", "asleep, and both get a value: takes one value", {}),
)
async def both_get_a_value(library: Library, stage: Stage) -> Finding:
    """A select sleeps; a gets 1 and b gets 2, at every distance."""
    found = []
    for capacity in library.capacities():
        for moment in MOMENTS:
            a, b = Ledger(library, capacity), Ledger(library, capacity)
            actor = stage.spawn(lambda a=a, b=b: library.select([a.channel, b.channel]), stage_default(stage))
            await stage.settle()
            await moment.play(stage, lambda a=a: a.offer(1) and None, lambda b=b: b.offer(2) and None)
            story = f"{library.select_is} asleep, a gets 1, b gets 2 {abs(moment.turns)} turn(s) apart"
            found.append(await books(stage, library, a, b, actor, story))
            await stage.clear()
    return worst_of(found)


@question(
    GROUP,
    ("select-native", "cancelled around its wake-up, by asyncio's means", {"by": "native"}),
    ("select-scope", "cancelled around its wake-up, by a scope", {"by": "scope"}),
)
async def select_cancelled(library: Library, stage: Stage, by: str) -> Finding:
    """A select sleeps; a gets 1; it is cancelled around that."""
    found = []
    for means in means_of(stage, by):
        for capacity in library.capacities():
            found += [await cancelled_select(library, stage, means, capacity, moment) for moment in MOMENTS]
    return worst_of(found) if found else no_means(stage)


async def cancelled_select(library: Library, stage: Stage, means: str, capacity: int, moment: Moment) -> Finding:
    """Run one of them."""
    a, b = Ledger(library, capacity), Ledger(library, capacity)
    actor = stage.spawn(lambda: library.select([a.channel, b.channel]), means)
    await stage.settle()
    await moment.play(stage, lambda: a.offer(1) and None, actor.leave)
    finding = await books(stage, library, a, b, actor, f"{library.select_is} asleep, a gets 1; {moment} ({means})")
    await stage.clear()
    return finding


async def books(stage: Stage, library: Library, a: Ledger, b: Ledger, actor: Actor, story: str) -> Finding:
    """Judge a select of a and b. Two values taken are no value lost, but no select either."""
    taken = actor.value if actor.told == "done" else []
    left = await a.drain(stage) + await b.drain(stage)
    received = sorted([value for _, value in taken] + left)
    troubles = a.troubles + b.troubles
    finding = judge(sorted(a.sent + b.sent), received, [], story)
    if finding.verdict == "safe" and len(taken) > 1:
        finding = other("takes two", f"{story}: took {show([value for _, value in taken])}")
    if finding.verdict == "safe" and troubles:
        finding = other(troubles[0], f"{story}: the other side {troubles[0]}")
    if finding.verdict == "safe" and actor.deaf:
        finding = other("cancel lost", f"{story}: the cancellation is never heard")
    if finding.verdict == "safe" and actor.told is None:
        finding = other("strands", f"{story}: sleeps on")
    library.discard(a.channel)
    library.discard(b.channel)
    return finding


@question(
    GROUP,
    ("select-mixed", "receives or sends: exactly one of both", {}),
)
async def receive_or_send(library: Library, stage: Stage) -> Finding:
    """A select sleeps with a receive on a and a send of 9 to b; both become possible in one turn; also cancelled."""
    if not library.can_select_sends:
        return not_asked("only receives can be raced")
    found = []
    for capacity in library.capacities():
        for cancelled in (False, True):
            for moment in MOMENTS:
                found.append(await mixed(library, stage, capacity, moment, cancelled=cancelled))
                await stage.clear()
    return worst_of(found)


async def mixed(library: Library, stage: Stage, capacity: int, moment: Moment, *, cancelled: bool) -> Finding:
    """Let a get 1 and b get free: at a distance from each other, or at a distance from a cancellation."""
    a, b = Ledger(library, capacity), Ledger(library, capacity, inside=(8,) * capacity)
    actor = stage.spawn(lambda: library.select_mixed(a.channel, b.channel, 9), stage_default(stage))
    await stage.settle()
    out: list[Any] = []

    def free() -> None:
        out.append(b.take())

    def both() -> None:
        a.offer(1)
        free()

    if cancelled:
        await moment.play(stage, both, actor.leave)
    else:
        await moment.play(stage, lambda: a.offer(1) and None, free)
    case = actor.value[0][0] if actor.told == "done" else None
    left_a, left_b = await a.drain(stage), await b.drain(stage)
    sent_9 = 9 in out + left_b
    story = f"receive from a or send 9 to b; a gets 1, b gets free{f'; {moment}' if cancelled else ''}: told {actor}"
    if case == 1 and not sent_9:
        return Finding("loses", f"{story} that it sent, and 9 is not there")
    if case is not None and sent_9 != (case == 1):
        return Finding("doubles", f"{story} of case {case}, and 9 is there as well")
    received = [value for _, value in (actor.value or []) if value is not None] if case is not None else []
    return judge(a.sent, received + left_a, [], story)


@question(
    GROUP,
    (
        "select-send-native",
        "its send gets a place, cancelled around that; asyncio's means",
        {"by": "native", "capacity": 1},
    ),
    ("select-send-scope", "its send gets a place, cancelled around that; a scope", {"by": "scope", "capacity": 1}),
    (
        "select-send-rendezvous-native",
        "its send is taken at a rendezvous, likewise; asyncio's means",
        {"by": "native", "capacity": 0},
    ),
    (
        "select-send-rendezvous-scope",
        "its send is taken at a rendezvous, likewise; a scope",
        {"by": "scope", "capacity": 0},
    ),
)
async def sending_select_cancelled(library: Library, stage: Stage, by: str, capacity: int) -> Finding:
    """A select sleeps with a receive on a and a send of 9 to b; b gets free; the select is cancelled around that."""
    if not library.can_select_sends:
        return not_asked("only receives can be raced")
    found = []
    for means in means_of(stage, by):
        for moment in MOMENTS:
            found.append(await sending_select(library, stage, means, capacity, moment))  # noqa: PERF401
    return worst_of(found) if found else no_means(stage)


async def sending_select(library: Library, stage: Stage, means: str, capacity: int, moment: Moment) -> Finding:
    """Run one of them: what the select was told has to be true of 9."""
    a, b = Ledger(library, capacity), Ledger(library, capacity, inside=(8,) * capacity)
    actor = stage.spawn(lambda: library.select_mixed(a.channel, b.channel, 9), means)
    await stage.settle()
    received: list[Any] = []
    await moment.play(stage, lambda: received.append(b.take()), actor.leave)
    received = [value for value in received if value is not NOTHING] + await b.drain(stage)
    b.settle_sender(actor, 9)
    story = f"receive from a or send 9 to b, {describe(capacity)}; b gets free; {moment} ({means})"
    finding = b.close_books(received, [actor], story)
    library.discard(a.channel)
    await stage.clear()
    return finding


@question(
    GROUP,
    ("select-fair", f"choice among ready ones, {DRAWS:,} draws", {}),
)
async def fair(library: Library, _: Stage) -> Finding:
    """Three of three are ready, and the first and last of three."""
    if library.select_is != "select":
        return not_asked("a race of tasks takes all that is ready")
    library.seed(7)
    channels = [library.make(1) for _ in range(3)]
    findings = []
    for ready in ([0, 1, 2], [0, 2]):
        counts = dict.fromkeys(ready, 0)
        for _ in range(DRAWS):
            for index in ready:
                fill(library, channels[index])
            taken = await library.select(channels)
            counts[taken[0][0]] += 1
        p = p_value(list(counts.values()))
        evidence = f"{len(ready)} of 3 ready: chosen {'/'.join(map(str, counts.values()))} times (p = {p:.2g})"
        findings.append(safe(evidence, "fair") if p > 1e-4 else other("biased", evidence))
        for channel in channels:
            empty(library, channel)
    return (
        other("biased", next(f.evidence for f in findings if f.word == "biased"))
        if any(finding.word == "biased" for finding in findings)
        else safe("; ".join(finding.evidence for finding in findings), "fair")
    )


def fill(library: Library, channel: Any) -> None:
    """See to it that there is a value."""
    empty(library, channel)
    library.send_nowait(channel, 1)


def empty(library: Library, channel: Any) -> None:
    """See to it that there is none."""
    from bench.conformance.library import Refused

    try:
        library.recv_nowait(channel)
    except Refused:
        return
