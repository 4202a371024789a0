"""Say at the end how much was drawn, by all tests together."""

from __future__ import annotations

import pytest

DRAWN = "schedules", "programs", "steps", "operations", "cancels", "seconds"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [dict(report.user_properties) for report in terminalreporter.getreports("passed")]
    drawn = [properties for properties in reports if "programs" in properties]
    if drawn:
        total = {name: sum(float(str(properties[name])) for properties in drawn) for name in DRAWN}
        terminalreporter.write_line(
            f"{total['schedules']:,.0f} schedules of {total['programs']:.0f} programs: {total['steps']:,.0f} steps,"
            f" {total['operations']:,.0f} operations in the histories checked, {total['cancels']:,.0f} cancellations,"
            f" {total['seconds']:.0f} s of processor time"
        )
