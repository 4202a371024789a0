"""What has no type of its own here has an answer in "Coming from Go": a program that is run, with what it prints.

That it is run, and prints that, is test_docs.py's business.
"""

import re

import pytest

from tests.docs.pages import ROOT, Page

PAGE = ROOT / "docs" / "coming_from_go.md"
ANSWERS = {
    "AT01": "Atomic integers and pointers",
    "AT03": "Typed atomics: Bool, Duration, Float64, Error, String",
    "AT04": "Queues without locks, and queues behind one",
    "LK08": "Queues without locks, and queues behind one",
    "MP02": "Maps in shards",
    "MP04": "Maps in order, and with an expiry",
}


@pytest.mark.parametrize("asked", ANSWERS)
def test_each_has_an_answer_that_runs(asked):
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    (start,) = (n for n, line in enumerate(lines, 1) if line == f"#### {ANSWERS[asked]}")
    end = next(n for n, line in enumerate(lines[start:], start + 1) if re.match("#+ [A-Z]", line))
    programs = [b for b in Page(PAGE).blocks() if start < b.line < end and b.language == "python"]
    assert any("# prints: " in program.text for program in programs)
