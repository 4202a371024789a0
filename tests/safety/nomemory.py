"""Let one allocation fail after the other, and see that nothing is lost.

    python -m tests.safety.nomemory SCENARIO ...        # all of them without a name

A scenario is a generator: it prepares a `World`, yields what is to be tried while memory runs out (an actor; its
`step` is called), and goes on. Each of these steps is done again and again, with the first allocation failing, then the
second, until it passes untouched, and once more with all allocations failing from there on. After each, the world must
be in order, and go on.
"""

from __future__ import annotations

import gc
import importlib.util
import subprocess
import sys
from dataclasses import dataclass, field

import aiochan as ac
from aiochan import core
from tests.safety.hand import HandLoop, World
from tests.safety.scenarios import SCENARIOS

ENOUGH = 30  # steps in a row that passed untouched: then it needs no more allocations than that
MOST = 5000  # allocations of a step

NOT_OURS = "error return without exception set"  # how 3.11 and 3.12 answer, where they cannot even say so


@dataclass
class Injection:
    """Which allocation of which step fails, and what was seen of it."""

    step: int = 0
    first: int = 0
    all_of_them: bool = False
    steps: int = field(default=0, init=False)
    hit: bool = field(default=False, init=False)
    told: list = field(default_factory=list, init=False)

    def attempt(self, actor):
        """Let the actor take its step, without memory if it is the one."""
        mine, self.steps = self.steps == self.step, self.steps + 1
        if not mine:
            actor.step()
            return
        import _testcapi

        fail, mend = _testcapi.set_nomemory, _testcapi.remove_mem_hooks
        step, first, last = actor.step, self.first, 0 if self.all_of_them else self.first + 1
        try:
            fail(first, last)
            step()
        finally:
            mend()

    def look_at(self, actors):
        """See whether anybody noticed."""
        self.hit = self.hit or any(isinstance(actor.error, MemoryError | SystemError) for actor in actors)

    def explains(self, error):
        """Tell whether the error is there because of us. Whoever could not begin leaves others without a partner."""
        if isinstance(error, SystemError):
            return str(error) == NOT_OURS
        return isinstance(error, MemoryError) or (self.hit and isinstance(error, ac.WouldBlock))

    def hear(self, unraisable):
        self.told.append(unraisable.exc_value)
        self.hit = True


def play(scenario, injection):
    """Run a scenario once.

    Raises:
        AssertionError: Something was not in order.
    """
    loop = HandLoop()
    sys.unraisablehook = injection.hear
    try:
        with loop.running():
            world = World(loop)
            for actor in scenario(world):
                injection.attempt(actor)
                injection.look_at(world.actors)
                world.check()
                world.come_to_rest(late=injection.all_of_them or bool(injection.told))
            world.check_accounts(injection.explains)
            world.try_again()
    finally:
        sys.unraisablehook = sys.__unraisablehook__
    assert all(map(injection.explains, injection.told)), injection.told


def steps_of(scenario):
    """Count the steps of a scenario that can be tried, in a run in which nothing fails."""
    injection = Injection(step=-1)
    play(scenario, injection)
    return injection.steps


def starve(scenario):
    """Try each allocation of each step, and count them."""
    tried = 0
    for step in range(steps_of(scenario)):
        for all_of_them in (False, True):
            gc.collect()
            untouched = 0
            for first in range(MOST):
                injection = Injection(step, first, all_of_them)
                try:
                    play(scenario, injection)
                except BaseException as error:
                    error.add_note(f"without allocation {first}{' and all after' * all_of_them} of step {step}")
                    raise
                tried += injection.hit
                untouched = 0 if injection.hit else untouched + 1
                if untouched == ENOUGH:
                    break
            else:
                raise AssertionError(f"step {step} needs more than {MOST} allocations")
    return tried


def main(names):
    if core.IMPLEMENTATION != "c" or importlib.util.find_spec("_testcapi") is None:
        return "-- nothing was run: this is the Python core, or a Python without _testcapi"
    if len(names) == 1:
        print(f"{names[0]:40} {starve(SCENARIOS[names[0]]):5} allocations failed, and nothing else", flush=True)
        return None
    # Each in a process of its own: what one has done to the interpreter's reserve of MemoryErrors is no other's affair.
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.safety.nomemory"]
    return max(subprocess.run([*command, name], check=False).returncode != 0 for name in names or SCENARIOS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
