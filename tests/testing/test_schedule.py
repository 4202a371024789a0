"""Rules and lines: what is written can be read, and what is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest

from aiochan.testing.schedule import Rules

LINES = [
    (Rules(), [], "fifo path=0"),
    (Rules(), [0, 0], "fifo path=0"),
    (Rules(cancels=2), [0, 1, 0, 3, 0, 0], "fifo cancels=2 path=0.1.0.3"),
    (Rules("any", interrupts=1, must_finish=True), [12], "any interrupts=1 must_finish=1 path=12"),
    (Rules(max_steps=9, budget=(1, 20)), [1], "fifo max_steps=9 budget=1/20 path=1"),
]


@pytest.mark.parametrize(("rules", "path", "line"), LINES)
def test_a_schedule_is_written_in_a_line(rules: Rules, path: list[int], line: str) -> None:
    assert rules.line(path) == line


@pytest.mark.parametrize(("rules", "path", "line"), LINES)
def test_a_line_is_read(rules: Rules, path: list[int], line: str) -> None:
    again, choices = Rules.parse(line)
    assert again == rules
    assert rules.line(choices) == line
    assert choices[: len(path)] + [0] * (len(path) - len(choices)) == path or not any(path)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "fifo",
        "fifo path",
        "fifo path=",
        "fifo path=1.x",
        "fifo path=1 path=1",
        "fifo cancels=many path=0",
        "fifo cancels=1=2 path=0",
        "fifo budget=1 path=0",
        "fifo order=any path=0",
        "fifo luck=3 path=0",
        "path=0",
    ],
)
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"path=0\.1\.0\.3|order must be"):
        Rules.parse(line)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"order": "lifo"}, "not 'lifo'"),
        ({"cancels": -1}, "cancels must be a whole number from 0 up, not -1"),
        ({"cancels": 1.5}, "cancels .* not 1.5"),
        ({"interrupts": -2}, "interrupts .* not -2"),
        ({"max_steps": 0}, "max_steps must be a whole number from 1 up, not 0"),
        ({"budget": (1, -1)}, "budget must be two whole numbers from 0 up, not .1, -1."),
        ({"budget": 3}, "budget .* not 3"),
    ],
)
def test_wrong_rules_are_named(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Rules(**options)
