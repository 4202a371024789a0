"""The mixed load: all services at once, paced, watched and checked while they work."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

from tests.soak.measure import Memory, census
from tests.soak.services import SERVICES
from tests.soak.soak import FLAT, Report, Soak, soak

__all__ = ["flat_after", "run_load"]

LOOK_S = 0.25  # between two looks at the pace
STUCK_S = 60.0  # the services end within this time once the world is over


def flat_after(minutes: float) -> Memory:
    """Tell by how much memory may grow after the warm-up; in a few minutes that is hardly over."""
    return FLAT if minutes >= 10 else Memory(resident_kib=2048, blocks=20_000, malloced_kib=1024)


class _Watch:
    """Keeps the pace, checks the books, takes the samples, and says when it is over."""

    def __init__(self, soak: Soak, minutes: float, operations: float, pace: float, say: Callable[[str], None]) -> None:
        self.soak = soak
        self.world = soak.world
        self.limit_s, self.operations, self.pace, self.say = minutes * 60, operations, pace, say
        self.world.pause_s = 0.1 if pace else 0.0
        self.sample_every_s = min(10.0, self.limit_s / 100)
        self._sampled_s = self._told_s = self._wall_s = self._cpu_s = 0.0
        self._to_check: list[int] = []
        self._told_problems = 0

    async def watch(self) -> None:
        while not self.world.over:
            await asyncio.sleep(LOOK_S if self.pace else 0.01)
            now = self.soak.elapsed_s()
            self.check_some()
            if self.pace:
                self.keep_pace(now)
            if now - self._sampled_s >= self.sample_every_s:
                self._sampled_s = now
                self.soak.sample()
            if now - self._told_s >= 60:
                self._told_s = now
                self.tell(now)
            if now >= self.limit_s or self.world.all_totals().operations >= self.operations:
                self.world.over = True

    def check_some(self) -> None:
        """Check a few of the channels, all of them in turn."""
        world = self.world
        if not self._to_check:
            self._to_check = list(world.accounts)
        for key in self._to_check[-4:]:
            if key in world.accounts:
                world.guard(world.accounts[key].check)
                world.counts["checks"] += 1
        del self._to_check[-4:]

    def keep_pace(self, now_s: float) -> None:
        """Let everybody rest longer or shorter, so that the process uses its share of one core."""
        cpu_s = self.soak.cpu_s()
        share = (cpu_s - self._cpu_s) / (now_s - self._wall_s)
        self._wall_s, self._cpu_s = now_s, cpu_s
        self.world.pause_s = min(max(self.world.pause_s * min(max(share / self.pace, 0.8), 1.25), 1e-4), 5.0)

    def tell(self, now_s: float) -> None:
        world, living = self.world, census()
        for problem in world.problems[self._told_problems :]:
            self.say(f"PROBLEM {problem}")
        self._told_problems = len(world.problems)
        totals, memory = world.all_totals(), self.soak.sample()
        waiters = sum(living[f"aiochan.{name}"] for name in ("Waiter", "Selecting"))
        self.say(
            f"{now_s / 60:5.1f} min {totals.operations:>11} operations {world.counts['tasks']:>9} tasks"
            f" {world.counts['tasks cancelled']:>8} cancelled; {memory.resident_kib:6} KiB"
            f" {memory.blocks:6} blocks {memory.malloced_kib:5} KiB malloced"
            f" {waiters:4} waiters {world.asleep:4} asleep {living['aiochan.Chan']:4} chans {world.running:4} tasks now"
            f" {self.soak.count_objects():6} objects; late {self.soak.lateness.lately_ms():6.1f} ms"
            f" cpu {100 * self.soak.cpu_s() / now_s:4.1f} %; {world.counts['problems']} problems"
        )


def run_load(
    minutes: float = math.inf,
    operations: float = math.inf,
    pace: float = 0.0,
    say: Callable[[str], None] = print,
    **options: Any,
) -> Report:
    """Have all services at work, until the time is over or so many operations are done.

    Args:
        minutes: How long.
        operations: How many.
        pace: The share of one core that this may use; 0 for all of it.
        say: Told what is going on, once a minute.
        options: For `soak`.
    """

    async def work(soak: Soak) -> None:
        world = soak.world
        services = [world.spawn(service(world)) for service in SERVICES]
        await _Watch(soak, minutes, operations, pace, say).watch()
        world.pause_s = 0.0
        _, late = await asyncio.wait(services, timeout=STUCK_S)
        for task in late:
            world.problem(f"does not end: {task!r}")

    what = f"{minutes} minutes of load" if minutes < math.inf else f"{operations} operations of load"
    return soak(f"{what} at {pace or 'full'} pace", work, **options)
