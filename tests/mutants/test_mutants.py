"""The mutants fit the code of today, some of them are killed here, and under `-m stress` all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.compiler import missing
from tests.mutants.jobs import JOBS, Report
from tests.mutants.mutant import DATA, Edit, Mutant, load, load_all
from tests.mutants.table import Row, markdown
from tests.mutants.workshop import Verdict, Workshop

MUTANTS = load_all()
# Killed within a second or so, each by another kind of job.
QUICK = (
    *("pass_on_loses_the_permit", "select_forgets_a_line", "last_woken_first_served", "drain_without_bound"),
    "history_lock_dies_with_the_heir",
)
QUICK_IN_C = "c_pass_on_loses_the_permit", "c_a_wake_is_dropped"

compiler_needed = pytest.mark.skipif(missing() is not None, reason=f"no mutants in C: {missing()}")
every_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    with Workshop() as shop:
        yield shop


# -- the data


@every_mutant
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    assert mutant.files()
    assert mutant.expect in JOBS
    assert all(edit.file.startswith("aiochan/") for edit in mutant.edits)


def test_there_are_at_least_forty_and_in_c_at_least_twenty_five() -> None:
    assert len([mutant for mutant in MUTANTS if not mutant.origin and mutant.core == "python"]) >= 40
    assert len([mutant for mutant in MUTANTS if mutant.core == "c"]) >= 25


def test_no_two_are_the_same() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.core, mutant.what) for mutant in MUTANTS}) == len(MUTANTS)
    ours = [mutant for mutant in MUTANTS if not mutant.origin]  # history repeats itself, and us
    assert len({tuple(sorted(mutant.files().items())) for mutant in ours}) == len(ours)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("a\n", "c\n", "2 times"),
        ("b\nc\n", "", "0 times"),
        ("b", "c", "whole lines"),
        ("b\n", "b\n", "changes nothing"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(before: str, after: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Edit("aiochan/x.py", before, after).apply("a\nb\na\n")


def test_an_edit_replaces_whole_lines_only() -> None:
    assert Edit("aiochan/x.py", "b\n", "").apply("a b\nb\n") == "a b\n"


@pytest.mark.parametrize(
    "text",
    [
        "what = 'x'\nexpect = 'go'",
        "what = 'x'\nexpect = 'go'\nwhy = 'y'\n[[edit]]\nfile = 'f'\nbefore = 'b'\nafter = 'a'",
        "what = 'x'\nexpect = 'go'\n[[edit]]\nfile = 'f'\nbefore = 'b'",
        "what = 'x'\nexpect = 'go'\norigin = 'o'\nstory = 's'\n[[edit]]\nfile = 'f'\nbefore = 'b'\nafter = 'a'",
        "what = 'x'\nexpect = 'go'\n[[edit]]\nfile = 'f.h'\nbefore = 'b'\nafter = 'a'",
    ],
    ids=["no edit", "unknown key", "half an edit", "an origin outside of history", "C in a file of another name"],
)
def test_what_is_not_in_the_format_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mutant.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"mutant\.toml"):
        load(path)


# -- the runner


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=compiler_needed) for name in QUICK_IN_C)])
def test_a_mutant_is_killed(name: str, shop: Workshop) -> None:
    mutant = load(DATA / f"{name}.toml")
    (verdict,) = shop.judge(mutant, [mutant.expect])
    assert verdict.killed, f"{name} lives: {verdict}\n{shop.log()}"
    assert verdict.report.count, f"{name} died too early: {verdict}\n{shop.log()}"


def test_the_workshop_is_in_order_afterwards(shop: Workshop) -> None:
    mutant = load(DATA / f"{QUICK[0]}.toml")
    before = {file: (shop.root / file).read_text(encoding="utf-8") for file in mutant.files(shop.root)}
    shop.judge(mutant, [])
    assert before == {file: (shop.root / file).read_text(encoding="utf-8") for file in before}


def test_a_mutant_that_cannot_be_imported_has_died(shop: Workshop) -> None:
    """It is told as such, so that nobody takes it for a fault that was found."""
    whole = "from __future__ import annotations\n\nimport asyncio\nimport math\n"
    edit = Edit("aiochan/core/hchan.py", whole, whole + "import no_such_thing\n")
    (verdict,) = shop.judge(Mutant("m", "what", "go", (edit,)), ["go"])
    assert verdict.killed
    assert "no_such_thing" in verdict.report.why or "died" in verdict.report.why
    assert not verdict.report.count


@compiler_needed
def test_a_fault_that_is_no_c_is_no_mutant(shop: Workshop) -> None:
    edit = Edit("aiochan/core/speedups/channel.h", "/* -- the ring */\n", "this is no C\n")
    with pytest.raises(ValueError, match="cannot be compiled"):
        shop.judge(Mutant("c_m", "what", "go", (edit,)), ["go"])


def test_what_never_ends_is_stopped(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOCHAN_MUTANTS_HANG_S", "1")
    edit = Edit(
        "aiochan/core/hchan.py",
        "    def _take(self) -> Any:\n",
        "    def _take(self) -> Any:\n        while True:\n            pass\n\n    def _take_as_before(self) -> Any:\n",
    )
    (verdict,) = shop.judge(Mutant("m", "what", "model", (edit,)), ["model"])
    assert verdict.hung


def test_the_table_tells_who_lives() -> None:
    mutant = Mutant("m", "a fault", "go", (Edit("f", "b\n", "a\n"),))
    passed, failed = Report("go", "tests", 7, complete=True), Report("go", "tests", 1, "test_x", True, "no")
    alive, dead = Row(mutant, [Verdict(passed, 1.0)]), Row(mutant, [Verdict(failed, 1.0)])
    assert not alive.killed
    assert "**nothing**" in markdown([alive], "python")
    assert dead.killed
    assert "| `m` | a fault | go | 1 test |" in markdown([dead], "python")


# -- all of them


@pytest.mark.stress
@pytest.mark.parametrize("core", ["python", pytest.param("c", marks=compiler_needed)])
@pytest.mark.parametrize("job", JOBS)
def test_the_package_as_it_is_passes(job: str, core: str, shop: Workshop) -> None:
    (verdict,) = shop.judge(None, [job], core=core)
    assert not verdict.killed, f"{verdict}\n{shop.log()}"


@pytest.mark.stress
@every_mutant
def test_every_mutant_is_killed(mutant: Mutant, shop: Workshop) -> None:
    if mutant.core == "c" and (why := missing()):
        pytest.skip(f"no mutants in C: {why}")
    verdicts = shop.judge(mutant, [mutant.expect, *(job for job in JOBS if job != mutant.expect)])
    assert verdicts[-1].killed, f"{mutant.name} lives: {verdicts}"
