"""The same figures always give the same page: from canned ones, what must stand in it."""

from __future__ import annotations

import json

import pytest

from bench import __main__ as command
from bench import plot
from bench.lateness import summary
from bench.report import figure, markdown, table
from bench.results import Results
from bench.sample import next_count
from bench.targets import best_peer, verdicts


@pytest.fixture
def results():
    return Results(
        about={
            "python": "CPython 3.11.7",
            "loop": "asyncio",
            "rounds": 3,
            "seconds": 0.3,
            "versions": {"anyio": "4.16"},
        },
        missing={"janus": "janus is not installed"},
        workloads={
            "stream": {"aiochan": [100, 200, 100], "asyncio_queue": [150, 150, 170], "anyio": [1000, 1000, 1000]},
            "select10_ready": {"aiochan": [10, 10, 10], "asyncio_queue": [99, 99, 99], "zh217": [5, 5, 5]},
        },
        growth={"growth_ready": {"aiochan": {"1": [5.0], "10": [7.0, 8.0, 9.0]}, "asyncio_queue": {"1": [50.0]}}},
        lateness={"aiochan": {"1": {"ticks": 10, "p50": 0.1, "p99": 0.6, "max": 1.0}}},
        memory={"aiochan": {"channel": 936, "parked": 1300, "bare": 800}, "trio": {"channel": 1795}},
        imports={"aiochan": 14.9},
    )


def test_ratios_are_formed_within_a_round(results):
    assert results.ratios("stream", "asyncio_queue", "aiochan") == [1.5, 0.75, 1.7]
    assert results.ratio("stream", "asyncio_queue", "aiochan") == 1.5
    assert results.ratio("stream", "zh217", "aiochan") is None


def test_the_best_peer_is_the_nearest(results):
    assert best_peer(results, "stream", "aiochan") == (1.5, "asyncio_queue")


def test_targets(results):
    found = {verdict.target: verdict.reached for verdict in verdicts(results)}
    assert found == {
        "Python core, one producer, one consumer, capacity 100: beside the best Python peer": True,
        "Python core, select of 10, one ready: beside a race of tasks": False,
        "Python core, timers beside a pair, capacity 1: p99": False,
        "Python core, import over asyncio": True,
    }


def test_the_page(results):
    page = markdown(results).splitlines()
    assert page[0] == "# CPython 3.11.7, asyncio"
    for line in [
        "| workload | asyncio.Queue | anyio streams | zh217's aiochan 0.2.7 |",
        "| one producer, one consumer, capacity 100 | **1.50** (0.75 to 1.70) | **10.0** (5.00 to 10.0) | - |",
        "| one producer, one consumer, capacity 100 | value | 100 | 150 | 1,000 | - |",
        "| aiochan, Python core | 936 | 1,300 | 500 |",
        "| trio channels | 1,795 | - | - |",
        "| subject | 1 | 10 |",
        "| aiochan, Python core | 5 | 8 |",
        "| asyncio.Queue | 50 | - |",
        "| aiochan, Python core | 1 | 0.10 | 0.60 | 1.00 | 10 |",
        "- janus: janus is not installed",
    ]:
        assert line in page
    assert any(
        line.startswith("| Python core, select of 10, one ready: ") and "**not reached**" in line for line in page
    )


def test_every_table_is_whole(results):
    lines = [line for line in markdown(results).split("\n\n") if line.startswith("|")]
    for block in lines:
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_nothing_measured_is_a_page_too():
    assert markdown(Results()).startswith("#")


def test_json_and_back(results):
    assert Results(**json.loads(json.dumps(results.as_json()))) == results


def test_table():
    assert table([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("value", "text"), [(0.05, "0.05"), (9.99, "9.99"), (10, "10.0"), (123.4, "123"), (1234, "1,234")]
)
def test_figure(value, text):
    assert figure(value) == text


def test_lateness_is_put_together():
    assert summary([[1.0, 3.0], [2.0]]) == {"ticks": 3, "p50": 2.0, "p99": 3.0, "max": 3.0}


@pytest.mark.parametrize(
    ("count", "seconds", "wanted", "following"), [(10, 0.01, 0.1, 121), (1, 0.0, 0.1, 100), (1, 0.5, 0.1, 1)]
)
def test_next_count(count, seconds, wanted, following):
    assert next_count(count, seconds, wanted) == following


def test_files(results, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plot, "draw", lambda results, stem: [])
    source = tmp_path / "canned.json"
    source.write_text(json.dumps(results.as_json()))
    monkeypatch.setattr("sys.argv", ["bench", "--render", str(source), "--out", str(tmp_path / "out")])
    assert command.main() == 0
    page = (tmp_path / "out" / "3.11-asyncio.md").read_text()
    assert page == markdown(results)
    assert page in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "3.11-asyncio.json").read_text()) == results.as_json()


def test_a_name_that_does_not_exist(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["bench", "--only", "nonsense"])
    with pytest.raises(SystemExit):
        command.main()
    assert "there is no nonsense" in capsys.readouterr().err


def test_pictures(results, tmp_path):
    pytest.importorskip("matplotlib")
    drawn = plot.draw(results, tmp_path / "3.11-asyncio")
    assert [path.name for path in drawn] == ["3.11-asyncio.svg", "3.11-asyncio-growth.svg"]
    assert all(path.read_text().lstrip().startswith("<?xml") for path in drawn)
    first = drawn[0].read_bytes()
    plot.draw(results, tmp_path / "3.11-asyncio")
    assert drawn[0].read_bytes() == first
