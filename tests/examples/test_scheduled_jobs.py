"""examples/scheduled_jobs: a small cron on a Schedule (GP10)."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import aiochan as ac
from aiochan.testing import virtual
from examples.scheduled_jobs.runner import Runner
from examples.scheduled_jobs.table import TableError, parse

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60  # for what happens at once unless something is broken
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


# -- the table


def times(line, n=3, now=NOON):
    """List the first times of a line, as text."""
    (entry,) = parse(line)
    due, found = entry.first(now), []
    while due is not None and len(found) < n:
        found.append(f"{due:%d %H:%M:%S}")
        due = entry.after(due)
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("every 10m x", ["01 12:10:00", "01 12:20:00", "01 12:30:00"]),
        ("every 1h30m5s x", ["01 13:30:05", "01 15:00:10", "01 16:30:15"]),
        ("every 1d x", ["02 12:00:00", "03 12:00:00", "04 12:00:00"]),
        ("once 90s x", ["01 12:01:30"]),
        ("daily 12:30 x", ["01 12:30:00", "02 12:30:00", "03 12:30:00"]),
        ("daily 12:00 x", ["02 12:00:00", "03 12:00:00", "04 12:00:00"]),
        ("daily 3:05 x", ["02 03:05:00", "03 03:05:00", "04 03:05:00"]),
    ],
)
def test_lines_and_their_times(line, expected):
    assert times(line) == expected


def test_a_table():
    entries = parse("# comment\n\nevery 1s  echo 'a  b' | wc\n   once 0.5s x\n")
    assert [(entry.line, entry.command) for entry in entries] == [(3, "echo 'a  b' | wc"), (4, "x")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("every 10m", "needs a word, a time and a command"),
        ("every ten x", "'ten' is no duration"),
        ("every 10 x", "'10' is no duration"),
        ("every 10mm x", "'10mm' is no duration"),
        ("every 0s x", "more than nothing"),
        ("daily 24:00 x", "'24:00' is no time of the day"),
        ("daily 12:60 x", "'12:60' is no time of the day"),
        ("hourly 10m x", "begins with every, daily or once, not 'hourly'"),
    ],
)
def test_lines_that_make_no_sense(line, why):
    with pytest.raises(TableError, match=re.escape(why)) as raised:
        parse(f"# first\n{line}\n")
    assert str(raised.value).startswith("line 2: ")


# -- the runner, on virtual time


class Commands:
    """Instead of the shell: remembers when each command began, and takes as long as its name says."""

    def __init__(self):
        self.begun = []
        self.said = []
        self.ended = []
        self.slept = 0

    def sleep(self, seconds):
        self.slept += seconds

    def clock(self):
        return NOON + timedelta(seconds=asyncio.get_running_loop().time() + self.slept)

    async def run(self, command):
        name, _, seconds = command.partition(" ")
        self.begun.append((name, asyncio.get_running_loop().time()))
        try:
            await asyncio.sleep(float(seconds or 0))
            if name == "missing":
                raise FileNotFoundError(2, "No such file or directory")
            return 3 if name == "fails" else 0
        finally:
            self.ended.append(name)

    async def work(self, table, until=None):
        with ac.background().with_timeout(float("inf") if until is None else until) as ctx:
            await Runner(parse(table), self.run, self.said.append, self.clock).work(ctx)


def test_each_at_its_time_and_without_drift():
    async def main():
        commands = Commands()
        with pytest.raises(ac.DeadlineExceeded):
            await commands.work("every 10s a 3\nonce 15s b\ndaily 12:00 c\n", until=35)
        assert commands.begun == [("a", 10), ("b", 15), ("a", 20), ("a", 30)]
        assert commands.said == ["exit status 0: " + what for what in ("a 3", "b", "a 3", "a 3")]

    virtual.run(main)


def test_it_ends_when_nothing_is_left():
    async def main():
        commands = Commands()
        await commands.work("once 1s a 5\nonce 3s fails\nonce 2s missing\n")
        assert commands.said == [
            "could not be run ([Errno 2] No such file or directory): missing",
            "exit status 3: fails",
            "exit status 0: a 5",
        ]
        assert asyncio.get_running_loop().time() == 6

    virtual.run(main)


def test_a_run_that_goes_on_is_not_joined_by_the_next():
    async def main():
        commands = Commands()
        with pytest.raises(ac.DeadlineExceeded):
            await commands.work("every 10s a 25\n", until=41)
        assert commands.begun == [("a", 10), ("a", 40)]
        assert commands.said == [*["skipped, as the last run goes on: a 25"] * 2, "exit status 0: a 25"]

    virtual.run(main)


def test_times_that_have_passed_are_left_out():
    """The clock of the wall jumps while the runner waits, as when the machine has slept."""

    async def main():
        commands = Commands()
        asyncio.get_running_loop().call_at(5, commands.sleep, 103)
        with pytest.raises(ac.DeadlineExceeded):
            await commands.work("every 10s a\n", until=30)
        # due at 10, when the clock of the wall says 113; the next are due at 120 and 130, which is at 17 and 27
        assert commands.begun == [("a", 10), ("a", 17), ("a", 27)]

    virtual.run(main)


def test_stopped_it_waits_for_the_commands_to_end():
    async def main():
        commands = Commands()
        with pytest.raises(ac.DeadlineExceeded):
            await commands.work("once 1s a 100\nonce 2s b 100\nonce 50s c\n", until=10)
        assert commands.ended == ["a", "b"]
        assert commands.said == []

    virtual.run(main)


# -- as a process


@pytest.fixture
def start(tmp_path):
    started = []

    def start(table):
        (tmp_path / "table").write_text(table)
        process = subprocess.Popen(
            [sys.executable, "-m", "examples.scheduled_jobs", "table"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def without_times(text):
    return re.sub(r"^\d\d:\d\d:\d\d ", "", text, flags=re.MULTILINE).splitlines()


def test_as_a_process(start):
    out, err = (process := start("once 0.01s echo hello\nonce 0.2s exit 7\n")).communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (0, "hello\n")
    assert without_times(err) == ["exit status 0: echo hello", "exit status 7: exit 7"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_the_commands_and_what_they_have_started(start, number):
    process = start("every 0.01s echo begun; sleep 1000 & wait\n")
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_S)  # the sleep has our pipe: it has to be gone, too
    assert process.returncode == 0
    assert without_times(err)[-1] == "stopped"


def test_a_table_that_makes_no_sense(start):
    process = start("every now echo\n")
    assert process.communicate(timeout=PATIENCE_S)[1] == (
        "scheduled_jobs: table: line 1: 'now' is no duration such as 90s or 1h30m: 'every now echo'\n"
    )
    assert process.returncode == 2
