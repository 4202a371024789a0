"""mypy and pyright find every mistake in mistakes.py.txt, and nothing else there."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MARK = re.compile(r"# E(?:: (\w+))?$")


def expected(text: str, checker: str) -> set[int]:
    """Number the lines that this checker has to complain about."""
    marks = ((number, MARK.search(line)) for number, line in enumerate(text.splitlines(), 1))
    return {number for number, mark in marks if mark and mark[1] in (None, checker)}


def run(*command: str) -> str:
    """Run a checker; its exit code says only that it found mistakes, which it should."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def mypy(path: Path) -> dict[int, str]:
    """Give mypy's complaints, by line."""
    cache = ROOT / ".mypy_cache" / "mistakes"  # files, so that two runs at a time do not lock each other out
    output = run("mypy", "--no-error-summary", "--no-sqlite-cache", f"--cache-dir={cache}", str(path))
    found = re.findall(rf"^[^\n]*{re.escape(path.name)}:(\d+): error: (.*)$", output, re.MULTILINE)
    return {int(line): message for line, message in found}


def pyright(path: Path) -> dict[int, str]:
    """Give pyright's complaints, by line."""
    config = path.with_name("pyrightconfig.json")
    settings = {
        "include": [path.name],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": [str(ROOT)],
    }
    config.write_text(json.dumps(settings))
    output = run("pyright", "--project", str(config), "--pythonpath", sys.executable, "--outputjson")
    found = [complaint for complaint in json.loads(output)["generalDiagnostics"] if complaint["severity"] == "error"]
    return {complaint["range"]["start"]["line"] + 1: complaint["message"] for complaint in found}


CHECKERS: list[Callable[[Path], dict[int, str]]] = [mypy, pyright]


@pytest.mark.parametrize("checker", CHECKERS, ids=["mypy", "pyright"])
def test_every_mistake_is_found(tmp_path: Path, checker: Callable[[Path], dict[int, str]]) -> None:
    if importlib.util.find_spec(checker.__name__) is None:
        pytest.skip(f"{checker.__name__} is not installed; `make check` has it")
    text = (HERE / "mistakes.py.txt").read_text("utf-8")
    path = tmp_path / "mistakes.py"
    path.write_text(text, "utf-8")
    complaints = checker(path)
    missed = expected(text, checker.__name__) - set(complaints)
    extra = {line: complaints[line] for line in set(complaints) - expected(text, checker.__name__)}
    lines = text.splitlines()
    assert not missed, "not found:\n" + "\n".join(f"{line}: {lines[line - 1]}" for line in sorted(missed))
    assert not extra, "not expected:\n" + "\n".join(f"{line}: {extra[line]}" for line in sorted(extra))


def test_marks_are_read() -> None:
    text = "a  # E\nb\nc  # E: pyright\nd  # E: mypy\n# E is not at the end\n"
    assert expected(text, "mypy") == {1, 4}
    assert expected(text, "pyright") == {1, 3}
