"""The runner: every run is a job of one `Schedule`, and plans the next one before it begins.

The next time follows from the time at which the run was *due*, so nothing drifts. Times that have passed meanwhile
(the machine slept, the loop was late) are left out. If the last run of a command still goes on when the next one is
due, that one is skipped, and said so: commands of one line never run beside each other.

To stop it, end the context. The schedule drops what waits, and cancels the jobs that run; each ends its command, and
the block is left when the last command is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import aiochan as ac
from examples.scheduled_jobs.table import Entry

GRACE_S = 5.0  # that a command has between SIGTERM and SIGKILL

Run = Callable[[str], Awaitable[int]]
Say = Callable[[str], object]


class Runner:
    """Runs the commands of a table.

    Args:
        entries: The table.
        run: Runs a command, and returns its exit status.
        say: Told of each run that has ended or was skipped.
        clock: Tells the time of the day.
    """

    def __init__(self, entries: Iterable[Entry], run: Run, say: Say, clock: Callable[[], datetime]) -> None:
        self._entries = list(entries)
        self._run = run
        self._say = say
        self._clock = clock
        self._running = set[Entry]()

    async def work(self, ctx: ac.Context) -> None:
        """Run everything at its time, until nothing is left to run.

        Raises:
            Canceled: The context was cancelled; no command runs any more.
        """
        async with ac.Schedule(ctx, name="jobs") as schedule:
            for entry in self._entries:
                self._plan(schedule, entry, entry.first(self._clock()))

    def _plan(self, schedule: ac.Schedule, entry: Entry, due: datetime) -> None:
        wait = (due - self._clock()).total_seconds()
        schedule.delay(wait, self._due, schedule, entry, due)

    async def _due(self, schedule: ac.Schedule, entry: Entry, due: datetime) -> None:
        now, following = self._clock(), entry.after(due)
        while following is not None and following <= now:
            following = entry.after(following)
        if following is not None:
            self._plan(schedule, entry, following)
        if entry in self._running:
            self._say(f"skipped, as the last run goes on: {entry.command}")
            return
        self._running.add(entry)
        try:
            status = await self._run(entry.command)
            self._say(f"exit status {status}: {entry.command}")
        except OSError as error:
            self._say(f"could not be run ({error}): {entry.command}")
        finally:
            self._running.discard(entry)


async def shell(command: str) -> int:
    """Run a command in the shell; when cancelled, end it and all that it has started, and wait for it."""
    process = await asyncio.create_subprocess_shell(command, start_new_session=True)
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and its group: first politely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await process.wait()
                return
