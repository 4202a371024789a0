"""Finalisers that run in the middle of an operation, and a way to let the garbage collector run one at each point."""

import gc
import itertools

ENOUGH = 400  # allocations in one operation


class LastWords:
    """An object that calls something when it dies."""

    def __init__(self, call):
        self.call = call

    def __del__(self):
        self.call()


class Ring(LastWords):
    """One that only the garbage collector can free."""

    def __init__(self, call):
        super().__init__(call)
        self.itself = self


def at_every_collection(prepare, act, finaliser):
    """Let the collector run `finaliser` at the first allocation of `act`, then in a new run at the second, and so on.

    Args:
        prepare: Makes what the two of them work on.
        act: Called with that.
        finaliser: Called with that too, from within `act`.

    Yields:
        What they worked on, after each run.
    """
    for allocations in itertools.count(1):
        subject, ran = prepare(), []
        _collect_at(allocations, lambda: act(subject), lambda: (ran.append(True), finaliser(subject)))  # noqa: B023
        inside = bool(ran)
        gc.collect()  # outside, if it has not run inside
        yield subject
        if not inside:
            assert allocations > 1, "there was no allocation at all"
            return
        assert allocations < ENOUGH


def _collect_at(allocations, act, finaliser):
    old = gc.get_threshold()
    gc.collect()
    gc.disable()
    try:
        Ring(finaliser)
        gc.set_threshold(gc.get_count()[0] + allocations)
        gc.enable()
        act()
        gc.disable()
    finally:
        gc.set_threshold(*old)
        gc.enable()
