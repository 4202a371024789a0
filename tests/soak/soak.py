"""Run a soak on a real event loop, listen to everything that is noisy, and say at the end what was found."""

from __future__ import annotations

import asyncio
import gc
import math
import platform
import sys
import time
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from aiochan import core
from aiochan.core import hooks
from tests.soak.crowd import crowds
from tests.soak.measure import Lateness, Memory, census, collect_garbage, drift, memory
from tests.soak.world import World

__all__ = ["Report", "run_tasks", "soak"]

PATIENCE = 20  # turns that may pass until what is about to end has ended
ANYTHING = Memory(*[math.inf] * 3)  # type: ignore[arg-type]
# Python's free lists hold some thousand blocks, and asyncio's set of all tasks doubles its table once in a while: with
# 10,000 tasks at once from 512 to 1024 KiB.
FLAT = Memory(resident_kib=1024, blocks=5000, malloced_kib=640)
OWN_BLOCKS = 500  # that a soak may keep for its report
SHELVED = 256 if core.IMPLEMENTATION == "c" else 0  # operations that the compiled core keeps to be used again
TRANSIENT = {"frame", "Context", "asyncio.Handle", "generator"}  # the loop's own, and those of this very program


@dataclass
class Report:
    """What a soak came to."""

    what: str
    loop: str
    collector: bool
    seed: int
    python: str = platform.python_version()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    totals: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    channels: int = 0
    left_in_channels: int = 0
    lateness: dict[str, float] = field(default_factory=dict)
    memory: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in Memory._fields})
    drift: dict[str, int | None] = field(default_factory=dict)
    objects: list[int] = field(default_factory=list)  # that the collector knows
    remains: dict[str, int] = field(default_factory=dict)  # objects that were not there before
    kept_blocks: int = 0  # of small memory, after a last collection
    garbage: dict[str, int] = field(default_factory=dict)  # what only the collector could free
    problems: list[str] = field(default_factory=list)


class Soak:
    """What a soak measures while it runs."""

    def __init__(self, report: Report, world: World) -> None:
        self.report = report
        self.world = world
        self.lateness = Lateness()
        self.started, self._cpu = time.perf_counter(), time.process_time()

    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    def cpu_s(self) -> float:
        return time.process_time() - self._cpu

    def count_objects(self) -> int:
        self.report.objects.append(len(gc.get_objects()))
        return self.report.objects[-1]

    def sample(self) -> Memory:
        now = memory()
        for name, value in now._asdict().items():
            self.report.memory[name].append(value)
        return now


def soak(
    what: str,
    work: Callable[[Soak], Awaitable[None]],
    *,
    loop: str = "asyncio",
    collector: bool = True,
    seed: int = 1,
    allowance: Memory = ANYTHING,
) -> Report:
    """Run `work`, and find whatever it left behind.

    Args:
        what: What it is, for the report.
        work: The work.
        loop: The kind of loop, asyncio or uvloop.
        collector: Whether the garbage collector is on.
        seed: Of all dice.
        allowance: By how much the memory may grow after the warm-up.
    """
    report = Report(what, loop, collector, seed)
    world = World(seed)
    core.seed(seed)
    core.set_budget(*core.set_budget())  # whatever is left of the last operations, begin anew
    with _collector(collector), _noises(world), asyncio.Runner(loop_factory=_factory(loop)) as runner:
        runner.get_loop().set_exception_handler(
            lambda _, context: world.problem(f"the loop's exception handler: {context}")
        )
        runner.run(_attended(Soak(report, world), work))
    for name, allowed in allowance._asdict().items():
        report.drift[name] = grown = drift(report.memory[name])
        if grown is not None and grown > allowed:
            world.problem(f"memory grew after the warm-up: {name} by {grown}, allowed are {allowed}")
    report.problems = world.problems
    return report


async def _attended(soak: Soak, work: Callable[[Soak], Awaitable[None]]) -> None:
    world, report = soak.world, soak.report
    ticker = asyncio.create_task(soak.lateness.watch())
    await asyncio.sleep(0)
    gc.collect()
    soak.count_objects()
    before, blocks = census(), sys.getallocatedblocks()
    try:
        await work(soak)
    except Exception as error:
        world.problem(f"ended early by {error!r}")
    world.strike()  # it keeps those of the doomed who were woken last
    for _ in range(PATIENCE):
        await asyncio.sleep(0)
    if others := asyncio.all_tasks() - {asyncio.current_task(), ticker}:
        world.problem(f"{len(others)} tasks are left, such as {min(map(repr, others))}")
    if world.asleep:
        world.problem(f"{world.asleep} waiters are asleep, by what the library told its observer")
    if gc.isenabled():
        gc.collect()
    soak.count_objects()
    _compare(soak, before, census())
    report.garbage = dict(collect_garbage())
    report.kept_blocks = sys.getallocatedblocks() - blocks  # this empties Python's free lists, so it is exact
    if report.kept_blocks > SHELVED + OWN_BLOCKS + 10 * len(report.memory["blocks"]):  # the samples are some of them
        world.problem(f"{report.kept_blocks} blocks of memory more than before")
    if report.garbage and not report.collector:
        world.problem(f"only the collector could free {report.garbage}")
    report.seconds, report.cpu_seconds = round(soak.elapsed_s(), 1), round(soak.cpu_s(), 1)
    report.totals, report.counts = asdict(world.all_totals()), dict(world.counts)
    report.channels, report.left_in_channels = world.channels, world.left_in_channels
    report.lateness = soak.lateness.report()
    ticker.cancel()


def _compare(soak: Soak, before: Counter[str], after: Counter[str]) -> None:
    """Complain of every kind of object of which there are more than before. Nobody has collected if that is off."""
    soak.report.remains = dict(after - before)
    for name, more in soak.report.remains.items():
        if name not in TRANSIENT:
            soak.world.problem(f"{more} more objects than before: {name}")
    if soak.world.accounts:
        soak.world.problem(f"{len(soak.world.accounts)} channels were never shut")


# -- surroundings


def _factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if loop == "asyncio":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop


@contextmanager
def _collector(on: bool) -> Iterator[None]:
    gc.collect()
    if not on:
        gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _noises(world: World) -> Iterator[None]:
    """Listen to the observer's hook of the library, to warnings and to errors that nobody could raise."""
    hook, observer = sys.unraisablehook, hooks.install(world)
    sys.unraisablehook = lambda args: world.problem(f"in {args.object!r}: {args.exc_value!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, *_args, **_kwargs: world.problem(f"a warning: {message}")
            yield
    finally:
        sys.unraisablehook = hook
        hooks.install(observer)


# -- the million


def run_tasks(count: int, alive: int = 10_000, say: Callable[[str], None] = print, **options: Any) -> Report:
    """Let `count` tasks come in crowds of `alive`, and cancel one in ten."""

    async def work(soak: Soak) -> None:
        def after(came: int) -> None:
            memory = soak.sample()
            if came == count or came // alive % 10 == 0:
                say(
                    f"{came:>9} tasks {soak.elapsed_s():7.1f} s {memory.resident_kib:7} KiB {memory.blocks:7} blocks"
                    f" {memory.malloced_kib:6} KiB malloced {soak.count_objects():7} objects"
                    f" {soak.world.counts['problems']} problems"
                )

        await crowds(soak.world, count, alive, after)

    return soak(f"{count} tasks", work, **options)
