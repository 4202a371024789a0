"""The jobs that mutants are put through, each in a process of its own and inside a copy of the repository.

    exhaustive   all schedules of the programs of tests/schedules, small programs first; counts schedules
    random       schedules at random, and by priorities, of the large programs; counts schedules
    model        random programs of moves, against the reference model; counts programs
    core         tests/core, the quick ones, on asyncio's loop, and test_gaps.py of this folder; counts tests
    conformance  tests/conformance, likewise
    hazards      tests/hazards, likewise, and test_finalisers.py of this folder
    go           tests/go, likewise
    context      the tests of contexts, and the searches of tests/schedules/test_context.py
    sync         the tests of aiochan/sync and aiochan/pools, those of the mutated module first, all searches last

Each stops at the first failure. `python -m tests.mutants.jobs NAME FILE` does one here and now and writes what it found
into FILE; `tests.mutants.workshop` calls that. What never comes to an end is stopped by a clock of CPU time, which is
set anew for each schedule, program or test.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["JOBS", "Job", "Report"]

HANG_S = float(os.environ.get("AIOCHAN_MUTANTS_HANG_S", "10"))  # CPU time of one schedule, program or test
SEARCH_S = 12 * HANG_S  # of a test that is marked `exhaustive`
TEST_S = 30  # time of one test: it may also sleep for ever
TOO_LARGE = 100_000.0  # by the guess of _size: larger programs are searched by the suite itself, not for every mutant


@dataclass
class Report:
    """What a job found so far."""

    job: str
    unit: str
    count: int = 0
    where: str = ""  # the program or test that is running, or that failed
    failed: bool = False
    why: str = ""
    line: str = ""  # the schedule, for aiochan.testing.replay
    complete: bool = False


class Watch:
    """Keeps the report up to date on disk, and the clock wound up."""

    def __init__(self, report: Report, path: Path, mutated: Sequence[str] = ()) -> None:
        self.report = report
        self.mutated = mutated  # the modules that have the fault, by the last part of their names
        self.begun = 0  # schedules of the search that is going on
        self._path = path

    def at(self, where: str) -> None:
        """Begin the next piece."""
        self.report.where, self.begun = where, 0
        self.save()
        self.wind()

    def wind(self, seconds: float = HANG_S) -> None:
        """Give so much CPU time from here on; then the process dies of SIGPROF."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, seconds)

    def fail(self, why: str, line: str = "") -> None:
        self.report.failed, self.report.why, self.report.line = True, why, line

    def save(self) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self.report)), encoding="utf-8")
        new.replace(self._path)


@dataclass(frozen=True)
class Job:
    """A job: what it counts, and how it is done."""

    name: str
    unit: str
    do: Callable[[Watch], None]


# -- searches


def _exhaustive(watch: Watch) -> None:
    larger = [search for search in _larger() if _size(*search[1:]) <= TOO_LARGE]
    larger.sort(key=lambda search: _size(*search[1:]))
    parts = _small(cancels=1), _busy(), _wait_queues(), _small(interrupts=1), _small(cancels=2), larger, _special()
    for searches in parts:
        for title, scenario, options in searches:
            if not _search(watch, title, _explored(watch, scenario, options)):
                return


Search = tuple[str, Any, dict[str, Any]]


def _small(**options: int) -> Iterator[Search]:
    from tests.mutants.programs import SMALL

    how = ", ".join(f"{name} {n}" for name, n in options.items())
    for program in sorted(SMALL, key=lambda program: _size(program, options)):
        yield f"{program.title}, {how}", program, options


def _busy() -> Iterator[Search]:
    from tests.schedules.test_budget import busy

    for budget, capacity, select in itertools.product(((1, 1), (2, 3)), (0, 1, 3), (False, True)):
        title = f"busy, cap {capacity}, {'select' if select else 'plain'}, budget {budget}"
        yield title, busy(capacity, select=select), {"cancels": 1, "budget": budget}


