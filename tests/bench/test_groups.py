"""Every workload of groups, contexts and timers gives its right result, at a tiny size; and its page says what it was.

No timing. What is compared must also do what its name says: limits are kept, and each key is loaded once.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import sys
from dataclasses import replace

import pytest

from bench import __main__ as command
from bench import places, run
from bench.groups import GROUP_SUBJECTS, GROUP_WORKLOADS, HELD, UNIT
from bench.harness import CHILD, Ready, sample
from bench.peers import groups
from bench.peers.base import Peer
from bench.report import markdown
from bench.results import Results
from bench.targets import verdicts

COUNT, WIDTH = 3, 5
TINY = list(
    {(one.method, one.width): one for one in (replace(w, width=min(w.width, WIDTH)) for w in GROUP_WORKLOADS)}.values()
)
OURS = GROUP_SUBJECTS[0]


def peer_of(subject):
    if importlib.util.find_spec(subject.needs or subject.module) is None:
        pytest.skip(f"{subject.needs or subject.module} is not installed")
    return importlib.import_module(f"bench.peers.{subject.file}").Peer()


def do(peer, workload, loop="asyncio"):
    async def main():
        return await getattr(peer, workload.method)(*([COUNT, workload.width] if workload.width else [COUNT]))

    return peer.run(loop, main)


@pytest.mark.parametrize("loop", places.LOOPS)
@pytest.mark.parametrize("subject", GROUP_SUBJECTS, ids=lambda subject: subject.name)
@pytest.mark.parametrize("workload", TINY, ids=lambda workload: f"{workload.name}")
def test_result(subject, workload, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    peer = peer_of(subject)
    if not peer.can(workload.method):
        pytest.skip("there is nothing like it")
    assert do(peer, workload, loop) == workload.expect(COUNT, workload.width)


@pytest.mark.parametrize("workload", GROUP_WORKLOADS, ids=lambda workload: workload.name)
def test_ours_can_do_everything_and_asyncio_what_it_is_held_against(workload):
    assert peer_of(OURS).can(workload.method)
    assert peer_of(UNIT).can(workload.method) or workload.kind != HELD


@pytest.mark.parametrize("name", ["limit_go", "limit_submit"])
@pytest.mark.parametrize("subject", GROUP_SUBJECTS, ids=lambda subject: subject.name)
def test_the_limit_is_reached_and_kept(subject, name, monkeypatch):
    peer = peer_of(subject)
    monkeypatch.setattr(sys.modules[type(peer).__module__], "LIMIT", 2)
    (workload,) = (replace(one, width=WIDTH) for one in GROUP_WORKLOADS if one.name == name)
    assert do(peer, workload) == COUNT * WIDTH


def test_a_limit_that_is_not_kept_is_a_wrong_result():
    async def main():
        tally = groups.Tally()
        await asyncio.gather(*(tally.take_place() for _ in range(WIDTH)))
        return tally.within(2, WIDTH)

    assert asyncio.run(main()) == -WIDTH


def test_a_key_that_is_loaded_twice_is_a_wrong_result():
    async def main():
        loads = groups.Loads()
        return await loads.rounds(loads.load, COUNT, WIDTH, 1)

    assert asyncio.run(main()) == -COUNT * WIDTH


def test_every_width_and_name_is_one_row():
    assert len({workload.name for workload in GROUP_WORKLOADS}) == len(GROUP_WORKLOADS)
    assert set(run.choices()) >= run.GROUPS


def test_a_sample_in_a_process_of_its_own():
    workload = next(one for one in TINY if one.method == "group")
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
        }
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
    ]:
        assert line in page


def test_targets(results):
    assert {verdict.target: verdict.reached for verdict in verdicts(results)} == {
        "Python core, group of 1,000 tasks: beside asyncio": False,
        "C core, group of 1,000 tasks: beside asyncio": True,
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
    ("only", "names"),
    [
        ("groups", {workload.name for workload in GROUP_WORKLOADS}),
        ("ctx_cancel,flight_one", {"ctx_cancel", "flight_one"}),
    ],
)
def test_they_can_be_chosen(only, names, monkeypatch, capsys):
    measured = Measured(monkeypatch)
    monkeypatch.setattr(places, "has", lambda python, module: True)
    monkeypatch.setattr("sys.argv", ["bench", "--only", only, "--peers", "aiochan", "--rounds", "1"])
    assert command.main() == 0
    assert {name for name, _ in measured.asked} == names
    assert {subject for _, subject in measured.asked} == {"aiochan", "asyncio"}
    assert "groups and contexts" in capsys.readouterr().out


def test_a_quick_run_leaves_the_largest_group_out(monkeypatch):
    measured = Measured(monkeypatch)
    here = run.Here([], [], [Ready(OURS, ())])
    run.measure(Results(), here, {"groups"}, "asyncio", run.QUICK)
    left_out = {one.name for one in GROUP_WORKLOADS} - {name for name, _ in measured.asked}
    assert left_out == {"group_100000"}


def test_figures_of_groups_survive_json(results):
    assert Results(**json.loads(json.dumps(results.as_json()))) == results


def test_a_peer_without_a_method_cannot():
    assert not Peer().can("group")
