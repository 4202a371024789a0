"""Which runs the matrix makes, and when a missing core is a failure."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import test_matrix as matrix
from tools.interpreters import Interpreter
from tools.test_matrix import Outcome, Verdict

HERE = Path(sys.executable)
INTERPRETER = Interpreter("3.99.1", HERE, Path("nowhere"))


class Bench:
    """A matrix whose processes are not started."""

    def __init__(self, root: Path) -> None:
        self.core = root / "aiochan" / "core" / "__init__.py"
        self.core.parent.mkdir(parents=True)
        (root / "aiochan" / "__init__.py").touch()
        self.says("python")
        self.started: list[str | None] = []  # AIOCHAN_PURE of each run of pytest
        self.exit_code = 0

    def says(self, implementation: str) -> None:
        self.core.write_text(f"IMPLEMENTATION = {implementation!r}")

    def watch(self, _command: object, env: dict[str, str]) -> tuple[int, str]:
        """Stand for pytest."""
        self.started.append(env.get("AIOCHAN_PURE"))
        return self.exit_code, "3 passed"

    def test(self, *arguments: str) -> list[Outcome]:
        return list(matrix.test(INTERPRETER, "all loops", matrix.QUICK, list(arguments)))


@pytest.fixture
def bench(tmp_path, monkeypatch):
    bench = Bench(tmp_path)
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "ensure", lambda *_: HERE)
    monkeypatch.setattr(matrix, "_watch", bench.watch)
    monkeypatch.setattr(matrix, "compiler_works", lambda _: False)
    return bench


def verdicts(outcomes):
    return [outcome.verdict for outcome in outcomes]


@pytest.mark.parametrize("inherited", [None, "1"])
def test_both_cores_are_run_whatever_was_chosen_outside(bench, monkeypatch, inherited):
    if inherited:
        monkeypatch.setenv("AIOCHAN_PURE", inherited)
    bench.says("c")
    outcomes = bench.test()
    assert bench.started == [None, "1"]
    assert verdicts(outcomes) == [Verdict.OK, Verdict.OK]
    assert "compiled core" in outcomes[0].label
    assert "Python core" in outcomes[1].label


def test_without_a_compiler_the_compiled_core_is_absent_and_that_is_no_failure(bench):
    outcomes = bench.test()
    assert bench.started == ["1"]
    assert verdicts(outcomes) == [Verdict.ABSENT, Verdict.OK]
    assert "the compiled core could not be built" in outcomes[0].text
    assert not matrix.failed(outcomes)


def test_a_core_that_is_missing_although_a_compiler_works_is_a_failure(bench, monkeypatch):
    monkeypatch.setattr(matrix, "compiler_works", lambda _: True)
    outcomes = bench.test()
    assert bench.started == ["1"]
    assert verdicts(outcomes) == [Verdict.FAILED, Verdict.OK]
    assert matrix.failed(outcomes)


def test_a_core_that_cannot_be_imported_is_a_failure(bench):
    bench.core.write_text("raise ImportError('undefined symbol: chan_take')")
    outcomes = bench.test()
    assert verdicts(outcomes) == [Verdict.FAILED, Verdict.OK]
    assert "undefined symbol: chan_take" in outcomes[0].text


def test_an_environment_that_cannot_be_made_is_a_failure_and_nothing_is_run(bench, monkeypatch):
    def fail(*_: object) -> Path:
        raise subprocess.CalledProcessError(1, ["pip"])

    monkeypatch.setattr(matrix, "ensure", fail)
    assert verdicts(bench.test()) == [Verdict.FAILED]
    assert not bench.started


def test_failing_tests_are_a_failure_on_either_core(bench):
    bench.says("c")
    bench.exit_code = 1
    assert verdicts(bench.test()) == [Verdict.FAILED, Verdict.FAILED]


def test_no_test_at_all_is_a_failure_unless_somebody_chose_them(bench):
    bench.exit_code = matrix.NO_TESTS
    assert matrix.failed(bench.test())
    assert not matrix.failed(bench.test("-k", "nothing"))


def test_the_summary_names_every_run_and_what_is_missing(capsys):
    matrix.report([Outcome("one", Verdict.ABSENT, "no compiler"), Outcome("two", Verdict.FAILED, "1 failed")], ["3.98"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[2:5]] == [["absent", "one"], ["FAILED", "two"], ["absent", "Python"]]
    assert lines[-1] == "NOT all passed"
