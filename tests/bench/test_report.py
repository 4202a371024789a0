"""The same figures always give the same page: from canned ones, what must stand in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import plot
from bench.lateness import summary
from bench.report import figure, markdown, table
from bench.results import Results
from bench.sample import next_count
from bench.targets import best_peer, slope, verdicts


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
        floors={
            "never_waits": {
                "aiochan": [300, 300],
                "aiochan_c": [140, 150],
                "finished": [100, 100],
                "empty": [200, 100],
            },
            "ping_pong": {"aiochan": [4000, 4000], "aiochan_c": [900, 760], "switch": [500, 500]},
        },
        crowd={
            "aiochan": {
                "100000": {"park": [9000.0], "release": [1500.0], "bytes": [1360.0]},
                "1000000": {"park": [9500.0], "release": [3100.0], "bytes": [0.0]},
            }
        },
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
    found = {v.target: v.reached for v in verdicts(results) if v.target.startswith("Python core")}
    assert found == {
        "Python core, one producer, one consumer, capacity 100: beside the best Python peer": True,
        "Python core, select of 10, one ready: beside a race of tasks": False,
        "Python core, timers beside a pair, capacity 1: p99": False,
        "Python core, import over asyncio": True,
        "Python core, release one of a million parked tasks: beside one of 100,000": False,
    }


def test_targets_of_the_c_core(results):
    results.growth |= {
        "growth_look": {"aiochan_c": {"10": [200.0, 200.0, 200.0], "1000": [20_000.0, 22_970.0, 20_100.0]}},
        "growth_stand": {"aiochan_c": {"10": [1000.0], "1000": [50_500.0]}},
        "growth_wait": {"aiochan_c": {"10": [1000.0], "1000": [100_000.0]}},
        "growth_cancel": {"aiochan_c": {"10": [5.0], "10000": [9.0]}},
    }
    found = {verdict.target: verdict for verdict in verdicts(results) if verdict.target.startswith("C core")}
    assert {target: (verdict.found, verdict.wanted, verdict.reached) for target, verdict in found.items()} == {
        "C core, send + recv that never wait: beside two awaits of a finished C object": (1.45, 1.6, True),
        "C core, send + recv that never wait: beside two awaits of an empty `async def`": (1.1, 1.0, False),
        "C core, ping-pong over two rendezvous channels: beside two switches of tasks through a bare run queue": (
            pytest.approx(1.66),
            1.5,
            False,
        ),
        "C core, select: each further channel that is looked at": (pytest.approx(20.1, abs=0.01), 20.0, False),
        "C core, select: each further channel to park on": (50.0, 40.0, False),
        "C core, cancel one of 10,000 waiters: beside one of 10": (1.8, 2.0, True),
    }
    assert found["C core, select: each further channel to park on"].remark == "100 ns with the making of its case"


def test_a_slope_needs_both_ends():
    assert slope({"10": [1.0]}, "10", "1000") is None
    assert slope({"10": [10.0, 10.0, 10.0], "20": [20.0, 110.0, 30.0]}, "10", "20") == 2.0


def test_the_page(results):
    page = markdown(results).splitlines()
    assert page[0] == "# CPython 3.11.7, asyncio"
    for line in [
        "| workload | asyncio.Queue | anyio streams | zh217's aiochan 0.2.7 |",
        "| one producer, one consumer, capacity 100 | **1.50** (0.75 to 1.70) | **10.0** (5.00 to 10.0) | - |",
        "| one producer, one consumer, capacity 100 | value | 100 | 150 | 1,000 | - |",
        "| aiochan, Python core | 936 | 1,300 | 500 |",
        "| trio channels | 1,795 | - | - |",
        (
            "| send + recv that never wait | two awaits of a finished C object | 100"
            " | **3.00** (3.00 to 3.00) | **1.45** (1.40 to 1.50) |"
        ),
        "| aiochan, Python core | 100,000 | 9,000 | 1,500 | 1,360 | 136 |",
        "| aiochan, Python core | 1,000,000 | 9,500 | 3,100 | - | - |",
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


def test_every_interpreter_and_every_loop_has_its_own_files(tmp_path, monkeypatch):
    monkeypatch.setattr(command.places, "interpreter", Path)
    monkeypatch.setattr(plot, "draw", lambda results, stem: [])
    monkeypatch.setattr(
        command, "_measure", lambda options, python, loop: Results(about={"python": f"CPython {python}", "loop": loop})
    )
    several = ["--python", "3.12.1", "--python", "3.13.0", "--loop", "uvloop,asyncio"]
    monkeypatch.setattr("sys.argv", ["bench", *several, "--out", str(tmp_path)])
    assert command.main() == 0
    wanted = {f"{version}-{loop}" for version in ("3.12", "3.13") for loop in ("asyncio", "uvloop")}
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{stem}.{kind}" for stem in wanted for kind in ("md", "json")
    }


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