def _wait_queues() -> Iterator[Search]:
    from tests.schedules.test_waitqueue import exclusive, kept, needs_room, told, woken_one_by_one

    for cancels, order in ((1, "fifo"), (2, "fifo"), (1, "any")):
        options = {"cancels": cancels, "order": order}
        how = f"cancels {cancels}, {order}"
        yield f"a semaphore of which two are kept, {how}", kept(2, 2, 1), options
        yield f"two woken one by one, {how}", woken_one_by_one("xy", 1), options
        yield f"a semaphore of which one is kept, {how}", kept(1, 3, 2, 1), options
        yield f"a lock for two, {how}", exclusive(2, 2), options
        yield f"a semaphore for two, {how}", needs_room(2, 2), options
        yield f"a broadcast to two, {how}", told("xy"), options
        yield f"a lock for three, {how}", exclusive(3, 1), options
        yield f"a semaphore for three, {how}", needs_room(3, 1, 1), options


def _special() -> Iterator[Search]:
    """Searches that are long and find one kind of fault each."""
    from tests.schedules.test_channels import TORN
    from tests.schedules.test_waitqueue import woken_one_by_one

    yield f"{TORN.title}, unpruned", TORN, {"prune": False}  # what shows in no snapshot of a line
    for cancels, order in ((1, "any"), (2, "fifo")):
        options = {"cancels": cancels, "order": order}
        yield f"three woken one by one, cancels {cancels}, {order}", woken_one_by_one("xyz", 2), options


def _larger() -> Iterator[Search]:
    from tests.schedules.programs import PROGRAMS
    from tests.schedules.rounds import PROGRAMS as ROUNDS

    for program in PROGRAMS + ROUNDS:
        yield program.title, program, {"cancels": 1}
        if len(program.tasks) <= 3:
            yield f"{program.title}, cancels 2", program, {"cancels": 2}
            yield f"{program.title}, any order", program, {"cancels": 1, "order": "any"}
            yield f"{program.title}, interrupts 1", program, {"interrupts": 1}


def _size(program: Any, options: dict[str, Any]) -> float:
    """Guess how many schedules there are, to begin with the small programs."""
    steps = [1 + len(task.ops) for task in program.tasks]
    ways = math.factorial(sum(steps))
    for n in steps:
        ways //= math.factorial(n)
    strikes = options.get("cancels", 0) + options.get("interrupts", 0)
    return ways * (1 + sum(task.cancel for task in program.tasks)) ** strikes * (4 if "order" in options else 1)


def _explored(watch: Watch, scenario: Any, options: dict[str, Any]) -> Callable[[], Any]:
    from aiochan.testing.explorer import explore

    return lambda: explore(_watched(watch, scenario), **options)


def _watched(watch: Watch, scenario: Any) -> Callable[[Any], None]:
    def wound(run: Any) -> None:
        watch.wind()
        watch.begun += 1
        scenario(run)

    return wound


def _search(watch: Watch, title: str, search: Callable[[], Any]) -> bool:
    watch.at(title)
    result = search()
    watch.report.count += result.runs
    watch.begun = 0
    if result.failure is not None:
        watch.fail(result.failure.reason, result.failure.line)
    return result.failure is None


def _random(watch: Watch) -> None:
    from aiochan.testing.explorer import pct, sample
    from tests.schedules.test_random import LARGE

    for seed in range(4):
        for program in LARGE:
            wound: Any = _watched(watch, program)
            for title, search in (
                (f"{program.title}, seed {seed}", lambda w=wound, s=seed: sample(w, runs=25, seed=s, cancels=3)),
                (
                    f"{program.title}, any order, seed {seed}",
                    lambda w=wound, s=seed: sample(w, runs=25, seed=s, cancels=3, order="any"),
                ),
                (
                    f"{program.title}, by priorities, seed {seed}",
                    lambda w=wound, s=seed: pct(w, runs=25, depth=3, seed=s, cancels=3),
                ),
            ):
                if not _search(watch, title, search):
                    return


# -- the model


def _model(watch: Watch) -> None:
    from tests.testing.programs import random_program

    for seed in range(2_000):
        watch.at(f"seed {seed}")
        watch.report.count += 1
        program = random_program(seed)
        if (error := program.fails()) is not None:
            watch.fail(_text(error))
            return


# -- tests


