"""What was found: the shortest way there, told in words, and how to go there again."""

from __future__ import annotations

from collections.abc import Sequence

from aiochan.testing.choosers import Script
from aiochan.testing.execution import Execution, Found, Scenario, alone
from aiochan.testing.schedule import NotDeterministic, Rules
from aiochan.testing.shrink import shrink

__all__ = ["Failure", "replay", "tell"]


class Failure(AssertionError):
    """A schedule under which a scenario does what it must not.

    Its `__cause__` is the exception that said so, if there is one.

    Attributes:
        reason: What went wrong.
        trace: The steps that lead there, in words.
        line: The schedule, for `replay`.
        path: The choices of the schedule.
    """

    def __init__(self, reason: str, trace: Sequence[str], line: str, path: Sequence[int]) -> None:
        steps = (f"  {number:>3}. {step}" for number, step in enumerate(trace, 1))
        super().__init__("\n".join([reason, *steps, f"  replay: {line}"]))
        self.reason = reason
        self.trace = tuple(trace)
        self.line = line
        self.path = tuple(path)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.reason, self.trace, self.line, self.path)


def replay(scenario: Scenario, line: str) -> tuple[str, ...]:
    """Run a scenario once more under a schedule that a failure has printed.

    Args:
        scenario: The same as then.
        line: What stood behind `replay:`, like `fifo cancels=2 path=0.1.0.3`.

    Returns:
        The steps in words, if it does not fail any more.

    Raises:
        Failure: It fails, like then.
        NotDeterministic: The schedule does not fit the scenario; one of them has changed.
        ValueError: `line` is no such line.
    """
    rules, path = Rules.parse(line)
    script = Script(path, strict=True)
    trace: list[str] = []
    with alone():
        try:
            Execution(scenario, rules, script, trace=trace).go()
        except Found as found:
            raise _failure(found, trace, rules, script) from found.__cause__
    if script.left_over():
        raise NotDeterministic(
            f"the path does not fit this scenario: it came to its end after {len(script.path)} choices,"
            f" and there are {len(script.left_over())} more"
        )
    return tuple(trace)


def tell(scenario: Scenario, rules: Rules, path: Sequence[int], found: Found) -> Failure:
    """Make the failure that people see: shrunk, with its steps in words."""
    script = Script(shrink(scenario, rules, path, found.kind))
    trace: list[str] = []
    try:
        Execution(scenario, rules, script, trace=trace).go()
    except Found as again:
        failure = _failure(again, trace, rules, script)
        failure.__cause__ = again.__cause__
        return failure
    raise NotDeterministic(
        f"{found.reason}\n  ... but not again when the same schedule was repeated: {rules.line(path)}"
    ) from found.__cause__


def _failure(found: Found, trace: Sequence[str], rules: Rules, script: Script) -> Failure:
    return Failure(found.reason, trace, rules.line(script.path), script.path)
