"""Which hazard is tested where, and which is not, and why.

The numbers are those of the list of hazards that the core was designed by; a test names its hazard: `test_h07_...`.
"""

import re
from pathlib import Path

import pytest

HAZARDS = {
    "H1": "an item is handed to a waiter that is cancelled before it runs",
    "H2": "a wake-up is given to a waiter that is cancelled",
    "H3": "a waiter is dead, and its handler has not run",
    "H4": "two are granted for one release",
    "H5": "somebody who runs takes what somebody was promised",
    "H6": "the end is forgotten for those who wait while the last items are promised",
    "H7": "wait_for races with completion",
    "H8": "select: losing cases, cancelled winners, double commits",
    "H9": "a parked sender is cancelled after its value was taken or admitted",
    "H10": "cancelled waiters stay in line",
    "H11": "CancelledError is swallowed or replaced",
    "H12": "uncancel and cancel again",
    "H13": "something is awaited on the way out",
    "H14": "a waiter whose cancel() says False",
    "H15": "anyio cancels by level",
    "H16": "cancelled before the first step",
    "H17": "eager tasks",
    "H18": "shield",
    "H19": "tasks are known weakly",
    "H20": "KeyboardInterrupt leaves the loop half-way",
    "H21": "exception groups",
    "H22": "the loop shuts down",
    "H23": "exceptions keep frames alive",
    "H24": "context variables",
    "H25": "other event loops",
    "H26": "starvation by operations that never wait",
    "H27": "select is biased",
    "H28": "the releaser takes it again at once",
    "H29": "large acquisitions starve",
    "H30": "writers or readers starve",
    "H31": "wake storms and recursion",
    "H32": "used from another thread",
    "H33": "used from two loops",
    "H34": "an owner ends without releasing",
    "H35": "a deadlock is silent",
    "H36": "finalisers run at arbitrary points",
}
ELSEWHERE = {
    "H21": "the core starts no task and groups no errors; that of asyncio's groups is in tests/interop",
    "H29": "semaphores are on a higher floor; the line that they will stand in is strict, see H5",
    "H30": "reader-writer locks are on a higher floor",
    "H34": "locks are on a higher floor",
    "H35": "a matter of the testing kit: tests/testing",
}
TESTED = re.compile(r"def test_((?:h\d\d_)+)")


def named():
    """Every hazard that some test of this folder is named after."""
    names = [
        name for path in Path(__file__).parent.glob("test_h*.py") for name in TESTED.findall(path.read_text("utf-8"))
    ]
    return {f"H{int(number)}" for name in names for number in re.findall(r"h(\d\d)", name)}


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_hazard_is_tested_or_excused(hazard):
    assert (hazard in named()) != (hazard in ELSEWHERE), HAZARDS[hazard]


def test_every_name_means_a_hazard():
    assert named() | set(ELSEWHERE) == set(HAZARDS)
