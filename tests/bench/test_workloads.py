"""Every workload of every subject that is installed gives its right result, at a tiny size. No timing."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import crowd, imports, lateness, memory, places
from bench.harness import CHILD, ROOT, Failed, Ready, ask, environment, rounds, sample
from bench.peers.base import Peer
from bench.subjects import SUBJECTS, Subject
from bench.workloads import GROWTH, WORKLOADS, Workload
from tools.environments import python_in

COUNT, WIDTH = 7, 5
TINY = [replace(one, width=min(one.width, WIDTH)) for one in [*WORKLOADS, *(growth.at(WIDTH) for growth in GROWTH)]]
TINY = list({(one.method, one.width): one for one in TINY}.values())  # what grows is a workload too, some of it
HERE = [subject for subject in SUBJECTS if not subject.go and not subject.requires]
OURS = Ready(SUBJECTS[0], (sys.executable, str(CHILD)))


def peer_of(subject):
    if importlib.util.find_spec(subject.needs or subject.module) is None:
        pytest.skip(f"{subject.needs or subject.module} is not installed")
    return importlib.import_module(f"bench.peers.{subject.file}").Peer()


def wrong(ready, workload):
    """Do it in a process of its own; what was returned instead of what was expected, if anything."""
    job = {"do": "sample", "loop": "asyncio", "method": workload.method, "width": workload.width}
    answer = ask(ready, {**job, "warm_up": 1, "fixed": COUNT, "seconds": 0})
    if not answer:
        return None
    expected = workload.expect(COUNT, workload.width)
    return None if answer["result"] == expected else (workload.name, answer["result"], expected)


@pytest.mark.parametrize("subject", HERE, ids=lambda subject: subject.name)
@pytest.mark.parametrize("workload", TINY, ids=lambda workload: workload.name)
def test_result(subject, workload):
    peer = peer_of(subject)
    if not peer.can(workload.method):
        pytest.skip("this peer cannot do it")
    arguments = [COUNT, workload.width] if workload.width else [COUNT]

    async def main():
        return await getattr(peer, workload.method)(*arguments)

    assert peer.run("asyncio", main) == workload.expect(COUNT, workload.width)
    gc.collect()


@pytest.mark.parametrize("workload", TINY, ids=lambda workload: workload.name)
def test_ours_can_do_everything(workload):
    assert peer_of(SUBJECTS[0]).can(workload.method)


def test_the_namesake_in_its_own_environment():
    (subject,) = [subject for subject in SUBJECTS if subject.requires]
    python = python_in(ROOT / f".venv-bench-{subject.name}-{sys.version_info[0]}.{sys.version_info[1]}")
    if not python.exists():
        pytest.skip("no benchmark has made its environment")
    ready = Ready(subject, (str(python), str(CHILD)))
    assert [wrong(ready, workload) for workload in TINY] == [None] * len(TINY)


def test_go():
    if shutil.which("go") is None:
        pytest.skip("Go is not installed")
    (subject,) = [subject for subject in SUBJECTS if subject.go]
    (ready,), missing = places.prepare([subject], Path(sys.executable), "asyncio")
    assert not missing
    assert [wrong(ready, workload) for workload in TINY] == [None] * len(TINY)


@pytest.mark.parametrize("subject", HERE, ids=lambda subject: subject.name)
def test_bytes(subject):
    peer = peer_of(subject)
    found = memory.take(peer, {"loop": "asyncio", "number": 50})
    assert found["channel"] > 0
    assert peer.own_loop or min(found["parked"], found["bare"]) > 0  # ours in C needs less than the barest in Python


def test_a_crowd_is_parked_and_released():
    found = crowd.sample(OURS, "asyncio", 300)
    assert set(found) == set(crowd.MEASURES)
    assert found["park"] > 0 and found["release"] > 0


def test_who_is_left_asleep_is_no_figure(monkeypatch):
    monkeypatch.setattr(crowd, "ask", lambda ready, job: {"park": 1, "release": 1, "bytes": 1, "ended": 299})
    with pytest.raises(Failed, match="aiochan: 299 of 300 parked tasks were released"):
        crowd.sample(OURS, "asyncio", 300)


def test_who_cannot_give_has_no_crowd():
    assert crowd.take(Peer(), {"loop": "asyncio", "number": 300}) == {}


@pytest.mark.parametrize("subject", HERE, ids=lambda subject: subject.name)
@pytest.mark.parametrize("capacity", [1, 3])
def test_ticks_beside_a_pair(subject, capacity):
    found = lateness.take(peer_of(subject), {"loop": "asyncio", "capacity": capacity, "seconds": 0})
    assert len(found.get("late_ms", [0.0])) == 1


def test_a_sample_in_a_process_of_its_own():
    workload = Workload("never_waits", "never_waits", "send and receive", "pair")
    assert sample(OURS, "asyncio", workload, seconds=0.001) > 0


def test_a_wrong_result_is_no_figure():
    workload = Workload("never_waits", "never_waits", "send and receive", "pair", expect=lambda count, width: -1)
    with pytest.raises(Failed, match=r"aiochan, never_waits: .* instead of -1"):
        sample(OURS, "asyncio", workload, seconds=0)


def test_what_a_peer_cannot_do_is_no_figure():
    assert sample(OURS, "asyncio", Workload("x", "no_such_method", "x", "x"), seconds=0) is None


def test_a_process_that_fails_says_why():
    with pytest.raises(Failed, match="aiochan_x: the core is python, not x"):
        ask(Ready(Subject("aiochan_x", "X", peer="aiochan", core="x"), OURS.command), {"do": "sample"})


def test_subjects_take_turns_and_who_fails_is_asked_no_more():
    asked, told = [], []

    def one(ready):
        asked.append(ready.subject.name)
        if ready.subject.name == "anyio":
            raise Failed("out of order")
        return None if ready.subject.name == "trio" else len(asked)

    chosen = [
        Ready(subject, ()) for subject in SUBJECTS if subject.name in ("aiochan", "asyncio_queue", "anyio", "trio")
    ]
    assert rounds(chosen, 2, one, told.append) == {"aiochan": [1, 5], "asyncio_queue": [2, 6]}
    assert asked == ["aiochan", "asyncio_queue", "anyio", "trio", "aiochan", "asyncio_queue"]
    assert told == ["out of order"]


def test_the_time_of_an_import():
    if not places.has(Path(sys.executable), "aiochan"):
        pytest.skip("the project itself is not installed here")
    found = imports.run([OURS], 1)
    assert list(found) == ["aiochan"] and found["aiochan"] > 0


def test_bytecode_is_kept_whatever_is_set_outside(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    settings = environment(SUBJECTS[0])
    assert "PYTHONDONTWRITEBYTECODE" not in settings and settings["AIOCHAN_PURE"] == "1"
