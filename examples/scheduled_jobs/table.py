"""The table: what is to run, and when. Nothing here knows asyncio.

    # comment
    every 10m    command
    daily 03:30  command
    once 5s      command

Durations are made of numbers with s, m, h or d, as in `1h30m`; seconds may have a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")

Next: TypeAlias = "Callable[[datetime], datetime | None]"


class TableError(ValueError):
    """A line of the table that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a command, and when it runs.

    Attributes:
        line: Its number in the table.
        command: What the shell is given.
        first: Finds the first time, from the time of the start.
        after: Finds the next time after one at which it was due; None if that was the last.
    """

    line: int
    command: str
    first: Callable[[datetime], datetime]
    after: Next


def parse(text: str) -> list[Entry]:
    """Read a table.

    Raises:
        TableError: A line cannot be understood; it says which and why.
    """
    entries = list[Entry]()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(None, 2)
        if not words or words[0].startswith("#"):
            continue
        try:
            entries.append(_entry(number, words))
        except ValueError as error:
            raise TableError(f"line {number}: {error}: {line.strip()!r}") from None
    return entries


def _entry(number: int, words: list[str]) -> Entry:
    if len(words) < 3:
        raise ValueError("needs a word, a time and a command")
    how, time, command = words
    if how == "every":
        period = _duration(time)
        return Entry(number, command, lambda now: now + period, lambda due: due + period)
    if how == "once":
        wait = _duration(time)
        return Entry(number, command, lambda now: now + wait, lambda _: None)
    if how == "daily":
        hour, minute = _time_of_day(time)

        def following(now: datetime) -> datetime:
            today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return today if today > now else today + timedelta(days=1)

        return Entry(number, command, following, following)
    raise ValueError(f"begins with every, daily or once, not {how!r}")


def _duration(text: str) -> timedelta:
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration such as 90s or 1h30m")
    duration = sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    if not duration:
        raise ValueError("a duration is more than nothing")
    return duration


def _time_of_day(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d\d?):(\d\d)", text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f"{text!r} is no time of the day such as 03:30")
    return int(match[1]), int(match[2])
