"""Does everybody else get a turn beside a pair that never has to wait?"""

from __future__ import annotations

from bench.conformance.findings import Finding, other, safe
from bench.conformance.library import Library
from bench.conformance.questions.receiving import stage_default
from bench.conformance.questions.registry import question
from bench.conformance.stage import Stage

GROUP = "Beside somebody who never has to wait"
OPERATIONS = 100_000
PLENTY = 10_000  # operations in one turn that nobody would call a bound


@question(
    GROUP,
    ("starving", f"most operations in one turn of the loop, of {OPERATIONS:,}", {}),
)
async def operations_in_one_turn(library: Library, stage: Stage) -> Finding:
    """One task sends and receives in turns; a callback of the loop counts how much it does between two turns."""
    channel = library.make(1)
    done = most = before = 0

    def look() -> None:
        nonlocal most, before
        most = max(most, done - before)
        before = done

    async def saturate() -> None:
        nonlocal done
        for _ in range(OPERATIONS // 2):
            await library.send(channel, 1)
            done += 1
            await library.recv(channel)
            done += 1

    stop = stage.watch(look)
    actor = stage.spawn(saturate, stage_default(stage))
    while actor.told is None:
        await stage.turn()
    look()
    stop()
    library.discard(channel)
    if actor.told != "done":
        return other(actor.told or "", "the pair did not get through")
    if most > PLENTY:
        return other("starves", f"{most:,} operations, and nobody else had a turn")
    return safe(f"at most {most:,} operations in one turn", f"at most {most:,}")
