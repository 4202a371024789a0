"""Do everything ten thousand times: nothing may stay behind.

    python -m tests.safety.leaks [--rounds N] SCENARIO ...        # all of them without a name

After a warm-up the blocks of memory, the objects that the collector knows, the references to what is shared, and the
resident memory have to be what they were.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections import Counter
from pathlib import Path

import aiochan as ac
from aiochan import core
from tests.safety.hand import HandLoop, World
from tests.safety.histories import HISTORIES
from tests.safety.scenarios import SCENARIOS

ROUNDS = 10_000
TRIALS = 3  # what really leaks does so each time; caches that are filled do not
HEAVY = {"select_300": 30, "grow": 5, "imported_again": 100}  # so many times fewer rounds
PER_ROUND = 0.1  # blocks: far below one, far above what the interpreter's own caches do
FEW = 250  # what the measurement itself takes
RESIDENT_KIB = 1024

SHARED = [ac.Chan, ac.Signal, core.WaitQueue, core.Waiter, ac.SendChan, ac.RecvChan, core, core.never, ac.recv(None)]
SHARED += [None, True, False, (), ""]


def play(scenario):
    with HandLoop().running() as loop:
        world = World(loop)
        for actor in scenario(world):
            actor.step()
            loop.run()
        world.check_accounts()


def everything():
    """Name what can be done."""
    plays = {name: lambda scenario=scenario: play(scenario) for name, scenario in SCENARIOS.items()}
    return plays | HISTORIES


class Measure:
    """What there is at one moment."""

    def __init__(self):
        gc.collect()
        gc.collect()
        self.objects = Counter(type(thing).__name__ for thing in gc.get_objects())
        self.references = [sys.getrefcount(thing) for thing in SHARED]
        self.resident_kib = _resident_kib()
        self.blocks = sys.getallocatedblocks()

    def compare(self, later, rounds):
        """Say what has grown."""
        most = max(FEW, rounds * PER_ROUND)
        grown = {name: n for name, n in (later.objects - self.objects).items() if n > 3}
        if later.blocks - self.blocks > most:
            yield f"{later.blocks - self.blocks} blocks of memory"
        if grown:
            yield f"objects {grown}"
        for thing, before, after in zip(SHARED, self.references, later.references, strict=True):
            if abs(after - before) > most:
                yield f"{after - before} references to {thing!r}"
        if later.resident_kib - self.resident_kib > RESIDENT_KIB:
            yield f"{later.resident_kib - self.resident_kib} KiB resident"


def _resident_kib():
    statm = Path("/proc/self/statm")  # elsewhere the blocks have to do
    return int(statm.read_text().split()[1]) * 4 if statm.exists() else 0


def repeat(name, rounds):
    """Do it so many times, after a warm-up.

    Raises:
        AssertionError: Something stayed behind.
    """
    rounds = max(10, rounds // HEAVY.get(name, 1))
    once = everything()[name]
    for _ in range(max(10, rounds // 10)):
        once()
    for _ in range(TRIALS):
        before = Measure()
        for _ in range(rounds):
            once()
        stayed = list(before.compare(Measure(), rounds))
        if not stayed:
            return rounds
    raise AssertionError(f"{name}, after {rounds} rounds, again and again: {'; '.join(stayed)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="SCENARIO")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    for name in options.names or everything():
        print(f"{name:36} {repeat(name, options.rounds):6} rounds, and nothing stayed", flush=True)


if __name__ == "__main__":
    main()
