"""Every workload of every family gives its right result, at a tiny size; and its page says what it was. No timing."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from dataclasses import replace

import pytest

from bench import __main__ as command
from bench import places, run
from bench.families import FAMILIES, UNIT
from bench.harness import CHILD, Ready, sample
from bench.peers.base import Peer
from bench.report import markdown
from bench.results import Results
from bench.targets import verdicts
from bench.workloads import HELD

COUNT, WIDTH = 3, 5


def tiny(family):
    """Its workloads, at a width that takes no time, each method once."""
    made = (replace(one, width=min(one.width, WIDTH)) for one in family.workloads)
    return {(one.method, one.width): one for one in made}.values()


ALL = [(family, workload) for family in FAMILIES for workload in family.workloads]
TINY = [(subject, workload) for family in FAMILIES for workload in tiny(family) for subject in family.subjects]
OURS = FAMILIES[0].subjects[0]


def peer_of(subject):
    if importlib.util.find_spec(subject.needs or subject.module) is None:
        pytest.skip(f"{subject.needs or subject.module} is not installed")
    return importlib.import_module(f"bench.peers.{subject.file}").Peer()


def do(peer, workload, loop="asyncio"):
    async def main():
        return await getattr(peer, workload.method)(*([COUNT, workload.width] if workload.width else [COUNT]))

    return peer.run(loop, main)


def name_of(thing):
    return getattr(thing, "name", None)


@pytest.mark.parametrize("loop", places.LOOPS)
@pytest.mark.parametrize(("subject", "workload"), TINY, ids=name_of)
def test_result(subject, workload, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    peer = peer_of(subject)
    if not peer.can(workload.method):
        pytest.skip("there is nothing like it")
    assert do(peer, workload, loop) == workload.expect(COUNT, workload.width)


@pytest.mark.parametrize(("family", "workload"), ALL, ids=name_of)
def test_ours_can_do_everything_and_asyncio_what_it_is_held_against(family, workload):
    assert peer_of(family.subjects[0]).can(workload.method)
    assert peer_of(family.unit).can(workload.method) or workload.kind != HELD


def test_every_name_is_one_row():
    names = [workload.name for _, workload in ALL]
    assert len(set(names)) == len(names)
    assert set(run.choices()) >= set(names) | {family.name for family in FAMILIES}


def test_a_sample_in_a_process_of_its_own():
    workload = next(one for one in tiny(FAMILIES[0]) if one.method == "group")
    assert sample(Ready(OURS, (sys.executable, str(CHILD))), "asyncio", workload, seconds=0.001) > 0


@pytest.fixture
def results():
    return Results(
        groups={
            "group_1000": {
                "aiochan": [9.0, 12.0],
                "aiochan_c": [6.0, 12.0],
                "asyncio": [10.0, 10.0],
                "anyio": [50.0, 20.0],
            },
            "ctx_cancel": {"aiochan": [700.0, 900.0], "anyio": [1000.0, 1200.0]},
            "after_dropped": {"aiochan": [30.0, 30.0], "asyncio": [10.0, 10.0]},
        },
        sync={"lock_2": {"aiochan": [20.0, 20.0], "asyncio": [10.0, 10.0], "aiologic": [40.0, 40.0]}},
    )


def test_the_page(results):
    page = markdown(results).splitlines()
    for line in [
        "| groups and contexts | per | asyncio, CPU ns | aiochan, Python core | aiochan, C core | anyio |",
        (
            "| group of 1,000 tasks | task | 10 | **1.05** (0.90 to 1.20) | **0.90** (0.60 to 1.20)"
            " | **3.50** (2.00 to 5.00) |"
        ),
        "| context, cancelled | context | - | 800 ns | - | 1,100 ns |",
        "| timer, made and dropped | timer | 10 | **3.00** (3.00 to 3.00) | - | - |",
        "| locks and the like | per | asyncio, CPU ns | aiochan, Python core | aiologic |",
        "| mutex, 2 contenders | turn | 10 | **2.00** (2.00 to 2.00) | **4.00** (4.00 to 4.00) |",
    ]:
        assert line in page


def test_targets(results):
    assert {verdict.target: verdict.reached for verdict in verdicts(results)} == {
        "Python core, group of 1,000 tasks: beside asyncio": False,
        "C core, group of 1,000 tasks: beside asyncio": True,
        "Python core, mutex, 2 contenders: beside asyncio": False,
    }


class Measured:
    """Take no time: each sample is what was asked for."""

    def __init__(self, monkeypatch):
        self.asked = []
        monkeypatch.setattr(run, "sample", self.sample)

    def sample(self, ready, loop, workload, seconds):
        self.asked.append((workload.name, ready.subject.name))
        return 1.0


@pytest.mark.parametrize(
    ("only", "names", "title"),
    [
        *((one.name, {workload.name for workload in one.workloads}, one.title) for one in FAMILIES),
        ("ctx_cancel,flight_one", {"ctx_cancel", "flight_one"}, "groups and contexts"),
        ("lock_cancel", {"lock_cancel"}, "locks and the like"),
    ],
)
def test_they_can_be_chosen(only, names, title, monkeypatch, capsys):
    measured = Measured(monkeypatch)
    monkeypatch.setattr(places, "has", lambda python, module: True)
    monkeypatch.setattr("sys.argv", ["bench", "--only", only, "--peers", "aiochan", "--rounds", "1"])
    assert command.main() == 0
    assert {name for name, _ in measured.asked} == names
    assert {subject for _, subject in measured.asked} == {"aiochan", UNIT}
    assert f"| {title} |" in capsys.readouterr().out


def test_a_quick_run_leaves_the_largest_group_out(monkeypatch):
    measured = Measured(monkeypatch)
    (groups,) = (family for family in FAMILIES if family.name == "groups")
    here = run.Here([], [], {"groups": [Ready(OURS, ())]})
    run.measure(Results(), here, {"groups"}, "asyncio", run.QUICK)
    left_out = {one.name for one in groups.workloads} - {name for name, _ in measured.asked}
    assert left_out == {"group_100000"}


def test_figures_survive_json(results):
    assert Results(**json.loads(json.dumps(results.as_json()))) == results


def test_a_peer_without_a_method_cannot():
    assert not Peer().can("group")
