"""What the programs in `workloads.py` are made of.

Whoever is cancelled must not let others wait for ever. So tasks that close something when they leave are a *crew*:
when the last of them has ended, whichever way - also cancelled before its first step - something is done, as
`Task.add_done_callback` would do it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

from aiochan.testing import Run
from aiochan.testing.scenario import Interruptible, Spawned
from tests.volume.histories import DONE, QUIT
from tests.volume.recording import RecordedChan, Recorder, need

Job = Callable[..., Coroutine[Any, Any, Any]]


class Tally:
    """What was seen so far, over all schedules of one program."""

    def __init__(self) -> None:
        self.runs = 0
        self.operations = 0
        self.cancels = 0
        self.tasks = 0


class Workload:
    """One program.

    Attributes:
        watch: Whether the invariants of the channels are checked after every step, and not only the histories.
    """

    def __init__(self, title: str, build: Callable[[Stage], None], cancels: int = 3) -> None:
        self.title = title
        self.cancels = cancels
        self.watch = True
        self.tally = Tally()
        self._build = build

    def __call__(self, run: Run) -> None:
        stage = Stage(run, watch=self.watch)
        self._build(stage)
        run.at_end(stage.check)
        run.at_end(lambda: self._count(run, stage))

    def _count(self, run: Run, stage: Stage) -> None:
        tally = self.tally
        tally.runs += 1
        tally.operations += stage.operations
        tally.cancels += stage.cancels
        tally.tasks = max(tally.tasks, len(run.loop.labels))


class Stage(Recorder):
    """What a program is made of."""

    def __init__(self, run: Run, *, watch: bool) -> None:
        super().__init__()
        self.run = run
        self._watch = watch
        self._members: list[tuple[Spawned, int]] = []
        self._endings: list[Callable[[], object]] = []

    def chan(self, capacity: float = 0, *, name: str | None = None, overflow: Any = "wait") -> RecordedChan:
        made = super().chan(capacity, name=name or f"c{len(self.chans)}", overflow=overflow)
        if self._watch:
            self.run.watch(made.chan)
        return made

    def spawn(self, job: Job, *args: Any, name: str, cancel: bool | int = False) -> Spawned:
        spawned = self.run.spawn(job, *args, name=name, cancel=cancel)
        self._members.append((spawned, int(cancel)))
        return spawned

    def crew(self, jobs: list[tuple[Any, ...]], then: Callable[[], object], *, name: str, cancel: bool = True) -> None:
        """Spawn tasks, each given by what it runs and the arguments; when all have ended, call `then`."""
        left = len(jobs)

        def leave() -> None:
            nonlocal left
            left -= 1
            if not left:
                then()

        for number, (job, *args) in enumerate(jobs):
            self.spawn(attended(job, leave), *args, name=f"{name}{number}", cancel=cancel)

    def expect(self, ending: Callable[[], object]) -> None:
        """Have `ending` called when all is over; it asserts how things came out."""
        self._endings.append(ending)

    @property
    def cancels(self) -> int:
        """How many cancellations there were."""
        return sum(allowed - spawned.cancels_left for spawned, allowed in self._members)

    def check(self) -> None:
        Recorder.check(self)
        self.settle()
        for ending in self._endings:
            ending()


def attended(job: Job, leave: Callable[[], object]) -> Job:
    """Have `leave` called when the task that runs this has ended, even if it never began."""
    return lambda *args: Attended(job(*args), leave)


class Attended(Interruptible):
    """A coroutine whose end is noticed."""

    __slots__ = ("_leave",)

    def __init__(self, inner: Any, leave: Callable[[], object]) -> None:
        super().__init__(inner, SimpleNamespace(armed=False))  # type: ignore[arg-type]
        self._leave = leave

    def send(self, value: Any, /) -> Any:
        try:
            return super().send(value)
        except BaseException:
            self._leave()
            raise

    def throw(self, error: Any, /, *rest: Any) -> Any:
        try:
            return super().throw(error, *rest)
        except BaseException:
            self._leave()
            raise


async def collect(ch: RecordedChan, into: list[Any]) -> None:
    """Receive until the end; whatever was received until then is in `into`."""
    while True:
        value, ok = await ch.recv_ok()
        if not ok:
            return
        into.append(value)


def shut(*chans: RecordedChan) -> None:
    """Close what nobody has closed yet."""
    for ch in chans:
        if not ch.chan.closed:
            ch.close()


async def send_all(ch: RecordedChan, values: list[Any]) -> None:
    for value in values:
        await ch.send(value)


def all_arrived(ch: RecordedChan, got: list[Any]) -> None:
    """All that was sent was received, once, and nothing but what was sent or given up."""
    counted = Counter(got)
    need(not Counter(ch.sent(DONE)) - counted, "sent, but not received:", ch.sent(DONE), got)
    need(not counted - Counter(ch.sent(DONE, QUIT)), "received, but not sent:", got)
