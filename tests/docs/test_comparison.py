"""The programs behind docs/comparison.md run, find what they claim to find, and agree with the page."""

import asyncio
import json
import subprocess
import sys
from functools import cache

import pytest

from bench.conformance.chi_squared import p_value
from bench.conformance.findings import Finding, judge, worst_of
from bench.conformance.libraries import LIBRARIES
from bench.conformance.libraries.ours import Ours
from bench.conformance.library import Missing
from bench.conformance.questions import QUESTIONS, at_random, leaking, selecting, starving
from bench.conformance.table import cell
from tests.docs.pages import ROOT, Page

# What cannot be undone (see "Where this aiochan is worse"): a value that a receiver has already.
TAKEN_ALREADY = {
    "send-taken-native",
    "send-taken-scope",
    "send-rendezvous-native",
    "send-rendezvous-scope",
    "select-send-rendezvous-native",
    "select-send-rendezvous-scope",
    "random-send-native",
    "random-send-scope",
}
OF_PYTHON = {"recv-wait-for-cancel"}  # `wait_for` of 3.11 swallows cancellations


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Make the long questions short."""
    monkeypatch.setattr(at_random, "SEEDS", 20)
    monkeypatch.setattr(leaking, "WAITS", 300)
    monkeypatch.setattr(leaking, "A_FEW", 100)
    monkeypatch.setattr(starving, "OPERATIONS", 20_000)
    monkeypatch.setattr(selecting, "DRAWS", 2_000)


@cache
def answer_of_ours(key):
    return QUESTIONS[key].put_to(Ours())


@pytest.mark.parametrize("key", QUESTIONS)
def test_ours_is_safe_wherever_it_can_be(key):
    finding = answer_of_ours(key)
    if key in TAKEN_ALREADY:
        assert finding.verdict in ("safe", "doubles"), finding
    elif key in OF_PYTHON and sys.version_info < (3, 12):
        assert finding.short == "cancel lost", finding
    else:
        assert finding.verdict == "safe", finding


async def holds_it_across_an_await(self, channel):
    value = await channel.recv()
    await asyncio.sleep(0)
    return value


async def cannot_be_called_back(self, channel, value):
    await asyncio.shield(channel.send(value))


async def takes_the_first(self, channels):
    return [await self.ac.select(*map(self.ac.recv, channels), biased=True)]


def swallows_what_is_full(self, channel, value):
    if len(channel) < channel.capacity or channel.stats().parked_receivers:
        channel.send_nowait(value)


FAULTS = [
    ("recv", holds_it_across_an_await, "recv-cancel", "loses"),
    ("recv", holds_it_across_an_await, "recv-scope", "loses"),
    ("recv", holds_it_across_an_await, "random-recv-native", "loses"),
    ("send", cannot_be_called_back, "send-native", "yet delivered"),
    ("select", takes_the_first, "select-fair", "biased"),
    ("send_nowait", swallows_what_is_full, "barging-send", "reorders"),
]


@pytest.mark.parametrize(("method", "fault", "key", "word"), FAULTS)
def test_a_planted_fault_is_found(monkeypatch, method, fault, key, word):
    monkeypatch.setattr(Ours, method, fault)
    assert QUESTIONS[key].put_to(Ours()).short == word


def test_the_command_asks_those_who_are_there(tmp_path):
    file = tmp_path / "answers.json"
    command = [sys.executable, "-m", "bench.conformance", "--only", "aiochan", "zh217", "--ask", "none", "recv-cancel"]
    done = subprocess.run([*command, "--json", str(file)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = {library["library"]: library["answers"] for library in json.loads(file.read_text())}
    assert "skipped: zh217" in done.stdout or "zh217" in answers
    assert {key: answer["verdict"] for key, answer in answers["aiochan"].items()} == {
        "recv-cancel": "safe",
        "none": "safe",
    }
    assert "| `task.cancel()` | safe |" in done.stdout


@pytest.mark.parametrize("name", ["asyncio", "anyio"])
def test_others_can_be_asked(name):
    library = LIBRARIES[name]()
    assert library.version
    for key in ("recv-cancel", "send-native", "next-native"):
        assert QUESTIONS[key].put_to(library).verdict in ("safe", "loses", "doubles")
    assert QUESTIONS["recv-scope"].put_to(library).verdict == "safe"


def test_what_is_not_installed_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "trio", None)
    with pytest.raises(Missing, match="trio is not installed"):
        LIBRARIES["trio"]()


def test_the_worst_trial_counts():
    safe, lost = judge([1], [1], [], ""), judge([1], [], [], "story")
    assert worst_of([safe, lost, safe]) == Finding("loses", "story: sent 1; received nothing; 1 lost", "", 1, 3)
    assert judge([1, 2], [2, 1], [], "").verdict == "reorders"
    assert judge([1], [1, 1], [], "").verdict == "doubles"
    assert judge([1], [1, 2], [2], "").short == "yet delivered"


def test_chi_squared_agrees_with_the_tables():
    assert p_value([50, 50]) == 1.0
    assert p_value([60, 40]) == pytest.approx(0.0455, abs=1e-3)  # chi squared 4.0, one degree of freedom
    assert p_value([120, 90, 90]) == pytest.approx(0.0498, abs=1e-3)  # 6.0, two degrees


def test_the_page_has_a_row_for_every_question_and_tells_the_truth_about_ours():
    page = Page(ROOT / "docs" / "comparison.md")
    table = next(table for table in page.tables() if any("Python" in name for name in table[0][1]))
    rows = [cells for _, cells in table[1:] if not cells[0].startswith("**")]
    assert [cells[0] for cells in rows] == [question.title for question in QUESTIONS.values()]
    column = next(index for index, name in enumerate(table[0][1]) if "(this)" in name)
    for cells, key in zip(rows, QUESTIONS, strict=True):
        if key not in OF_PYTHON | TAKEN_ALREADY:
            assert cells[column] == cell(answer_of_ours(key).as_data()), cells[0]
