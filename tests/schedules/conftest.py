"""Count the states that the searches saw, and say at the end whether all of them were complete."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aiochan.testing.explorer import Result
from tests.schedules.orders import Searched


@pytest.fixture
def searched(record_property: Callable[[str, object], None]) -> Searched:
    """`searched(result)` fails on what a search found, or if it was cut short, and counts its states."""

    def judge(result: Result) -> None:
        record_property("runs", result.runs)
        result.check()
        record_property("states", result.states)
        record_property("complete", result.complete)
        assert result.complete, f"cut short after {result.states} states"

    return judge


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [dict(report.user_properties) for report in terminalreporter.getreports("passed")]
    searches = [properties for properties in reports if "states" in properties]
    if searches:
        states = sum(int(str(properties["states"])) for properties in searches)
        terminalreporter.write_line(f"{len(searches)} searches complete: {states:,} states")
