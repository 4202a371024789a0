"""Signal handlers that run in the middle of an operation, and a way to let one run at each point where that can happen.

Python runs a signal handler between two instructions of the main thread, after a call, at the start of a function or at
the end of a loop's turn. asyncio.Runner has one: on Ctrl-C it cancels the main task there and then.

Inside the compiled core there is no such point but where it calls the event loop; the loop of these tests is in Python.
"""

import dis
import functools
import itertools
import sys
from pathlib import PurePath

ENOUGH = 2_000  # points in one operation


@functools.cache
def _is_ours(file):
    """Whether a file is one of the core, or of the loop that it calls."""
    return PurePath(file).parts[-3:-1] in (("aiochan", "core"), ("aiochan", "testing"))


@functools.cache
def _points(code):
    """The instructions of a function before which a signal handler may run."""
    points, before = set(), ""
    for instruction in dis.get_instructions(code):
        if before.startswith("CALL") or before in ("RESUME", "JUMP_BACKWARD"):
            points.add(instruction.offset)
        before = instruction.opname
    return points


def at_every_interruption(prepare, act, handler):
    """Run `handler` at the first point of `act` inside core or loop, then in a new run at the second, and so on.

    Args:
        prepare: Makes what the two of them work on.
        act: Called with that.
        handler: Called with that too, from within `act`.

    Yields:
        What they worked on, after each run, the last of which was not interrupted. (It is the only one if there is no
        such point, as in an operation of the compiled core that wakes nobody.)
    """
    for number in itertools.count(1):
        subject = prepare()
        interrupted = _interrupted_at(number, lambda: act(subject), lambda: handler(subject))  # noqa: B023
        yield subject
        if not interrupted:
            return
        assert number < ENOUGH


def _interrupted_at(number, act, handler):
    left = number

    def enter(frame, event, _):
        if not _is_ours(frame.f_code.co_filename):
            return None
        frame.f_trace = step  # first: newer Pythons look whether there is one
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return step

    def step(frame, event, _):
        nonlocal left
        if event == "opcode" and frame.f_lasti in _points(frame.f_code):
            left -= 1
            if left == 0:
                sys.settrace(None)
                handler()
        return step

    old = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks for one such frame when tracing begins
    sys.settrace(enter)
    try:
        act()
    finally:
        sys.settrace(old)
    return left <= 0