class _Counter:
    """A pytest plugin: counts the tests, and says which one failed. The quick ones come first."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.watch.report.count += 1
        self.watch.at(nodeid)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=_takes_its_time)

    def pytest_runtest_setup(self, item: Any) -> None:
        if _takes_its_time(item):
            self.watch.wind(SEARCH_S)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._failed(report)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._failed(report)

    def _failed(self, report: Any) -> None:
        if not self.watch.report.failed:
            runs = dict(getattr(report, "user_properties", ())).get("runs")  # of a search
            self.watch.report.where = report.nodeid + (f" (schedule {runs:,})" if runs else "")
            crash = getattr(report.longrepr, "reprcrash", None)
            text = str(crash.message if crash is not None else report.longrepr)
            self.watch.fail(_text(text), text.rpartition("  replay: ")[2] if "  replay: " in text else "")


def _takes_its_time(item: Any) -> bool:
    return item.get_closest_marker("exhaustive") is not None


def _tests(*places: str, marks: str = "") -> Callable[[Watch], None]:
    """Do the tests of some folders or files: the quick ones, or what `marks` says."""

    def do(watch: Watch) -> None:
        import pytest

        options = ["-x", "-q", "--loops=asyncio", f"--timeout={TEST_S}", "-p", "no:cacheprovider", "-p", "no:randomly"]
        options += ["-m", marks] if marks else []
        code = pytest.main([*options, *places], plugins=[_Counter(watch)])
        if code != 0 and not watch.report.failed:
            watch.fail(f"pytest ended with {code!r}")

    return do


def _text(error: object) -> str:
    text = str(error).strip() or repr(error)
    if isinstance(error, BaseException) and not isinstance(error, AssertionError):
        text = f"{type(error).__name__}: {text}"
    return text.splitlines()[0]


CONTEXT = (
    "tests/test_context.py",
    "tests/go/test_context.py",
    "tests/test_context_scopes.py",
    "tests/schedules/test_context.py",
    "tests/test_context_differential.py",
    "tests/test_context_edges.py",
)


# -- what stands on the core

LOCKS = frozenset({"mutex", "owned", "reentrant", "rwmutex", "semaphore"})


def _sync(watch: Watch) -> None:
    """The tests of each primitive that the mutant changes, and then those of all; searches last."""
    own = [*_named(watch.mutated), "tests/mutants/test_sync_gaps.py"]
    for tests, marks in ((own, ""), (_everything(), "not stress")):
        if not watch.report.failed:
            _tests(*tests, marks=marks)(watch)


def _named(names: Sequence[str]) -> list[str]:
    """List the files of tests that are called like that, and those of what all locks have in common."""
    names = [*names, "locks", "lock_like"] if LOCKS.intersection(names) else names
    places = [f"tests/{folder}/test_{name}.py" for folder in ("schedules", "sync", "pools", "go") for name in names]
    return [place for place in places if Path(place).exists()]


def _everything() -> list[str]:
    names = [path.stem for floor in ("sync", "pools") for path in sorted(Path("aiochan", floor).glob("*.py"))]
    return [*_named(names), "tests/sync", "tests/pools"]


JOBS: dict[str, Job] = {
    job.name: job
    for job in (
        Job("exhaustive", "schedules", _exhaustive),
        Job("model", "programs", _model),
        Job("random", "schedules", _random),
        Job("core", "tests", _tests("tests/mutants/test_gaps.py", "tests/core")),
        Job("conformance", "tests", _tests("tests/conformance")),
        Job("hazards", "tests", _tests("tests/mutants/test_finalisers.py", "tests/hazards")),
        Job("go", "tests", _tests("tests/go")),
        Job("context", "tests", _tests(*CONTEXT)),
        Job("sync", "tests", _sync),
    )
}


# -- in the process of its own


def main(name: str, file: str, core: str = "python", *mutated: str) -> None:
    """Do a job here and now."""
    import aiochan

    home = Path.cwd().resolve()
    if home not in Path(aiochan.__file__).resolve().parents or home not in Path(__file__).resolve().parents:
        sys.exit(f"aiochan comes from {aiochan.__file__} and the jobs from {__file__}, not from {home}")
    if core != aiochan.core.IMPLEMENTATION:
        sys.exit(f"this is not the core in {core}")
    job = JOBS[name]
    watch = Watch(Report(job.name, job.unit), Path(file), mutated)
    watch.at("the beginning")
    try:
        job.do(watch)
        watch.report.complete = True
    except Exception as error:  # even the tools were confused
        watch.report.count += watch.begun
        watch.fail(_text(error))
    watch.save()
    sys.stdout.flush()
    os._exit(0)  # what a mutant left behind may not hold us up


if __name__ == "__main__":
    main(*sys.argv[1:])
